/** The one statement list of a commit: fence, runs, events, inbox. Runs inside a transaction. */
import type { Database, Statement } from 'better-sqlite3';

import { CHAIN_START, EVENT_VERSION, nextChain } from '../../journal/chain.ts';
import { broken } from '../../journal/invariant.ts';
import type { RunId } from '../../journal/ids.ts';
import type { AppendRun, LeaseClaim, RunTransaction } from '../../ports/journal-store.ts';
import { newRunsOf } from '../new-runs.ts';
import { addToSummary, summarize } from '../../views/run-summary.ts';
import type { RunSummary } from '../../journal/run-summary.ts';
import { sha256 } from '../sha256.ts';
import { codeOf } from './event-types.ts';
import { RUN_COLUMNS, runErrorPlace, runInputsPlace, summaryOf } from './run-row.ts';
import type { RunRow } from './run-row.ts';
import type { ForkStart, Shared as Inherited } from './fork-start.ts';
import type { Sealing } from './sealing.ts';
import type { Keys } from './keys.ts';
import type { Logs } from './logs.ts';
import type { Shared } from './shared.ts';
import type { StartMail } from './start-mail.ts';
import type { Starts } from './starts.ts';
import type { States } from './states.ts';
import type { UserTables } from './user-tables.ts';
import type { Waking } from './waking.ts';

export interface Appended {
  readonly answers: readonly ('committed' | 'fenced')[];
  /** Of payloads, roughly: for the log keeper. */
  readonly bytes: number;
  /** Something was sent to a run before it was one. */
  readonly hasMail: boolean;
}

/** Rows of one INSERT, largest first: several rows at once take two thirds of the time. A step is three. */
const CHUNKS = [48, 12, 3, 1] as const;
const COLUMNS = 7;

/** Runs whose heads are kept in mind; more at once are read again. */
const MAX_HEADS = 10_000;

type Value = string | number | null;

/** What of a run's row the next append goes on from. */
interface Head {
  readonly id: number;
  readonly epoch: number;
  readonly lastSeq: number;
  readonly owner: string | null;
  readonly chain: string;
  readonly summary: RunSummary;
}

interface Prepared {
  readonly run: AppendRun;
  readonly before: Head | undefined;
  /** Of a fork. */
  readonly inherited: Inherited | undefined;
  readonly chain: string;
  readonly summary: RunSummary;
  /** Where its rows begin in the values of the batch; of a run that is new their number is put in when it is known. */
  readonly from: number;
  /** Of its payloads, roughly. */
  readonly bytes: number;
}

export class Append {
  /** As this connection wrote them last. */
  readonly #heads = new Map<RunId, Head>();
  /** Written, and not committed. */
  readonly #next = new Map<RunId, Head>();
  #hasMail = false;
  readonly #shared: Shared;
  readonly #keys: Keys;
  readonly #starts: Starts;
  readonly #startMail: StartMail;
  readonly #waking: Waking;
  readonly #states: States;
  readonly #tables: UserTables;
  readonly #forkStart: ForkStart;
  readonly #sealing: Sealing;
  readonly #logs: Logs;
  readonly #selectRun: Statement<[RunId], RunRow>;
  readonly #insertRun: Statement<Value[]>;
  readonly #updateRun: Statement<Value[]>;
  readonly #endRun: Statement<Value[]>;
  readonly #insertEvents: readonly (readonly [size: number, insert: Statement<[readonly Value[]]>])[];
  readonly #consume: Statement<[number, string]>;
  readonly #passOn: Statement<[number, number]>;

