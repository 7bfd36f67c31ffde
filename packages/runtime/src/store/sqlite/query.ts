/** Reading runs. */
import type { Database, Statement } from 'better-sqlite3';

import { RuntimeError } from '../../errors.ts';
import { isRunId, type Millis, type RunId } from '../../journal/ids.ts';
import type {
  RunCounts,
  RunDamage,
  RunQuery,
  RunRecord,
  RunSearch,
  RunsFound,
} from '../../ports/journal-store.ts';
import type { RunStatus } from '../../journal/run-summary.ts';
import { MAX_SOUGHT, soughtTexts } from '../run-states.ts';
import { ID_COLUMN, RUN_COLUMNS, summaryOf, toldId } from './run-row.ts';
import type { RunRow } from './run-row.ts';
import { hasTable } from './schema.ts';
import type { Sealing } from './sealing.ts';
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

const STATUSES: readonly RunStatus[] = ['running', 'succeeded', 'failed', 'cancelled', 'continued'];

/** The index of statuses has them side by side. */
export const COUNT_BY_STATUS = 'select status, count(*) as count from runs group by status';

/** What an owner has leases of. */
export interface OwnerRow {
  readonly owner: string;
  readonly runs: number;
  readonly last_event_at: number;
  readonly leased_until: number;
}

/** The index of owners has those alone that are owned. */
export const OWNERS = `select owner, count(*) as runs, max(updated_at) as last_event_at,
  max(lease_until) as leased_until from runs where owner is not null group by owner order by runs desc limit 1000`;

type IsDead = (owner: string) => boolean;

/** How many statuses, and how many values of each name, a page may have. */
interface PageForm {
  /** Undefined: whatever stands there, were it damage. */
  readonly statuses: number | undefined;
  readonly sought: readonly number[];
  readonly conditions?: readonly string[];
  /** Values are found by their digests, too. */
  readonly isSealed?: boolean;
}

interface Place {
  readonly form: PageForm;
  readonly values: readonly (string | number)[];
  /** The page begins below it. */
  readonly end: number;
}

interface Reach {
  readonly floor: number | null;
  readonly count: number;
}

const FLOOR = 'runs.id >= ?';

type LeftOut = (damage: RunDamage) => void;

/** Rows that are read at once, however few are wanted yet: there may be damaged ones among them. */
const FEWEST_ROWS = 100;
/** Of rows whose ids are none of runs, looked through for one that is, so that a search can go on behind it. */
const MOST_UNNAMED = 1000;

export class Query {
  readonly #db: Database;
  readonly #states: States;
  readonly #sealing: Sealing;
  readonly #isDead: IsDead;
  readonly #columns: string;
  readonly #selectRun: Statement<[RunId], RecordRow>;
  readonly #selectId: Statement<[RunId], number>;
  readonly #countByStatus: Statement<[], { readonly status: RunStatus; readonly count: number }>;
  readonly #countRuns: Statement<[], number>;
  readonly #selectNames: Statement<[number, number], RunRow['run_id']>;
  /** By their text: few, for there are few forms. */
  readonly #statements = new Map<string, Statement<(string | number)[]>>();

  constructor(db: Database, { states, sealing }: { states: States; sealing: Sealing }, isDead: IsDead) {
    this.#db = db;
    this.#states = states;
    this.#sealing = sealing;
    this.#isDead = isDead;
    // A journal of an older format, which is only read, has no such table.
    const isThere = hasTable(db, 'waking');
    this.#columns = `${RUN_COLUMNS}, ${isThere ? WAKE_AT : 'null as wake_at'}, ${CANCEL_ASKED}`;
    this.#selectRun = db.prepare(`select ${this.#columns} from runs where run_id = ?`);
    this.#selectId = db.prepare<[RunId], number>('select id from runs where run_id = ?').pluck();
    this.#selectNames = db
      .prepare<[number, number], RunRow['run_id']>(
        `select ${ID_COLUMN} from runs where id >= ? and id < ? order by id limit 1000`,
      )
      .pluck();
    this.#countByStatus = db.prepare(COUNT_BY_STATUS);
    this.#countRuns = db.prepare<[], number>('select count(*) from runs').pluck();
  }

  get(runId: RunId, now: Millis): RunRecord | undefined {
    const row = this.#selectRun.get(runId);
    return row === undefined ? undefined : this.#record(row, now, this.#isDead);
  }

