/** Every call of a run with where it began and ended: what a fork is planned by. A fold of its events. */
import { ROOT_SCOPE, scopeOf, type CallKey } from '../journal/call-key.ts';
import type { ErrorRecord } from '../journal/error-record.ts';
import { isTerminal, type JournalEvent, type Recorded, type TaskPolicy } from '../journal/event.ts';
import type { RunId, Seq } from '../journal/ids.ts';

export type CallKind =
  | 'task'
  | 'external'
  | 'child'
  | 'breakpoint'
  | 'message'
  | 'timer'
  | 'source'
  | 'group';

export interface PastCall {
  readonly key: CallKey;
  readonly kind: CallKind;
  /** Of a task or a source; the process of a child; the title or the name of what waits for people; a group's mode. */
  readonly name: string;
  readonly seq: Seq;
  /** Of a task. */
  readonly policy: TaskPolicy | undefined;
  /** Attempts that were started. */
  attempts: number;
  /** Where the last of them was. */
  attemptSeq: Seq;
  /** Null while it is open. */
  end: { readonly seq: Seq; readonly outcome: 'succeeded' | 'failed' | 'cancelled' } | null;
  /** Of a child: the run. One that is detached has ended for the call as soon as it is there. */
  readonly child: RunId | undefined;
  /** Of a group: its time was up before it was decided. */
  isTimedOut: boolean;
  /** Of a reduce: its marks. */
  marks: Seq[];
}

/** Keys of calls whose errors are what the run failed with, or lie within it. */
export interface Blame {
  readonly keys: ReadonlySet<CallKey>;
  /** The code of the process is wrong, whatever failed before. */
  readonly isCode: boolean;
}

export interface CallHistory {
  readonly calls: Map<CallKey, PastCall>;
  /** Where the run began to end: everything from here on belongs to its end. 0 while it goes on. */
  endSeq: Seq;
  ended: 'RunSucceeded' | 'RunFailed' | 'RunCancelled' | 'RunContinued' | null;
  /** Of a run that failed: whose failure it was. */
  blame: Blame;
  /** The process failed, or was cancelled, at this place. */
  lastSeq: Seq;
  /** Rows of calls were removed up to here. */
  compactedSeq: Seq;
}

export function createCallHistory(): CallHistory {
  const blame = { keys: new Set<CallKey>(), isCode: false };
  return { calls: new Map(), endSeq: 0, ended: null, blame, lastSeq: 0, compactedSeq: 0 };
}

export function addToHistory(history: CallHistory, { seq, event }: Recorded): void {
  history.lastSeq = seq;
  if (isEndOfRun(event) && history.endSeq === 0) history.endSeq = seq;
  if (isTerminal(event)) history.ended = event.type;
  if (event.type === 'RunFailed') history.blame = blameOf(event.error);
  if (event.type === 'Compacted') history.compactedSeq = seq;
  const begun = begunBy(event);
  if (begun !== undefined) {
    const nothing = { attempts: 0, attemptSeq: 0, end: null, isTimedOut: false, marks: [] };
    history.calls.set(begun.key, { policy: undefined, child: undefined, ...nothing, ...begun, seq });
    return;
  }
  const call = 'key' in event ? history.calls.get(event.key) : undefined;
  if (call === undefined) return;
  if (event.type === 'AttemptStarted') {
    call.attempts += 1;
    call.attemptSeq = seq;
  }
  if (event.type === 'Folded') call.marks.push(seq);
  if (event.type === 'ScopeTimedOut' && call.end === null) call.isTimedOut = true;
  const outcome = outcomeIn(event);
  if (outcome !== undefined) call.end ??= { seq, outcome };
}

/** What no task throws into a process, since there it comes as an error of ours: the process made it itself. */
const OF_CODE: ReadonlySet<string> = new Set([
  'TypeError',
  'ReferenceError',
  'RangeError',
  'SyntaxError',
  'InvalidArgumentError',
  'InvalidOptionError',
  'UnserializableError',
]);

function blameOf(error: ErrorRecord): Blame {
  const keys = new Set<CallKey>();
  const open = [error];
  for (let each = open.pop(); each !== undefined; each = open.pop()) {
    const key = each.fields?.['key'];
    if (typeof key === 'string') keys.add(key);
    if (each.cause !== undefined) open.push(each.cause);
    open.push(...(each.errors ?? []));
  }
  return { keys, isCode: OF_CODE.has(error.name) };
}

function isEndOfRun(event: JournalEvent): boolean {
  if (event.type === 'ScopeClosed') return event.key === ROOT_SCOPE;
  return event.type === 'CancelRequested' || event.type === 'CancelForced' || isTerminal(event);
}

type Begun = Pick<PastCall, 'key' | 'kind' | 'name'> & Partial<Pick<PastCall, 'policy' | 'child'>>;

function begunBy(event: JournalEvent): Begun | undefined {
  switch (event.type) {
    case 'TaskScheduled':
      return { key: event.key, kind: 'task', name: event.task, policy: event.policy };
    case 'TaskOffered':
      return { key: event.key, kind: 'external', name: event.task };
    case 'ChildStarted': {
      const { key, process: name, runId: child } = event;
      return { key, kind: 'child', name, child };
    }
    case 'BreakpointOpened':
      return { key: event.key, kind: 'breakpoint', name: event.title };
    case 'SignalAwaited':
      return { key: event.key, kind: 'message', name: event.name };
    case 'TimerStarted':
      return { key: event.key, kind: 'timer', name: event.timer };
    case 'StreamOpened':
      return event.kind === 'source' ? { key: event.key, kind: 'source', name: event.name } : undefined;
    case 'ScopeOpened':
      return { key: event.key, kind: 'group', name: event.mode };
    default:
      return undefined;
  }
}

function outcomeIn(event: JournalEvent): 'succeeded' | 'failed' | 'cancelled' | undefined {
  switch (event.type) {
    case 'TaskSucceeded':
    case 'TimerFired':
    case 'SignalReceived':
    case 'StreamEnded':
      return 'succeeded';
    case 'TaskFailed':
    case 'StreamFailed':
    case 'SignalTimedOut':
    case 'ScopeTimedOut':
      return 'failed';
    case 'TaskCancelled':
    case 'StreamClosed':
      return 'cancelled';
    case 'BreakpointClosed':
      return event.outcome === 'approved' ? 'succeeded' : 'failed';
    case 'ChildFinished':
      return event.outcome.status === 'detached' ? 'succeeded' : event.outcome.status;
    case 'ScopeClosed':
      return event.outcome === 'fulfilled' ? 'succeeded' : 'failed';
    default:
      return undefined;
  }
}

/** The call in the process itself that a call is, or lies within. */
export function outermost(key: CallKey): CallKey {
  let outer = key;
  for (let scope = scopeOf(outer); scope !== ROOT_SCOPE; scope = scopeOf(outer)) outer = scopeOf(scope);
  return outer;
}
