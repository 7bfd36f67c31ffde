import { isExitPath, ROOT_SCOPE, scopeOf, type CallKey } from '../journal/call-key.ts';
import type {
  EventType,
  GroupMode,
  Losers,
  Recorded,
  ScopeClosed,
  StreamOpened,
  TaskPolicy,
} from '../journal/event.ts';
import type { BreakpointOpened } from '../journal/breakpoint-event.ts';
import type { ParentRecorded } from '../journal/child-event.ts';
import type { Millis, RunId, Seq } from '../journal/ids.ts';

/** Where a task call stands. */
export type TaskPhase =
  /** Waits for its next attempt. */
  | 'scheduled'
  | 'running'
  /** Failed, and waits until `retryAt`. */
  | 'backoff'
  /** A person has to say what became of the last attempt. */
  | 'asked'
  | 'succeeded'
  | 'failed'
  | 'cancelled';

interface Enclosed {
  /** The innermost group around the call, set when it is added. */
  group: GroupCall | undefined;
}

export interface TaskCall extends Enclosed {
  readonly kind: 'task';
  readonly seq: Seq;
  scheduledAt: Millis;
  readonly fingerprint: string;
  readonly policy: TaskPolicy;
  phase: TaskPhase;
  /** Attempts that were started. */
  attempts: number;
  failures: number;
  /** Attempts that started and have no recorded end. */
  unknowns: number;
  /** Another program makes the last one. */
  isRemote: boolean;
  retryAt: Millis;
  retryDelayMs: number;
  /** Where the process reads its progress. */
  progress: ReadProgress | undefined;
  /** Where messages that its attempts took are recorded, by their name; undefined before the first. */
  messages: Map<string, Seq[]> | undefined;
  /** Under which name its attempt waits for one; undefined while it does not. */
  hearing: string | undefined;
}

/** Progress of a task call that is recorded, since the process reads it. */
export interface ReadProgress {
  items: number;
  /** The process stopped reading, which gives the call up. */
  closed: ClosedStream | undefined;
}

/** The process stopped reading: after how many items it took, and where that is recorded. */
export interface ClosedStream {
  readonly consumed: number;
  readonly seq: Seq;
}

/** A source: it has attempts like a task, and gives items before it settles. */
export interface StreamCall extends Enclosed {
  readonly kind: 'stream';
  readonly seq: Seq;
  readonly fingerprint: string;
  readonly retry: NonNullable<StreamOpened['retry']>;
  phase:
    /** Waits to be opened. */
    | 'scheduled'
    | 'running'
    /** Failed, and waits until `retryAt`. */
    | 'backoff'
    | 'ended'
    | 'failed'
    /** The process stopped reading. */
    | 'closed'
    | 'cancelled';
  /** Attempts that were started. */
  attempts: number;
  /** Since the last item. */
  failures: number;
  items: number;
  /** Its last item that a mark holds: the replay begins behind it. */
  foldedSeq: Seq;
  retryAt: Millis;
  retryDelayMs: number;
  closed: ClosedStream | undefined;
}

export interface TimerCall extends Enclosed {
  readonly kind: 'timer';
  readonly seq: Seq;
  readonly fingerprint: string;
  readonly dueAt: Millis;
  readonly durationMs: number;
  phase: 'pending' | 'fired' | 'cancelled';
}

/** A wait for a message from outside. It holds no slot. */
export interface WaitCall extends Enclosed {
  readonly kind: 'wait';
  readonly seq: Seq;
  openedAt: Millis;
  readonly fingerprint: string;
  readonly name: string;
  readonly timeoutMs: number | null;
  /** It has a question that is shown to people. */
  readonly hasPrompt: boolean;
  phase: 'pending' | 'received' | 'timedOut' | 'cancelled';
}

/** A question to people. It holds no slot. */
export interface BreakpointCall
  extends
    Enclosed,
    Pick<BreakpointOpened, 'options' | 'strategy' | 'quorum' | 'experts' | 'timeoutMs' | 'onTimeout'> {
  readonly kind: 'breakpoint';
  readonly seq: Seq;
  openedAt: Millis;
  readonly fingerprint: string;
  /** In the order in which they were recorded, one a person. */
  readonly answers: { readonly by: string; readonly approved: boolean }[];
  phase: 'pending' | 'closed' | 'cancelled';
}

/** Another run that this one started and waits for. It holds no slot. */
export interface ChildCall extends Enclosed {
  readonly kind: 'child';
  readonly seq: Seq;
  readonly fingerprint: string;
  readonly runId: RunId;
  /** It goes on where the call is given up. */
  readonly survives: boolean;
  phase: 'pending' | 'succeeded' | 'failed' | 'cancelled' | 'detached';
}

