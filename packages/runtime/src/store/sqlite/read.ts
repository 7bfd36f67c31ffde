/** Reading events, each page checked against the chain before anyone folds it. */
import type { Database, Statement } from 'better-sqlite3';

import { RuntimeError } from '../../errors.ts';
import { CHAIN_START, cutDigest, nextChain } from '../../journal/chain.ts';
import { firstPlace } from '../../journal/compaction.ts';
import type { JournalEvent, Recorded } from '../../journal/event.ts';
import type { Compacted } from '../../journal/fold-event.ts';
import type { RunId, Seq } from '../../journal/ids.ts';
import type { JournalRow } from '../../journal/journal-text.ts';
import { parseEvent, type StoredEvent } from '../../journal/stored-event.ts';
import { corrupt, parseRow } from '../damage.ts';
import { isFull, onePage, PAGE_CHARS } from '../page-size.ts';
import { sha256 } from '../sha256.ts';
import { typeOf } from './event-types.ts';
import { MOST_GENERATIONS, type Forks } from './forks.ts';
import { CHAIN_COLUMN } from './run-row.ts';
import type { Sealing, WhenLocked } from './sealing.ts';

/** As it is stored. */
export type RawEvent = Omit<EventRow, 'type' | 'run'>;

export interface EventRow {
  /** The number of the run that it is kept under. */
  readonly run: number;
  readonly seq: number;
  readonly at: number;
  readonly code: number;
  readonly type: string;
  readonly version: number;
  readonly payload: string;
  /** Hexadecimal. */
  readonly chain: string;
}

interface Head {
  readonly id: number;
  readonly last_seq: number;
  readonly chain: string;
}

/** A number, or nothing where a forged file has something else there, which may be longer than memory. */
const whole = (column: string): string => `case typeof(${column}) when 'integer' then ${column} end`;

/** What `eventRow` takes. */
export const EVENT_COLUMNS: string = `seq, ${whole('at')} as at, ${whole('type')} as code, ${whole('version')} as version,
  payload, ${CHAIN_COLUMN} as chain`;

export function eventRow(run: number, { seq, at, code, version, payload, chain }: RawEvent): EventRow {
  return { run, seq, at, code, type: typeOf(code), version, payload, chain };
}

const MALFORMED = 'it is not what any program writes';
const BAD_CHECKSUM = 'its checksum does not match';

/** What a row says that stands for removed ones; undefined for any other, and for one that says nothing sound. */
export function cutIn({ type, version, payload }: EventRow): Compacted | undefined {
  if (type !== 'Compacted') return undefined;
  try {
    const event = parseEvent({ type, version, payload });
    return event.type === 'Compacted' ? event : undefined;
  } catch {
    return undefined;
  }
}

/** What is wrong with a row that should follow the one with checksum `previous`, undefined if nothing. */
export function rowProblem(row: EventRow, expectedSeq: Seq, previous: string): string | undefined {
  const { seq, at, version, payload, chain } = row;
  const isTyped = Number.isSafeInteger(at) && Number.isSafeInteger(version) && typeof payload === 'string';
  const cut = isTyped ? cutIn(row) : undefined;
  const first = firstPlace(seq, cut);
  if (first !== expectedSeq) return expectedSeq < first ? 'it is missing' : 'it is out of order';
  if (!isTyped) return MALFORMED;
  if (cut !== undefined)
    return cut.chain === chain && cutDigest(sha256, previous, row, cut) === cut.digest
      ? undefined
      : BAD_CHECKSUM;
  return nextChain(sha256, previous, row, payload) === chain ? undefined : BAD_CHECKSUM;
}

export class Read {
  readonly #db: Database;
  readonly #forks: Forks;
  readonly #selectHead: Statement<[RunId], Head>;
  readonly #selectChain: Statement<[number, Seq], string>;
  readonly #selectEvents: Statement<[number, Seq, Seq, number], RawEvent>;
  readonly #selectSize: Statement<[number, Seq, Seq, number], number>;
  readonly #selectId: Statement<[number], RunId>;
  readonly #sealing: Sealing;
  readonly #whenLocked: WhenLocked;

