import type { Json, RetryPlan, UnknownPolicy } from '@pawl/sdk';
import type { BreakpointAnswered, BreakpointClosed, BreakpointOpened } from './breakpoint-event.ts';
import type {
  AttemptFailed,
  AttemptInterrupted,
  AttemptStarted,
  LateResult,
  OutcomeAsked,
} from './attempt-event.ts';
import type { CallKey } from './call-key.ts';
import type { ChildFinished, ChildStarted, ParentRecorded } from './child-event.ts';
import type { ErrorRecord } from './error-record.ts';
import type { Compacted, Folded, RunContinued } from './fold-event.ts';
import type { RunForked } from './fork-event.ts';
import type { Millis, Seq } from './ids.ts';
import type { CancelForced, ExitRegistered } from './exit-event.ts';
import type { CodeAccepted, StateSet, ValueRecorded } from './value-event.ts';
import type {
  SignalAwaited,
  SignalReceived,
  SignalsSuperseded,
  SignalTimedOut,
  TaskSignalAwaited,
  TaskSignalForgone,
  TaskSignalReceived,
  WaitNotified,
} from './message-event.ts';
import type { AnswerRefused, TaskOffered } from './offer-event.ts';
import type { TimerFired, TimerStarted } from './timer-event.ts';

/** Values in events are encoded by `codec.ts`. */
export type Encoded = Json;

/** The combinator of a parallel call. `allTuple` is `all`, and `allTupleSettled` is `allSettled`. 'scope': of `ctx.scope`. */
export const GROUP_MODES = [
  'all',
  'map',
  'allSettled',
  'mapSettled',
  'any',
  'race',
  'some',
  'forkJoin',
  'forkJoinSettled',
  'stream',
  'streamAll',
  'streamSome',
  'streamAny',
  'raceFrom',
  'merge',
  'reduce',
  'scope',
] as const;
export type GroupMode = (typeof GROUP_MODES)[number];

/** What becomes of branches that go on when a group is decided. */
export type Losers = 'cancel' | 'drain' | 'detach';

/** Why a call failed: what its attempt threw, a deadline, or that it was refused before it started. */
export type FailureCause = 'error' | 'timeout' | 'queueFull' | 'circuitOpen';

/**
 * Who told how a task ended: the attempt itself, its `check`, a person, an earlier run's result that was kept, who did
 * an external task; in a fork also who made it ('given'), or the run that it is a fork of ('reused').
 */
export const OUTCOME_AUTHORS = ['attempt', 'check', 'person', 'cache', 'worker', 'given', 'reused'] as const;
export type OutcomeAuthor = (typeof OUTCOME_AUTHORS)[number];

/** How a group, or the root scope, was decided. */
export type ScopeOutcome = 'fulfilled' | 'rejected' | 'aborted' | 'timedOut';

/** What of a task's settings decides what happens next; the rest stays with the definition. */
export interface TaskPolicy {
  readonly retry: RetryPlan;
  readonly timeoutMs: number | null;
  /** From the recording of the call, over all attempts. */
  readonly deadlineMs: number | null;
  readonly onUnknown: UnknownPolicy;
  readonly maxUnknown: number;
}

