import { NEVER, type WorkNote } from '@pawl/runtime';

import { clean } from './clean.ts';
import { formatDuration, formatTime } from './duration.ts';
import { paintStatus, signOf, type Theme } from './theme.ts';

const ENDS = { RunSucceeded: 'succeeded', RunFailed: 'failed', RunCancelled: 'cancelled' } as const;

/** What a worker did, in one line. */
export function renderWorkNote(note: WorkNote, now: number, theme: Theme): string {
  const line = (sign: string, text: string): string => `${theme.dim(formatTime(now))} ${sign} ${text}`;
  switch (note.type) {
    case 'freed':
      return line(theme.attention('!'), `${note.count} runs of programs that died are free`);
    case 'fired':
      return note.runId === null
        ? line(theme.dim('·'), `schedule ${clean(note.schedule)}: left out, an earlier run is there`)
        : line(theme.dim('·'), `schedule ${clean(note.schedule)}: ${clean(note.runId)}`);
    case 'began':
    case 'wentOn':
      return line(theme.busy('●'), `${nameOf(note)} ${note.type === 'began' ? 'begins' : 'goes on'}`);
    case 'ended': {
      const status = ENDS[note.by];
      return line(paintStatus(theme, status, signOf(status)), `${nameOf(note)} ${status}`);
    }
    case 'rested': {
      const until =
        note.wakeAt === NEVER
          ? 'something comes from outside'
          : `${formatTime(note.wakeAt)}, in ${formatDuration(note.wakeAt - now)}`;
      return line(theme.dim('◌'), `${nameOf(note)} is put down until ${until}`);
    }
    case 'stopped':
      return line(theme.dim('◌'), `${nameOf(note)} was stopped; it goes on with the next worker`);
    case 'setBack':
      return line(theme.bad('✗'), `${nameOf(note)} is set back: ${clean(note.problem)}`);
    default:
      return note satisfies never;
  }
}

function nameOf({ runId, process }: { readonly runId: string; readonly process: string }): string {
  return `${clean(runId)} ${clean(process)}`;
}