  constructor(db: Database, forks: Forks, sealing: Sealing, whenLocked: WhenLocked) {
    this.#db = db;
    this.#sealing = sealing;
    this.#whenLocked = whenLocked;
    this.#selectId = db.prepare<[number], RunId>('select run_id from runs where id = ?').pluck();
    this.#forks = forks;
    this.#selectHead = db.prepare(`select id, last_seq, ${CHAIN_COLUMN} as chain from runs where run_id = ?`);
    this.#selectChain = db
      .prepare<[number, Seq], string>(`select ${CHAIN_COLUMN} from events where run = ? and seq = ?`)
      .pluck();
    this.#selectEvents = db.prepare(
      `select ${EVENT_COLUMNS} from events
       where run = ? and seq > ? and seq <= ? order by seq limit ?`,
    );
    this.#selectSize = db
      .prepare<[number, Seq, Seq, number], number>(
        `select total(octet_length(payload)) from (select payload from events
         where run = ? and seq > ? and seq <= ? order by seq limit ?)`,
      )
      .pluck();
  }

  /**
   * Statements without a transaction around them: a reader that holds none lets the log be emptied, and
   * rows up to `last_seq` change only where a compaction removes them. Between two statements that looks
   * like damage: then it is looked at once more, in one view of the file.
   */
  page(runId: RunId, afterSeq: Seq, limit: number): readonly Recorded[] {
    return this.#steadyPage(runId, afterSeq, limit, (row, run) => ({
      seq: row.seq,
      at: row.at,
      event: this.event(runId, run, row, this.#whenLocked),
    }));
  }

  /** As they are stored, with what is sealed in them opened: what a newer program wrote, too. */
  stored(runId: RunId, afterSeq: Seq, limit: number): readonly JournalRow[] {
    return this.#steadyPage(runId, afterSeq, limit, (row, run) => {
      const { type, version, payload } = this.#whole(runId, run, row, 'refuse');
      return { seq: row.seq, at: row.at, type, version, payload };
    });
  }

  /** @param run the number of the run that is read @throws RuntimeError CORRUPT, NEWER, SEALED */
  event(runId: RunId, run: number, row: EventRow, whenLocked: WhenLocked): JournalEvent {
    return parseRow(runId, row.seq, this.#whole(runId, run, row, whenLocked));
  }

  #whole(runId: RunId, run: number, row: EventRow, whenLocked: WhenLocked): StoredEvent {
    if (!this.#sealing.isOn) return row;
    // What a fork shares was sealed for the run that recorded it.
    const owner = row.run === run ? runId : this.#selectId.get(row.run);
    return this.#sealing.whole(owner ?? '', row, whenLocked);
  }

  #steadyPage<T>(
    runId: RunId,
    afterSeq: Seq,
    limit: number,
    made: (row: EventRow, run: number) => T,
  ): readonly T[] {
    try {
      return this.#page(runId, afterSeq, limit, made);
    } catch (error) {
      if (!(error instanceof RuntimeError) || error.code !== 'CORRUPT' || this.#db.inTransaction) throw error;
      return this.#db.transaction(() => this.#page(runId, afterSeq, limit, made))();
    }
  }

  #page<T>(
    runId: RunId,
    afterSeq: Seq,
    limit: number,
    made: (row: EventRow, run: number) => T,
  ): readonly T[] {
    const head = this.#selectHead.get(runId);
    if (head === undefined) return [];
    // A run has its first event from the beginning.
    if (!Number.isSafeInteger(head.last_seq) || head.last_seq < 1)
      throw corrupt(runId, 0, 'its summary has a bad last_seq');
    if (afterSeq >= head.last_seq || limit <= 0) return [];
    const rows = this.rows(head.id, afterSeq, head.last_seq, limit);
    const [first] = rows;
    // Where `afterSeq` was removed, what stands for it is chained to what came before that.
    let seq = Math.min(afterSeq, first === undefined ? afterSeq : firstPlace(first.seq, cutIn(first)) - 1);
    let chain = seq === 0 ? CHAIN_START : this.chainAt(head.id, seq);
    if (chain === undefined) throw corrupt(runId, seq, 'it is missing');
    const events = rows.map((row) => {
      const problem = rowProblem(row, seq + 1, chain ?? CHAIN_START);
      if (problem !== undefined) throw corrupt(runId, seq + 1, problem);
      seq = row.seq;
      chain = row.chain;
      return made(row, head.id);
    });
    if (rows.length < limit && seq < head.last_seq && !isFull(rows))
      throw corrupt(runId, seq + 1, 'it is missing');
    if (seq === head.last_seq && chain !== head.chain) {
      throw corrupt(runId, seq, 'the run was recorded with another last checksum');
    }
    return events;
  }

  /** Checksum of an event; undefined where there is no such row. */
  chainAt(run: number, seq: Seq): string | undefined {
    return this.#selectChain.get(this.#forks.ownerOf(run, seq).run, seq);
  }

  /**
   * Rows of a run as they are stored, those included that it shares with the run that it is a fork of. Fewer than `limit`
   * where they end, or where they are large.
   */
  rows(run: number, afterSeq: Seq, lastSeq: Seq, limit: number, generation = 0): readonly EventRow[] {
    const known = this.#forks.known(run);
    const own =
      known !== undefined && afterSeq < known.seq ? undefined : this.#ownRows(run, afterSeq, lastSeq, limit);
    // Few runs are forks: it is looked for only where rows are not there.
    if (own !== undefined && !isBehindGap(own[0], afterSeq, lastSeq)) return own;
    const prefix = this.#forks.prefixOf(run);
    if (prefix === undefined || afterSeq >= prefix.seq || generation > MOST_GENERATIONS) return own ?? [];
    const last = Math.min(lastSeq, prefix.seq);
    const shared = this.rows(prefix.parent, afterSeq, last, limit, generation + 1);
    if (shared.length === limit || lastSeq <= prefix.seq || isFull(shared)) return shared;
    return [...shared, ...this.#ownRows(run, prefix.seq, lastSeq, limit - shared.length)];
  }

  /** To see how long rows are takes a tenth of reading them, and one by one they are read at half the speed. */
  #ownRows(run: number, afterSeq: Seq, lastSeq: Seq, limit: number): readonly EventRow[] {
    const place = [run, afterSeq, lastSeq, limit] as const;
    const isSmall = limit === 1 || (this.#selectSize.get(...place) ?? 0) < PAGE_CHARS;
    const rows = isSmall ? this.#selectEvents.all(...place) : onePage(this.#selectEvents.iterate(...place));
    return rows.map((row) => eventRow(run, row));
  }
}

function isBehindGap(first: EventRow | undefined, afterSeq: Seq, lastSeq: Seq): boolean {
  if (first === undefined) return afterSeq < lastSeq;
  return firstPlace(first.seq, cutIn(first)) > afterSeq + 1;
}
