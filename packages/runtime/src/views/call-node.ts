/** What a run's tree is made of: one node a call, and how each starts. */
import type { BreakpointAnswered, BreakpointClosed, BreakpointOpened } from '../journal/breakpoint-event.ts';
import type { CallKey, ScopePath } from '../journal/call-key.ts';
import type { ErrorRecord } from '../journal/error-record.ts';
import type {
  Encoded,
  GroupMode,
  JournalEvent,
  Losers,
  OutcomeAuthor,
  ScopeClosed,
  ScopeOpened,
  StreamOpened,
  TaskScheduled,
} from '../journal/event.ts';
import type { TimerStarted } from '../journal/timer-event.ts';
import type { ChildStarted } from '../journal/child-event.ts';
import type { SignalAwaited } from '../journal/message-event.ts';
import type { TaskOffered } from '../journal/offer-event.ts';
import { unreachable } from '../journal/invariant.ts';
import type { Millis, RunId } from '../journal/ids.ts';
import type { LeftOut } from './thin-places.ts';

/** What of a value is kept. */
type Keep = (value: Encoded) => Encoded;

export type CallStatus =
  /** Waits for a slot. */
  | 'queued'
  | 'running'
  /** Failed, and will be tried again at `retryAt`. */
  | 'backoff'
  /** A person has to say what became of it. */
  | 'asked'
  /** Stopped with its program; it goes on when the run does. */
  | 'stopped'
  | 'succeeded'
  | 'failed'
  | 'cancelled';

interface NodeBase {
  readonly key: CallKey;
  openedAt: Millis;
  status: CallStatus;
  endedAt: Millis | null;
  /** Calls that stood before it and left a bounded tree. */
  leftOut?: LeftOut;
}

/** What is told of an external task. */
export interface OfferNote {
  readonly taskId: string;
  /** Who shall do it. */
  readonly taskKind: string;
  /** When the call gives up; null = never. */
  readonly dueAt: Millis | null;
}

export interface TaskNode extends NodeBase {
  readonly kind: 'task';
  readonly name: string;
  /** Where its attempts run; null = the slots that all tasks share, and nothing for what somebody else does. */
  readonly pool: string | null;
  readonly input: Encoded;
  readonly attemptsAllowed: number;
  /** Attempts that were started. */
  attempts: number;
  /** Start of the first and of the last attempt. */
  startedAt: Millis | null;
  lastStartedAt: Millis | null;
  /** Attempts whose end is not recorded, beside the one under way. */
  unknown: number;
  retryAt: Millis | null;
  output: Encoded | undefined;
  /** Of the last attempt that failed. */
  error: ErrorRecord | undefined;
  /** Why it was cancelled. */
  reason: string | undefined;
  settledBy: OutcomeAuthor;
  /** Where somebody else does it; null for what this program does. */
  offer: OfferNote | null;
  /** Who did it, as they call themselves. */
  worker: string | undefined;
  /** What it told and the process read: recorded items; null where it reads none. */
  items: number | null;
  /** The message that its attempt waits for, or waited for when it was stopped. */
  hears: string | undefined;
}

/** Items from outside. */
export interface SourceNode extends NodeBase {
  readonly kind: 'source';
  readonly name: string;
  readonly attemptsAllowed: number;
  /** Times that it was opened. */
  attempts: number;
  items: number;
  retryAt: Millis | null;
  /** Of the last attempt that failed. */
  error: ErrorRecord | undefined;
  /** Items that the process had taken when it stopped reading before the end. */
  leftAfter: number | null;
}

export interface TimerNode extends NodeBase {
  readonly kind: 'timer';
  readonly timer: TimerStarted['timer'];
  readonly durationMs: number;
  readonly dueAt: Millis;
}

/** A wait for a message from outside. */
export interface WaitNode extends NodeBase {
  readonly kind: 'wait';
  readonly name: string;
  readonly prompt: string | null;
  readonly data: Encoded;
  /** Only what is sent encrypted will do. */
  readonly secret: boolean;
  /** JSON Schema of what it takes; null where nothing is known of that. */
  readonly schema: Encoded;
  /** When it gives up; null = never. */
  readonly dueAt: Millis | null;
  /** What came. */
  output: Encoded | undefined;
}

/** A question to people. */
export interface BreakpointNode extends NodeBase {
  readonly kind: 'breakpoint';
  readonly title: string;
  readonly question: string;
  readonly options: readonly string[];
  /** For whom it is, or who may answer. */
  readonly asked: readonly string[];
  /** When it gives up; null = never. */
  readonly dueAt: Millis | null;
  /** What people said, in their order. */
  readonly answers: BreakpointAnswered[];
  /** Undefined while it is open. */
  outcome: BreakpointClosed['outcome'] | undefined;
  decidedBy: BreakpointClosed['by'] | undefined;
}

/** Another run that this one started. */
export interface ChildNode extends NodeBase {
  readonly kind: 'child';
  /** Of its process. */
  readonly name: string;
  readonly runId: RunId;
  /** It is not waited for. */
  readonly isDetached: boolean;
  output: Encoded | undefined;
  error: ErrorRecord | undefined;
  /** Why it was cancelled. */
  reason: string | undefined;
}

export interface GroupNode extends NodeBase {
  readonly kind: 'group';
  readonly mode: GroupMode;
  /** Null for a stream: what it will come to is not known. */
  readonly width: number | null;
  readonly branches: BranchNode[];
  /** Of branches that left a bounded tree while the group is open. */
  leftPaths?: Set<ScopePath>;
  readonly losers: Losers;
  /** Branches of which every call so far is settled. */
  quietBranches: number;
  failedCalls: number;
  /** Items of a reduce that are folded: their branches are not in the tree. */
  folded: number;
  /** Tasks that were registered for its end. */
  exits: number;
  outcome: ScopeClosed['outcome'] | undefined;
  winner: number | null;
}

