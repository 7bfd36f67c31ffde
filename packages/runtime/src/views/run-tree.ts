/**
 * A run as a tree of its calls: a fold of its events, one at a time, so that a live view and
 * `pawl show` are one thing.
 *
 * 1. A call's place follows from its key alone: the scope `2/1` is branch 1 of group `2`.
 * 2. `counts` and `active` agree with the nodes after every event; what left a bounded tree stays counted.
 */
import { ROOT_SCOPE, scopeOf, type CallKey, type ScopePath } from '../journal/call-key.ts';
import { branchOf, countOpen } from './branches.ts';
import {
  openedNode,
  sourceNode,
  type BranchNode,
  type CallNode,
  type CallStatus,
  type TaskNode,
} from './call-node.ts';
import { changeOf, forkedCall, type CallEvent } from './call-change.ts';
import type { ErrorRecord } from '../journal/error-record.ts';
import type {
  Encoded,
  Recorded,
  RunStarted,
  ScopeClosed,
  StreamOpened,
  TerminalEvent,
} from '../journal/event.ts';
import type { ExitRegistered } from '../journal/exit-event.ts';
import type { RunForked } from '../journal/fork-event.ts';
import type { Millis, RunId, Seq } from '../journal/ids.ts';
import type { RunStatus } from '../journal/run-summary.ts';
import { callsOf, givenUpWithin, goesOn, isInterruption } from './given-up.ts';
import { foldBranches, standSource } from './fold-branches.ts';
import { thinPlace } from './thin-places.ts';

export interface RunTree {
  readonly calls: CallNode[];
  readonly byKey: Map<CallKey, CallNode>;
  readonly branches: Map<ScopePath, BranchNode>;
  /** Tasks that are neither settled nor waiting for a slot, in the order of their start. */
  readonly active: Map<CallKey, TaskNode>;
  readonly counts: Record<CallStatus, number>;
  started: RunStarted | undefined;
  status: RunStatus;
  startedAt: Millis;
  /** Time of the last event. */
  updatedAt: Millis;
  endedAt: Millis | null;
  lastSeq: Seq;
  input: Encoded | undefined;
  output: Encoded | undefined;
  error: ErrorRecord | undefined;
  /** Why it is being cancelled, or was. */
  cancelReason: string | undefined;
  /** The run that started it, and by which call. */
  parent: { readonly runId: RunId; readonly key: CallKey } | undefined;
  /** The run that it is a fork of, and the last event that it has in common with it: 0 where it only takes results. */
  forkOf: { readonly runId: RunId; readonly seq: Seq } | undefined;
  /** The run that followed it. */
  nextRunId: RunId | undefined;
  /** What of a value is kept. */
  readonly keep: (value: Encoded) => Encoded;
  /** Calls of one place that are to be seen; what is done beyond them leaves the tree. */
  readonly most: number;
  /** Of each place, how many of it settled since it was looked at. */
  readonly settled: WeakMap<readonly object[], number>;
}

/**
 * @param keep what of each input and output stays in the tree: all of it, or a text for people
 * @param most calls of one place that are to be seen: the tree stays small however long the run is (default: all)
 */
export function createRunTree(
  keep: (value: Encoded) => Encoded = (value) => value,
  most: number = Infinity,
): RunTree {
  return {
    calls: [],
    byKey: new Map(),
    branches: new Map(),
    active: new Map(),
    counts: {
      queued: 0,
      running: 0,
      backoff: 0,
      asked: 0,
      stopped: 0,
      succeeded: 0,
      failed: 0,
      cancelled: 0,
    },
    started: undefined,
    status: 'running',
    startedAt: 0,
    updatedAt: 0,
    endedAt: null,
    lastSeq: 0,
    input: undefined,
    output: undefined,
    error: undefined,
    cancelReason: undefined,
    parent: undefined,
    forkOf: undefined,
    nextRunId: undefined,
    keep,
    most,
    settled: new WeakMap(),
  };
}

export function addEvent(tree: RunTree, recorded: Recorded): void {
  const { event, at, seq } = recorded;
  tree.lastSeq = seq;
  tree.updatedAt = at;
  switch (event.type) {
    case 'RunStarted':
      tree.started = { ...event, inputs: null };
      tree.startedAt = at;
      tree.input = tree.keep(event.inputs);
      return;
    case 'RunSucceeded':
    case 'RunFailed':
    case 'RunCancelled':
    case 'RunContinued':
      endRun(tree, event, at);
      return;
    case 'ValueRecorded':
    case 'StateSet':
    case 'CodeAccepted':
      return;
    case 'CancelRequested':
    case 'CancelForced':
      tree.cancelReason = event.reason;
      return;
    case 'TaskScheduled':
    case 'TaskOffered':
    case 'TimerStarted':
    case 'SignalAwaited':
    case 'BreakpointOpened':
    case 'ChildStarted':
    case 'ScopeOpened':
      addCall(tree, openedNode(tree.keep, event, at));
      return;
    case 'ParentRecorded':
      tree.parent = { runId: event.parentRunId, key: event.parentKey };
      return;
    case 'RunForked':
      fork(tree, event, at);
      return;
    case 'StreamOpened':
      openStream(tree, event, at);
      return;
    case 'ExitRegistered':
      registerExit(tree, event);
      return;
    case 'ScopeClosed':
      closeScope(tree, event, at);
      return;
    case 'Folded':
      foldBranches(tree, event);
      return;
    case 'Compacted':
      tree.counts.succeeded += event.succeeded;
      tree.counts.failed += event.failed;
      // What is neither was given up: at a mark nothing is open.
      tree.counts.cancelled += event.scheduled - event.succeeded - event.failed;
      for (const stand of event.sources) standSource(tree, stand);
      return;
    default:
      changeCall(tree, event, at);
  }
}

