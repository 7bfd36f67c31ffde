/** What runs say of themselves, and what else an event changes of a run but its summary. */
import type { Database, Statement } from 'better-sqlite3';

import type { RunId } from '../../journal/ids.ts';
import type { NewEvent } from '../../ports/journal-store.ts';
import { hasTable } from './schema.ts';
import { stateText, type StateTexts } from '../run-states.ts';

/** Of one run: a hostile file must not fill the memory. */
const MOST = 10_000;

interface StateRow {
  readonly name: string;
  readonly value: string | null;
}

interface Statements {
  readonly set: Statement<[number, string, string | null]>;
  readonly accept: Statement<[string, number]>;
  readonly select: Statement<[RunId], StateRow>;
}

function prepare(db: Database): Statements {
  return {
    set: db.prepare(
      `insert into run_state (run, name, value) values (?, ?, ?)
       on conflict (run, name) do update set value = excluded.value`,
    ),
    accept: db.prepare('update runs set code_hash = ? where id = ?'),
    select: db.prepare(
      `select name, value from run_state where run = (select id from runs where run_id = ?)
       order by name limit ${MOST}`,
    ),
  };
}

export class States {
  readonly #db: Database;
  /** Prepared when first needed: a journal of an older format, which is only read, has no such table. */
  #prepared: Statements | undefined;
  #isThere = false;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Inside the transaction of the events. */
  apply(run: number, events: readonly NewEvent[]): void {
    for (const { event } of events) {
      if (event.type === 'StateSet') this.#statements.set.run(run, event.name, stateText(event));
      if (event.type === 'CodeAccepted') this.#statements.accept.run(event.codeHash, run);
    }
  }

  of(runId: RunId): StateTexts {
    if (!this.isThere) return new Map();
    return new Map(this.#statements.select.all(runId).map(({ name, value }) => [name, value]));
  }

  get isThere(): boolean {
    // Another program may bring an older format up to date meanwhile.
    this.#isThere ||= hasTable(this.#db, 'run_state');
    return this.#isThere;
  }

  get #statements(): Statements {
    return (this.#prepared ??= prepare(this.#db));
  }
}
