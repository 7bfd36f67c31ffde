/** What runs know of each other: circuits, and results that are kept. A row that does not check out is none. */
import type { Database, Statement } from 'better-sqlite3';

import { afterClaim, afterNote, UNTRIED, type Circuit, type TrialClaim } from '../../journal/circuit.ts';
import type { CircuitNote, Trial } from '../../journal/circuit.ts';
import type { Encoded } from '../../journal/event.ts';
import type { Millis } from '../../journal/ids.ts';
import { isFresh, KEPT_RESULTS, KEPT_SIZE, LARGEST_KEPT, type KeptNote } from '../../journal/kept-result.ts';
import type { StoreNote } from '../../ports/journal-store.ts';
import { keptJson } from '../kept-json.ts';
import { sha256 } from '../sha256.ts';
import type { Offers } from './offers.ts';
import type { Sealing } from './sealing.ts';

interface CircuitRow {
  readonly generation: number;
  readonly failures: number;
  readonly opened_at: number | null;
  readonly trials: string;
}

interface KeptRow {
  readonly at: number;
  readonly ttl_ms: number;
  /** Anyone may write to the file: text, or something else. */
  readonly output: unknown;
  /** Hexadecimal. */
  readonly digest: string;
}

/** Circuits are named by definitions; those of names that are made up as it goes are forgotten, the closed first. */
const MAX_CIRCUITS = 10_000;
/** Rows written between two sweeps: counting them each time would be slow. */
const SWEEP_EVERY = 256;

interface Statements {
  readonly selectCircuit: Statement<[string], CircuitRow>;
  readonly upsertCircuit: Statement<[string, number, number, number | null, string, number]>;
  readonly sweepCircuits: Statement<[number]>;
  readonly selectKept: Statement<[string], KeptRow>;
  readonly upsertKept: Statement<[string, string, number, number, string, number, string]>;
  readonly sweepOld: Statement<[number, number]>;
  readonly sweepMany: Statement<[number, number]>;
}

function prepare(db: Database): Statements {
  return {
    selectCircuit: db.prepare('select generation, failures, opened_at, trials from circuits where name = ?'),
    upsertCircuit: db.prepare(
      `insert into circuits (name, generation, failures, opened_at, trials, updated_at) values (?, ?, ?, ?, ?, ?)
       on conflict (name) do update set generation = excluded.generation, failures = excluded.failures,
         opened_at = excluded.opened_at, trials = excluded.trials, updated_at = excluded.updated_at`,
    ),
    sweepCircuits: db.prepare(
      `delete from circuits where name in
         (select name from circuits order by opened_at is not null desc, updated_at desc limit -1 offset ?)`,
    ),
    selectKept: db.prepare(
      'select at, ttl_ms, output, lower(hex(digest)) as digest from kept_results where place = unhex(?)',
    ),
    upsertKept: db.prepare(
      `insert into kept_results (place, task, at, ttl_ms, output, size, digest)
         values (unhex(?), ?, ?, ?, ?, ?, unhex(?))
       on conflict (place) do update set at = excluded.at, ttl_ms = excluded.ttl_ms, output = excluded.output,
         size = excluded.size, digest = excluded.digest`,
    ),
    sweepOld: db.prepare('delete from kept_results where at + ttl_ms <= ? or at > ?'),
    // The youngest stay, as many as fit.
    sweepMany: db.prepare(
      `delete from kept_results where place in
         (select place from (select place, row_number() over young as n, sum(size) over young as total
            from kept_results window young as (order by at desc, place))
          where n > ? or total > ?)`,
    ),
  };
}

export class Shared {
  readonly #db: Database;
  readonly #offers: Offers;
  readonly #sealing: Sealing;
  /** Prepared late: who only reads runs may look at a journal that is older than these tables. */
  #prepared: Statements | undefined;
  /** So that the first write of a program sweeps: many programs write little. */
  #newCircuits = SWEEP_EVERY - 1;
  #newResults = SWEEP_EVERY - 1;

