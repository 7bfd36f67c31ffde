import Database from 'better-sqlite3';

type Value = string | number | bigint | Uint8Array | null;

/** One call of SQLite: a statement with its parameters, or a script. */
export interface Traced {
  readonly call: 'run' | 'get' | 'all' | 'exec';
  readonly sql: string;
  readonly values: readonly Value[];
}

type Method = (this: Database.Statement, ...args: unknown[]) => unknown;

/**
 * Writes down each statement that this program runs on that file from now on, as better-sqlite3 gets it. So what is
 * counted, and replayed, is what is done, whatever the store's code looks like.
 * @param path of the database, as it is opened
 */
export function traceStatements(path: string): Traced[] {
  const traced: Traced[] = [];
  const probe = new Database(':memory:');
  const prototype: unknown = Object.getPrototypeOf(probe.prepare('select 1'));
  probe.close();
  if (typeof prototype !== 'object' || prototype === null) return traced;
  for (const call of ['run', 'get', 'all'] as const) {
    const original = Reflect.get(prototype, call) as Method;
    const replacement: Method = function (...args) {
      if (this.database.name === path && !this.database.readonly)
        traced.push({ call, sql: this.source, values: args.flat() as Value[] });
      return original.apply(this, args);
    };
    Reflect.set(prototype, call, replacement);
  }
  const exec = Database.prototype.exec;
  Database.prototype.exec = function (this: Database.Database, sql: string) {
    if (this.name === path && !this.readonly) traced.push({ call: 'exec', sql, values: [] });
    return exec.call(this, sql);
  };
  return traced;
}

/** Does again what was traced, on a fresh file. */
export class Repeater {
  readonly #db: Database.Database;
  readonly #statements = new Map<string, Database.Statement<unknown[]>>();

  constructor(path: string) {
    this.#db = new Database(path);
  }

  repeat(traced: readonly Traced[]): void {
    for (const { call, sql, values } of traced) {
      if (call === 'exec') {
        this.#db.exec(sql);
        continue;
      }
      let statement = this.#statements.get(sql);
      if (statement === undefined) {
        statement = this.#db.prepare<unknown[]>(sql);
        this.#statements.set(sql, statement);
      }
      if (!statement.reader) statement.run(...values);
      else if (call === 'get') statement.get(...values);
      else statement.all(...values);
    }
  }

  close(): void {
    this.#db.close();
  }
}
