/** What runs say of themselves, and what else an event changes of a run but its summary. */
import type { Database, Statement } from 'better-sqlite3';

import type { RunId } from '../../journal/ids.ts';
import type { NewEvent } from '../../ports/journal-store.ts';
import { hasTable } from './schema.ts';
import { MAX_SOUGHT, stateText, type StateTexts } from '../run-states.ts';
import type { Sealing } from './sealing.ts';

/** Of one run: a hostile file must not fill the memory. */
const MOST = 10_000;

interface StateRow {
  readonly run: number;
  readonly name: string;
  /** Anyone may write to the file: text, or something that is no state. */
  readonly value: unknown;
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
      `select run, name, value from run_state where run = (select id from runs where run_id = ?)
       order by name limit ${MOST}`,
    ),
  };
}

function statePlace(run: number, name: string): readonly (string | number)[] {
  return ['state', run, name];
}

export class States {
  readonly #db: Database;
  readonly #sealing: Sealing;
  /** Prepared when first needed: a journal of an older format, which is only read, has no such table. */
  #prepared: Statements | undefined;
  #isThere = false;
  /** Of a format that has it, and only where something is sealed. */
  #setSealed: Statement<[number, string, string | null, string | null]> | undefined;

  constructor(db: Database, sealing: Sealing) {
    this.#db = db;
    this.#sealing = sealing;
  }

  /** Inside the transaction of the events. */
  apply(run: number, events: readonly NewEvent[]): void {
    for (const { event } of events) {
      if (event.type === 'StateSet') this.#set(run, event.name, stateText(event));
      if (event.type === 'CodeAccepted') this.#statements.accept.run(event.codeHash, run);
    }
  }

  #set(run: number, name: string, text: string | null): void {
    const sealing = this.#sealing;
    if (!sealing.isOn) {
      this.#statements.set.run(run, name, text);
      return;
    }
    const value = sealing.textOrNull(statePlace(run, name), text);
    const isSought = text !== null && text.length <= MAX_SOUGHT;
    this.#setSealed ??= this.#db.prepare(
      `insert into run_state (run, name, value, sought) values (?, ?, ?, ?)
       on conflict (run, name) do update set value = excluded.value, sought = excluded.sought`,
    );
    this.#setSealed.run(run, name, value, isSought ? this.sought(name, text) : null);
  }

  /** What a sealed state is found by. @throws RuntimeError SEALED */
  sought(name: string, text: string): string {
    return this.#sealing.digest(JSON.stringify([name, text]));
  }

  of(runId: RunId): StateTexts {
    if (!this.isThere) return new Map();
    const rows = this.#statements.select.all(runId);
    return new Map(
      rows.map(({ run, name, value }) => [
        name,
        value === null ? null : this.#sealing.wholeJson(statePlace(run, name), String(value)),
      ]),
    );
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
