/** What runs logged: the newest lines of each, beside its journal. */
import type { Database, Statement } from 'better-sqlite3';

import { LOG_LEVELS, type LogLine } from '../../journal/log-line.ts';
import type { RunId } from '../../journal/ids.ts';
import type { LogBatch } from '../../ports/log-store.ts';
import { hasTable } from './schema.ts';
import type { Sealing } from './sealing.ts';

/** Beside its text, roughly. */
const ROW_BYTES = 48;
/** Lines that are written before old ones are looked for: that walks through those of the run. */
const LOOK_EVERY = 256;
/** Runs and calls of which is known how much they logged; of more at once it is forgotten. */
const MOST_KNOWN = 10_000;

interface Row {
  readonly n: number;
  readonly at: number;
  readonly seq: number;
  readonly level: number;
  readonly key: string | null;
  readonly task: string | null;
  readonly attempt: number | null;
  readonly line: string;
}

interface Statements {
  readonly last: Statement<[number], number | null>;
  readonly insert: Statement<
    [number, number, number, number, number, string | null, string | null, number | null, string]
  >;
  readonly trimRun: Statement<[number, number, number]>;
  readonly trimCall: Statement<[number, string, number, string, number]>;
  readonly page: Statement<[RunId, number, number], Row>;
}

function prepare(db: Database): Statements {
  return {
    last: db.prepare<[number], number | null>('select max(n) from pawl_logs where run = ?').pluck(),
    insert: db.prepare(
      'insert into pawl_logs (run, n, at, seq, level, key, task, attempt, line) values (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    trimRun: db.prepare(
      `delete from pawl_logs where run = ? and n <=
         (select n from pawl_logs where run = ? order by n desc limit 1 offset ?)`,
    ),
    trimCall: db.prepare(
      `delete from pawl_logs where run = ? and key = ? and n <=
         (select n from pawl_logs where run = ? and key = ? order by n desc limit 1 offset ?)`,
    ),
    page: db.prepare(
      `select n, at, seq, level, key, task, attempt, line from pawl_logs
       where run = (select id from runs where run_id = ?) and n > ? order by n limit ?`,
    ),
  };
}

/** Where the text of a line is sealed to. */
function linePlace(runId: RunId, n: number): readonly (string | number)[] {
  return ['log line', runId, n];
}

export class Logs {
  readonly #db: Database;
  readonly #sealing: Sealing;
  /** Prepared when first needed: nobody pays for it where nobody logs, and an older journal has no such table. */
  #prepared: Statements | undefined;
  /** Lines of runs and calls since old ones were looked for. */
  readonly #since = new Map<string, number>();

  constructor(db: Database, sealing: Sealing) {
    this.#db = db;
    this.#sealing = sealing;
  }

  /** Inside a transaction, behind the fence. @returns the bytes of the rows, roughly */
  keep(runId: RunId, run: number, { lines, mostOfRun, mostOfCall }: LogBatch): number {
    const statements = this.#statements;
    if (statements === undefined) return 0;
    let bytes = 0;
    let n = statements.last.get(run) ?? 0;
    const calls = new Map<string, number>();
    for (const line of lines) {
      n += line.leftOut + 1;
      const text = this.#sealing.text(linePlace(runId, n), line.text.toWellFormed());
      const { at, seq, key, task, attempt } = line;
      statements.insert.run(run, n, at, seq, LOG_LEVELS.indexOf(line.level), key, task, attempt, text);
      bytes += ROW_BYTES + text.length;
      if (key !== null) calls.set(key, (calls.get(key) ?? 0) + 1);
    }
    if (this.#isToLook(`${run}`, lines.length, mostOfRun)) statements.trimRun.run(run, run, mostOfRun);
    for (const [key, count] of calls)
      if (this.#isToLook(`${run} ${key}`, count, mostOfCall))
        statements.trimCall.run(run, key, run, key, mostOfCall);
    return bytes;
  }

  page(runId: RunId, after: number, limit: number): readonly LogLine[] {
    let before = after;
    const rows = this.#statements?.page.all(runId, after, limit) ?? [];
    return rows.map(({ n, level, line, ...place }) => {
      const leftOut = n - before - 1;
      before = n;
      const text = this.#sealing.shownText(linePlace(runId, n), line);
      return { n, ...place, level: LOG_LEVELS[level] ?? 'info', text, leftOut };
    });
  }

  #isToLook(place: string, count: number, most: number): boolean {
    const since = (this.#since.get(place) ?? 0) + count;
    const isDue = since >= Math.min(LOOK_EVERY, Math.max(1, most / 4));
    if (this.#since.size >= MOST_KNOWN) this.#since.clear();
    if (isDue) this.#since.delete(place);
    else this.#since.set(place, since);
    return isDue;
  }

  get #statements(): Statements | undefined {
    if (this.#prepared === undefined && hasTable(this.#db, 'pawl_logs')) this.#prepared = prepare(this.#db);
    return this.#prepared;
  }
}
