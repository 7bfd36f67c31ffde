import { decode } from '../../src/journal/codec.ts';
import type { JournalEvent, Recorded } from '../../src/journal/event.ts';

/** Times add up in another order here than in the clock. */
const TOLERANCE_MS = 0.001;

/** What is to happen to a call or group, and when; undefined = nobody can tell, null = as soon as it can be. */
interface Expected {
  /** Of the next attempt. */
  readonly start: number | null | undefined;
  /** Of the attempt, the timer, or the group's time. */
  readonly end: number | undefined;
  readonly deadline: number;
  /** How long an attempt takes until it ends, or times out. */
  readonly takes: number;
  /** It waits for slots of a pool. */
  readonly isPooled: boolean;
  /** Who makes items waits for who takes them. */
  readonly isLoose: boolean;
  /** Somebody else does it. */
  readonly isOffered?: boolean;
}

/**
 * Whether everything came when it was due. Where the world has neither limits nor jumps, an attempt
 * starts when it can and ends when it does, and a wait goes on over a crash: it ends when it would
 * have ended, or with the resumption where that is later.
 * @param resumed from which event on, and when, the run was gone on with
 * @returns what was late, or early
 */
export function unpunctual(
  journal: readonly Recorded[],
  resumed?: { afterSeq: number; at: number },
): string | undefined {
  const expected = new Map<string, Expected>();
  for (const { seq, at, event } of journal) {
    const due = 'key' in event ? dueOf(event, expected.get(event.key)) : undefined;
    const restart = resumed !== undefined && seq > resumed.afterSeq ? resumed.at : -Infinity;
    if (due !== undefined && Math.abs(at - Math.max(due ?? -Infinity, restart)) > TOLERANCE_MS)
      return `seq ${seq}: ${event.type} came at ${at}, and should at ${Math.max(due ?? -Infinity, restart)}`;
    if ('key' in event) expect(expected, at, event);
  }
  return undefined;
}

function dueOf(event: JournalEvent, expected: Expected | undefined): number | null | undefined {
  switch (event.type) {
    case 'AttemptStarted':
      return expected?.start;
    case 'TimerFired':
    case 'SignalTimedOut':
    case 'ScopeTimedOut':
    case 'AttemptFailed':
      return expected?.end;
    case 'BreakpointClosed':
      return event.by === 'timeout' ? expected?.end : undefined;
    case 'TaskSucceeded':
      return event.by === 'attempt' ? expected?.end : undefined;
    case 'TaskFailed':
      if (event.cause === 'queueFull' || event.by === 'worker') return undefined;
      return event.cause === 'timeout' &&
        (expected?.isOffered === true || event.error.message.startsWith('deadline'))
        ? expected?.deadline
        : expected?.end;
    default:
      return undefined;
  }
}

/** Notes what follows from an event: the next thing that its call waits for. */
function expect(
  expected: Map<string, Expected>,
  at: number,
  event: JournalEvent & { readonly key: string },
): void {
  const { key } = event;
  const before = expected.get(key) ?? {
    start: undefined,
    end: undefined,
    deadline: Infinity,
    takes: 0,
    isPooled: false,
    isLoose: false,
  };
  switch (event.type) {
    case 'TimerStarted':
      expected.set(key, { ...before, end: at + event.durationMs });
      return;
    case 'TaskOffered':
      expected.set(key, { ...before, deadline: at + (event.policy.timeoutMs ?? Infinity), isOffered: true });
      return;
    case 'SignalAwaited':
    case 'BreakpointOpened':
    case 'ScopeOpened':
      expected.set(key, { ...before, end: at + (event.timeoutMs ?? Infinity) });
      return;
    case 'StreamOpened':
      expected.set(key, { ...before, isLoose: true });
      return;
    case 'TaskScheduled': {
      const { ms } = decode(event.args) as { ms: number };
      const { timeoutMs, deadlineMs } = event.policy;
      const takes = Math.min(ms, timeoutMs ?? Infinity);
      // In a pool it starts when others leave it the slots.
      // An exit starts once what was given up has ended.
      const isPooled = event.pool !== null || key.includes('/exit/');
      const start = isPooled ? undefined : at;
      expected.set(key, {
        start,
        end: undefined,
        deadline: at + (deadlineMs ?? Infinity),
        takes,
        isPooled,
        isLoose: false,
      });
      return;
    }
    case 'AttemptStarted':
      // Where another one follows at once, this one got lost in a crash.
      expected.set(key, {
        ...before,
        start: before.isPooled ? undefined : null,
        end: before.isLoose ? undefined : at + before.takes,
      });
      return;
    case 'AttemptFailed':
      expected.set(key, { ...before, start: before.isPooled ? undefined : event.retryAt, end: undefined });
      return;
    case 'OutcomeAsked':
    case 'AttemptInterrupted':
      // When a person answers, only that person knows.
      expected.set(key, { ...before, start: undefined, end: undefined });
      return;
    default:
  }
}