export interface RunStarted {
  readonly type: 'RunStarted';
  readonly process: string;
  /** Path of the module as it was given, null for a process that was started from code. */
  readonly module: string | null;
  /** Digest of the module's text, null where there is none. */
  readonly codeHash: string | null;
  readonly inputs: Encoded;
  /** Digest of the canonical inputs. */
  readonly inputsHash: string;
  /** Where `random` and `uuid` come from, and the idempotency keys. */
  readonly seed: string;
  /** Version of the engine that started the run. */
  readonly engine: string;
}
export interface RunSucceeded {
  readonly type: 'RunSucceeded';
  readonly output: Encoded;
}
export interface RunFailed {
  readonly type: 'RunFailed';
  readonly error: ErrorRecord;
}
export interface RunCancelled {
  readonly type: 'RunCancelled';
  readonly reason: string;
}
export interface ScopeOpened {
  readonly type: 'ScopeOpened';
  readonly key: CallKey;
  readonly mode: GroupMode;
  /** Null = not known before its source ends. */
  readonly width: number | null;
  /** Null = unlimited. */
  readonly concurrency: number | null;
  readonly batchSize: number | null;
  /** Settled results of a stream that wait for their consumer; null for what is no stream. */
  readonly buffer: number | null;
  readonly losers: Losers;
  /** From the recording of the group. */
  readonly timeoutMs: number | null;
  /** The signal was aborted before the call: nothing runs. */
  readonly aborted: boolean;
}
export interface ScopeRetuned {
  readonly type: 'ScopeRetuned';
  readonly key: CallKey;
  readonly concurrency: number | null;
}
export interface ScopeAborted {
  readonly type: 'ScopeAborted';
  readonly key: CallKey;
  readonly reason: string;
}
export interface ScopeTimedOut {
  readonly type: 'ScopeTimedOut';
  readonly key: CallKey;
}
/** The decision of a group, and of the root scope (key '') when calls are left at the end. */
export interface ScopeClosed {
  readonly type: 'ScopeClosed';
  readonly key: CallKey;
  readonly outcome: ScopeOutcome;
  /** Index of the branch that decided, null where no single one did. */
  readonly winner: number | null;
  /** How many branches had begun. Left out where all began at once, or must have settled. */
  readonly begun?: number;
  /** Of a group with named branches that says `begun`: a digest of the names in their order. */
  readonly order?: string;
}
export interface TaskScheduled {
  readonly type: 'TaskScheduled';
  readonly key: CallKey;
  readonly task: string;
  readonly version: string | null;
  readonly inputHash: string;
  readonly args: Encoded;
  /** Null = the slots that all tasks share. It may change with the code: where it runs is no identity. */
  readonly pool: string | null;
  readonly policy: TaskPolicy;
}
export interface TaskSucceeded {
  readonly type: 'TaskSucceeded';
  readonly key: CallKey;
  readonly output: Encoded;
  readonly by: OutcomeAuthor;
  /** Who answered an external task, as they call themselves. Left out for all others. */
  readonly worker?: string;
  /** Where the run that this one is a fork of recorded a result that is reused. Left out for all others. */
  readonly fromSeq?: Seq;
}
export interface TaskFailed {
  readonly type: 'TaskFailed';
  readonly key: CallKey;
  readonly error: ErrorRecord;
  readonly cause: FailureCause;
  /** Attempts that failed, the last one included. */
  readonly failures: number;
  readonly by: OutcomeAuthor;
  /** As in TaskSucceeded. */
  readonly worker?: string;
}
export interface TaskCancelled {
  readonly type: 'TaskCancelled';
  readonly key: CallKey;
  readonly reason: string;
}
/**
 * What a call gives bit by bit: a source, or the progress of a task call that the process reads.
 * In both cases items exist only after it.
 */
export interface StreamOpened {
  readonly type: 'StreamOpened';
  readonly key: CallKey;
  /** 'progress': the key is that of the task, which was recorded just before. */
  readonly kind: 'source' | 'progress';
  /** The source's, or the task's. */
  readonly name: string;
  /** Of a source; null for progress, where the task's own counts. */
  readonly retry: RetryPlan | null;
}
export interface ItemRecorded {
  readonly type: 'ItemRecorded';
  readonly key: CallKey;
  /** 0, 1, 2 … over all attempts. */
  readonly n: number;
  readonly attempt: number;
  readonly item: Encoded;
  /** Where a source goes on behind this item; null for progress. */
  readonly cursor: Encoded;
}
/** A source came to its end. */
export interface StreamEnded {
  readonly type: 'StreamEnded';
  readonly key: CallKey;
}
/** A source failed for good. */
export interface StreamFailed {
  readonly type: 'StreamFailed';
  readonly key: CallKey;
  readonly error: ErrorRecord;
  /** Attempts that failed since the last item, the last one included. */
  readonly failures: number;
}
/** The process stopped reading before the end. A task whose progress it read is cancelled after it. */
export interface StreamClosed {
  readonly type: 'StreamClosed';
  readonly key: CallKey;
  /** Items that the process had taken by then. */
  readonly consumed: number;
}
export interface CancelRequested {
  readonly type: 'CancelRequested';
  readonly reason: string;
}

