/** Starts that wait for a worker, and the keys that the runs which they became have until their end. */
import type { Database, Statement } from 'better-sqlite3';

import { RuntimeError } from '../../errors.ts';
import type { RunStarted } from '../../journal/event.ts';
import type { Millis, RunId } from '../../journal/ids.ts';
import { setbackMs } from '../../journal/setback.ts';
import type { LeaseClaim } from '../../ports/journal-store.ts';
import type { EnqueueAnswer, NewStart, QueuedStart } from '../../ports/work-store.ts';
import { keptJson } from '../kept-json.ts';
import { MAX_QUEUED } from '../queue-limits.ts';
import { sha256 } from '../sha256.ts';
import type { Append } from './append.ts';
import { runInputsPlace } from './run-row.ts';
import { hasTable } from './schema.ts';
import type { Sealing } from './sealing.ts';

interface StartRow {
  readonly n: number;
  readonly run_id: string;
  readonly process: string;
  readonly module: string | null;
  readonly code_hash: string | null;
  readonly inputs: string;
  readonly inputs_hash: string;
  /** Hexadecimal. */
  readonly digest: string;
  readonly queued_at: number;
  readonly at: number;
  readonly priority: number;
  readonly held: number;
  readonly limit_key: string | null;
  readonly limit_count: number | null;
  readonly singleton: string | null;
  readonly debounce: string | null;
  readonly latest_at: number | null;
  readonly schedule: string | null;
  readonly setbacks: number;
  readonly problem: string | null;
}

type WaitingStart = Pick<StartRow, 'n' | 'limit_key' | 'singleton'>;

interface Known {
  readonly process: string;
  readonly inputsHash: string;
}

interface RunKnown {
  readonly id: number;
  readonly process: string;
  readonly inputs_hash: string;
}

type Value = string | number | null;

const COLUMNS = `n, run_id, process, module, code_hash, inputs, inputs_hash, lower(hex(digest)) as digest, queued_at, at,
  priority, held, limit_key, limit_count, singleton, debounce, latest_at, schedule, setbacks, problem`;
/** Above every priority. */
const HIGHEST = 1_000_000;
/** Rows added between two counts: counting them each time would be slow. */
const COUNT_EVERY = 256;
const PAGE = 200;

interface Statements {
  readonly run: Statement<[RunId], RunKnown>;
  readonly byId: Statement<[RunId], StartRow>;
  readonly waiting: Statement<[RunId], WaitingStart>;
  readonly bySingleton: Statement<[string], string>;
  readonly byDebounce: Statement<[string], StartRow>;
  readonly holder: Statement<[string, string], string>;
  readonly holders: Statement<[string, string], number>;
  readonly insert: Statement<Value[]>;
  readonly replace: Statement<Value[]>;
  readonly count: Statement<[], number>;
  readonly nextPriority: Statement<[number], number | null>;
  readonly nextPriorityOf: Statement<[string, number], number | null>;
  readonly ready: Statement<[number, Millis, number], StartRow>;
  readonly readyOf: Statement<[string, number, Millis, number], StartRow>;
  readonly hold: Statement<[number]>;
  readonly remove: Statement<[number]>;
  readonly setBack: Statement<[Millis, number, string, number]>;
  readonly free: Statement<[string]>;
  readonly addKey: Statement<[number, string, string]>;
  readonly keys: Statement<[number], { readonly kind: string; readonly key: string }>;
  readonly dropKeys: Statement<[number]>;
  readonly passKeys: Statement<[number, number]>;
  readonly list: Statement<[number], StartRow>;
  readonly after: Statement<[number], StartRow>;
}