  /** Newest first is by the order in which runs were created: clocks jump, and ids are the users'. */
  page(query: RunQuery, now: Millis, leftOut?: LeftOut): readonly RunRecord[] {
    const place = this.#placeOf(query, leftOut !== undefined);
    if (place === undefined) return [];
    const { form, values } = place;
    const page = this.#pageOf(pageText(this.#columns, form));
    const runs: RunRecord[] = [];
    // A page with fewer than were asked for is the last one, whoever was left out of it.
    for (let { end } = place; runs.length < query.limit;) {
      const wanted = query.limit - runs.length;
      const size = end === place.end ? wanted : Math.max(wanted, FEWEST_ROWS);
      const rows = page.all(...values, end, size);
      for (const run of this.#records(rows, now, leftOut)) {
        runs.push(run);
        if (runs.length === query.limit) break;
      }
      const last = rows.at(-1);
      // A number that no run gets may be another one when it is asked for.
      if (last === undefined || rows.length < size || !Number.isSafeInteger(last.id)) break;
      end = last.id;
    }
    return runs;
  }

  /** In two steps: how far down it may look, then what of that is meant. */
  search(search: RunSearch, now: Millis, leftOut?: LeftOut): RunsFound {
    const nothing: RunsFound = { runs: [], next: null, lookedAt: 0 };
    const { limit, lookAt } = search;
    const place = this.#placeOf(search, leftOut !== undefined);
    if (place === undefined) return nothing;
    const { form, values, end } = place;
    const reach = this.#reach(form, [...values, end, 0, lookAt]);
    if (reach.floor === null) return nothing;
    const [conditions, sought] = conditionsOf(search);
    const text = pageText(this.#columns, { ...form, conditions: [FLOOR, ...conditions] });
    const page = this.#pageOf(text);
    const rows = page.all(...values, end, reach.floor, ...sought, limit);
    const bottom = rows.at(-1);
    // It goes on behind a run that can be named: those below that one are found again.
    if (bottom !== undefined && rows.length === limit) {
      if (!rows.some(isNamed))
        rows.push(...page.all(...values, bottom.id, reach.floor, ...sought, MOST_UNNAMED));
      const last = rows.findLastIndex(isNamed);
      const run = rows[last];
      if (run !== undefined) {
        const { count } = this.#reach(form, [...values, end, run.id, lookAt]);
        const runs = [...this.#records(rows.slice(0, last + 1), now, leftOut)];
        return { runs: runs.slice(-limit), next: run.run_id, lookedAt: count };
      }
    }
    const runs = [...this.#records(rows, now, leftOut)].slice(0, limit);
    const names = reach.count < lookAt ? [] : this.#selectNames.all(reach.floor, end);
    return { runs, next: names.find(isName) ?? null, lookedAt: reach.count };
  }

  owners(): readonly OwnerRow[] {
    return this.#statement<OwnerRow>(OWNERS).all();
  }

  counts(): RunCounts {
    return Object.fromEntries(this.#countByStatus.all().map(({ status, count }) => [status, count]));
  }

  count(): number {
    return this.#countRuns.get() ?? 0;
  }

  /** @param isTold where no status is asked for, a run with none is found, too, since its damage is told */
  #placeOf(query: RunQuery, isTold: boolean): Place | undefined {
    const { before, statuses = isTold ? undefined : STATUSES } = query;
    const end = before === undefined ? Number.MAX_SAFE_INTEGER : this.#selectId.get(before);
    if (end === undefined || statuses?.length === 0) return undefined;
    const sought = soughtTexts(query);
    // What nothing can have needs no look.
    if (sought.some(([, texts]) => texts.length === 0)) return undefined;
    if (sought.length > 0 && !this.#states.isThere) return undefined;
    const isSealed = this.#sealing.isOn;
    const counts = sought.map(([, texts]) => texts.length);
    const form = { statuses: statuses?.length, sought: counts, isSealed };
    const values = sought.flatMap(([name, texts]) => [
      name,
      ...texts,
      ...(isSealed ? texts.map((text) => this.#states.sought(name, text)) : []),
    ]);
    return { form, values: [...values, ...(statuses ?? [])], end };
  }

  #reach(form: PageForm, values: readonly (string | number)[]): Reach {
    return this.#statement<Reach>(reachText(form)).get(...values) ?? { floor: null, count: 0 };
  }

  #pageOf(text: string): Statement<(string | number)[], RecordRow> {
    return this.#statement<RecordRow>(text);
  }

  #statement<Row>(text: string): Statement<(string | number)[], Row> {
    const known = this.#statements.get(text) ?? this.#db.prepare(text);
    this.#statements.set(text, known);
    return known as Statement<(string | number)[], Row>;
  }

  *#records(
    rows: readonly RecordRow[],
    now: Millis,
    leftOut: LeftOut | undefined,
  ): Generator<RunRecord, void, void> {
    const known = new Map<string, boolean>();
    const isDead: IsDead = (owner) => {
      const dead = known.get(owner) ?? this.#isDead(owner);
      known.set(owner, dead);
      return dead;
    };
    for (const row of rows) {
      try {
        yield this.#record(row, now, isDead);
      } catch (error) {
        if (leftOut === undefined || !(error instanceof RuntimeError) || error.code !== 'CORRUPT')
          throw error;
        leftOut({ runId: toldId(row), seq: 0, problem: String(error.data['problem']) });
      }
    }
  }

  #record(row: RecordRow, now: Millis, isDead: IsDead): RunRecord {
    const { owner } = row;
    const ownerAlive = owner !== null && row.lease_until > now && !isDead(owner);
    const wakeAt = owner === null && row.wake_at !== null && row.wake_at > now ? row.wake_at : null;
    return {
      ...summaryOf(row, this.#sealing),
      owner,
      ownerAlive,
      wakeAt,
      isCancelAsked: row.cancel_asked === 1,
    };
  }
}

function isName(id: string | null): id is RunId {
  return id !== null && isRunId(id);
}

function isNamed<Row extends RunRow>(row: Row): row is Row & { readonly run_id: RunId } {
  return isName(row.run_id);
}

export function pageText(
  columns: string,
  { statuses, sought, conditions = [], isSealed = false }: PageForm,
): string {
  const [first, ...others] = sought;
  const has = (alias: string, count: number): string =>
    `${alias}.name = ? and ${isIn(`${alias}.value`, count)} and length(${alias}.value) <= ${MAX_SOUGHT}`;
  const further = conditions.map((condition) => ` and ${condition}`).join('');
  if (first === undefined) {
    // One status comes from its index in order; several are few enough to filter on the way.
    const status =
      statuses === undefined ? '' : `${isIn(statuses === 1 ? 'status' : '+status', statuses)} and `;
    return `select ${columns} from runs where ${status}id < ?${further} order by id desc limit ?`;
  }
  const rest = `${statuses === undefined ? '' : `${isIn('+status', statuses)} and `}s.run < ?${further.replace('runs.id', 's.run')}
    order by s.run desc limit ?`;
  if (isSealed) {
    const also = others.map((count) => ` and s.run in (${eitherText(count)})`);
    return `select ${columns} from (${eitherText(first)}) s cross join runs on runs.id = s.run
      where true${also.join('')} and ${rest}`;
  }
  // The first value leads to the runs, by its index; all else is looked at on the way.
  const more = others.map(
    (count, index) =>
      ` and exists (select 1 from run_state s${index} where s${index}.run = s.run and ${has(`s${index}`, count)})`,
  );
  return `select ${columns} from run_state s cross join runs on runs.id = s.run
    where ${has('s', first)}${more.join('')} and ${rest}`;
}

/** In an encrypted journal: values that were written before it was one, and digests of those that are sealed. */
function eitherText(count: number): string {
  return `select run from run_state where name = ? and ${isIn('value', count)} and length(value) <= ${MAX_SOUGHT}
    union select run from run_state where ${isIn('sought', count)}`;
}

/** How far down so many runs reach, and how many there are. */
export function reachText(form: PageForm): string {
  return `select min(id) as floor, count(*) as count from (${pageText('runs.id', { ...form, conditions: [FLOOR] })})`;
}

/** What no index has in order. */
export function conditionsOf(search: RunSearch): readonly [texts: string[], values: (string | number)[]] {
  const { process, startedFrom, startedBefore, text } = search;
  const parts: (readonly [string, ...(string | number)[]])[] = [];
  if (process !== undefined) parts.push(['process = ?', process]);
  if (startedFrom !== undefined) parts.push(['started_at >= ?', startedFrom]);
  if (startedBefore !== undefined) parts.push(['started_at < ?', startedBefore]);
  if (text !== undefined)
    parts.push(['(instr(lower(run_id), lower(?)) > 0 or instr(lower(process), lower(?)) > 0)', text, text]);
  return [parts.map(([part]) => part), parts.flatMap(([, ...values]) => values)];
}

function isIn(column: string, count: number): string {
  return `${column} in (${Array.from({ length: count }, () => '?').join(', ')})`;
}