  constructor(
    db: Database,
    others: {
      readonly shared: Shared;
      readonly keys: Keys;
      readonly starts: Starts;
      readonly startMail: StartMail;
      readonly states: States;
      readonly waking: Waking;
      readonly tables: UserTables;
      readonly forkStart: ForkStart;
      readonly sealing: Sealing;
      readonly logs: Logs;
    },
  ) {
    this.#shared = others.shared;
    this.#keys = others.keys;
    this.#starts = others.starts;
    this.#startMail = others.startMail;
    this.#states = others.states;
    this.#waking = others.waking;
    this.#tables = others.tables;
    this.#forkStart = others.forkStart;
    this.#sealing = others.sealing;
    this.#logs = others.logs;
    this.#selectRun = db.prepare(`select ${RUN_COLUMNS} from runs where run_id = ?`);
    this.#insertRun = db.prepare(
      `insert into runs (module, code_hash, inputs_hash, process, started_at, status, updated_at, last_seq,
         tasks_scheduled, tasks_settled, asked, error, chain, min_reader, lease_until, owner, run_id, epoch)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, unhex(?), ?, ?, ?, ?, ?)`,
    );
    // S2: the fence once more, in the write itself. Status and owner stay what they are until the end: written again,
    // their indexes would be, too, a page each.
    const update = (more: string): Statement<Value[]> =>
      db.prepare(
        `update runs set ${more} updated_at = ?, last_seq = ?, tasks_scheduled = ?, tasks_settled = ?,
           asked = ?, error = ?, chain = unhex(?), min_reader = max(min_reader, ?), lease_until = ?
         where id = ? and epoch = ? and last_seq = ? and owner = ?`,
      );
    this.#updateRun = update('');
    this.#endRun = update('owner = null, status = ?,');
    this.#insertEvents = CHUNKS.map((size) => [
      size,
      db.prepare(
        `insert into events (run, seq, at, type, version, payload, chain)
         values ${Array.from({ length: size }, () => '(?, ?, ?, ?, ?, ?, unhex(?))').join(', ')}`,
      ),
    ]);
    this.#passOn = db.prepare('update inbox set run = ? where run = ? and payload is not null');
    this.#consume = db.prepare('update inbox set payload = null where run = ? and id = ?');
  }

  run(batch: readonly AppendRun[], claim: LeaseClaim): Appended {
    this.#next.clear();
    this.#hasMail = false;
    const values: Value[] = [];
    let bytes = 0;
    const answers = batch.map((each) => {
      const from = values.length;
      const fenced = (): 'fenced' => {
        values.length = from;
        return 'fenced';
      };
      const parts = [each, ...newRunsOf(each)].map((part) => this.#prepare(part, claim, values));
      if (!parts.every((part) => part !== undefined)) return fenced();
      const runs: number[] = [];
      for (const prepared of parts) {
        const run = this.#write(prepared, claim);
        // Before anything else of it is written: only the first of the parts can be another's by now.
        if (run === undefined) return fenced();
        runs.push(run);
        bytes += this.#take(prepared, run, values);
      }
      // The fence has let it through, and what it reads of its own tables is as of this commit.
      if (each.transaction !== undefined) bytes += this.#transact(each, each.transaction, claim, values);
      const [before, next] = runs;
      const successor = each.successor === undefined ? undefined : next;
      if (before !== undefined && successor !== undefined) this.#passOn.run(successor, before);
      if (before !== undefined && parts[0]?.summary.status !== 'running') {
        this.#keys.ended(before, successor);
        this.#starts.ended(before, successor);
        this.#waking.ended(before);
        if (each.wakes !== undefined) this.#waking.wake(each.wakes, claim.now);
      }
      if (each.notes !== undefined) this.#shared.note(each.notes);
      if (each.logs !== undefined && before !== undefined)
        bytes += this.#logs.keep(each.runId, before, each.logs);
      return 'committed';
    });
    this.#insertRows(values);
    return { answers, bytes, hasMail: this.#hasMail };
  }

  /** @returns the bytes of its rows, which are written with those of the others */
  #take({ run, before, from, bytes }: Prepared, id: number, values: Value[]): number {
    if (before === undefined)
      for (let i = from, left = run.events.length; left > 0; i += COLUMNS, left -= 1) values[i] = id;
    this.#states.apply(id, run.events);
    for (const messageId of run.consumed) this.#consume.run(id, messageId);
    return bytes;
  }

  #transact(each: AppendRun, transaction: RunTransaction, claim: LeaseClaim, values: Value[]): number {
    const events = this.#tables.run(transaction);
    const { runId, epoch, afterSeq } = each;
    const after = { runId, epoch, afterSeq: afterSeq + each.events.length, events, consumed: [] };
    const prepared = this.#prepare(after, claim, values);
    const run = prepared === undefined ? undefined : this.#write(prepared, claim);
    if (!(prepared !== undefined && run !== undefined))
      broken('S1', `run ${runId} was written to by its transaction`);
    return this.#take(prepared, run, values);
  }

  /** The transaction is committed: what was written is what the next one goes on from. */
  committed(): void {
    if (this.#heads.size > MAX_HEADS) this.#heads.clear();
    for (const [runId, head] of this.#next) {
      if (head.summary.status === 'running') this.#heads.set(runId, head);
      else this.#heads.delete(runId);
    }
    this.#next.clear();
  }

  #headOf({ runId, epoch, afterSeq }: AppendRun, owner: string): Head | undefined {
    const known = this.#next.get(runId) ?? this.#heads.get(runId);
    // S2: the update holds it against the row once more.
    if (known?.lastSeq === afterSeq && known.epoch === epoch && known.owner === owner) return known;
    const row = this.#selectRun.get(runId);
    if (row === undefined) return undefined;
    const { id, chain, last_seq: lastSeq } = row;
    return { id, epoch: row.epoch, lastSeq, owner: row.owner, chain, summary: summaryOf(row, this.#sealing) };
  }

  /** Nothing where the fence says no. @param values its rows are added to these */
  #prepare(each: AppendRun, claim: LeaseClaim, values: Value[]): Prepared | undefined {
    const { runId, epoch, afterSeq, events, forkOf } = each;
    const before = this.#headOf(each, claim.owner);
    const inherited =
      forkOf === undefined || before !== undefined
        ? undefined
        : this.#forkStart.shared(runId, forkOf, afterSeq);
    if (forkOf !== undefined) {
      if (inherited === undefined || this.#starts.waiting(runId) !== undefined) return undefined;
    } else if (afterSeq === 0) {
      if (before !== undefined) return undefined;
      if (!(events.length > 0 && epoch === 1))
        broken('S1', `run ${runId} is created by its first event, in epoch 1`);
    } else if (before?.epoch !== epoch || before.lastSeq !== afterSeq || before.owner !== claim.owner) {
      return undefined;
    }
    let chain = before?.chain ?? inherited?.chain ?? CHAIN_START;
    const known = before?.summary ?? inherited?.summary;
    let summary = known === undefined ? undefined : { ...known };
    let seq = afterSeq;
    let bytes = 0;
    const from = values.length;
    const id = before?.id ?? null;
    for (const { at, event } of events) {
      seq += 1;
      if (event.type === 'Compacted') broken('J1', `event ${seq} of run ${runId} stands for removed ones`);
      if (!Number.isSafeInteger(at)) broken('J7', `event ${seq} of run ${runId} happened at ${at}`);
      const { type, version, payload } = this.#sealing.store(runId, seq, at, event);
      const code = codeOf(type);
      chain = nextChain(sha256, chain, { seq, at, code, version }, payload);
      if (summary === undefined) summary = summarize(runId, undefined, { seq, at, event });
      else addToSummary(summary, { seq, at, event });
      values.push(id, seq, at, code, version, payload, chain);
      bytes += payload.length;
    }
    if (summary === undefined) broken('S1', `run ${runId} has no events`);
    return { run: each, before, inherited, chain, summary, from, bytes };
  }

  /** The number of the run; nothing where its row is not as it was taken to be. */
  #write({ run, before, inherited, chain, summary }: Prepared, claim: LeaseClaim): number | undefined {
    const { status, error } = summary;
    // With the end of a run its lease is given back.
    const isOver = status !== 'running';
    const owner = isOver ? null : claim.owner;
    const changing: Value[] = [
      summary.updatedAt,
      summary.lastSeq,
      summary.tasksScheduled,
      summary.tasksSettled,
      JSON.stringify(summary.asked),
      error === null ? null : this.#sealing.text(runErrorPlace(run.runId), error),
      chain,
      EVENT_VERSION,
      isOver ? 0 : claim.now + claim.ttlMs,
    ];
    const { runId, epoch } = run;
    const { lastSeq } = summary;
    if (before !== undefined) {
      const { id } = before;
      const where = [id, epoch, run.afterSeq, claim.owner];
      const { changes } = isOver
        ? this.#endRun.run(status, ...changing, ...where)
        : this.#updateRun.run(...changing, ...where);
      if (changes === 0) {
        this.#heads.delete(runId);
        return undefined;
      }
      this.#next.set(runId, { id, epoch, lastSeq, owner, chain, summary });
      return id;
    }
    const { module, codeHash, inputsHash, process, startedAt } = summary;
    const hash = this.#sealing.text(runInputsPlace(runId), inputsHash);
    const fixed = [module, codeHash, hash, process, startedAt];
    const inserted = this.#insertRun.run(...fixed, status, ...changing, owner, runId, epoch);
    const id = Number(inserted.lastInsertRowid);
    if (inherited !== undefined) this.#forkStart.begun(id, inherited);
    const start = this.#starts.waiting(runId);
    if (start !== undefined) {
      if (this.#startMail.moveTo(id, start.n)) this.#hasMail = true;
      this.#starts.became(id, start);
    }
    this.#next.set(runId, { id, epoch, lastSeq, owner, chain, summary });
    return id;
  }

  #insertRows(values: readonly Value[]): void {
    let at = 0;
    for (const [size, insert] of this.#insertEvents) {
      for (; values.length - at >= size * COLUMNS; at += size * COLUMNS)
        insert.run(values.slice(at, at + size * COLUMNS));
    }
  }
}