/** Work that was asked of somebody else. It holds no slot. */
export interface OfferCall extends Enclosed {
  readonly kind: 'offer';
  readonly seq: Seq;
  taskId: string;
  offeredAt: Millis;
  readonly fingerprint: string;
  readonly retry: TaskPolicy['retry'];
  readonly timeoutMs: number | null;
  phase: 'open' | 'succeeded' | 'failed' | 'cancelled';
  /** Answers that said that it failed. */
  failures: number;
}

/** A task that was registered for the end of a `ctx.scope`; its run is a call of its own. */
export interface ExitCall extends Enclosed {
  readonly kind: 'exit';
  readonly seq: Seq;
  readonly fingerprint: string;
  readonly scope: CallKey;
  readonly when: 'always' | 'failure';
}

/** A value that was recorded at once: it is no call that anyone waits for. */
export interface ValueCall extends Enclosed {
  readonly kind: 'value';
  readonly seq: Seq;
  readonly fingerprint: string;
  readonly value: number;
}

/** What a scope set of the run's state: how often. */
export interface StateCall extends Enclosed {
  readonly kind: 'state';
  readonly seq: Seq;
  readonly fingerprint: string;
  count: number;
}

export type Decided = Omit<ScopeClosed, 'type' | 'key'>;

export interface GroupCall extends Enclosed {
  readonly kind: 'group';
  readonly seq: Seq;
  openedAt: Millis;
  readonly fingerprint: string;
  readonly mode: GroupMode;
  readonly width: number | null;
  /** As opened; `concurrency` holds what it was retuned to. */
  readonly openedConcurrency: number | null;
  readonly batchSize: number | null;
  readonly buffer: number | null;
  readonly losers: Losers;
  readonly timeoutMs: number | null;
  readonly openedAborted: boolean;
  concurrency: number | null;
  /** Calls of which this is the innermost group. */
  inside: CallKey[];
  /** The latest mark of a reduce. */
  folded: { readonly n: number; readonly seq: Seq } | null;
  /** Calls below this group, nested ones too, that are not settled. */
  unsettled: number;
  phase:
    | { readonly status: 'open' }
    | {
        readonly status: 'closed';
        readonly seq: Seq;
        readonly decided: Decided;
        /** What gave up the calls in it; null where they go on after the decision. */
        readonly fencedBy: Decided['outcome'] | null;
        /** In words, where they went on and were given up then. */
        readonly why?: string;
      };
}

export type CallState =
  | TaskCall
  | TimerCall
  | WaitCall
  | BreakpointCall
  | OfferCall
  | ChildCall
  | StreamCall
  | ExitCall
  | ValueCall
  | StateCall
  | GroupCall;

export type RunPhase =
  | { readonly status: 'unstarted' }
  | { readonly status: 'running' }
  /** The process returned while calls were pending; they are being cancelled. */
  | { readonly status: 'closing'; readonly decided: Decided }
  /** `isForced`: exits of scopes are given up with all else. */
  | { readonly status: 'cancelling'; readonly reason: string; readonly isForced: boolean }
  | { readonly status: 'ended'; readonly by: EventType };

/** What the rules need to know of a run: fingerprints and statuses, no arguments, no outputs. `evolve` alone changes it. */
export interface RunState {
  seq: Seq;
  lastAt: Millis;
  seed: string;
  /** Where idempotency keys come from: the seed, but in a fork. */
  effectSeed: string;
  /** Of a fork: where it begins, and where its parent's history ends for it. */
  forked: { readonly seq: Seq; readonly parentRunId: RunId; readonly parentSeq: Seq } | undefined;
  /** Of a fork: the runs that recorded what it shares, each with its last event, the oldest first. */
  readonly sharedWith: SharedWith[];
  process: string;
  inputsHash: string;
  /** The event that says what the process is started with. */
  inputsSeq: Seq;
  codeHash: string | null;
  /** Names of all that it ever set for those who ask from outside. */
  readonly stateNames: Set<string>;
  /** Of a run that another one started. */
  parent: Omit<ParentRecorded, 'type'> | undefined;
  phase: RunPhase;
  readonly calls: Map<CallKey, CallState>;
  /** Calls that are not settled, but for groups. */
  readonly pending: Set<CallKey>;
  /** Of these, waits for people of which somebody was told. */
  readonly notified: Set<CallKey>;
  /** The last event that replay compares or delivers; behind it the journal is at its head. */
  lastDecisiveSeq: Seq;
  /** The last event that stands for others: a mark, or removed rows. Behind it none is passed over. */
  lastStandInSeq: Seq;
}

export interface SharedWith {
  readonly runId: RunId;
  readonly upTo: Seq;
}

