/**
 * What became of the calls of each pool: a fold of events, of one run or of many.
 *
 * 1. A pool is where a call was recorded; the code may send its attempts elsewhere by now.
 * 2. What is kept of a call ends with it, and what is kept of a run ends with the run.
 */
import type { CallKey } from '../journal/call-key.ts';
import {
  isTerminal,
  type FailureCause,
  type JournalEvent,
  type Recorded,
  type TaskScheduled,
} from '../journal/event.ts';
import type { Millis, RunId } from '../journal/ids.ts';
import { addHistogram, addTime, createHistogram, timesOf, type Histogram, type Times } from './histogram.ts';

export interface PoolStats {
  /** Attempts that were started. */
  readonly started: number;
  readonly completed: number;
  readonly failed: number;
  readonly timedOut: number;
  readonly cancelled: number;
  /** Failed before an attempt, such as by a full queue. */
  readonly refused: number;
  /** Attempts that failed and were tried again. */
  readonly retries: number;
  /** Attempts that were given up, by a timeout or with their call, and have not ended yet. */
  readonly zombies: number;
  /** From the recording of a call, or the time of its next attempt, to the start. */
  readonly wait: Times;
  /** Of attempts, from the start to the recorded end. */
  readonly run: Times;
  /** Attempts under way at once, on average over the time from the first to the last event. */
  readonly averageActive: number;
}

interface Call {
  readonly pool: Tally;
  queuedAt: Millis;
  startedAt: Millis | undefined;
  isZombie: boolean;
}

interface Tally {
  started: number;
  completed: number;
  failed: number;
  timedOut: number;
  cancelled: number;
  refused: number;
  retries: number;
  zombies: number;
  readonly wait: Histogram;
  readonly run: Histogram;
  firstAt: Millis;
  lastAt: Millis;
}

export interface PoolFold {
  readonly tallies: Map<string, Tally>;
  readonly runs: Map<RunId, Map<CallKey, Call>>;
}

export function createPoolFold(): PoolFold {
  return { tallies: new Map(), runs: new Map() };
}

/** By name of the pool, '' for tasks that name none; of several folds together. */
export function poolStatsOf(folds: readonly PoolFold[]): ReadonlyMap<string, PoolStats> {
  const sums = new Map<string, Tally>();
  for (const { tallies } of folds)
    for (const [name, tally] of tallies) {
      const sum = sums.get(name) ?? createTally(tally.firstAt);
      addTally(sum, tally);
      sums.set(name, sum);
    }
  return new Map([...sums].map(([name, tally]) => [name, statsOf(tally)]));
}

const COUNTS = [
  'started',
  'completed',
  'failed',
  'timedOut',
  'cancelled',
  'refused',
  'retries',
  'zombies',
] as const;

function addTally(into: Tally, other: Tally): void {
  for (const name of COUNTS) into[name] += other[name];
  addHistogram(into.wait, other.wait);
  addHistogram(into.run, other.run);
  into.firstAt = Math.min(into.firstAt, other.firstAt);
  into.lastAt = Math.max(into.lastAt, other.lastAt);
}

/** Of a pool that nothing was recorded of. */
export const NO_STATS: PoolStats = statsOf(createTally(0));

function statsOf(tally: Tally): PoolStats {
  const { wait, run, firstAt, lastAt, ...counts } = tally;
  const length = lastAt - firstAt;
  return {
    ...counts,
    wait: timesOf(wait),
    run: timesOf(run),
    averageActive: length > 0 ? run.sumMs / length : 0,
  };
}

function createTally(at: Millis): Tally {
  return {
    started: 0,
    completed: 0,
    failed: 0,
    timedOut: 0,
    cancelled: 0,
    refused: 0,
    retries: 0,
    zombies: 0,
    wait: createHistogram(),
    run: createHistogram(),
    firstAt: at,
    lastAt: at,
  };
}

/** Events of one run, in their order; of calls that were opened before the first of them, nothing is counted. */
export function addPoolEvents(fold: PoolFold, runId: RunId, events: Iterable<Recorded>): void {
  let calls = fold.runs.get(runId);
  for (const { at, event } of events) {
    if (event.type === 'TaskScheduled') {
      if (calls === undefined) {
        calls = new Map();
        fold.runs.set(runId, calls);
      }
      calls.set(event.key, schedule(fold, at, event));
    } else if (calls !== undefined && isTerminal(event)) {
      for (const { pool, isZombie } of calls.values()) if (isZombie) pool.zombies -= 1;
      fold.runs.delete(runId);
      calls = undefined;
    } else if (calls !== undefined && 'key' in event) {
      const call = calls.get(event.key);
      if (call !== undefined && count(call, at, event)) calls.delete(event.key);
    }
  }
}

/** @returns whether the call has ended */
function count(call: Call, at: Millis, event: JournalEvent): boolean {
  const { pool } = call;
  widen(pool, at);
  switch (event.type) {
    case 'AttemptStarted':
      pool.started += 1;
      addTime(pool.wait, at - call.queuedAt);
      call.startedAt = at;
      return false;
    case 'AttemptFailed':
      pool.retries += 1;
      ended(call, at);
      call.queuedAt = event.retryAt;
      return false;
    case 'AttemptInterrupted':
      ended(call, at);
      call.queuedAt = at;
      return false;
    case 'TaskSucceeded':
      pool.completed += 1;
      ended(call, at);
      return true;
    case 'TaskFailed':
      pool[COUNTED_AS[event.cause]] += 1;
      return !giveUp(call, at, event.cause === 'timeout');
    case 'TaskCancelled':
      pool.cancelled += 1;
      return !giveUp(call, at, true);
    case 'LateResult':
      if (call.isZombie) pool.zombies -= 1;
      return true;
    default:
      return false;
  }
}

const COUNTED_AS: { readonly [Cause in FailureCause]: 'failed' | 'timedOut' | 'refused' } = {
  error: 'failed',
  timeout: 'timedOut',
  queueFull: 'refused',
  circuitOpen: 'refused',
};

function schedule(fold: PoolFold, at: Millis, { pool: name }: TaskScheduled): Call {
  let pool = fold.tallies.get(name ?? '');
  if (pool === undefined) {
    pool = createTally(at);
    fold.tallies.set(name ?? '', pool);
  }
  widen(pool, at);
  return { pool, queuedAt: at, startedAt: undefined, isZombie: false };
}

/** Runs are read in any order. */
function widen(pool: Tally, at: Millis): void {
  pool.firstAt = Math.min(pool.firstAt, at);
  pool.lastAt = Math.max(pool.lastAt, at);
}

function ended(call: Call, at: Millis): void {
  if (call.startedAt !== undefined) addTime(call.pool.run, at - call.startedAt);
  call.startedAt = undefined;
}

/** Whether an attempt of it is left behind that has not told its end. */
function giveUp(call: Call, at: Millis, leavesAttempt: boolean): boolean {
  call.isZombie = leavesAttempt && call.startedAt !== undefined;
  if (call.isZombie) call.pool.zombies += 1;
  ended(call, at);
  return call.isZombie;
}
