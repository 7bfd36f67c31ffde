/** Reading events, each page checked against the chain before anyone folds it. */
import type { Database, Statement } from 'better-sqlite3';

import { CHAIN_START, nextChain } from '../../journal/chain.ts';
import type { Recorded } from '../../journal/event.ts';
import type { RunId, Seq } from '../../journal/ids.ts';
import { corrupt, parseRow } from '../damage.ts';
import { sha256 } from '../sha256.ts';

export interface EventRow {
  readonly seq: number;
  readonly at: number;
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

const MALFORMED = 'it is not what any program writes';

/** What is wrong with a row that should follow the one with checksum `previous`, undefined if nothing. */
export function rowProblem(row: EventRow, expectedSeq: Seq, previous: string): string | undefined {
  const { seq, at, type, version, payload, chain } = row;
  if (seq !== expectedSeq) return expectedSeq < seq ? 'it is missing' : 'it is out of order';
  const isTyped =
    Number.isSafeInteger(at) &&
    typeof type === 'string' &&
    Number.isSafeInteger(version) &&
    typeof payload === 'string';
  if (!isTyped) return MALFORMED;
  return nextChain(sha256, previous, row, payload) === chain ? undefined : 'its checksum does not match';
}

export class Read {
  readonly #selectHead: Statement<[RunId], Head>;
  readonly #selectChain: Statement<[number, Seq], string>;
  readonly #selectEvents: Statement<[number, Seq, Seq, number], EventRow>;

  constructor(db: Database) {
    this.#selectHead = db.prepare(
      'select id, last_seq, lower(hex(chain)) as chain from runs where run_id = ?',
    );
    this.#selectChain = db
      .prepare<[number, Seq], string>('select lower(hex(chain)) from events where run = ? and seq = ?')
      .pluck();
    this.#selectEvents = db.prepare(
      `select seq, at, type, version, payload, lower(hex(chain)) as chain from events
       where run = ? and seq > ? and seq <= ? order by seq limit ?`,
    );
  }

  /**
   * Statements without a transaction around them: rows up to `last_seq` never change, and a reader
   * that holds no transaction lets the log be emptied.
   */
  page(runId: RunId, afterSeq: Seq, limit: number): readonly Recorded[] {
    const head = this.#selectHead.get(runId);
    if (head === undefined) return [];
    if (!Number.isSafeInteger(head.last_seq)) throw corrupt(runId, 0, 'its summary has a bad last_seq');
    if (afterSeq >= head.last_seq || limit <= 0) return [];
    let chain = afterSeq === 0 ? CHAIN_START : this.#selectChain.get(head.id, afterSeq);
    if (chain === undefined) throw corrupt(runId, afterSeq, 'it is missing');
    const rows = this.#selectEvents.all(head.id, afterSeq, head.last_seq, limit);
    let seq = afterSeq;
    const events = rows.map((row) => {
      seq += 1;
      const problem = rowProblem(row, seq, chain ?? CHAIN_START);
      if (problem !== undefined) throw corrupt(runId, seq, problem);
      chain = row.chain;
      return { seq, at: row.at, event: parseRow(runId, seq, row) };
    });
    if (rows.length < limit && seq < head.last_seq) throw corrupt(runId, seq + 1, 'it is missing');
    if (seq === head.last_seq && chain !== head.chain) {
      throw corrupt(runId, seq, 'the run was recorded with another last checksum');
    }
    return events;
  }
}
