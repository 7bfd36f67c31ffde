/** What a run waits for from outside, and what came for it that the run has not taken yet. */
import { postedAnswers } from './engine/posted-answers.ts';
import { withAnswers } from './kernel/breakpoint.ts';
import type { Recorded } from './journal/event.ts';
import type { RunSummary } from './journal/run-summary.ts';
import type { RunId } from './journal/ids.ts';
import type { InboxMessage, JournalStore } from './ports/journal-store.ts';
import { eventsOf } from './run-events.ts';
import { openWaits, type OpenWait } from './views/open-waits.ts';

export type { OpenWait };

type Waiting = Pick<RunSummary, 'runId' | 'status' | 'asked' | 'lastSeq'>;

/** Of the end of a run: so many events are looked at first, and ever more where that does not reach. */
const NEAREST = 64;
const FURTHER = 8;

/** The oldest first. */
export function runWaits(store: Pick<JournalStore, 'read' | 'takeInbox'>, run: Waiting): OpenWait[] {
  const open = waitsFromEnd(store, run);
  const come = open.some(({ breakpoint }) => breakpoint === null) ? [...store.takeInbox(run.runId)] : [];
  return open.map((wait) => {
    const { breakpoint } = wait;
    if (breakpoint === null) return hasCome(come, run.runId, wait) ? { ...wait, answered: true } : wait;
    const { counted, outcome } = withAnswers(breakpoint, postedAnswers(store, run.runId, wait.key));
    const posted = counted.map(({ by, approved, option, feedback }) => ({
      by,
      approved,
      option,
      feedback,
      at: null,
    }));
    const answers = [...breakpoint.answers, ...posted];
    return { ...wait, breakpoint: { ...breakpoint, answers, decided: outcome ?? null } };
  });
}

/** A message is for one wait: it is taken out of what came. */
function hasCome(come: InboxMessage[], runId: RunId, { kind, key, name }: OpenWait): boolean {
  const at = come.findIndex((message) =>
    kind === 'outcome'
      ? message.kind === 'resolve' && message.key === key && (message.runId ?? runId) === runId
      : message.kind === 'signal' && message.name === name,
  );
  if (at >= 0) come.splice(at, 1);
  return at >= 0;
}

/**
 * What is waited for was mostly asked near the end, so a long run is read from there, as far back as the oldest of it.
 * The summary names all of these calls: nothing that happened before they were recorded says anything of them.
 */
function waitsFromEnd(
  store: Pick<JournalStore, 'read'>,
  { runId, status, asked, lastSeq }: Waiting,
): OpenWait[] {
  if (status !== 'running' || asked.length === 0) return [];
  for (let length = NEAREST; ; length *= FURTHER) {
    const from = Math.max(0, lastSeq - length);
    const missing = new Set(asked);
    const waits = openWaits(without(missing, eventsOf(store, runId, from)));
    if (from === 0 || missing.size === 0) return waits;
  }
}

/** Takes out of `missing` what the events record. */
function* without(missing: Set<string>, events: Iterable<Recorded>): Generator<Recorded, void, void> {
  for (const recorded of events) {
    const { event } = recorded;
    switch (event.type) {
      case 'TaskScheduled':
      case 'TaskOffered':
      case 'SignalAwaited':
      case 'BreakpointOpened':
        missing.delete(event.key);
        break;
      default:
    }
    yield recorded;
  }
}
