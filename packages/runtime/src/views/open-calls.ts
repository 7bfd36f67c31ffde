/**
 * What a run is in the middle of: a fold of its events that keeps calls only as long as they are open, and no
 * value of them. However long a run is, it takes the room of what goes on at once.
 */
import { isWithin, type CallKey } from '../journal/call-key.ts';
import type { Encoded, JournalEvent, Recorded } from '../journal/event.ts';
import type { Millis } from '../journal/ids.ts';
import { changeOf, forkedCall, type CallEvent } from './call-change.ts';
import { openedNode, sourceNode, type CallNode, type GroupNode } from './call-node.ts';

export type LeafNode = Exclude<CallNode, GroupNode>;

export interface OpenCall {
  readonly node: LeafNode;
  /** When it came to stand as it does: its attempt began, or failed, or a person was asked. */
  since: Millis;
}

export interface OpenCalls {
  readonly byKey: Map<CallKey, OpenCall>;
  /** Why the run is being cancelled. */
  cancelReason: string | undefined;
}

export function createOpenCalls(): OpenCalls {
  return { byKey: new Map(), cancelReason: undefined };
}

const nothing = (): Encoded => null;

export function addOpenCall(open: OpenCalls, { at, event }: Recorded): void {
  switch (event.type) {
    case 'TaskScheduled':
    case 'TaskOffered':
    case 'TimerStarted':
    case 'SignalAwaited':
    case 'BreakpointOpened':
    case 'ChildStarted':
      put(open, openedNode(nothing, event, at), at);
      return;
    case 'StreamOpened':
      if (event.kind === 'source') put(open, sourceNode(event, at), at);
      return;
    case 'CancelRequested':
    case 'CancelForced':
      open.cancelReason = event.reason;
      return;
    case 'RunForked':
      for (const call of open.byKey.values()) {
        const next = forkedCall(call.node, event, at);
        if (next === undefined) continue;
        call.node.status = next.status;
        call.since = at;
      }
      return;
    case 'Folded':
      // The rows that ended them may have been removed, and those that began them not yet.
      for (const [key, { node }] of open.byKey)
        if (node.kind !== 'source' && isWithin(key, event.key)) open.byKey.delete(key);
      return;
    case 'RunSucceeded':
    case 'RunFailed':
    case 'RunCancelled':
    case 'RunContinued':
      open.byKey.clear();
      return;
    default:
      if (isAboutCall(event)) change(open, event, at);
  }
}

function put(open: OpenCalls, node: CallNode, at: Millis): void {
  if (node.kind === 'group') return;
  // It waits for somebody from the first moment on.
  if (node.kind === 'task' && node.offer !== null) node.status = 'asked';
  open.byKey.set(node.key, { node, since: at });
}

function isAboutCall(event: JournalEvent): event is CallEvent {
  return 'key' in event;
}

function change(open: OpenCalls, event: CallEvent, at: Millis): void {
  const call = open.byKey.get(event.key);
  if (call === undefined) return;
  const next = changeOf(call.node, event, at, nothing);
  if (event.type === 'TaskSignalAwaited') call.since = at;
  if (next === undefined) return;
  if (next.ends) {
    open.byKey.delete(event.key);
    return;
  }
  call.node.status = next.status;
  call.since = at;
}
