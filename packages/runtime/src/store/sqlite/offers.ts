/** External tasks that are open, and who works on them. */
import type { Database, Statement } from 'better-sqlite3';

import type { Millis, RunId } from '../../journal/ids.ts';
import { broken } from '../../journal/invariant.ts';
import { offerAfter, type Offer, type OfferChange, type OfferNote } from '../../journal/offer.ts';
import type { OfferQuery } from '../../ports/offer-store.ts';
import type { Inbox } from './inbox.ts';
import type { Sealing } from './sealing.ts';

interface OfferRow {
  readonly task_id: string;
  readonly run: number;
  readonly run_id: string;
  readonly key: string;
  readonly seq: number;
  readonly task: string;
  readonly kind: string;
  readonly offered_at: number;
  readonly due_at: number | null;
  readonly lease_ms: number;
  readonly failures: number;
  readonly opens_at: number;
  readonly worker: string | null;
  readonly token: string | null;
  readonly until: number | null;
  readonly answered_by: string | null;
  readonly refusal: string | null;
}

type Value = string | number | null;

const COLUMNS =
  'key, seq, task, kind, offered_at, due_at, lease_ms, failures, opens_at, worker, token, until, answered_by, refusal';
const SELECT = `select task_id, run, run_id, ${COLUMNS} from offers join runs on runs.id = offers.run`;
const OF_RUN = 'run = (select id from runs where run_id = ?)';
const IN_ORDER = 'order by offered_at, run, seq';
const CLAIMABLE =
  'answered_by is null and opens_at <= ? and (due_at is null or due_at > ?) and (until is null or until <= ?)';

interface Statements {
  readonly select: Statement<[string], OfferRow>;
  readonly put: Statement<Value[]>;
  readonly drop: Statement<[string]>;
  readonly kinds: Statement<[], string>;
}

