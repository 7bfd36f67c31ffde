/** Reading runs. */
import type { Database, Statement } from 'better-sqlite3';

import type { Millis, RunId } from '../../journal/ids.ts';
import type { RunQuery, RunRecord } from '../../ports/journal-store.ts';
import type { RunStatus } from '../../journal/run-summary.ts';
import { RUN_COLUMNS, summaryOf } from './run-row.ts';
import type { RunRow } from './run-row.ts';
import { hasTable } from './schema.ts';

/** Of a run that nobody drives. */
const WAKE_AT = '(select at from waking where waking.run = runs.id) as wake_at';

interface RecordRow extends RunRow {
  readonly wake_at: number | null;
}

const STATUSES: readonly RunStatus[] = ['running', 'succeeded', 'failed', 'cancelled'];

type IsDead = (owner: string) => boolean;
type Page = Statement<(string | number)[], RecordRow>;

export class Query {
  readonly #db: Database;
  readonly #isDead: IsDead;
  readonly #columns: string;
  readonly #selectRun: Statement<[RunId], RecordRow>;
  readonly #selectId: Statement<[RunId], number>;
  readonly #countRuns: Statement<[], number>;
  /** By the number of statuses. */
  readonly #pages = new Map<number, Page>();

  constructor(db: Database, isDead: IsDead) {
    this.#db = db;
    this.#isDead = isDead;
    // A journal of an older format, which is only read, has no such table.
    const isThere = hasTable(db, 'waking');
    this.#columns = `${RUN_COLUMNS}, ${isThere ? WAKE_AT : 'null as wake_at'}`;
    this.#selectRun = db.prepare(`select ${this.#columns} from runs where run_id = ?`);
    this.#selectId = db.prepare<[RunId], number>('select id from runs where run_id = ?').pluck();
    this.#countRuns = db.prepare<[], number>('select count(*) from runs').pluck();
  }

  get(runId: RunId, now: Millis): RunRecord | undefined {
    const row = this.#selectRun.get(runId);
    return row === undefined ? undefined : this.#record(row, now, this.#isDead);
  }

  /** Newest first is by the order in which runs were created: clocks jump, and ids are the users'. */
  page({ limit, before, statuses = STATUSES }: RunQuery, now: Millis): readonly RunRecord[] {
    const end = before === undefined ? Number.MAX_SAFE_INTEGER : this.#selectId.get(before);
    if (end === undefined || statuses.length === 0) return [];
    const rows = this.#pageOf(statuses.length).all(...statuses, end, limit);
    const known = new Map<string, boolean>();
    const isDead: IsDead = (owner) => {
      const dead = known.get(owner) ?? this.#isDead(owner);
      known.set(owner, dead);
      return dead;
    };
    return rows.map((row) => this.#record(row, now, isDead));
  }

  count(): number {
    return this.#countRuns.get() ?? 0;
  }

  #pageOf(statuses: number): Page {
    let page = this.#pages.get(statuses);
    if (page === undefined) {
      const marks = Array.from({ length: statuses }, () => '?').join(', ');
      // One status comes from its index in order; several are few enough to filter on the way.
      const status = statuses === 1 ? 'status' : '+status';
      page = this.#db.prepare(
        `select ${this.#columns} from runs where ${status} in (${marks}) and id < ? order by id desc limit ?`,
      );
      this.#pages.set(statuses, page);
    }
    return page;
  }

  #record(row: RecordRow, now: Millis, isDead: IsDead): RunRecord {
    const { owner } = row;
    const ownerAlive = owner !== null && row.lease_until > now && !isDead(owner);
    const wakeAt = owner === null && row.wake_at !== null && row.wake_at > now ? row.wake_at : null;
    return { ...summaryOf(row), owner, ownerAlive, wakeAt };
  }
}
