import {
  isCommand,
  isOutcome,
  isTerminal,
  type JournalEvent,
  type Recorded,
  type ScopeAborted,
  type ScopeTimedOut,
  type TaskScheduled,
} from '../journal/event.ts';
import type { Compacted, Folded } from '../journal/fold-event.ts';
import type { Seq } from '../journal/ids.ts';
import { assert, broken, unreachable } from '../journal/invariant.ts';
import type { CallKey } from '../journal/call-key.ts';
import {
  applyToProgress,
  applyToStream,
  foldSource,
  isSource,
  openedSource,
  pendingStream,
  stand,
  type StreamEvent,
} from './evolve-stream.ts';
import { applyToChild } from './evolve-child.ts';
import { applyToOffer, isOfOffer } from './evolve-offer.ts';
import { applyToRun } from './evolve-run.ts';
import { applyToTimer } from './evolve-timer.ts';
import { applyToValue } from './evolve-value.ts';
import { applyPeople } from './people.ts';
import { whyGivenUp, whyLeftBehind } from './why-given-up.ts';
import { fingerprintOf } from './fingerprint.ts';
import { addCall, addPending, removePending } from './recorded-call.ts';
import { fencesLosers, type CallState, type GroupCall, type RunState, type TaskCall } from './state.ts';

/** Applies one event: the only way state changes, live and on replay. Refuses what breaks an invariant. */
export function evolve(state: RunState, recorded: Recorded): void {
  const { seq, at, event } = recorded;
  const places = event.type === 'Compacted' ? event.count : 1;
  if (seq !== state.seq + places) broken('J1', `event ${seq} follows event ${state.seq}`);
  if (!(state.phase.status !== 'ended' || event.type === 'LateResult'))
    broken('J6', `${event.type} at seq ${seq} follows the end of the run`);
  if (!((state.phase.status === 'unstarted') === (event.type === 'RunStarted')))
    broken('J1', `${event.type} at seq ${seq}: a journal starts with exactly one RunStarted`);
  state.seq = seq;
  state.lastAt = at;
  if (isCommand(event) || isOutcome(event) || isTerminal(event) || event.type === 'ScopeRetuned') {
    state.lastDecisiveSeq = seq;
  }
  // First, since they are nearly all there is: `apply` makes the same of them.
  // Stryker disable next-line all
  if (event.type === 'TaskScheduled' || event.type === 'AttemptStarted' || event.type === 'TaskSucceeded')
    applyToCall(state, seq, at, event);
  else apply(state, recorded, event);
}

function apply(state: RunState, { seq, at }: Recorded, event: JournalEvent): void {
  switch (event.type) {
    case 'RunStarted':
    case 'RunSucceeded':
    case 'RunFailed':
    case 'RunCancelled':
    case 'RunContinued':
    case 'CancelRequested':
    case 'CancelForced':
    case 'RunForked':
      applyToRun(state, at, event);
      return;
    case 'ScopeOpened':
    case 'ScopeRetuned':
    case 'ScopeAborted':
    case 'ScopeTimedOut':
    case 'ScopeClosed':
      applyToScope(state, seq, at, event);
      return;
    case 'TimerStarted':
    case 'TimerFired':
      applyToTimer(state, seq, event);
      return;
    case 'SignalAwaited':
    case 'SignalReceived':
    case 'SignalsSuperseded':
    case 'SignalTimedOut':
    case 'TaskSignalAwaited':
    case 'TaskSignalForgone':
    case 'TaskSignalReceived':
    case 'BreakpointOpened':
    case 'BreakpointAnswered':
    case 'BreakpointClosed':
    case 'WaitNotified':
      applyPeople(state, seq, at, event);
      return;
    case 'TaskOffered':
    case 'AnswerRefused':
      applyToOffer(state, seq, at, event);
      return;
    case 'ChildStarted':
    case 'ChildFinished':
    case 'ParentRecorded':
      applyToChild(state, seq, event);
      return;
    case 'ExitRegistered':
    case 'ValueRecorded':
    case 'StateSet':
    case 'CodeAccepted':
      applyToValue(state, seq, event);
      return;
    case 'StreamOpened':
    case 'ItemRecorded':
    case 'StreamEnded':
    case 'StreamFailed':
    case 'StreamClosed':
      applyToStreams(state, seq, event);
      return;
    case 'Folded':
    case 'Compacted':
      applyToHistory(state, seq, event);
      return;
    case 'LateResult':
      if (state.calls.get(event.key)?.kind !== 'task')
        broken('J4', `late result of unknown call ${event.key}`);
      return;
    default:
      applyToCall(state, seq, at, event);
  }
}

