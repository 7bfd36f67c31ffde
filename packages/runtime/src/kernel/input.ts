import type { BreakpointAnswered, BreakpointOpened } from '../journal/breakpoint-event.ts';
import type { CallKey } from '../journal/call-key.ts';
import type { ChildOutcome, ChildStarted } from '../journal/child-event.ts';
import type { ErrorRecord } from '../journal/error-record.ts';
import type {
  Encoded,
  FailureCause,
  GroupMode,
  Losers,
  RunStarted,
  StreamOpened,
  TaskPolicy,
} from '../journal/event.ts';
import type { ExitRegistered } from '../journal/exit-event.ts';
import type { Folded } from '../journal/fold-event.ts';
import type { AnswerRefused, TaskOffered } from '../journal/offer-event.ts';
import type { Millis, RunId, Seq } from '../journal/ids.ts';
import type { TaskSignalAwaited, TaskSignalForgone } from '../journal/message-event.ts';
import type { StateSet, ValueRecorded } from '../journal/value-event.ts';
import type { Decided } from './state.ts';

/** What the process asks for. */
export type Command =
  | (Omit<RunStarted, 'type'> & {
      readonly type: 'StartRun';
      /** A run whose results are taken over. */
      readonly reuseFrom?: RunId;
    })
  | {
      readonly type: 'ScheduleTask';
      readonly key: CallKey;
      readonly task: string;
      readonly version: string | null;
      readonly inputHash: string;
      readonly args: Encoded;
      readonly pool: string | null;
      readonly policy: TaskPolicy;
    }
  | { readonly type: 'StartTimer'; readonly key: CallKey; readonly timer: TimerRequest }
  | {
      readonly type: 'AwaitSignal';
      readonly key: CallKey;
      readonly name: string;
      readonly timeoutMs: number | null;
      readonly prompt: string | null;
      readonly data: Encoded;
      readonly secret?: true;
      readonly schema?: Encoded;
    }
  | (Omit<BreakpointOpened, 'type'> & { readonly type: 'OpenBreakpoint' })
  | {
      readonly type: 'OpenScope';
      readonly key: CallKey;
      readonly mode: GroupMode;
      readonly width: number | null;
      readonly concurrency: number | null;
      readonly batchSize: number | null;
      readonly buffer: number | null;
      readonly losers: Losers;
      readonly timeoutMs: number | null;
      readonly aborted: boolean;
    }
  | (Omit<TaskOffered, 'type'> & { readonly type: 'OfferTask' })
  | (Omit<ChildStarted, 'type'> & { readonly type: 'StartChild' })
  | { readonly type: 'RetuneScope'; readonly key: CallKey; readonly concurrency: number | null }
  | { readonly type: 'CloseScope'; readonly key: CallKey; readonly decided: Decided }
  | (Omit<ExitRegistered, 'type'> & { readonly type: 'RegisterExit' })
  | (Omit<ValueRecorded, 'type'> & { readonly type: 'RecordValue' })
  | (Omit<StateSet, 'type'> & { readonly type: 'SetState' })
  | (Omit<StreamOpened, 'type'> & { readonly type: 'OpenStream' })
  /** The process stops reading. */
  | { readonly type: 'CloseStream'; readonly key: CallKey; readonly consumed: number };

export type TimerRequest =
  | { readonly kind: 'sleep'; readonly durationMs: number }
  | { readonly kind: 'sleepUntil'; readonly dueAt: Millis };