export type JournalEvent =
  | RunStarted
  | RunSucceeded
  | RunFailed
  | RunCancelled
  | RunContinued
  | ScopeOpened
  | ScopeRetuned
  | ScopeAborted
  | ScopeTimedOut
  | ScopeClosed
  | TaskScheduled
  | AttemptStarted
  | AttemptFailed
  | AttemptInterrupted
  | OutcomeAsked
  | TaskSucceeded
  | TaskFailed
  | TaskCancelled
  | LateResult
  | TimerStarted
  | TimerFired
  | SignalAwaited
  | SignalReceived
  | SignalTimedOut
  | SignalsSuperseded
  | TaskSignalAwaited
  | TaskSignalForgone
  | TaskSignalReceived
  | BreakpointOpened
  | BreakpointAnswered
  | BreakpointClosed
  | WaitNotified
  | TaskOffered
  | AnswerRefused
  | ChildStarted
  | ChildFinished
  | ParentRecorded
  | StreamOpened
  | ItemRecorded
  | StreamEnded
  | StreamFailed
  | StreamClosed
  | Folded
  | Compacted
  | ExitRegistered
  | ValueRecorded
  | StateSet
  | CodeAccepted
  | RunForked
  | CancelRequested
  | CancelForced;

export type EventType = JournalEvent['type'];

/** What ends a run. */
export type TerminalEvent = RunSucceeded | RunFailed | RunCancelled | RunContinued;
/** What settles something the process waits for: delivered, one a turn, in journal order. */
export type OutcomeEvent =
  | TaskSucceeded
  | TaskFailed
  | TaskCancelled
  | TimerFired
  | SignalReceived
  | SignalTimedOut
  | BreakpointClosed
  | ChildFinished
  | ItemRecorded
  | StreamEnded
  | StreamFailed
  | ScopeAborted
  | ScopeTimedOut
  | Folded
  | CancelRequested
  | CancelForced;
/** What the process itself asked for or decided: compared on replay. */
export type CommandEvent =
  | TaskScheduled
  | TimerStarted
  | SignalAwaited
  | BreakpointOpened
  | TaskOffered
  | ChildStarted
  | StreamOpened
  | StreamClosed
  | ScopeOpened
  | ScopeClosed
  | ExitRegistered;

/** An event with its place in the journal. */
export interface Recorded<E extends JournalEvent = JournalEvent> {
  readonly seq: Seq;
  readonly at: Millis;
  readonly event: E;
}

export function isTerminal(event: JournalEvent): event is TerminalEvent {
  switch (event.type) {
    case 'RunSucceeded':
    case 'RunFailed':
    case 'RunCancelled':
    case 'RunContinued':
      return true;
    default:
      return false;
  }
}

export function isOutcome(event: JournalEvent): event is OutcomeEvent {
  switch (event.type) {
    case 'TaskSucceeded':
    case 'TaskFailed':
    case 'TaskCancelled':
    case 'TimerFired':
    case 'SignalReceived':
    case 'SignalTimedOut':
    case 'BreakpointClosed':
    case 'ChildFinished':
    case 'ItemRecorded':
    case 'StreamEnded':
    case 'StreamFailed':
    case 'ScopeAborted':
    case 'ScopeTimedOut':
    case 'Folded':
    case 'CancelRequested':
    case 'CancelForced':
      return true;
    default:
      return false;
  }
}

export function isRecordedOutcome(recorded: Recorded): recorded is Recorded<OutcomeEvent> {
  return isOutcome(recorded.event);
}

export function isCommand(event: JournalEvent): event is CommandEvent {
  switch (event.type) {
    case 'TaskScheduled':
    case 'TimerStarted':
    case 'SignalAwaited':
    case 'BreakpointOpened':
    case 'TaskOffered':
    case 'ChildStarted':
    case 'StreamOpened':
    case 'StreamClosed':
    case 'ScopeOpened':
    case 'ScopeClosed':
    case 'ExitRegistered':
      return true;
    default:
      return false;
  }
}

/** The call or scope that an event is about, the empty string for the run as a whole. */
export function keyOf(event: JournalEvent): CallKey {
  return 'key' in event ? event.key : '';
}