export interface BranchNode {
  readonly kind: 'branch';
  readonly path: ScopePath;
  readonly calls: CallNode[];
  openCalls: number;
  /** Branches that stood before it and left a bounded tree. */
  leftOut?: LeftOut;
}

export type CallNode = TaskNode | SourceNode | TimerNode | WaitNode | BreakpointNode | ChildNode | GroupNode;

function taskNode(keep: Keep, event: TaskScheduled, at: Millis): TaskNode {
  return {
    kind: 'task',
    key: event.key,
    name: event.task,
    pool: event.pool,
    input: keep(event.args),
    attemptsAllowed: event.policy.retry.attempts,
    openedAt: at,
    status: 'queued',
    attempts: 0,
    startedAt: null,
    lastStartedAt: null,
    unknown: 0,
    retryAt: null,
    endedAt: null,
    output: undefined,
    error: undefined,
    reason: undefined,
    settledBy: 'attempt',
    offer: null,
    worker: undefined,
    items: null,
    hears: undefined,
  };
}

/** An external task: nothing of it runs here, so it waits from its first moment on. */
function offerNode(keep: Keep, event: TaskOffered, at: Millis): TaskNode {
  const { key, task, args, policy, taskId, kind } = event;
  const dueAt = policy.timeoutMs === null ? null : at + policy.timeoutMs;
  return {
    kind: 'task',
    key,
    name: task,
    pool: null,
    input: keep(args),
    attemptsAllowed: policy.retry.attempts,
    openedAt: at,
    status: 'queued',
    attempts: 0,
    startedAt: at,
    lastStartedAt: at,
    unknown: 0,
    retryAt: null,
    endedAt: null,
    output: undefined,
    error: undefined,
    reason: undefined,
    settledBy: 'worker',
    offer: { taskId, taskKind: kind, dueAt },
    worker: undefined,
    items: null,
    hears: undefined,
  };
}

export function sourceNode({ key, name, retry }: StreamOpened, at: Millis): SourceNode {
  return {
    kind: 'source',
    key,
    name,
    attemptsAllowed: retry?.attempts ?? 1,
    openedAt: at,
    status: 'queued',
    endedAt: null,
    attempts: 0,
    items: 0,
    retryAt: null,
    error: undefined,
    leftAfter: null,
  };
}

function timerNode(event: TimerStarted, at: Millis): TimerNode {
  const { key, timer, durationMs, dueAt } = event;
  return { kind: 'timer', key, timer, durationMs, dueAt, openedAt: at, status: 'running', endedAt: null };
}

function waitNode(keep: Keep, event: SignalAwaited, at: Millis): WaitNode {
  const { key, name, prompt, data, timeoutMs, secret = false, schema = null } = event;
  return {
    kind: 'wait',
    key,
    name,
    prompt,
    data: keep(data),
    secret,
    schema: keep(schema),
    dueAt: timeoutMs === null ? null : at + timeoutMs,
    openedAt: at,
    status: 'running',
    endedAt: null,
    output: undefined,
  };
}

function breakpointNode(event: BreakpointOpened, at: Millis): BreakpointNode {
  const { key, title, question, options, expert, experts, timeoutMs } = event;
  return {
    kind: 'breakpoint',
    key,
    title,
    question,
    options,
    asked: experts ?? expert,
    dueAt: timeoutMs === null ? null : at + timeoutMs,
    openedAt: at,
    status: 'running',
    endedAt: null,
    answers: [],
    outcome: undefined,
    decidedBy: undefined,
  };
}

function childNode({ key, process, runId, detached }: ChildStarted, at: Millis): ChildNode {
  return {
    kind: 'child',
    key,
    name: process,
    runId,
    isDetached: detached === true,
    openedAt: at,
    status: 'running',
    endedAt: null,
    output: undefined,
    error: undefined,
    reason: undefined,
  };
}

function groupNode(event: ScopeOpened, at: Millis): GroupNode {
  return {
    kind: 'group',
    key: event.key,
    mode: event.mode,
    width: event.width,
    losers: event.losers,
    openedAt: at,
    status: 'running',
    endedAt: null,
    branches: [],
    quietBranches: 0,
    failedCalls: 0,
    folded: 0,
    exits: 0,
    outcome: undefined,
    winner: null,
  };
}

type Opening = Extract<
  JournalEvent,
  {
    type:
      | 'TaskScheduled'
      | 'TaskOffered'
      | 'TimerStarted'
      | 'SignalAwaited'
      | 'BreakpointOpened'
      | 'ChildStarted'
      | 'ScopeOpened';
  }
>;

/** A call as it begins. */
export function openedNode(keep: Keep, event: Opening, at: Millis): CallNode {
  switch (event.type) {
    case 'TaskScheduled':
      return taskNode(keep, event, at);
    case 'TaskOffered':
      return offerNode(keep, event, at);
    case 'TimerStarted':
      return timerNode(event, at);
    case 'SignalAwaited':
      return waitNode(keep, event, at);
    case 'BreakpointOpened':
      return breakpointNode(event, at);
    case 'ChildStarted':
      return childNode(event, at);
    case 'ScopeOpened':
      return groupNode(event, at);
    default:
      return unreachable(event);
  }
}