/** What the world tells, and what the engine asks of the rules. */
export type Report =
  /** The dispatcher has a slot for the call. */
  | {
      readonly type: 'SlotGranted';
      readonly key: CallKey;
      /** Another program makes the attempt. */
      readonly remote?: true;
    }
  | {
      readonly type: 'AttemptSucceeded';
      readonly key: CallKey;
      readonly attempt: number;
      readonly output: Encoded;
    }
  | {
      readonly type: 'AttemptErred';
      readonly key: CallKey;
      readonly attempt: number;
      readonly error: ErrorRecord;
      readonly cause: 'error' | 'timeout';
      /** False when the definition, or the kind of error, forbids another attempt. */
      readonly retryable: boolean;
      /** From 0 up to but not 1: what jitter is made of. */
      readonly draw: number;
    }
  /** What became of a body that ran in the transaction which records it: its start is recorded with its end. */
  | {
      readonly type: 'TransactionEnded';
      readonly key: CallKey;
      readonly result:
        | { readonly status: 'done'; readonly output: Encoded }
        | {
            readonly status: 'failed';
            readonly error: ErrorRecord;
            /** As of an attempt that erred. */
            readonly retryable: boolean;
            readonly draw: number;
          };
    }
  /** The call was refused where it asked for a slot: a recorded result, since code can see it (law 6). */
  | {
      readonly type: 'CallRefused';
      readonly key: CallKey;
      readonly error: ErrorRecord;
      readonly cause: Extract<FailureCause, 'queueFull' | 'circuitOpen'>;
    }
  /** A source gave an item, or a task whose progress the process reads told some. */
  | {
      readonly type: 'ItemProduced';
      readonly key: CallKey;
      readonly attempt: number;
      readonly item: Encoded;
      readonly cursor: Encoded;
    }
  /** A source came to its end. */
  | { readonly type: 'SourceEnded'; readonly key: CallKey; readonly attempt: number }
  /** A remote attempt has no end that anybody knows: its program died. */
  | { readonly type: 'AttemptLost'; readonly key: CallKey; readonly attempt: number }
  /** We stopped it, and it acknowledged. */
  | { readonly type: 'AttemptStopped'; readonly key: CallKey; readonly attempt: number }
  | { readonly type: 'RetryDue'; readonly key: CallKey }
  | { readonly type: 'DeadlinePassed'; readonly key: CallKey }
  | { readonly type: 'TimerDue'; readonly key: CallKey }
  | { readonly type: 'ScopeDue'; readonly key: CallKey }
  | { readonly type: 'WaitDue'; readonly key: CallKey }
  /** A message from outside, for the wait that it is handed to. */
  | {
      readonly type: 'SignalTaken';
      readonly key: CallKey;
      readonly messageId: string;
      readonly payload: Encoded;
      /** Older ones that go with it. */
      readonly superseded?: readonly string[];
    }
  /** No message is there for an attempt that waits for one; or it waits no more. */
  | (Omit<TaskSignalAwaited, 'type'> & { readonly type: 'TaskSignalMissed' })
  | (Omit<TaskSignalForgone, 'type'> & { readonly type: 'TaskSignalPassed' })
  /** A message from outside, for a running attempt that waits for it. */
  | {
      readonly type: 'TaskSignalTaken';
      readonly key: CallKey;
      readonly attempt: number;
      readonly name: string;
      readonly messageId: string;
      readonly payload: Encoded;
    }
  /** Somebody was told of a wait for people. */
  | { readonly type: 'NoticeGiven'; readonly key: CallKey }
  /** A person answers a question. */
  | (Omit<BreakpointAnswered, 'type'> & { readonly type: 'AnswerTaken' })
  /** Somebody answered an external task. */
  | {
      readonly type: 'AnswerGiven';
      readonly key: CallKey;
      readonly worker: string;
      readonly answer: TaskAnswer;
      /** From 0 up to but not 1: what jitter is made of. */
      readonly draw: number;
    }
  /** What was answered is not what the task gives. */
  | (Omit<AnswerRefused, 'type'> & { readonly type: 'AnswerUnfit' })
  /** A run that this one started ended, or could not be started. */
  | { readonly type: 'ChildEnded'; readonly key: CallKey; readonly outcome: ChildOutcome }
  | { readonly type: 'SignalAborted'; readonly key: CallKey; readonly reason: string }
  /** All items of a reduce before `n` are folded. */
  | (Omit<Folded, 'type'> & { readonly type: 'FoldReached' })
  /** Items of a reduce are done, or detached branches of a group, and calls of theirs are not: those are given up. */
  | { readonly type: 'LeftBehind'; readonly key: CallKey }
  /** A decision gave the call up. */
  | { readonly type: 'CancelCall'; readonly key: CallKey; readonly reason: string }
  | { readonly type: 'CancelRun'; readonly reason: string }
  /** With the exits of its scopes, also where the run is on its way to its end. */
  | { readonly type: 'ForceCancel'; readonly reason: string }
  /** What a `check` or a person found out about an unknown outcome, or what an earlier run kept of the same call. */
  | {
      readonly type: 'OutcomeResolved';
      readonly key: CallKey;
      readonly by: 'check' | 'person' | 'cache' | 'given' | 'reused';
      readonly answer:
        /** `fromSeq`: of what is reused. */
        | { readonly status: 'done'; readonly output: Encoded; readonly fromSeq?: Seq }
        | { readonly status: 'failed'; readonly error: ErrorRecord }
        | { readonly status: 'retry' };
    }
  /** The `check` itself failed: a person has to say it. */
  | { readonly type: 'CheckErred'; readonly key: CallKey }
  /** The replay is over: what is pending goes on. */
  | { readonly type: 'HeadReached' }
  /** It fits what is recorded, and somebody said that the run may go on with it. */
  | { readonly type: 'CodeFits'; readonly codeHash: string }
  /** The process returned or was cancelled, and nothing is pending. */
  | { readonly type: 'RunEnded'; readonly result: RunResult };

