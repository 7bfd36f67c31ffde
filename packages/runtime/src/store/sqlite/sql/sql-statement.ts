/** One query on a connection that only reads, as rows or as a refusal. */
import type { Database, Statement } from 'better-sqlite3';

import { sqliteCode } from '../failure.ts';
import type { SqlAnswer, SqlRefusal, SqlValue } from './sql-answer.ts';
import { refusalOf, tokensOf } from './sql-refusal.ts';

/** Some statements act as soon as they are compiled, so that their kind is looked at before. */
const KINDS: ReadonlySet<string> = new Set(['SELECT', 'WITH', 'VALUES']);
/** Text of all values together. */
const MOST_CHARACTERS = 256 * 1024 * 1024;

export function answer(db: Database, sql: string, most: number): SqlAnswer {
  const kind = kindRefusal(sql);
  if (kind !== undefined) return { kind: 'refused', refusal: kind };
  let statement: Statement<[], unknown[]>;
  try {
    statement = db.prepare<[], unknown[]>(sql);
  } catch (error) {
    if (error instanceof RangeError) return refused('the text holds more than one statement');
    if (sqliteCode(error) !== 'SQLITE_ERROR' || !(error instanceof Error)) throw error;
    return { kind: 'refused', refusal: refusalOf(db, sql, error.message) };
  }
  if (!statement.readonly || !statement.reader) return refused('it writes, and a query only reads');
  if (statement.columns().length === 0) return refused('it gives no columns');
  return rowsOf(statement.raw(true), most);
}

function refused(message: string): SqlAnswer {
  return { kind: 'refused', refusal: { message, offset: null, length: 0, nearest: [] } };
}

function kindRefusal(sql: string): SqlRefusal | undefined {
  const [first, second, third] = [...firstTokens(sql)];
  if (first === undefined) return { message: 'there is no statement', offset: null, length: 0, nearest: [] };
  const isPlan =
    isWord(first.text, 'EXPLAIN') && isWord(second?.text, 'QUERY') && isWord(third?.text, 'PLAN');
  const verb = isPlan ? [...firstTokens(sql)][3] : first;
  if (verb !== undefined && KINDS.has(verb.text.toUpperCase())) return undefined;
  const message =
    'only select, with, values and explain query plan are taken: a query reads, and never writes';
  const { text, offset } = verb ?? first;
  return { message, offset, length: text.length, nearest: [] };
}

function* firstTokens(sql: string): ReturnType<typeof tokensOf> {
  let count = 0;
  for (const token of tokensOf(sql)) {
    yield token;
    count += 1;
    if (count === 4) return;
  }
}

function isWord(text: string | undefined, word: string): boolean {
  return text?.toUpperCase() === word;
}

function rowsOf(statement: Statement<[], unknown[]>, most: number): SqlAnswer {
  const rows: SqlValue[][] = [];
  let characters = 0;
  let hasMore = false;
  try {
    for (const row of statement.iterate()) {
      if (rows.length === most) {
        hasMore = true;
        break;
      }
      const values = row.map(plain);
      for (const value of values) characters += typeof value === 'string' ? value.length : 8;
      if (characters > MOST_CHARACTERS)
        return refused(
          `its result is larger than ${MOST_CHARACTERS / 1024 / 1024} MB: select fewer columns or rows`,
        );
      rows.push(values);
    }
  } catch (error) {
    // What the text made of the data: malformed JSON, an overflow, a value that is too large.
    if (/^SQLITE_(ERROR|TOOBIG|MISMATCH)$/.test(sqliteCode(error) ?? '') && error instanceof Error)
      return refused(error.message);
    throw error;
  }
  const columns = statement.columns().map(({ name }) => name);
  return { kind: 'rows', rows: { columns, rows, hasMore } };
}

/** Whole numbers that JavaScript cannot hold, and bytes, are text. */
function plain(value: unknown): SqlValue {
  if (value === null || typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value);
}
