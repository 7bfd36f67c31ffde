/**
 * Why a run does not move, or does: the one thing that decides it. Of several calls that are open, what people have
 * to do comes first, then what goes on, then what time brings; the oldest of these.
 */
import type { Millis } from '../journal/ids.ts';
import { unreachable } from '../journal/invariant.ts';
import type { CallKey } from '../journal/call-key.ts';
import type { RunSummary } from '../journal/run-summary.ts';
import type { LeafNode, OpenCall, OpenCalls } from './open-calls.ts';

/** What an open call waits for. Those of `people` need somebody outside. */
export type CallWait =
  /** Somebody has to say what became of an attempt. */
  | 'outcome'
  | 'breakpoint'
  | 'message'
  /** A running attempt waits for a message. */
  | 'taskMessage'
  /** An external task that nobody has claimed. */
  | 'external'
  /** An external task that somebody works on. */
  | 'claimed'
  /** Another run. */
  | 'child'
  /** An attempt is under way. */
  | 'task'
  /** The time of the next attempt. */
  | 'retry'
  /** A slot of a pool. */
  | 'slot'
  | 'timer'
  /** Items of a source. */
  | 'source'
  /** It was answered, and the run has not taken that yet. */
  | 'answered'
  /** An attempt was stopped with its program. */
  | 'stopped';

export type WhyState =
  | Exclude<CallWait, 'stopped'>
  | 'succeeded'
  | 'failed'
  | 'cancelled'
  | 'continued'
  /** It was asked to give up, and nobody drives it. */
  | 'cancelling'
  /** It was asked to give up, and does what its scopes registered for their end. */
  | 'givingUp'
  /** The code asks for something else than was recorded. */
  | 'diverged'
  /** It could not go on, and is tried again. */
  | 'setBack'
  /** A run that it waits for waits for people. */
  | 'childWaits'
  /** Put down until a time, or until something comes. */
  | 'resting'
  /** Who drove it is gone. */
  | 'abandoned'
  /** Nobody drives it. */
  | 'idle'
  /** It is driven and nothing is open: its own code runs. */
  | 'code';

export interface WhyFacts extends Pick<RunSummary, 'status' | 'updatedAt'> {
  readonly owner: string | null;
  readonly ownerAlive: boolean;
  readonly wakeAt: Millis | null;
  readonly isCancelAsked: boolean;
  readonly childWaits: boolean;
  /** Why it could not go on when that was tried last, and when it is tried again. */
  readonly setBack: { readonly at: Millis; readonly problem: string } | undefined;
  /** Calls for which what they ask has come, and waits to be taken; external tasks that were answered. */
  readonly answered: ReadonlySet<CallKey>;
  /** Who works on external tasks. */
  readonly claims: ReadonlyMap<CallKey, { readonly worker: string; readonly until: Millis }>;
}

export interface Why {
  readonly state: WhyState;
  /** When that began, as far as it is recorded. */
  readonly since: Millis;
  /** What it is about; undefined where it is the run as a whole. */
  readonly call: LeafNode | undefined;
  /** What that waits for. */
  readonly wait: CallWait | undefined;
  /** Other calls that are open, those that matter most first; at most `MOST_OTHERS`. */
  readonly others: readonly { readonly call: LeafNode; readonly wait: CallWait; readonly since: Millis }[];
  /** All calls that are open. */
  readonly open: number;
}

const MOST_OTHERS = 5;

/** In the order in which they matter. */
const RANKS: readonly CallWait[] = [
  'outcome',
  'breakpoint',
  'message',
  'taskMessage',
  'external',
  'claimed',
  'task',
  'child',
  'retry',
  'slot',
  'timer',
  'source',
  'answered',
  'stopped',
];

const PEOPLE: ReadonlySet<CallWait> = new Set([
  'outcome',
  'breakpoint',
  'message',
  'taskMessage',
  'external',
  'claimed',
]);