/** What sources, external tasks and tasks have alike. */
function applyToCall(state: RunState, seq: number, at: number, event: TaskEvent): void {
  if (event.type === 'TaskScheduled') schedule(state, seq, at, event);
  else {
    const call = state.calls.get(event.key);
    if (call?.kind === 'stream' && 'attempt' in event && event.type !== 'OutcomeAsked')
      applyToStreams(state, seq, event);
    else if (call?.kind === 'offer' && isOfOffer(event)) applyToOffer(state, seq, at, event);
    else applyToTask(state, call, event);
  }
}

type ScopeEvent = Extract<JournalEvent, { type: `Scope${string}` }>;

function applyToScope(state: RunState, seq: number, at: number, event: ScopeEvent): void {
  if (event.type === 'ScopeOpened') {
    addCall(state, event.key, {
      kind: 'group',
      seq,
      group: undefined,
      openedAt: at,
      fingerprint: fingerprintOf(event),
      mode: event.mode,
      width: event.width,
      openedConcurrency: event.concurrency,
      batchSize: event.batchSize,
      buffer: event.buffer,
      losers: event.losers,
      timeoutMs: event.timeoutMs,
      openedAborted: event.aborted,
      concurrency: event.concurrency,
      inside: [],
      folded: null,
      unsettled: 0,
      phase: { status: 'open' },
    });
    return;
  }
  if (event.type === 'ScopeClosed' && event.key === '') {
    assert(state.phase.status === 'running', 'J4', 'the root scope was closed twice');
    state.phase = { status: 'closing', decided: { outcome: event.outcome, winner: event.winner } };
    return;
  }
  if (event.type === 'ScopeAborted' || event.type === 'ScopeTimedOut') {
    interrupt(unfencedGroup(state, event.key, event.type), event);
    return;
  }
  const group = openGroup(state, event.key, event.type);
  if (event.type === 'ScopeRetuned') group.concurrency = event.concurrency;
  if (event.type === 'ScopeClosed') {
    const { type: _, key: __, ...decided } = event;
    const { outcome } = decided;
    const fencedBy = fencesLosers(outcome, group.losers) ? outcome : null;
    group.phase = { status: 'closed', seq, decided, fencedBy };
  }
}

/** An open group is decided by it in a moment; in a decided one it gives up what went on. */
function interrupt(group: GroupCall, event: ScopeAborted | ScopeTimedOut): void {
  if (group.phase.status !== 'closed') return;
  const fencedBy = event.type === 'ScopeAborted' ? 'aborted' : 'timedOut';
  const left = whyLeftBehind(group.mode, event.key);
  const isLeft = event.type === 'ScopeAborted' && event.reason === left;
  group.phase = { ...group.phase, fencedBy, why: isLeft ? left : whyGivenUp(event.key, fencedBy) };
}

function applyToStreams(state: RunState, seq: number, event: StreamEvent): void {
  const { key } = event;
  if (event.type === 'StreamOpened' && isSource(event)) {
    addCall(state, key, openedSource(seq, event));
    addPending(state, key);
    return;
  }
  const call = pendingStream(state, key, event.type);
  if (call.kind === 'stream') {
    if (event.type === 'StreamOpened') broken('J3', `call ${key} was recorded twice`);
    if (applyToStream(call, seq, event)) removePending(state, key);
    return;
  }
  if (!(event.type === 'StreamOpened' || event.type === 'ItemRecorded' || event.type === 'StreamClosed'))
    broken('J4', `${event.type} for ${key}, which is a task`);
  applyToProgress(call, seq, event);
}

type TaskEvent = Exclude<
  Extract<JournalEvent, { type: `Task${string}` | `Attempt${string}` | 'OutcomeAsked' }>,
  { type: `TaskSignal${string}` | 'TaskOffered' }
>;

function schedule(state: RunState, seq: Seq, at: number, event: TaskScheduled): void {
  addCall(state, event.key, {
    kind: 'task',
    seq,
    group: undefined,
    scheduledAt: at,
    fingerprint: fingerprintOf(event),
    policy: event.policy,
    phase: 'scheduled',
    attempts: 0,
    failures: 0,
    unknowns: 0,
    isRemote: false,
    retryAt: 0,
    retryDelayMs: 0,
    progress: undefined,
    messages: undefined,
    hearing: undefined,
  });
  addPending(state, event.key);
}

