/** The command to type next, for each state that `pawl why` tells. */
import type { LeafNode, QueuedStart } from '@pawl/runtime';

import { clean } from './render/clean.ts';
import { sendCommand, shellWords, type NextCommand } from './render/next-commands.ts';
import type { WhyView } from './render/why.ts';

type Pawl = (...words: readonly string[]) => string;

/** Never empty; the first is what to do. @param isElsewhere an engine has the run: nobody claims a task there */
export function whyNext(view: WhyView, flags: readonly string[], isElsewhere = false): NextCommand[] {
  const { run, why, end } = view;
  const id = run.runId;
  const pawl: Pawl = (...words) => clean(shellWords('pawl', ...words, ...flags));
  const resume: NextCommand = {
    command: pawl('resume', id),
    why: 'go on; nothing that is done is done again',
  };
  const show: NextCommand = { command: pawl('show', id), why: 'every call, with what it got and gave' };
  const watch: NextCommand = { command: pawl('events', id, '--follow'), why: 'watch it go on' };
  const cancel: NextCommand = { command: pawl('cancel', id), why: 'give it up' };
  switch (why.state) {
    case 'succeeded':
    case 'failed':
    case 'cancelled':
      return [show];
    case 'continued':
      return [{ command: pawl('why', end?.nextRunId ?? id), why: 'the run that followed' }, show];
    case 'cancelling':
      return [
        { command: pawl('resume', id), why: 'cleans up, and ends it' },
        { command: pawl('cancel', id, '--force'), why: 'ends it without cleaning up' },
      ];
    case 'givingUp':
      return [watch, { command: pawl('cancel', id, '--force'), why: 'end it without cleaning up' }];
    case 'diverged':
      return [
        { command: pawl('resume', id), why: 'go on, with the code put back as it was' },
        { command: pawl('show', id), why: 'what was recorded' },
        { command: pawl('cancel', id), why: 'give it up, and start anew with the new code' },
      ];
    case 'abandoned':
    case 'idle':
    case 'setBack':
    case 'answered':
      return [resume, show];
    case 'resting':
      return [{ command: pawl('work'), why: 'go on with it when its time comes' }, resume];
    case 'child':
    case 'childWaits':
      return [
        { command: pawl('why', why.call?.kind === 'child' ? why.call.runId : id), why: 'ask that run' },
        cancel,
      ];
    case 'slot':
      return [{ command: pawl('pools'), why: 'who has the slots' }, watch];
    case 'outcome':
    case 'breakpoint':
    case 'message':
    case 'taskMessage':
    case 'external':
      return [
        ...answers(why.call, id, pawl, isElsewhere),
        ...(run.ownerAlive ? [cancel] : [{ command: pawl('resume', id), why: 'then go on' }]),
      ];
    case 'claimed':
    case 'task':
    case 'retry':
    case 'timer':
    case 'source':
    case 'code':
      return [watch, cancel];
    default:
      return why.state satisfies never;
  }
}

function answers(call: LeafNode | undefined, id: string, pawl: Pawl, isElsewhere: boolean): NextCommand[] {
  if (call === undefined) return [];
  switch (call.kind) {
    case 'breakpoint':
      return [
        { command: pawl('approve', id, call.key), why: 'approve it' },
        { command: pawl('reject', id, call.key), why: 'or reject it' },
      ];
    case 'wait': {
      const why = clean(call.prompt ?? 'what it waits for');
      return [{ command: sendCommand(pawl, id, call.name, call.secret), why }];
    }
    case 'task':
      break;
    default:
      return [];
  }
  if (call.offer !== null) {
    const { taskId } = call.offer;
    const complete = {
      command: `${pawl('task', 'complete', taskId)} --value <json>`,
      why: 'when it is done',
    };
    return isElsewhere ? [complete] : [{ command: pawl('task', 'claim', taskId), why: 'take it' }, complete];
  }
  if (call.hears !== undefined)
    return [{ command: sendCommand(pawl, id, call.hears, false), why: 'what its task waits for' }];
  return [
    { command: pawl('resolve', id, call.key, '--as', 'done'), why: 'if it was done' },
    { command: pawl('resolve', id, call.key, '--as', 'failed'), why: 'if it was not, and shall not be' },
    { command: pawl('resolve', id, call.key, '--as', 'retry'), why: 'if it may be done again' },
  ];
}

/** Of a run that has not begun. */
export function queuedWhyNext(
  { runId, isHeld, limit, problem }: QueuedStart,
  flags: readonly string[],
  begin?: string,
): NextCommand[] {
  const pawl: Pawl = (...words) => clean(shellWords('pawl', ...words, ...flags));
  const remove: NextCommand = { command: pawl('queue', 'remove', runId), why: 'it never begins' };
  if (isHeld && problem === null)
    return [
      { command: pawl('list', '--status', 'running'), why: `runs of ${clean(limit?.key ?? 'its key')}` },
      remove,
    ];
  return [{ command: clean(begin ?? pawl('work')), why: 'begin it when its time comes' }, remove];
}