const RUN_STATUS = {
  RunSucceeded: 'succeeded',
  RunFailed: 'failed',
  RunCancelled: 'cancelled',
  RunContinued: 'continued',
} as const satisfies Record<TerminalEvent['type'], RunStatus>;

function endRun(tree: RunTree, event: TerminalEvent, at: Millis): void {
  if (event.type === 'RunSucceeded') tree.output = tree.keep(event.output);
  if (event.type === 'RunFailed') tree.error = event.error;
  if (event.type === 'RunCancelled') tree.cancelReason = event.reason;
  if (event.type === 'RunContinued') tree.nextRunId = event.nextRunId;
  tree.status = RUN_STATUS[event.type];
  tree.endedAt = at;
  giveUp(tree, tree.calls, true, at);
}

function fork(tree: RunTree, event: RunForked, at: Millis): void {
  const { parentRunId: runId, parentSeq: seq, inputs } = event;
  tree.forkOf = { runId, seq };
  if (seq > 0) {
    tree.parent = undefined;
    tree.startedAt = at;
  }
  if (inputs !== undefined) tree.input = tree.keep(inputs.value);
  for (const node of tree.byKey.values()) {
    if (node.endedAt !== null) continue;
    if (node.kind === 'group') {
      node.openedAt = at;
      continue;
    }
    const change = forkedCall(node, event, at);
    if (change !== undefined) setStatus(tree, node, change.status);
  }
}

function addCall(tree: RunTree, node: CallNode): void {
  tree.byKey.set(node.key, node);
  const scope = scopeOf(node.key);
  const branch = scope === ROOT_SCOPE ? undefined : branchOf(tree, scope);
  (branch?.calls ?? tree.calls).push(node);
  if (branch !== undefined) countOpen(tree, branch, 1);
  if (node.kind !== 'task') return;
  tree.counts.queued += 1;
  // It waits for somebody from the first moment on.
  if (node.offer !== null) setStatus(tree, node, 'asked');
}

function registerExit(tree: RunTree, { scope }: ExitRegistered): void {
  const group = tree.byKey.get(scope);
  if (group?.kind === 'group') group.exits += 1;
}

function openStream(tree: RunTree, event: StreamOpened, at: Millis): void {
  if (event.kind === 'source') {
    addCall(tree, sourceNode(event, at));
    return;
  }
  const task = tree.byKey.get(event.key);
  if (task?.kind === 'task') task.items = 0;
}

function closeScope(tree: RunTree, event: ScopeClosed, at: Millis): void {
  const group = tree.byKey.get(event.key);
  if (group?.kind !== 'group') return;
  group.outcome = event.outcome;
  group.winner = event.winner;
  if (!goesOn(group)) giveUp(tree, callsOf(group), isInterruption(event.outcome), at);
  settle(tree, group, GROUP_STATUS[event.outcome], at);
  // Whatever comes now belongs to what is still there.
  if (!goesOn(group)) delete group.leftPaths;
}

const GROUP_STATUS = {
  fulfilled: 'succeeded',
  rejected: 'failed',
  aborted: 'cancelled',
  timedOut: 'failed',
} as const satisfies Record<ScopeClosed['outcome'], CallStatus>;

function giveUp(tree: RunTree, calls: readonly CallNode[], all: boolean, at: Millis): void {
  for (const group of givenUpWithin(calls, all)) settle(tree, group, 'cancelled', at);
}

const INTERRUPTIONS: ReadonlySet<string> = new Set(['ScopeAborted', 'ScopeTimedOut']);

function changeCall(tree: RunTree, event: CallEvent, at: Millis): void {
  const node = tree.byKey.get(event.key);
  if (node === undefined) return;
  if (node.kind === 'group') {
    // In a group that was decided it ends what went on; an open one is decided by it in a moment.
    if (node.endedAt !== null && INTERRUPTIONS.has(event.type)) giveUp(tree, callsOf(node), true, at);
    return;
  }
  const change = changeOf(node, event, at, tree.keep);
  if (change === undefined) return;
  if (change.ends) settle(tree, node, change.status, at);
  else setStatus(tree, node, change.status);
}

const ACTIVE: ReadonlySet<CallStatus> = new Set(['running', 'backoff', 'asked', 'stopped']);

function setStatus(tree: RunTree, node: CallNode, status: CallStatus): void {
  if (node.kind === 'task') {
    tree.counts[node.status] -= 1;
    tree.counts[status] += 1;
    if (ACTIVE.has(status)) tree.active.set(node.key, node);
    else tree.active.delete(node.key);
  }
  node.status = status;
}

function settle(tree: RunTree, node: CallNode, status: CallStatus, at: Millis): void {
  if (node.endedAt !== null) return;
  node.endedAt = at;
  setStatus(tree, node, status);
  const scope = scopeOf(node.key);
  if (scope === ROOT_SCOPE) {
    thinPlace(tree, tree.calls);
    return;
  }
  const branch = branchOf(tree, scope);
  const group = tree.byKey.get(scopeOf(scope));
  if (branch !== undefined) countOpen(tree, branch, -1);
  if (group?.kind !== 'group') return;
  if (status === 'failed') group.failedCalls += 1;
  if (branch !== undefined) thinPlace(tree, branch.calls);
  if (branch?.openCalls === 0) thinPlace(tree, group.branches, group, branch);
}
