/** Runs that nobody drives, and when they go on: set with the lease's end, and gone with the next owner. */
import type { Database, Statement } from 'better-sqlite3';

import { EVENT_VERSION } from '../../journal/chain.ts';
import { NEVER, type Millis, type RunId } from '../../journal/ids.ts';
import { setbackMs, type SetbackKind } from '../../journal/setback.ts';
import type { LeaseClaim } from '../../ports/journal-store.ts';
import type { Rest, RunLease, SetBackRun } from '../../ports/work-store.ts';
import { hasTable } from './schema.ts';
import type { Sealing } from './sealing.ts';

/** A run whose owner has just gone. */
export interface Freed {
  readonly id: number;
  readonly status: string;
  readonly process: string;
}

interface DueRow {
  readonly run: number;
  readonly run_id: string;
  readonly epoch: number;
  readonly min_reader: number;
}

interface SetBackRow {
  readonly run: number;
  readonly run_id: string;
  readonly process: string;
  readonly at: number;
  readonly setbacks: number;
  readonly problem: string;
}

/** Of one owner, in one transaction. */
const MAX_REAPED = 1000;
/** Until a newer program is there, perhaps. */
const NEWER_PAUSE_MS = 60_000;

interface Statements {
  readonly drive: Statement<[number]>;
  readonly put: Statement<[number, string, Millis, number, string | null]>;
  readonly setbacks: Statement<[number], number>;
  readonly remove: Statement<[number]>;
  readonly hurry: Statement<[Millis, number, Millis]>;
  readonly hurryRun: Statement<[Millis, RunId, Millis]>;
  readonly postpone: Statement<[Millis, string, number]>;
  readonly due: Statement<[Millis, number], DueRow>;
  readonly dueOf: Statement<[string, Millis, number], DueRow>;
  readonly take: Statement<[string, Millis, number]>;
  readonly waiting: Statement<[number], string>;
  readonly isOpen: Statement<[RunId], number>;
  readonly nextOwner: Statement<[string], string>;
  readonly owned: Statement<[string, Millis, number], Freed>;
  readonly disown: Statement<[number]>;
  readonly setBackRuns: Statement<[number], SetBackRow>;
  readonly setBackRun: Statement<[RunId], SetBackRow>;
}

const SET_BACK = `select waking.run, runs.run_id, waking.process, waking.at, setbacks, problem
  from waking join runs on runs.id = waking.run where problem is not null and at is not null`;

const DUE = `select waking.run, runs.run_id, runs.epoch, runs.min_reader
  from waking join runs on runs.id = waking.run where`;

function prepare(db: Database): Statements {
  return {
    drive: db.prepare('update waking set at = null where run = ?'),
    put: db.prepare(
      `insert into waking (run, process, at, setbacks, problem) values (?, ?, ?, ?, ?)
       on conflict (run) do update set at = excluded.at, setbacks = excluded.setbacks, problem = excluded.problem`,
    ),
    setbacks: db.prepare<[number], number>('select setbacks from waking where run = ?').pluck(),
    remove: db.prepare('delete from waking where run = ?'),
    hurry: db.prepare('update waking set at = ? where run = ? and at > ?'),
    hurryRun: db.prepare(
      'update waking set at = ? where run = (select id from runs where run_id = ?) and at > ?',
    ),
    postpone: db.prepare('update waking set at = ?, problem = ? where run = ?'),
    due: db.prepare(`${DUE} at <= ? order by at limit ?`),
    dueOf: db.prepare(`${DUE} waking.process = ? and at <= ? order by at limit ?`),
    take: db.prepare('update runs set epoch = epoch + 1, owner = ?, lease_until = ? where id = ?'),
    waiting: db
      .prepare<[number], string>('select id from inbox where run = ? and payload is not null order by n')
      .pluck(),
    isOpen: db.prepare<[RunId], number>(`select 1 from runs where run_id = ? and status = 'running'`).pluck(),
    nextOwner: db
      .prepare<[string], string>('select owner from runs where owner > ? order by owner limit 1')
      .pluck(),
    owned: db.prepare('select id, status, process from runs where owner = ? and lease_until <= ? limit ?'),
    disown: db.prepare('update runs set owner = null, lease_until = 0 where id = ?'),
    setBackRuns: db.prepare(`${SET_BACK} order by at limit ?`),
    setBackRun: db.prepare(`${SET_BACK} and runs.run_id = ?`),
  };
}

function problemPlace(run: number): readonly (string | number)[] {
  return ['set back', run];
}

/** Invariant W1, see ports/work-store.ts. All but the looks are inside a transaction. */
export class Waking {
  readonly #db: Database;
  readonly #sealing: Sealing;
  /** Prepared when first needed: a journal of an older format, which is only read, has no such tables. */
  #prepared: Statements | undefined;

