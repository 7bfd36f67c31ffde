/** What workers ask of a journal file, each in one transaction. */
import { NEVER, type Millis, type RunId } from '../../journal/ids.ts';
import type { SetbackKind } from '../../journal/setback.ts';
import type { LeaseClaim } from '../../ports/journal-store.ts';
import type { RunStarted } from '../../journal/event.ts';
import type {
  EnqueueAnswer,
  Firing,
  NewStart,
  QueuedStart,
  RunLease,
  ScheduleRecord,
  SetBackRun,
  WorkStore,
} from '../../ports/work-store.ts';
import type { JournalFile } from './journal-file.ts';

type Work<T> = Parameters<typeof JournalFile.prototype.read<T>>[0];

/** What it needs of its handle, which knows whether it may still be used. */
export interface Access {
  readonly read: <T>(work: Work<T>) => T;
  readonly write: <T>(work: Work<T>) => T;
  readonly hold: (owner: string) => void;
  readonly isOwnerDead: (owner: string) => boolean;
  /** @throws RuntimeError SEALED where values cannot be read, and none may be written */
  readonly needKey: () => void;
}

type Names = readonly string[] | undefined;

export class SqliteWork implements WorkStore {
  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
  }

  reap({ owner: self, now }: LeaseClaim): number {
    const { read, write, isOwnerDead, needKey } = this.#access;
    needKey();
    let reaped = 0;
    for (const owner of read(({ waking }) => waking.owners())) {
      if (owner === self) continue;
      // Asked before the transaction: looking at another owner's file takes a moment.
      const isDead = isOwnerDead(owner);
      if (!isDead && !read(({ waking }) => waking.hasExpired(owner, now))) continue;
      reaped += write(({ waking }) => waking.reap(owner, isDead ? NEVER : now, now));
    }
    return reaped;
  }

  takeDue(claim: LeaseClaim, limit: number, processes: Names): readonly RunLease[] {
    const { read, write, hold, needKey } = this.#access;
    needKey();
    if (limit < 1 || !read(({ waking }) => waking.isAnyDue(claim.now, processes))) return [];
    hold(claim.owner);
    return write(({ waking }) => waking.takeDue(claim, limit, processes));
  }

  wake(runId: RunId, now: Millis): void {
    this.#access.write(({ waking }) => waking.wake(runId, now));
  }

  setBack(lease: RunLease, now: Millis, problem: string, kind: SetbackKind): void {
    this.#access.needKey();
    this.#access.write(({ leases }) => leases.setBack(lease, now, problem, kind));
  }

  setBackRuns(limit: number): readonly SetBackRun[] {
    return this.#access.read(({ waking }) => waking.setBackRuns(limit));
  }

  setBackRun(runId: RunId): SetBackRun | undefined {
    return this.#access.read(({ waking }) => waking.setBackRun(runId));
  }

  enqueue(start: NewStart, now: Millis): EnqueueAnswer {
    this.#access.needKey();
    return this.#access.write(({ starts }) => starts.enqueue(start, now));
  }

  readyStarts(now: Millis, limit: number, processes: Names): readonly QueuedStart[] {
    this.#access.needKey();
    return this.#access.read(({ starts }) => starts.ready(now, limit, processes));
  }

  begin(start: QueuedStart, event: RunStarted, claim: LeaseClaim): 'begun' | 'held' | 'gone' {
    this.#access.needKey();
    this.#access.hold(claim.owner);
    return this.#access.write(({ starts, append }) => starts.begin(start, event, claim, append));
  }

  setBackStart(start: QueuedStart, now: Millis, problem: string): void {
    this.#access.needKey();
    this.#access.write(({ starts }) => starts.setBack(start, now, problem));
  }

  queuedStart(runId: RunId): QueuedStart | undefined {
    return this.#access.read(({ starts }) => starts.get(runId));
  }

  queuedStarts(limit: number): readonly QueuedStart[] {
    return this.#access.read(({ starts }) => starts.list(limit));
  }

  removeStart(runId: RunId): boolean {
    return this.#access.write(({ starts }) => starts.remove(runId));
  }

  putSchedule(schedule: ScheduleRecord, replace: boolean): boolean {
    this.#access.needKey();
    return this.#access.write(({ schedules }) => schedules.put(schedule, replace));
  }

  schedules(): readonly ScheduleRecord[] {
    return this.#access.read(({ schedules }) => schedules.list());
  }

  dueSchedules(now: Millis): readonly ScheduleRecord[] {
    return this.#access.read(({ schedules }) => schedules.due(now));
  }

  fire(firing: Firing, now: Millis): readonly EnqueueAnswer[] | undefined {
    this.#access.needKey();
    return this.#access.write(({ schedules, starts }) => schedules.fire(firing, now, starts));
  }

  pauseSchedule(name: string, isPaused: boolean, nextAt: Millis | undefined): boolean {
    return this.#access.write(({ schedules }) => schedules.pause(name, isPaused, nextAt));
  }

  removeSchedule(name: string): boolean {
    return this.#access.write(({ schedules }) => schedules.remove(name));
  }
}