export function initialState(): RunState {
  return {
    seq: 0,
    lastAt: 0,
    seed: '',
    effectSeed: '',
    forked: undefined,
    sharedWith: [],
    process: '',
    inputsHash: '',
    inputsSeq: 1,
    codeHash: null,
    stateNames: new Set(),
    parent: undefined,
    phase: { status: 'unstarted' },
    calls: new Map(),
    pending: new Set(),
    notified: new Set(),
    lastDecisiveSeq: 0,
    lastStandInSeq: 0,
  };
}

/** The innermost group that a key lies in. A branch's key is `group/branch`, its calls' `group/branch/call`. */
export function groupAround(state: Readonly<RunState>, key: CallKey): GroupCall | undefined {
  const known = state.calls.get(key);
  return known === undefined ? groupAroundNew(state, key) : known.group;
}

/** The same of a key that nothing is recorded under. */
export function groupAroundNew({ calls }: Readonly<RunState>, key: CallKey): GroupCall | undefined {
  // What holds a call is a branch, and what holds that is its group.
  for (let branch = scopeOf(key); branch !== ROOT_SCOPE; branch = scopeOf(scopeOf(branch))) {
    const call = calls.get(scopeOf(branch));
    if (call?.kind === 'group') return call;
  }
  return undefined;
}

/** Whether the latest mark of a reduce stands for this event: the replay begins behind it. */
export function isBehindMark(state: Readonly<RunState>, { seq, event }: Recorded): boolean {
  if (seq >= state.lastStandInSeq || !('key' in event)) return false;
  if (event.type === 'Folded') {
    const reduce = state.calls.get(event.key);
    if (reduce?.kind === 'group' && reduce.folded !== null && seq < reduce.folded.seq) return true;
  }
  const call = state.calls.get(event.key);
  if (call?.kind === 'stream' && seq <= call.foldedSeq && event.type !== 'StreamOpened') return true;
  for (let group = groupAround(state, event.key); group !== undefined; group = group.group) {
    if (group.folded !== null && seq < group.folded.seq) return true;
  }
  return false;
}

/** Whether a decision gives up what runs; what is aborted or timed out is given up whatever was asked for. */
export function fencesLosers(outcome: Decided['outcome'], losers: Losers): boolean {
  return losers === 'cancel' || isInterruption(outcome);
}

/** Whether a decision came from outside the group: its signal, or its time. */
export function isInterruption(outcome: Decided['outcome']): boolean {
  return outcome === 'aborted' || outcome === 'timedOut';
}

/** That the process stopped reading a source, or the progress of a task; undefined while it has not. */
export function closedStream(call: CallState | undefined): ClosedStream | undefined {
  if (call?.kind === 'task') return call.progress?.closed;
  return call?.kind === 'stream' ? call.closed : undefined;
}

/**
 * True where a recorded decision gave the call up: nothing of it may start or settle by itself. What was
 * detached has lost its group, and no decision further out gives it up; an abort or a timeout there does. A task
 * whose progress the process stopped reading is given up, too.
 */
export function isFenced(state: Readonly<RunState>, key: CallKey): boolean {
  return isGivenUp(state, key, state.calls.get(key)) && !isShielded(state, key);
}

/** The same of a call that was looked up already. */
export function isFencedCall(state: Readonly<RunState>, key: CallKey, call: CallState): boolean {
  return isGivenUp(state, key, call) && !isShielded(state, key);
}

/** An exit of a `ctx.scope` runs whatever gave its scope up, but for a cancelling that is forced. */
export function isShielded({ phase }: Readonly<RunState>, key: CallKey): boolean {
  return isExitPath(scopeOf(key)) && !(phase.status === 'cancelling' && phase.isForced);
}

function isGivenUp(state: Readonly<RunState>, key: CallKey, call: CallState | undefined): boolean {
  if (state.phase.status !== 'running') return true;
  if (closedStream(call) !== undefined) return true;
  let isDetached = isDetachedGroup(call);
  let group = call === undefined ? groupAround(state, key) : call.group;
  for (; group !== undefined; group = group.group) {
    const { phase } = group;
    if (phase.status !== 'closed') continue;
    if (phase.fencedBy === null) isDetached ||= isDetachedGroup(group);
    else if (!isDetached || isInterruption(phase.fencedBy)) return true;
  }
  return false;
}

/** The wait that the next message of this name is for: the first that was opened. */
export function openWait(state: Readonly<RunState>, name: string): CallKey | undefined {
  for (const key of state.pending) {
    const call = state.calls.get(key);
    if (call?.kind === 'wait' && call.name === name && !isFenced(state, key)) return key;
  }
  return undefined;
}

/** One that was decided, and whose losers go on by themselves. */
function isDetachedGroup(call: CallState | undefined): boolean {
  return (
    call?.kind === 'group' &&
    call.losers === 'detach' &&
    call.phase.status === 'closed' &&
    call.phase.fencedBy === null
  );
}
