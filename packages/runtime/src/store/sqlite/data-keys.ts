/** The table of data keys, each wrapped with the master key. */
import type { Database, Statement } from 'better-sqlite3';

import type { Millis } from '../../journal/ids.ts';
import { hasTable } from './schema.ts';
import { fingerprint, newDataKey, wrap } from './seal-box.ts';

export interface DataKeyRow {
  readonly id: number;
  readonly master: string;
  readonly wrapped: string;
  readonly made_at: Millis;
  readonly wrapped_at: Millis;
}

/** A hostile file must not fill the memory. */
const MOST = 10_000;
const NOW = `cast(unixepoch('subsec') * 1000 as integer)`;

interface Statements {
  readonly all: Statement<[], DataKeyRow>;
  readonly insert: Statement<[number, string, string]>;
  readonly rewrap: Statement<[string, string, number]>;
}

function prepare(db: Database): Statements {
  return {
    all: db.prepare(
      `select id, master, wrapped, made_at, wrapped_at from pawl_data_keys order by id limit ${MOST}`,
    ),
    insert: db.prepare(
      `insert into pawl_data_keys (id, master, wrapped, made_at, wrapped_at) values (?, ?, ?, ${NOW}, ${NOW})`,
    ),
    rewrap: db.prepare(`update pawl_data_keys set master = ?, wrapped = ?, wrapped_at = ${NOW} where id = ?`),
  };
}

export class DataKeys {
  readonly #db: Database;
  /** Prepared when first needed: a journal of an older format, which is only read, has no such table. */
  #prepared: Statements | undefined;

  constructor(db: Database) {
    this.#db = db;
  }

  /** The oldest first; none where the journal is not encrypted. */
  all(): readonly DataKeyRow[] {
    if (this.#prepared === undefined && !hasTable(this.#db, 'pawl_data_keys')) return [];
    return this.#statements.all.all();
  }

  /** Inside a transaction. */
  add(id: number, master: Uint8Array): void {
    this.#statements.insert.run(id, fingerprint(master), wrap(master, id, newDataKey()));
  }

  /** Inside a transaction. */
  rewrap(id: number, dataKey: Uint8Array, master: Uint8Array): void {
    this.#statements.rewrap.run(fingerprint(master), wrap(master, id, dataKey), id);
  }

  get #statements(): Statements {
    return (this.#prepared ??= prepare(this.#db));
  }
}