/** What somebody says of an external task. */
export type TaskAnswer =
  | { readonly status: 'done'; readonly output: Encoded }
  | { readonly status: 'failed'; readonly error: ErrorRecord }
  | { readonly status: 'cancelled'; readonly reason: string };

export type RunResult =
  | { readonly status: 'succeeded'; readonly output: Encoded }
  | { readonly status: 'failed'; readonly error: ErrorRecord }
  | { readonly status: 'cancelled'; readonly reason: string }
  | {
      readonly status: 'continued';
      readonly inputs: Encoded;
      readonly inputsHash: string;
      readonly nextRunId: RunId;
    };

/** What a timer tells. */
export type Due = Extract<
  Report,
  { type: 'RetryDue' | 'DeadlinePassed' | 'TimerDue' | 'ScopeDue' | 'WaitDue' }
>;

/** Work that starts after the commit. */
export type Effect =
  | { readonly type: 'QueueAttempt'; readonly key: CallKey }
  | { readonly type: 'StartAttempt'; readonly key: CallKey; readonly attempt: number }
  /** At the head: a remote attempt goes on, and its end is waited for. */
  | { readonly type: 'AttendAttempt'; readonly key: CallKey; readonly attempt: number }
  | { readonly type: 'AbortAttempt'; readonly key: CallKey; readonly reason: string }
  | { readonly type: 'RunCheck'; readonly key: CallKey; readonly attempt: number }
  | {
      readonly type: 'SetTimer';
      readonly delayMs: number;
      readonly report: Due;
    }
  /** At the head: it was due while nobody drove the run. They come in that order, and before all that is queued. */
  | { readonly type: 'TimerPassed'; readonly report: Due }
  /** Message `n` of its name that the call took: the attempt gets it. */
  | {
      readonly type: 'HandMessage';
      readonly key: CallKey;
      readonly attempt: number;
      readonly n: number;
      readonly payload: Encoded;
    }
  /** A wait is open: messages of that name that came early are its. */
  | { readonly type: 'OfferMessages'; readonly name: string }
  /** A run that was asked for: it is created in the commit, and driven after it. */
  | { readonly type: 'StartChild'; readonly key: CallKey }
  /** At the head: a run that is waited for goes on, or its end is looked up. */
  | { readonly type: 'DriveChild'; readonly key: CallKey }
  /** The call of a run was given up, and that run is not: it is on its own from now on. */
  | { readonly type: 'LeaveChild'; readonly key: CallKey }
  | {
      readonly type: 'CancelChild';
      readonly key: CallKey;
      readonly runId: RunId;
      readonly reason: string;
      readonly isForced?: true;
    }
  /** All timers of a call or group. */
  | { readonly type: 'ClearTimers'; readonly key: CallKey }
  /** Cancel every pending call in the scope, also what no decision gave up. */
  | { readonly type: 'GiveUpWithin'; readonly scope: CallKey; readonly reason: string }
  /** Cancel every pending call in the scope, in key order, one turn each. */
  | { readonly type: 'CancelWithin'; readonly scope: CallKey; readonly reason: string };