export function whyOf(run: WhyFacts, open: OpenCalls): Why {
  const ranked = ranksOf(run, open);
  const [first] = ranked;
  const state = stateOf(run, open, first?.wait);
  const about = subjectOf(state, ranked);
  return {
    state,
    since: about === undefined || state === 'resting' ? run.updatedAt : about.since,
    call: about?.node,
    wait: about?.wait,
    others: ranked
      .filter((call) => call !== about)
      .slice(0, MOST_OTHERS)
      .map(({ node: call, wait, since }) => ({ call, wait, since })),
    open: open.byKey.size,
  };
}

function subjectOf(state: WhyState, ranked: readonly Ranked[]): Ranked | undefined {
  if (OF_RUN.has(state)) return undefined;
  return state === 'childWaits' ? ranked.find(({ wait }) => wait === 'child') : ranked[0];
}

interface Ranked extends OpenCall {
  readonly wait: CallWait;
}

function ranksOf(run: WhyFacts, open: OpenCalls): Ranked[] {
  const ranked: Ranked[] = [];
  for (const call of open.byKey.values()) ranked.push({ ...call, wait: waitOf(call.node, run) });
  return ranked.toSorted((a, b) => RANKS.indexOf(a.wait) - RANKS.indexOf(b.wait) || a.since - b.since);
}

function stateOf(run: WhyFacts, open: OpenCalls, first: CallWait | undefined): WhyState {
  if (run.status !== 'running') return run.status;
  if (run.isCancelAsked || open.cancelReason !== undefined) return run.ownerAlive ? 'givingUp' : 'cancelling';
  if (!run.ownerAlive && run.setBack !== undefined && isDivergence(run.setBack.problem)) return 'diverged';
  if (first !== undefined && PEOPLE.has(first)) return withoutStopped(first);
  if (run.childWaits) return 'childWaits';
  if (!run.ownerAlive) {
    if (first === 'answered') return 'answered';
    if (run.owner !== null) return 'abandoned';
    if (run.setBack !== undefined) return 'setBack';
    return run.wakeAt === null ? 'idle' : 'resting';
  }
  return first === undefined ? 'code' : withoutStopped(first);
}

/** Where it is driven, what was stopped is started again in a moment. */
function withoutStopped(wait: CallWait): Exclude<CallWait, 'stopped'> {
  return wait === 'stopped' ? 'slot' : wait;
}

const OF_RUN: ReadonlySet<WhyState> = new Set([
  'succeeded',
  'failed',
  'cancelled',
  'continued',
  'cancelling',
  'givingUp',
  'diverged',
  'setBack',
  'abandoned',
  'idle',
  'code',
]);

/** The store keeps it as the error's name and its message. */
function isDivergence(problem: string): boolean {
  return problem.startsWith('NonDeterminismError');
}

function waitOf(node: LeafNode, { answered, claims }: WhyFacts): CallWait {
  switch (node.kind) {
    case 'breakpoint':
      return answered.has(node.key) ? 'answered' : 'breakpoint';
    case 'wait':
      return answered.has(node.key) ? 'answered' : 'message';
    case 'timer':
      return 'timer';
    case 'child':
      return 'child';
    case 'source':
      return node.status === 'backoff' ? 'retry' : 'source';
    case 'task':
      break;
    default:
      return unreachable(node);
  }
  if (node.offer !== null) {
    if (answered.has(node.key)) return 'answered';
    if (claims.has(node.key)) return 'claimed';
    return node.status === 'backoff' ? 'retry' : 'external';
  }
  if (node.hears !== undefined) return answered.has(node.key) ? 'answered' : 'taskMessage';
  switch (node.status) {
    case 'asked':
      return answered.has(node.key) ? 'answered' : 'outcome';
    case 'backoff':
      return 'retry';
    case 'queued':
      return 'slot';
    case 'stopped':
      return 'stopped';
    default:
      return 'task';
  }
}