function prepare(db: Database): Statements {
  const start = `select ${COLUMNS} from starts`;
  return {
    run: db.prepare('select id, process, inputs_hash from runs where run_id = ?'),
    byId: db.prepare(`${start} where run_id = ?`),
    waiting: db.prepare('select n, limit_key, singleton from starts where run_id = ?'),
    bySingleton: db.prepare<[string], string>('select run_id from starts where singleton = ?').pluck(),
    byDebounce: db.prepare(`${start} where debounce = ?`),
    holder: db
      .prepare<[string, string], string>(
        'select runs.run_id from start_keys join runs on runs.id = run where kind = ? and key = ?',
      )
      .pluck(),
    holders: db
      .prepare<[string, string], number>('select count(*) from start_keys where kind = ? and key = ?')
      .pluck(),
    insert: db.prepare(
      `insert into starts (run_id, process, module, code_hash, inputs, inputs_hash, digest, queued_at, at, priority,
         held, limit_key, limit_count, singleton, debounce, latest_at, schedule, setbacks)
       values (?, ?, ?, ?, ?, ?, unhex(?), ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, 0)`,
    ),
    replace: db.prepare(
      `update starts set module = ?, code_hash = ?, inputs = ?, inputs_hash = ?, digest = unhex(?), at = ?,
         priority = ?, setbacks = 0, problem = null where n = ?`,
    ),
    count: db.prepare<[], number>('select count(*) from starts').pluck(),
    nextPriority: db
      .prepare<[number], number | null>('select max(priority) from starts where held = 0 and priority < ?')
      .pluck(),
    nextPriorityOf: db
      .prepare<[string, number], number | null>(
        'select max(priority) from starts where held = 0 and process = ? and priority < ?',
      )
      .pluck(),
    ready: db.prepare(`${start} where held = 0 and priority = ? and at <= ? order by at, n limit ?`),
    readyOf: db.prepare(
      `${start} where held = 0 and process = ? and priority = ? and at <= ? order by at, n limit ?`,
    ),
    hold: db.prepare('update starts set held = 1 where n = ?'),
    remove: db.prepare('delete from starts where n = ?'),
    setBack: db.prepare('update starts set at = ?, setbacks = ?, problem = ? where n = ?'),
    free: db.prepare(
      `update starts set held = 0 where n =
         (select n from starts where limit_key = ? and held = 1 order by priority desc, at, n limit 1)`,
    ),
    addKey: db.prepare('insert into start_keys (run, kind, key) values (?, ?, ?)'),
    keys: db.prepare('select kind, key from start_keys where run = ?'),
    dropKeys: db.prepare('delete from start_keys where run = ?'),
    passKeys: db.prepare('update start_keys set run = ? where run = ?'),
    list: db.prepare(`${start} order by n limit ?`),
    after: db.prepare(`${start} where n > ? order by n limit ${PAGE}`),
  };
}

function digestOf(start: NewStart, inputs: string): string {
  return sha256(JSON.stringify([start.runId, start.process, start.module, start.codeHash, inputs]));
}

/** All but the looks are inside a transaction. */
export class Starts {
  readonly #db: Database;
  readonly #sealing: Sealing;
  #prepared: Statements | undefined;
  #uncounted = COUNT_EVERY;

  constructor(db: Database, sealing: Sealing) {
    this.#db = db;
    this.#sealing = sealing;
  }

  get #statements(): Statements {
    return (this.#prepared ??= prepare(this.#db));
  }

  enqueue(start: NewStart, now: Millis): EnqueueAnswer {
    const { bySingleton, byDebounce, holder } = this.#statements;
    const known = this.#known(start.runId);
    if (known !== undefined) {
      const { process, inputsHash } = known;
      const isSame = process === start.process && inputsHash === start.inputsHash;
      return isSame ? { status: 'duplicate' } : { status: 'other', process, inputsHash };
    }
    if (start.singleton !== null) {
      const runId = bySingleton.get(start.singleton) ?? holder.get('singleton', start.singleton);
      if (runId !== undefined) return { status: 'exists', runId };
    }
    const waiting = start.debounce === null ? undefined : byDebounce.get(start.debounce.key);
    if (waiting !== undefined) return this.#replace(waiting, start);
    this.#insert(start, now);
    return { status: 'queued' };
  }

  /** A run or a start of this id. */
  #known(runId: RunId): Known | undefined {
    const run = this.#statements.run.get(runId);
    if (run !== undefined) {
      const { process, inputs_hash: hash } = run;
      return { process, inputsHash: this.#sealing.wholeText(runInputsPlace(runId), hash) };
    }
    const start = this.#statements.byId.get(runId);
    return start && { process: start.process, inputsHash: this.#hashOf(start) };
  }

  #hashOf(row: StartRow): string {
    return this.#sealing.wholeText(hashPlace(row.run_id), row.inputs_hash);
  }

