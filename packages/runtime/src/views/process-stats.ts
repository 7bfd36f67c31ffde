/**
 * What the tasks of a process cost over many runs: a fold of the events of one run after the other.
 *
 * 1. What is kept of a call ends with it, and what is kept of a run ends with `closeRun`.
 */
import { ROOT_SCOPE, scopeOf, type CallKey, type ScopePath } from '../journal/call-key.ts';
import { isTerminal, type JournalEvent, type Recorded } from '../journal/event.ts';
import type { Millis, RunId } from '../journal/ids.ts';
import { addTime, createHistogram, timesOf, type Histogram, type Times } from './histogram.ts';

export interface TaskStats {
  readonly name: string;
  readonly calls: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Attempts that failed and were tried again. */
  readonly retries: number;
  /** What those took, in ms: they themselves, and the wait for the next attempt. */
  readonly retryMs: number;
  /** Of attempts, from their start to their recorded end. */
  readonly run: Times;
}

export interface SlowBranch {
  readonly runId: RunId;
  readonly path: ScopePath;
  readonly ms: number;
}

export interface ProcessStats {
  /** By how they ended; 'running' is any that did not. */
  readonly runs: Readonly<Record<'succeeded' | 'failed' | 'cancelled' | 'continued' | 'running', number>>;
  /** Of runs that ended, from their start. */
  readonly duration: Times;
  /** Those that took most time first. */
  readonly tasks: readonly TaskStats[];
  /** The longest branches of groups, over all runs. */
  readonly slowest: readonly SlowBranch[];
  /** Times that a run went on after a stop or a crash in the middle of an attempt: others leave no trace. */
  readonly resumes: number;
  /** Work that was recorded by then and was not done again, in ms of attempts. */
  readonly savedMs: number;
}

interface Tally {
  calls: number;
  succeeded: number;
  failed: number;
  cancelled: number;
  retries: number;
  retryMs: number;
  readonly run: Histogram;
}

interface Call {
  readonly tally: Tally;
  startedAt: Millis | undefined;
  failedAt: Millis | undefined;
}

interface Run {
  readonly runId: RunId;
  readonly startedAt: Millis;
  readonly calls: Map<CallKey, Call>;
  /** By group, its branches. */
  readonly groups: Map<CallKey, Map<ScopePath, { readonly from: Millis; to: Millis }>>;
  /** Of attempts that succeeded so far, in ms. */
  doneMs: number;
  resumedAt: Millis;
  wasStopped: boolean;
}

export interface StatsFold {
  readonly tallies: Map<string, Tally>;
  readonly runs: Record<'succeeded' | 'failed' | 'cancelled' | 'continued' | 'running', number>;
  readonly duration: Histogram;
  slowest: SlowBranch[];
  resumes: number;
  savedMs: number;
  run: Run | undefined;
}

const MOST_SLOWEST = 5;
/** Of one group: more are not compared. */
const MOST_BRANCHES = 10_000;

export function createStatsFold(): StatsFold {
  return {
    tallies: new Map(),
    runs: { succeeded: 0, failed: 0, cancelled: 0, continued: 0, running: 0 },
    duration: createHistogram(),
    slowest: [],
    resumes: 0,
    savedMs: 0,
    run: undefined,
  };
}

export function processStatsOf(fold: StatsFold): ProcessStats {
  const tasks = [...fold.tallies]
    .map(([name, { run, ...counts }]) => ({ name, ...counts, run: timesOf(run) }))
    .toSorted((a, b) => b.run.averageMs * b.run.count - a.run.averageMs * a.run.count);
  const { runs, duration, slowest, resumes, savedMs } = fold;
  return { runs, duration: timesOf(duration), tasks, slowest, resumes, savedMs };
}

export function addStatsEvent(fold: StatsFold, runId: RunId, { at, event }: Recorded): void {
  if (event.type === 'RunStarted') {
    fold.run = newRun(runId, at);
    return;
  }
  const { run } = fold;
  if (run === undefined) return;
  if (isTerminal(event)) {
    const status = STATUS[event.type];
    fold.runs[status] += 1;
    addTime(fold.duration, at - run.startedAt);
    fold.run = undefined;
    return;
  }
  if (!('key' in event) || event.key === ROOT_SCOPE) return;
  addBranchEvent(fold, run, event, at);
  if (event.type === 'TaskScheduled') {
    const tally = tallyOf(fold, event.task);
    tally.calls += 1;
    run.calls.set(event.key, { tally, startedAt: undefined, failedAt: undefined });
    return;
  }
  const call = run.calls.get(event.key);
  if (call !== undefined) addCallEvent(fold, run, call, event, at);
}