  constructor(db: Database, offers: Offers, sealing: Sealing) {
    this.#db = db;
    this.#sealing = sealing;
    this.#offers = offers;
  }

  get #statements(): Statements {
    return (this.#prepared ??= prepare(this.#db));
  }

  circuit(name: string): Circuit | undefined {
    const row = this.#statements.selectCircuit.get(name);
    return row === undefined ? undefined : circuitOf(row);
  }

  /** Inside a transaction. */
  claim(claim: TrialClaim): Circuit | undefined {
    const { name } = claim.plan;
    const circuit = this.circuit(name) ?? UNTRIED;
    const claimed = afterClaim(circuit, claim);
    if (claimed !== undefined && claimed !== circuit) this.#save(name, claimed, claim.now);
    return claimed;
  }

  kept(place: string, now: Millis, ttlMs: number): Encoded | undefined {
    const found = this.#place(place);
    const row = this.#statements.selectKept.get(found);
    if (row === undefined || !isFresh({ at: row.at, ttlMs: row.ttl_ms }, now, ttlMs)) return undefined;
    // What was changed since is not used: the task runs, and its result is kept again.
    const output = String(row.output);
    if (sha256(output) !== row.digest) return undefined;
    return keptJson(this.#sealing.wholeJson(keptPlace(found), output));
  }

  /** It is a digest of what was asked, which anybody could make: in an encrypted journal, one that needs the key. */
  #place(place: string): string {
    return this.#sealing.isOn ? this.#sealing.digest(place) : place;
  }

  /** Inside the transaction of the events that say so. */
  note(notes: readonly StoreNote[]): void {
    for (const note of notes) {
      if (note.kind === 'circuit') this.#noteCircuit(note);
      else if (note.kind === 'kept') this.#keep(note);
      else this.#offers.note(note);
    }
  }

  #noteCircuit(note: CircuitNote): void {
    const { name } = note.plan;
    const known = this.circuit(name);
    const circuit = afterNote(known ?? UNTRIED, note);
    this.#save(name, circuit, note.at);
    if (known !== undefined) return;
    this.#newCircuits += 1;
    if (this.#newCircuits % SWEEP_EVERY === 0) this.#statements.sweepCircuits.run(MAX_CIRCUITS);
  }

  #save(name: string, { generation, failures, openedAt, trials }: Circuit, now: Millis): void {
    this.#statements.upsertCircuit.run(name, generation, failures, openedAt, JSON.stringify(trials), now);
  }

  #keep({ place, task, at, ttlMs, output }: KeptNote): void {
    const text = JSON.stringify(output);
    if (text.length > LARGEST_KEPT) return;
    const found = this.#place(place);
    const stored = this.#sealing.text(keptPlace(found), text);
    this.#statements.upsertKept.run(found, task, at, ttlMs, stored, stored.length, sha256(stored));
    this.#newResults += 1;
    if (this.#newResults % SWEEP_EVERY !== 0) return;
    this.#statements.sweepOld.run(at, at);
    this.#statements.sweepMany.run(KEPT_RESULTS, KEPT_SIZE);
  }
}

function keptPlace(place: string): readonly string[] {
  return ['kept result', place];
}

function circuitOf({ generation, failures, opened_at, trials }: CircuitRow): Circuit {
  return { generation, failures, openedAt: opened_at, trials: trialsOf(trials) };
}

/** Anyone may write to the file: what is no list of trials is none. */
function trialsOf(text: string): readonly Trial[] {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list.filter(isTrial) : [];
  } catch {
    return [];
  }
}

function isTrial(value: unknown): value is Trial {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'holder') === 'string' &&
    typeof Reflect.get(value, 'since') === 'number' &&
    typeof Reflect.get(value, 'ttlMs') === 'number'
  );
}
