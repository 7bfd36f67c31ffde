import type { Encoded, RunStarted } from '../journal/event.ts';
import type { Epoch, Millis, RunId } from '../journal/ids.ts';
import type { SetbackKind } from '../journal/setback.ts';
import type { LeaseClaim } from './journal-store.ts';

/** How a run is put down: what it goes on by. */
export interface Rest {
  /** When it goes on by itself; NEVER: only by what comes from outside. */
  readonly wakeAt: Millis;
  /** Messages that its driver has seen: with another one in its inbox it goes on at once. */
  readonly known: ReadonlySet<string>;
  /** Runs whose end it waits for: with one of them ended it goes on at once. */
  readonly awaited: readonly RunId[];
}

/** A run that is ours now. */
export interface RunLease {
  readonly runId: RunId;
  readonly epoch: Epoch;
}

/** A start that waits for a worker. */
export interface NewStart {
  readonly runId: RunId;
  readonly process: string;
  readonly module: string | null;
  readonly codeHash: string | null;
  readonly inputs: Encoded;
  readonly inputsHash: string;
  /** Not before. */
  readonly at: Millis;
  /** The higher goes first. */
  readonly priority: number;
  /** At most so many runs of this key are under way. */
  readonly limit: { readonly key: string; readonly count: number } | null;
  /** While a start or a run of this key is there, another one is none. */
  readonly singleton: string | null;
  /** While a start of this key waits, another one takes its place and makes it wait anew, until `latestAt` at most. */
  readonly debounce: { readonly key: string; readonly latestAt: Millis } | null;
  /** Of which it is a firing. */
  readonly schedule: string | null;
}

export interface QueuedStart extends NewStart {
  readonly queuedAt: Millis;
  /** It waits for the end of a run of its key. */
  readonly isHeld: boolean;
  /** Why it could not be started when that was tried last. */
  readonly problem: string | null;
  /** False where its row was changed from outside: it has no inputs then, and must not be started. */
  readonly isWhole: boolean;
}

export type EnqueueAnswer =
  | { readonly status: 'queued' }
  /** A start or a run of this id, of the same process and inputs, is there already. */
  | { readonly status: 'duplicate' }
  /** A start or a run of the singleton's key is there already: that one. */
  | { readonly status: 'exists'; readonly runId: RunId }
  /** It took the place of one that waited: the run has the id of that one. */
  | { readonly status: 'debounced'; readonly runId: RunId }
  /** The id is that of something else. */
  | { readonly status: 'other'; readonly process: string; readonly inputsHash: string };

/** What becomes of firings that nobody was there for. */
export type MissedPolicy = 'skip' | 'one' | 'all';
/** What becomes of a firing while a run of an earlier one is there. */
export type OverlapPolicy = 'allow' | 'skip' | 'queue';

export interface ScheduleRecord {
  readonly name: string;
  readonly cron: string;
  /** Of the IANA data base. */
  readonly zone: string;
  readonly process: string;
  readonly module: string | null;
  readonly codeHash: string | null;
  readonly inputs: Encoded;
  readonly inputsHash: string;
  readonly missed: MissedPolicy;
  readonly overlap: OverlapPolicy;
  readonly isPaused: boolean;
  /** The next firing; while it is paused, the one that it would have been. */
  readonly nextAt: Millis;
  /** The last firing that was looked at. */
  readonly lastAt: Millis | null;
  /** As with a start. */
  readonly isWhole: boolean;
}

/** What one look at a schedule makes of it. */
export interface Firing {
  readonly name: string;
  /** As it was read: where it is another by now, somebody else was faster, and nothing is done. */
  readonly expectedAt: Millis;
  readonly nextAt: Millis;
  readonly lastAt: Millis;
  readonly starts: readonly NewStart[];
}

/** A run that could not go on, and is tried again. */
export interface SetBackRun {
  readonly runId: RunId;
  readonly process: string;
  readonly at: Millis;
  readonly setbacks: number;
  readonly problem: string;
}

/**
 * What workers look for: runs that nobody drives and that can go on, starts that wait, schedules.
 *
 * Invariant W1: a run that has not ended has a time to wake exactly while it has no owner.
 * Each of these is one transaction. `processes`: only of these, undefined = of any.
 */
export interface WorkStore {
  /** Frees the runs of owners that are provably gone, or whose time is up; how many. */
  reap(claim: LeaseClaim): number;
  /** Runs that can go on now are ours; those that wait longest first. */
  takeDue(claim: LeaseClaim, limit: number, processes: readonly string[] | undefined): readonly RunLease[];
  /** A run that rests goes on at once. */
  wake(runId: RunId, now: Millis): void;
  /** Gives a run back that could not go on. Nothing where the lease was lost. */
  setBack(lease: RunLease, now: Millis, problem: string, kind: SetbackKind): void;
  /** Runs that could not go on, the first to be tried again first. */
  setBackRuns(limit: number): readonly SetBackRun[];
  /** This one of them; undefined where it is none. */
  setBackRun(runId: RunId): SetBackRun | undefined;

  /** @throws RuntimeError REFUSED where too many starts wait */
  enqueue(start: NewStart, now: Millis): EnqueueAnswer;
  /** Starts whose time has come, in the order in which they are to begin. */
  readyStarts(now: Millis, limit: number, processes: readonly string[] | undefined): readonly QueuedStart[];
  /**
   * The start becomes a run, which is ours in epoch 1. 'held': other runs of its key are under way. 'gone': it was
   * begun, changed or removed meanwhile.
   */
  begin(start: QueuedStart, event: RunStarted, claim: LeaseClaim): 'begun' | 'held' | 'gone';
  /** As with a run; its code is what a start lacks. */
  setBackStart(start: QueuedStart, now: Millis, problem: string): void;
  queuedStart(runId: RunId): QueuedStart | undefined;
  /** In the order of their coming. */
  queuedStarts(limit: number): readonly QueuedStart[];
  removeStart(runId: RunId): boolean;

  /** False where one of that name is there and `replace` is not given. @throws RuntimeError REFUSED: too many */
  putSchedule(schedule: ScheduleRecord, replace: boolean): boolean;
  schedules(): readonly ScheduleRecord[];
  dueSchedules(now: Millis): readonly ScheduleRecord[];
  /** What became of each start; undefined where somebody else was faster. */
  fire(firing: Firing, now: Millis): readonly EnqueueAnswer[] | undefined;
  /** @param nextAt from which it goes on; undefined: as it was */
  pauseSchedule(name: string, isPaused: boolean, nextAt: Millis | undefined): boolean;
  removeSchedule(name: string): boolean;
}
