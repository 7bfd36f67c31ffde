/**
 * Owns: what the body of a transaction sees of the journal's file, and the user's statements by their text.
 * Talks to: SQLite, inside a transaction that somebody else began and will commit.
 *
 * 1. Of a body that throws nothing is left, and the transaction goes on.
 * 2. No statement of the user's outlives its call, so none keeps the connection busy.
 * 3. A body that had an error of the disk ends the whole transaction, also where it caught it.
 */
import type { Database, Statement } from 'better-sqlite3';

import { RuntimeError } from '../../errors.ts';
import type { UserDb } from '../../journal/user-db.ts';
import type { NewEvent, RunTransaction } from '../../ports/journal-store.ts';
import { sqliteCode } from './failure.ts';
import { schemaProblem } from './schema.ts';
import { checkKind, checkProgram, refuseSchema, type StatementKind } from './sql-guard.ts';

/** Statements that are kept compiled. */
const MAX_KNOWN = 200;

interface Known {
  readonly statement: Statement<unknown[]>;
  readonly kind: StatementKind;
  isJudged: boolean;
}

/** After these SQLite may have rolled back on its own, or what it says next is worth nothing. */
const FATAL = /^SQLITE_(IOERR|FULL|NOMEM|CORRUPT|NOTADB|BUSY|LOCKED|CANTOPEN|READONLY|PROTOCOL|INTERNAL)/;

type SqlStatement = ReturnType<UserDb['prepare']>;

export class UserTables {
  readonly #db: Database;
  readonly #path: string;
  readonly #begin: Statement<[]>;
  readonly #keep: Statement<[]>;
  readonly #undo: Statement<[]>;
  readonly #known = new Map<string, Known>();
  /** A statement that may change the schema was run in this body. */
  #hasChangedSchema = false;
  #broken: { readonly error: unknown } | undefined;

  constructor(db: Database, path: string) {
    this.#db = db;
    this.#path = path;
    this.#begin = db.prepare('savepoint pawl_body');
    this.#keep = db.prepare('release pawl_body');
    this.#undo = db.prepare('rollback to pawl_body');
  }

  /** @throws what SQLite throws where the transaction cannot go on */
  run(transaction: RunTransaction): readonly NewEvent[] {
    this.#broken = undefined;
    const events = transaction((body) => this.#within(body));
    if (this.#broken !== undefined) throw (this.#broken as { readonly error: unknown }).error;
    return events;
  }

  #within<T>(body: (db: UserDb) => T): T {
    this.#begin.run();
    this.#hasChangedSchema = false;
    const open = { isOver: false };
    try {
      const value = body({ prepare: (sql) => this.#prepare(sql, open) as never });
      this.#noting(() => this.#checkSchema());
      this.#keep.run();
      return value;
    } catch (error) {
      this.#takeBack(error);
      throw error;
    } finally {
      open.isOver = true;
    }
  }

  #takeBack(error: unknown): void {
    if (this.#hasChangedSchema) this.#known.clear();
    // SQLite did it itself: there is no transaction any more that could go on.
    if (!this.#db.inTransaction) this.#broken ??= { error };
    if (this.#broken !== undefined) return;
    this.#undo.run();
    this.#keep.run();
  }

  #checkSchema(): void {
    if (!this.#hasChangedSchema) return;
    this.#known.clear();
    const problem = schemaProblem(this.#db, this.#path);
    if (problem !== undefined) throw refuseSchema(problem);
  }

  #prepare(sql: string, open: { readonly isOver: boolean }): SqlStatement {
    this.#checkOpen(open);
    const known = this.#noting(() => this.#compiled(sql));
    const call =
      <T>(run: (params: readonly unknown[]) => T) =>
      (...params: readonly unknown[]): T =>
        this.#execute(sql, known, params, open, run);
    const { statement } = known;
    return {
      run: call((params) => {
        const { changes, lastInsertRowid } = statement.run(...params);
        return { changes, lastInsertRowid };
      }),
      get: call((params) => statement.get(...params) as Record<string, unknown> | undefined),
      all: call((params) => statement.all(...params) as Record<string, unknown>[]),
    };
  }

  #compiled(sql: string): Known {
    const known = this.#known.get(sql);
    if (known !== undefined) return known;
    if (typeof sql !== 'string')
      throw new RuntimeError('REFUSED', 'A statement is a text.', { hint: "db.prepare('select …')" });
    const kind = checkKind(sql);
    const made: Known = { statement: this.#db.prepare<unknown[]>(sql), kind, isJudged: false };
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(sql, made);
    return made;
  }

  #execute<T>(
    sql: string,
    known: Known,
    params: readonly unknown[],
    open: { readonly isOver: boolean },
    run: (params: readonly unknown[]) => T,
  ): T {
    this.#checkOpen(open);
    return this.#noting(() => {
      if (!known.isJudged) checkProgram(this.#db, sql, params, known.kind);
      known.isJudged = true;
      if (known.kind.changesSchema) this.#hasChangedSchema = true;
      return run(params);
    });
  }

  /** Invariant 3: whatever asks SQLite for something. */
  #noting<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!this.#db.inTransaction || FATAL.test(sqliteCode(error) ?? '')) this.#broken ??= { error };
      throw error;
    }
  }

  #checkOpen(open: { readonly isOver: boolean }): void {
    if (this.#broken !== undefined) throw this.#broken.error;
    if (!open.isOver) return;
    throw new RuntimeError('REFUSED', 'The transaction is over: its tables are of no use any more.', {
      hint: 'Do all of it in the body, without an await, and return the values that are needed',
    });
  }
}