function prepare(db: Database): Statements {
  return {
    select: db.prepare(`${SELECT} where task_id = ?`),
    put: db.prepare(
      `insert or replace into offers (task_id, run, ${COLUMNS})
       values (?, (select id from runs where run_id = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    drop: db.prepare('delete from offers where task_id = ?'),
    kinds: db
      .prepare<[], string>(
        `with recursive kinds (kind) as (
           select min(kind) from offers
           union all select (select min(kind) from offers where kind > kinds.kind) from kinds where kind is not null)
         select kind from kinds where kind is not null`,
      )
      .pluck(),
  };
}

export class Offers {
  readonly #db: Database;
  readonly #inbox: Inbox;
  readonly #sealing: Sealing;
  readonly #pages = new Map<string, Statement<Value[], OfferRow>>();
  /** Prepared when first needed: a journal of an older format, which is only read, has no such table. */
  #prepared: Statements | undefined;

  constructor(db: Database, inbox: Inbox, sealing: Sealing) {
    this.#db = db;
    this.#sealing = sealing;
    this.#inbox = inbox;
  }

  get #statements(): Statements {
    return (this.#prepared ??= prepare(this.#db));
  }

  get #isThere(): boolean {
    if (this.#prepared !== undefined) return true;
    return this.#db.prepare(`select 1 from sqlite_schema where name = 'offers'`).get() !== undefined;
  }

  one(taskId: string): Offer | undefined {
    if (!this.#isThere) return undefined;
    const row = this.#statements.select.get(taskId);
    return row === undefined ? undefined : offerOf(row, this.#sealing);
  }

  /**
   * Each kind from its index, which has them in this order: of many thousands that are open no more are read than are
   * asked for. What is open in one run is few.
   */
  page({ runId, kinds, claimableAt, limit }: OfferQuery): readonly Offer[] {
    if (!this.#isThere) return [];
    const ofRun = runId === undefined ? undefined : OF_RUN;
    const claimable = claimableAt === undefined ? undefined : CLAIMABLE;
    const look = (kind: string | undefined): readonly OfferRow[] => {
      const ofKind = kind === undefined ? undefined : 'kind = ?';
      const text = [ofRun, ofKind, claimable].filter((part) => part !== undefined).join(' and ');
      const values = [runId, kind, ...Array.from({ length: 3 }, () => claimableAt)];
      return this.#pageOf(text).all(...values.filter((value) => value !== undefined), limit);
    };
    const asked = kinds ?? (runId === undefined ? this.#kinds() : [undefined]);
    return [...new Set(asked)]
      .flatMap(look)
      .toSorted((a, b) => a.offered_at - b.offered_at || a.run - b.run || a.seq - b.seq)
      .slice(0, limit)
      .map((row) => offerOf(row, this.#sealing));
  }

  #pageOf(where: string): Statement<Value[], OfferRow> {
    const known = this.#pages.get(where);
    if (known !== undefined) return known;
    const page = this.#db.prepare<Value[], OfferRow>(`${SELECT} where ${where} ${IN_ORDER} limit ?`);
    this.#pages.set(where, page);
    return page;
  }

  /** One step of the index for each. */
  #kinds(): readonly string[] {
    return this.#statements.kinds.all();
  }

  /** Inside the transaction of the events that say so. */
  note(note: OfferNote): void {
    const taskId = note.kind === 'offered' ? note.offer.taskId : note.taskId;
    const after = offerAfter(note.kind === 'reopened' ? this.one(taskId) : undefined, note);
    if (after === undefined) this.#statements.drop.run(taskId);
    else this.#put(after);
  }

  /** As the events of a run from elsewhere leave it; false where another run has that task. Inside a transaction. */
  restore(offer: Offer): boolean {
    if (this.one(offer.taskId) !== undefined) return false;
    this.#put(offer);
    return true;
  }

  /** Inside a transaction. */
  change(
    taskId: string,
    decide: (offer: Offer) => OfferChange,
    now: Millis,
  ): 'changed' | 'duplicate' | 'unknown' {
    const offer = this.one(taskId);
    if (offer === undefined) return 'unknown';
    const change = decide(offer);
    if (change.type === 'claim') this.#put({ ...offer, claim: change.claim });
    if (change.type === 'answer') {
      const { message } = change;
      const posted = this.#inbox.post(offer.runId, message, now);
      if (posted === 'duplicate') return posted;
      if (posted !== 'posted') broken('S1', `an answer to ${taskId} is ${posted}`);
      this.#put({ ...offer, answeredBy: message.id });
    }
    return 'changed';
  }

  knowsMessage(runId: RunId, messageId: string): boolean {
    return this.#inbox.knows(runId, messageId);
  }

  #put(offer: Offer): void {
    const { claim } = offer;
    this.#statements.put.run(
      offer.taskId,
      offer.runId,
      offer.key,
      offer.seq,
      offer.task,
      offer.kind,
      offer.offeredAt,
      offer.dueAt,
      offer.leaseMs,
      offer.failures,
      offer.opensAt,
      claim?.worker ?? null,
      claim?.token ?? null,
      claim?.until ?? null,
      offer.answeredBy,
      this.#sealing.textOrNull(refusalPlace(offer.taskId), offer.refusal),
    );
  }
}

function refusalPlace(taskId: string): readonly string[] {
  return ['refusal', taskId];
}

function offerOf(row: OfferRow, sealing: Sealing): Offer {
  const { worker, token, until } = row;
  return {
    taskId: row.task_id,
    runId: row.run_id,
    key: row.key,
    seq: row.seq,
    task: row.task,
    kind: row.kind,
    offeredAt: row.offered_at,
    dueAt: row.due_at,
    leaseMs: row.lease_ms,
    failures: row.failures,
    opensAt: row.opens_at,
    claim: worker === null || token === null || until === null ? null : { worker, token, until },
    answeredBy: row.answered_by,
    refusal: sealing.wholeTextOrNull(refusalPlace(row.task_id), row.refusal),
  };
}