  constructor(db: Database, sealing: Sealing) {
    this.#db = db;
    this.#sealing = sealing;
  }

  get #statements(): Statements {
    return (this.#prepared ??= prepare(this.#db));
  }

  /** Somebody drives it from now on. */
  driven(run: number): void {
    this.#statements.drive.run(run);
  }

  /** In the commit of its end. */
  ended(run: number): void {
    this.#statements.remove.run(run);
  }

  released({ id, status, process }: Freed, rest: Rest | undefined): void {
    if (status !== 'running') this.#statements.remove.run(id);
    else this.#statements.put.run(id, process, rest === undefined ? 0 : this.#wakeAt(id, rest), 0, null);
  }

  /** What came between the last look of its driver and now must not be slept over. */
  #wakeAt(run: number, { wakeAt, known, awaited }: Rest): Millis {
    const { waiting, isOpen } = this.#statements;
    const hasMail = waiting.all(run).some((id) => !known.has(id));
    const hasEnded = awaited.some((runId) => isOpen.get(runId) === undefined);
    return hasMail || hasEnded ? 0 : wakeAt;
  }

  setBack({ id, status, process }: Freed, now: Millis, kind: SetbackKind, problem: string): void {
    const { remove, put, setbacks } = this.#statements;
    if (status !== 'running') {
      remove.run(id);
      return;
    }
    const n = (setbacks.get(id) ?? 0) + 1;
    const told = this.#sealing.text(problemPlace(id), problem);
    put.run(id, process, now + setbackMs(n, kind), n, told);
  }

  /** A message came for it. */
  hurry(run: number, now: Millis): void {
    this.#statements.hurry.run(now, run, now);
  }

  wake(runId: RunId, now: Millis): void {
    this.#statements.hurryRun.run(now, runId, now);
  }

  isAnyDue(now: Millis, processes: readonly string[] | undefined): boolean {
    return this.#due(now, 1, processes).length > 0;
  }

  takeDue(claim: LeaseClaim, limit: number, processes: readonly string[] | undefined): readonly RunLease[] {
    const { owner, now, ttlMs } = claim;
    const { take, drive, postpone } = this.#statements;
    return this.#due(now, limit, processes).flatMap(
      ({ run, run_id: runId, epoch, min_reader: minReader }) => {
        if (minReader > EVENT_VERSION) {
          postpone.run(now + NEWER_PAUSE_MS, 'it was recorded by a newer version of Pawl', run);
          return [];
        }
        take.run(owner, now + ttlMs, run);
        drive.run(run);
        return [{ runId, epoch: epoch + 1 }];
      },
    );
  }

  #due(now: Millis, limit: number, processes: readonly string[] | undefined): readonly DueRow[] {
    const { due, dueOf } = this.#statements;
    if (processes === undefined) return due.all(now, limit);
    const rows: DueRow[] = [];
    for (const process of processes) {
      if (rows.length >= limit) break;
      rows.push(...dueOf.all(process, now, limit - rows.length));
    }
    return rows;
  }

  /** Owners of runs, one look in the index for each. */
  owners(): readonly string[] {
    const owners: string[] = [];
    for (let owner = this.#statements.nextOwner.get(''); owner !== undefined;) {
      owners.push(owner);
      owner = this.#statements.nextOwner.get(owner);
    }
    return owners;
  }

  hasExpired(owner: string, now: Millis): boolean {
    return this.#statements.owned.get(owner, now, 1) !== undefined;
  }

  /** @param until leases that end by then: NEVER for an owner that is gone */
  reap(owner: string, until: Millis, now: Millis): number {
    const { owned, disown } = this.#statements;
    const rows = owned.all(owner, until, MAX_REAPED);
    const problem =
      until === NEVER ? 'the program that drove it died' : 'the program that drove it gave no sign of life';
    for (const row of rows) {
      disown.run(row.id);
      this.setBack(row, now, 'crash', problem);
    }
    return rows.length;
  }

  setBackRuns(limit: number): readonly SetBackRun[] {
    return this.#isThere ? this.#statements.setBackRuns.all(limit).map((row) => this.#setBackOf(row)) : [];
  }

  setBackRun(runId: RunId): SetBackRun | undefined {
    const row = this.#isThere ? this.#statements.setBackRun.get(runId) : undefined;
    return row === undefined ? undefined : this.#setBackOf(row);
  }

  get #isThere(): boolean {
    return this.#prepared !== undefined || hasTable(this.#db, 'waking');
  }

  #setBackOf({ run, run_id: runId, process, at, setbacks, problem }: SetBackRow): SetBackRun {
    return { runId, process, at, setbacks, problem: this.#sealing.wholeText(problemPlace(run), problem) };
  }
}