/** No more events of it come: it goes on, or is a row that was read to its end. */
export function closeRun(fold: StatsFold): void {
  if (fold.run !== undefined) fold.runs.running += 1;
  fold.run = undefined;
}

const STATUS = {
  RunSucceeded: 'succeeded',
  RunFailed: 'failed',
  RunCancelled: 'cancelled',
  RunContinued: 'continued',
} as const;

function newRun(runId: RunId, at: Millis): Run {
  return {
    runId,
    startedAt: at,
    calls: new Map(),
    groups: new Map(),
    doneMs: 0,
    resumedAt: at,
    wasStopped: false,
  };
}

function tallyOf(fold: StatsFold, name: string): Tally {
  let tally = fold.tallies.get(name);
  if (tally === undefined) {
    tally = {
      calls: 0,
      succeeded: 0,
      failed: 0,
      cancelled: 0,
      retries: 0,
      retryMs: 0,
      run: createHistogram(),
    };
    fold.tallies.set(name, tally);
  }
  return tally;
}

function addCallEvent(
  fold: StatsFold,
  run: Run,
  call: Call,
  event: JournalEvent & { key: CallKey },
  at: Millis,
): void {
  const { tally } = call;
  switch (event.type) {
    case 'AttemptStarted':
      startAttempt(fold, run, call, at);
      return;
    case 'AttemptFailed':
      tally.retries += 1;
      tally.retryMs += endAttempt(call, at);
      call.failedAt = at;
      return;
    case 'AttemptInterrupted':
      run.wasStopped = true;
      call.startedAt = undefined;
      return;
    case 'TaskSucceeded':
      tally.succeeded += 1;
      run.doneMs += endAttempt(call, at);
      break;
    case 'TaskFailed':
      tally.failed += 1;
      endAttempt(call, at);
      break;
    case 'TaskCancelled':
      tally.cancelled += 1;
      break;
    default:
      return;
  }
  run.calls.delete(event.key);
}

/** A second start without an end between is a crash; several attempts were under way, and it was one. */
function startAttempt(fold: StatsFold, run: Run, call: Call, at: Millis): void {
  const hadNoEnd = call.startedAt !== undefined && call.startedAt >= run.resumedAt;
  if (run.wasStopped || hadNoEnd) {
    fold.resumes += 1;
    fold.savedMs += run.doneMs;
    run.resumedAt = at;
    run.wasStopped = false;
  }
  if (call.failedAt !== undefined) call.tally.retryMs += Math.max(0, at - call.failedAt);
  call.failedAt = undefined;
  call.startedAt = at;
}

function endAttempt(call: Call, at: Millis): number {
  if (call.startedAt === undefined) return 0;
  const ms = Math.max(0, at - call.startedAt);
  addTime(call.tally.run, ms);
  call.startedAt = undefined;
  return ms;
}

function addBranchEvent(fold: StatsFold, run: Run, event: JournalEvent & { key: CallKey }, at: Millis): void {
  if (event.type === 'ScopeOpened') run.groups.set(event.key, new Map());
  if (event.type === 'Folded') run.groups.get(event.key)?.clear();
  const path = scopeOf(event.key);
  const branches = path === ROOT_SCOPE ? undefined : run.groups.get(scopeOf(path));
  const branch = branches?.get(path);
  if (branch !== undefined) branch.to = at;
  else if (branches !== undefined && branches.size < MOST_BRANCHES) branches.set(path, { from: at, to: at });
  if (event.type !== 'ScopeClosed') return;
  for (const [of, { from, to }] of run.groups.get(event.key) ?? []) keepSlow(fold, run.runId, of, to - from);
  run.groups.delete(event.key);
}

function keepSlow(fold: StatsFold, runId: RunId, path: ScopePath, ms: number): void {
  const least = fold.slowest.at(-1);
  if (fold.slowest.length >= MOST_SLOWEST && least !== undefined && least.ms >= ms) return;
  fold.slowest = [...fold.slowest, { runId, path, ms }]
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, MOST_SLOWEST);
}
