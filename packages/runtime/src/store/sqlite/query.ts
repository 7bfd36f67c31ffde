/** Reading runs. */
import type { Database, Statement } from 'better-sqlite3';

import type { Millis, RunId } from '../../journal/ids.ts';
import type { RunCounts, RunQuery, RunRecord } from '../../ports/journal-store.ts';
import type { RunStatus } from '../../journal/run-summary.ts';
import { MAX_SOUGHT, soughtTexts } from '../run-states.ts';
import { RUN_COLUMNS, summaryOf } from './run-row.ts';
import type { RunRow } from './run-row.ts';
import { hasTable } from './schema.ts';
import type { States } from './states.ts';

/** Of a run that nobody drives. */
const WAKE_AT = '(select at from waking where waking.run = runs.id) as wake_at';

/** A message begins with its kind; one that is damaged, or of any size, is not looked into here. */
const CANCEL_ASKED = `status = 'running' and exists (select 1 from inbox where inbox.run = runs.id
  and payload is not null and substr(payload, 1, 16) = '{"kind":"cancel"') as cancel_asked`;

interface RecordRow extends RunRow {
  readonly wake_at: number | null;
  readonly cancel_asked: number;
}

const STATUSES: readonly RunStatus[] = ['running', 'succeeded', 'failed', 'cancelled'];

/** The index of statuses has them side by side. */
export const COUNT_BY_STATUS = 'select status, count(*) as count from runs group by status';

type IsDead = (owner: string) => boolean;
type Page = Statement<(string | number)[], RecordRow>;

export class Query {
  readonly #db: Database;
  readonly #states: States;
  readonly #isDead: IsDead;
  readonly #columns: string;
  readonly #selectRun: Statement<[RunId], RecordRow>;
  readonly #selectId: Statement<[RunId], number>;
  readonly #countByStatus: Statement<[], { readonly status: RunStatus; readonly count: number }>;
  readonly #countRuns: Statement<[], number>;
  /** By the number of statuses and of values that are looked for. */
  readonly #pages = new Map<string, Page>();

  constructor(db: Database, states: States, isDead: IsDead) {
    this.#db = db;
    this.#states = states;
    this.#isDead = isDead;
    // A journal of an older format, which is only read, has no such table.
    const isThere = hasTable(db, 'waking');
    this.#columns = `${RUN_COLUMNS}, ${isThere ? WAKE_AT : 'null as wake_at'}, ${CANCEL_ASKED}`;
    this.#selectRun = db.prepare(`select ${this.#columns} from runs where run_id = ?`);
    this.#selectId = db.prepare<[RunId], number>('select id from runs where run_id = ?').pluck();
    this.#countByStatus = db.prepare(COUNT_BY_STATUS);
    this.#countRuns = db.prepare<[], number>('select count(*) from runs').pluck();
  }

  get(runId: RunId, now: Millis): RunRecord | undefined {
    const row = this.#selectRun.get(runId);
    return row === undefined ? undefined : this.#record(row, now, this.#isDead);
  }

  /** Newest first is by the order in which runs were created: clocks jump, and ids are the users'. */
  page(query: RunQuery, now: Millis): readonly RunRecord[] {
    const { limit, before, statuses = STATUSES } = query;
    const end = before === undefined ? Number.MAX_SAFE_INTEGER : this.#selectId.get(before);
    if (end === undefined || statuses.length === 0) return [];
    const sought = soughtTexts(query);
    // What nothing can have needs no look.
    if (sought.some(([, texts]) => texts.length === 0)) return [];
    if (sought.length > 0 && !this.#states.isThere) return [];
    const counts = sought.map(([, texts]) => texts.length);
    const values = sought.flatMap(([name, texts]) => [name, ...texts]);
    const rows = this.#pageOf(statuses.length, counts).all(...values, ...statuses, end, limit);
    const known = new Map<string, boolean>();
    const isDead: IsDead = (owner) => {
      const dead = known.get(owner) ?? this.#isDead(owner);
      known.set(owner, dead);
      return dead;
    };
    return rows.map((row) => this.#record(row, now, isDead));
  }

  counts(): RunCounts {
    return Object.fromEntries(this.#countByStatus.all().map(({ status, count }) => [status, count]));
  }

  count(): number {
    return this.#countRuns.get() ?? 0;
  }

  #pageOf(statuses: number, sought: readonly number[]): Page {
    const form = [statuses, ...sought].join(' ');
    let page = this.#pages.get(form);
    if (page === undefined) {
      page = this.#db.prepare(pageText(this.#columns, statuses, sought));
      this.#pages.set(form, page);
    }
    return page;
  }

  #record(row: RecordRow, now: Millis, isDead: IsDead): RunRecord {
    const { owner } = row;
    const ownerAlive = owner !== null && row.lease_until > now && !isDead(owner);
    const wakeAt = owner === null && row.wake_at !== null && row.wake_at > now ? row.wake_at : null;
    return { ...summaryOf(row), owner, ownerAlive, wakeAt, isCancelAsked: row.cancel_asked === 1 };
  }
}

/**
 * @param sought how many values each name that is looked for may have
 */
export function pageText(columns: string, statuses: number, sought: readonly number[]): string {
  const [first, ...others] = sought;
  const has = (alias: string, count: number): string =>
    `${alias}.name = ? and ${isIn(`${alias}.value`, count)} and length(${alias}.value) <= ${MAX_SOUGHT}`;
  if (first === undefined) {
    // One status comes from its index in order; several are few enough to filter on the way.
    const status = isIn(statuses === 1 ? 'status' : '+status', statuses);
    return `select ${columns} from runs where ${status} and id < ? order by id desc limit ?`;
  }
  // The first value leads to the runs, by its index; all else is looked at on the way.
  const more = others.map(
    (count, index) =>
      ` and exists (select 1 from run_state s${index} where s${index}.run = s.run and ${has(`s${index}`, count)})`,
  );
  return `select ${columns} from run_state s cross join runs on runs.id = s.run
    where ${has('s', first)}${more.join('')} and ${isIn('+status', statuses)} and s.run < ? order by s.run desc limit ?`;
}

function isIn(column: string, count: number): string {
  return `${column} in (${Array.from({ length: count }, () => '?').join(', ')})`;
}