  /** As they are stored. */
  #inputs(runId: RunId, { inputs, inputsHash }: NewStart): readonly [inputs: string, inputsHash: string] {
    const text = this.#sealing.text(inputsPlace(runId), JSON.stringify(inputs));
    return [text, this.#sealing.text(hashPlace(runId), inputsHash)];
  }

  #replace(row: StartRow, start: NewStart): EnqueueAnswer {
    const { module, codeHash, at, priority } = start;
    const [inputs, inputsHash] = this.#inputs(row.run_id, start);
    const digest = digestOf({ ...start, runId: row.run_id }, inputs);
    const due = Math.min(at, row.latest_at ?? at);
    this.#statements.replace.run(module, codeHash, inputs, inputsHash, digest, due, priority, row.n);
    return { status: 'debounced', runId: row.run_id };
  }

  #insert(start: NewStart, now: Millis): void {
    this.#uncounted += 1;
    if (this.#uncounted >= COUNT_EVERY) {
      this.#uncounted = 0;
      if ((this.#statements.count.get() ?? 0) >= MAX_QUEUED) {
        throw new RuntimeError('REFUSED', `${MAX_QUEUED} starts wait already: the queue takes no more.`, {
          hint: 'Start workers: pawl work',
        });
      }
    }
    const { runId, process, module, codeHash, at, priority, limit, singleton, debounce } = start;
    const [inputs, inputsHash] = this.#inputs(runId, start);
    const code = [module, codeHash, inputs, inputsHash, digestOf(start, inputs)];
    const limits = [limit?.key ?? null, limit?.count ?? null, singleton];
    const late = [debounce?.key ?? null, debounce?.latestAt ?? null, start.schedule];
    this.#statements.insert.run(runId, process, ...code, now, at, priority, ...limits, ...late);
  }

  ready(now: Millis, limit: number, processes: readonly string[] | undefined): readonly QueuedStart[] {
    const rows =
      processes === undefined
        ? this.#readyRows(now, limit)
        : processes.flatMap((process) => this.#readyRows(now, limit, process));
    const sorted = rows.toSorted((a, b) => b.priority - a.priority || a.at - b.at || a.n - b.n);
    return sorted.slice(0, limit).map((row) => startOf(row, this.#sealing));
  }

  /** From one priority to the next: those whose time has not come are not looked at. */
  #readyRows(now: Millis, limit: number, process?: string): readonly StartRow[] {
    const { nextPriority, nextPriorityOf, ready, readyOf } = this.#statements;
    const rows: StartRow[] = [];
    for (let above = HIGHEST; rows.length < limit;) {
      const found = process === undefined ? nextPriority.get(above) : nextPriorityOf.get(process, above);
      if (typeof found !== 'number') break;
      above = found;
      const left = limit - rows.length;
      rows.push(
        ...(process === undefined ? ready.all(found, now, left) : readyOf.all(process, found, now, left)),
      );
    }
    return rows;
  }

  begin(start: QueuedStart, event: RunStarted, claim: LeaseClaim, append: Append): 'begun' | 'held' | 'gone' {
    const { byId, run, holders, hold } = this.#statements;
    const row = byId.get(start.runId);
    if (row === undefined || row.held === 1 || row.at !== start.at || this.#hashOf(row) !== start.inputsHash)
      return 'gone';
    // A program of an older version started it by its id, and left it here.
    if (run.get(start.runId) !== undefined) {
      this.#remove(row);
      return 'gone';
    }
    const { limit } = start;
    if (limit !== null && (holders.get('limit', limit.key) ?? 0) >= limit.count) {
      hold.run(row.n);
      return 'held';
    }
    const events = [{ at: claim.now, event }];
    append.run([{ runId: start.runId, epoch: 1, afterSeq: 0, events, consumed: [] }], claim);
    return 'begun';
  }

  /** The start of this id, while it waits; undefined where none does. */
  waiting(runId: RunId): WaitingStart | undefined {
    return this.#statements.waiting.get(runId);
  }

  /**
   * It is a run now, by a worker or by hand, and has its keys. What is started by hand takes its place also where the
   * limit has none: the next one waits for two ends then.
   */
  became(run: number, { n, limit_key: limitKey, singleton }: WaitingStart): void {
    const { addKey, remove } = this.#statements;
    if (limitKey !== null) addKey.run(run, 'limit', limitKey);
    if (singleton !== null) addKey.run(run, 'singleton', singleton);
    remove.run(n);
  }

  #remove(row: StartRow): void {
    this.#statements.remove.run(row.n);
    this.#passPlace(row);
  }

  /** It had the next place of its key, and does not take it. */
  #passPlace(row: StartRow): void {
    if (row.held === 0 && row.limit_key !== null) this.#statements.free.run(row.limit_key);
  }

  remove(runId: RunId): boolean {
    const row = this.#statements.byId.get(runId);
    if (row !== undefined) this.#remove(row);
    return row !== undefined;
  }

  setBack(start: QueuedStart, now: Millis, problem: string): void {
    const row = this.#statements.byId.get(start.runId);
    if (row === undefined || row.at !== start.at) return;
    const setbacks = row.setbacks + 1;
    const told = this.#sealing.text(problemPlace(row.run_id), problem);
    this.#statements.setBack.run(now + setbackMs(setbacks, 'code'), setbacks, told, row.n);
    this.#passPlace(row);
  }

  /** In the commit of a run's end: its keys are the next one's. @param successor the run that follows it */
  ended(run: number, successor: number | undefined): void {
    const { keys, dropKeys, passKeys, free } = this.#statements;
    if (successor !== undefined) {
      passKeys.run(successor, run);
      return;
    }
    const held = keys.all(run);
    if (held.length === 0) return;
    dropKeys.run(run);
    for (const { kind, key } of held) if (kind === 'limit') free.run(key);
  }

  get(runId: RunId): QueuedStart | undefined {
    if (this.#prepared === undefined && !hasTable(this.#db, 'starts')) return undefined;
    const row = this.#statements.byId.get(runId);
    return row === undefined ? undefined : startOf(row, this.#sealing);
  }

  /** Ids of those whose rows were changed from outside. */
  *changed(): Generator<RunId, void, void> {
    if (this.#prepared === undefined && !hasTable(this.#db, 'starts')) return;
    for (let last = Number.MIN_SAFE_INTEGER; ;) {
      const rows = this.#statements.after.all(last);
      for (const row of rows) if (!startOf(row, this.#sealing).isWhole) yield row.run_id;
      const next = rows.at(-1)?.n;
      // A damaged tree may lead in a circle.
      if (next === undefined || next <= last) return;
      last = next;
    }
  }

  list(limit: number): readonly QueuedStart[] {
    if (this.#prepared === undefined && !hasTable(this.#db, 'starts')) return [];
    return this.#statements.list.all(limit).map((row) => startOf(row, this.#sealing));
  }
}

function inputsPlace(runId: RunId): readonly string[] {
  return ['start', runId];
}

function hashPlace(runId: RunId): readonly string[] {
  return ['start inputs', runId];
}

function problemPlace(runId: RunId): readonly string[] {
  return ['start set back', runId];
}

function startOf(row: StartRow, sealing: Sealing): QueuedStart {
  const { run_id: runId, process, module, at, priority, singleton, schedule } = row;
  const key = row.limit_key;
  const start = {
    runId,
    process,
    module,
    codeHash: row.code_hash,
    inputsHash: sealing.wholeText(hashPlace(runId), row.inputs_hash),
    at,
    priority,
    limit: key === null ? null : { key, count: row.limit_count ?? 1 },
    singleton,
    debounce: row.debounce === null ? null : { key: row.debounce, latestAt: row.latest_at ?? at },
    schedule,
    queuedAt: row.queued_at,
    isHeld: row.held === 1,
    problem: sealing.wholeTextOrNull(problemPlace(runId), row.problem),
  };
  // Anyone may write to the file: what was changed there is never started.
  const inputs =
    digestOf({ ...start, inputs: null }, row.inputs) === row.digest
      ? keptJson(sealing.wholeJson(inputsPlace(runId), String(row.inputs)))
      : undefined;
  return { ...start, isWhole: inputs !== undefined, inputs: inputs ?? null };
}