function applyToTask(
  state: RunState,
  call: CallState | undefined,
  event: Exclude<TaskEvent, TaskScheduled>,
): void {
  const isPending = state.pending.has(event.key);
  if (event.type === 'TaskCancelled') {
    if (!(call !== undefined && 'phase' in call && call.kind !== 'group' && isPending))
      broken('J4', `${event.key} was cancelled and is not pending`);
    call.phase = 'cancelled';
    removePending(state, event.key);
    return;
  }
  if (!(call?.kind === 'task' && isPending))
    broken('J4', `${event.type} for ${event.key}, which is no pending task`);
  call.hearing = undefined;
  // Another attempt of it may have to be asked about, too.
  if (event.type === 'AttemptStarted' || event.type === 'AttemptInterrupted')
    state.notified.delete(event.key);
  applyToAttempts(call, event);
  if (event.type === 'TaskSucceeded' || event.type === 'TaskFailed') removePending(state, event.key);
}

function applyToAttempts(
  call: TaskCall,
  event: Exclude<TaskEvent, TaskScheduled | { type: 'TaskCancelled' }>,
): void {
  switch (event.type) {
    case 'AttemptStarted':
      if (event.attempt !== call.attempts + 1)
        broken('J5', `attempt ${event.attempt} of ${event.key} follows attempt ${call.attempts}`);
      if (call.phase === 'running') call.unknowns += 1;
      call.attempts = event.attempt;
      call.isRemote = event.remote === true;
      call.phase = 'running';
      return;
    case 'AttemptFailed':
      if (call.phase !== 'running')
        broken('J4', `attempt ${event.attempt} of ${event.key} failed and was not running`);
      call.failures += 1;
      call.phase = 'backoff';
      call.retryAt = event.retryAt;
      call.retryDelayMs = event.delayMs;
      return;
    case 'AttemptInterrupted':
      if (!(call.phase === 'running' || call.phase === 'asked'))
        broken('J4', `attempt ${event.attempt} of ${event.key} was interrupted and was not running`);
      if (event.unknown === true) call.unknowns += 1;
      call.phase = 'scheduled';
      return;
    case 'OutcomeAsked':
      call.phase = 'asked';
      return;
    case 'TaskSucceeded':
      call.phase = 'succeeded';
      return;
    case 'TaskFailed':
      call.failures = event.failures;
      call.phase = 'failed';
      return;
    default:
      unreachable(event);
  }
}

function applyToHistory(state: RunState, seq: Seq, event: Folded | Compacted): void {
  state.lastStandInSeq = seq;
  if (event.type === 'Folded') fold(state, seq, event);
  else for (const source of event.sources) stand(state, source);
}

/**
 * What lies before a mark leaves the state. Of calls whose end lay in removed rows the mark is all
 * that is left: compaction removes the latest rows first (docs/decisions/0004).
 */
function fold(state: RunState, seq: Seq, event: Folded): void {
  const { key, n, source } = event;
  const group = openGroup(state, key, event.type);
  if (group.mode !== 'reduce') broken('J8', `a mark of ${key}, which is no reduce`);
  if (!(n > (group.folded?.n ?? 0))) broken('J8', `mark ${n} of ${key} follows mark ${group.folded?.n}`);
  dropInside(state, group);
  group.folded = { n, seq };
  if (source !== null) foldSource(state, seq, source);
}

function dropInside(state: RunState, group: GroupCall): void {
  const keys = group.inside;
  group.inside = [];
  for (const key of keys) {
    const call = state.calls.get(key);
    if (call?.kind === 'group') dropInside(state, call);
    if (state.pending.has(key)) removePending(state, key);
    state.calls.delete(key);
  }
}

function openGroup(state: RunState, key: CallKey, what: string): GroupCall {
  const call = state.calls.get(key);
  if (!(call?.kind === 'group' && call.phase.status === 'open'))
    broken('J4', `${what} for ${key}, which is no open group`);
  return call;
}

/** One that is open, or was decided while its losers go on. */
function unfencedGroup(state: RunState, key: CallKey, what: string): GroupCall {
  const call = state.calls.get(key);
  if (!(call?.kind === 'group' && (call.phase.status === 'open' || call.phase.fencedBy === null)))
    broken('J4', `${what} for ${key}, which is no group with anything to give up`);
  return call;
}
