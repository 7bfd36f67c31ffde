/** What an event makes of a call that is open: the one table behind every view of calls. */
import { unreachable } from '../journal/invariant.ts';
import type { Encoded, JournalEvent } from '../journal/event.ts';
import type { RunForked } from '../journal/fork-event.ts';
import type { Millis } from '../journal/ids.ts';
import type {
  BreakpointNode,
  CallNode,
  CallStatus,
  ChildNode,
  GroupNode,
  SourceNode,
  TaskNode,
  WaitNode,
} from './call-node.ts';

/** Events about a call that was opened before. */
export type CallEvent = Exclude<
  JournalEvent,
  {
    type:
      | 'StreamOpened'
      | 'ExitRegistered'
      | 'ParentRecorded'
      | 'RunStarted'
      | 'RunSucceeded'
      | 'RunFailed'
      | 'RunCancelled'
      | 'RunContinued'
      | 'CancelRequested'
      | 'CancelForced'
      | 'ValueRecorded'
      | 'StateSet'
      | 'CodeAccepted'
      | 'RunForked'
      | 'ScopeClosed'
      | 'Folded'
      | 'Compacted';
  }
>;

export interface Change {
  readonly status: CallStatus;
  /** The call is settled by it. */
  readonly ends: boolean;
}

type Keep = (value: Encoded) => Encoded;

const goes = (status: CallStatus): Change => ({ status, ends: false });
const ends = (status: CallStatus): Change => ({ status, ends: true });

/**
 * Puts what the event tells into the node, except its status; undefined where that stays as it is.
 * @param keep what of each value stays
 */
export function changeOf(
  node: Exclude<CallNode, GroupNode>,
  event: CallEvent,
  at: Millis,
  keep: Keep,
): Change | undefined {
  switch (node.kind) {
    case 'task':
      return changeTask(node, event, at, keep);
    case 'source':
      return changeSource(node, event);
    case 'child':
      return changeChild(node, event, keep);
    case 'timer':
      return event.type === 'TimerFired' ? ends('succeeded') : changeWait(event);
    case 'wait':
      return changeMessage(node, event, keep);
    case 'breakpoint':
      return changeBreakpoint(node, event);
    default:
      return unreachable(node);
  }
}

/** What becomes of an open call where a fork begins; undefined where it goes on as it was. */
export function forkedCall(
  node: Exclude<CallNode, GroupNode>,
  { offers = [] }: RunForked,
  at: Millis,
): Change | undefined {
  // A sleep goes on as it was; all else is asked for anew.
  if (node.kind !== 'timer') node.openedAt = at;
  if (node.kind === 'source') return node.status === 'queued' ? undefined : goes('stopped');
  if (node.kind !== 'task') return undefined;
  if (node.offer !== null) {
    const taskId = offers.find(({ key }) => key === node.key)?.taskId;
    node.offer = { ...node.offer, taskId: taskId ?? node.offer.taskId };
    return undefined;
  }
  node.hears = undefined;
  node.retryAt = null;
  node.startedAt = null;
  return node.status === 'queued' ? undefined : goes('stopped');
}

function changeWait(event: CallEvent): Change | undefined {
  return event.type === 'TaskCancelled' ? ends('cancelled') : undefined;
}

function changeMessage(node: WaitNode, event: CallEvent, keep: Keep): Change | undefined {
  if (event.type === 'SignalTimedOut') return ends('failed');
  if (event.type !== 'SignalReceived') return changeWait(event);
  node.output = keep(event.payload);
  return ends('succeeded');
}

function changeBreakpoint(node: BreakpointNode, event: CallEvent): Change | undefined {
  if (event.type === 'BreakpointAnswered') node.answers.push(event);
  if (event.type !== 'BreakpointClosed') return changeWait(event);
  node.outcome = event.outcome;
  node.decidedBy = event.by;
  return ends(event.outcome === 'failed' ? 'failed' : 'succeeded');
}

function changeChild(node: ChildNode, event: CallEvent, keep: Keep): Change | undefined {
  if (event.type === 'TaskCancelled') {
    node.reason = event.reason;
    return ends('cancelled');
  }
  if (event.type !== 'ChildFinished') return undefined;
  const { outcome } = event;
  if (outcome.status === 'succeeded') node.output = keep(outcome.output);
  if (outcome.status === 'failed') node.error = outcome.error;
  if (outcome.status === 'cancelled') node.reason = outcome.reason;
  return ends(outcome.status === 'detached' ? 'succeeded' : outcome.status);
}

function changeTask(node: TaskNode, event: CallEvent, at: Millis, keep: Keep): Change | undefined {
  if (event.type !== 'AttemptInterrupted')
    node.hears = event.type === 'TaskSignalAwaited' ? event.name : undefined;
  switch (event.type) {
    case 'AttemptStarted':
      if (node.status === 'running' || node.status === 'asked') node.unknown += 1;
      node.attempts = event.attempt;
      node.startedAt ??= at;
      node.lastStartedAt = at;
      node.retryAt = null;
      return goes('running');
    case 'AttemptFailed':
      node.error = event.error;
      if (node.offer !== null) node.attempts = event.attempt;
      node.retryAt = event.retryAt;
      return goes('backoff');
    case 'AttemptInterrupted':
      return goes('stopped');
    case 'OutcomeAsked':
      return goes('asked');
    case 'TaskSucceeded':
      node.output = keep(event.output);
      node.settledBy = event.by;
      node.worker = event.worker;
      return ends('succeeded');
    case 'TaskFailed':
      node.error = event.error;
      node.settledBy = event.by;
      node.worker = event.worker;
      return ends('failed');
    case 'TaskCancelled':
      node.reason = event.reason;
      return ends('cancelled');
    case 'ItemRecorded':
      node.items = event.n + 1;
      return undefined;
    default:
      // A late result is for audit only.
      return undefined;
  }
}

function changeSource(node: SourceNode, event: CallEvent): Change | undefined {
  switch (event.type) {
    case 'AttemptStarted':
      node.attempts = event.attempt;
      node.retryAt = null;
      return goes('running');
    case 'ItemRecorded':
      node.items = event.n + 1;
      return undefined;
    case 'AttemptFailed':
      node.error = event.error;
      node.retryAt = event.retryAt;
      return goes('backoff');
    case 'AttemptInterrupted':
      return goes('stopped');
    case 'StreamEnded':
      return ends('succeeded');
    case 'StreamFailed':
      node.error = event.error;
      return ends('failed');
    case 'StreamClosed':
      node.leftAfter = event.consumed;
      return ends('succeeded');
    case 'TaskCancelled':
      return ends('cancelled');
    default:
      return undefined;
  }
}
