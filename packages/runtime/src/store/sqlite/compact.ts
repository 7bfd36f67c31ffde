/** Removing rows that a mark made useless. Runs inside a transaction. */
import type { Database, Statement } from 'better-sqlite3';

import { cutsOf, type RowPlace } from '../../journal/compaction.ts';
import type { Compacted } from '../../journal/fold-event.ts';
import type { RunId, Seq } from '../../journal/ids.ts';
import { storeEvent } from '../../journal/stored-event.ts';
import type { CompactAnswer, CompactRun, LeaseClaim } from '../../ports/journal-store.ts';
import { parseRow } from '../damage.ts';
import { sha256 } from '../sha256.ts';
import { codeOf, typeOf } from './event-types.ts';
import type { Forks } from './forks.ts';
import { CHAIN_COLUMN } from './run-row.ts';

interface PlaceRow {
  readonly seq: number;
  readonly at: number;
  readonly type: unknown;
  readonly version: number;
  readonly chain: string;
  /** Of a row that stands for removed ones, else null. */
  readonly payload: string | null;
  readonly useless: number;
}

/** Twice the keys within, the source and its last folded item, the run, from, before, limit. */
type Within = [string, string, string, string | null, Seq, number, Seq, Seq, number];

interface Fence {
  readonly id: number;
  readonly epoch: number;
  readonly owner: string | null;
  readonly last_seq: number;
}

/** `key` is read out of the payload by SQLite; nothing of a row but its place comes up to here. */
const PLACE = `seq, at, type, version, ${CHAIN_COLUMN} as chain,
  case when type = ${codeOf('Compacted')} then payload end as payload`;

export class Compact {
  readonly #forks: Forks;
  readonly #selectFence: Statement<[RunId], Fence>;
  readonly #selectWithin: Statement<Within, PlaceRow>;
  readonly #selectBefore: Statement<[number, Seq], PlaceRow>;
  readonly #selectBehind: Statement<[number, Seq], PlaceRow>;
  readonly #delete: Statement<[number, Seq, Seq]>;
  readonly #insert: Statement<[number, Seq, number, number, number, string, string]>;

  constructor(db: Database, forks: Forks) {
    this.#forks = forks;
    this.#selectFence = db.prepare('select id, epoch, owner, last_seq from runs where run_id = ?');
    this.#selectWithin = db.prepare(
      `select ${PLACE}, (key = ? and type = ${codeOf('Folded')}) or substr(key, 1, length(?)) = ?
       or (key = ? and seq <= ? and type <> ${codeOf('StreamOpened')}) as useless from events
       where run = ? and seq >= ? and seq < ? order by seq desc limit ?`,
    );
    // Two: what stood for removed rows is taken in, and chained to the row before it.
    this.#selectBefore = db.prepare(
      `select ${PLACE}, 0 as useless from events where run = ? and seq < ? order by seq desc limit 2`,
    );
    this.#selectBehind = db.prepare(
      `select ${PLACE}, 0 as useless from events where run = ? and seq >= ? order by seq limit 1`,
    );
    this.#delete = db.prepare('delete from events where run = ? and seq >= ? and seq <= ?');
    this.#insert = db.prepare(
      `insert into events (run, seq, at, type, version, payload, chain) values (?, ?, ?, ?, ?, ?, unhex(?))`,
    );
  }

  run(
    { runId, epoch, key, source, fromSeq: asked, beforeSeq, limit }: CompactRun,
    claim: LeaseClaim,
  ): CompactAnswer {
    const run = this.#selectFence.get(runId);
    if (run?.epoch !== epoch || run.owner !== claim.owner || run.last_seq < beforeSeq)
      return { status: 'fenced' };
    // What forks share stays as it is, and the row behind it, which would take in one that stands for removed ones.
    const shared = this.#forks.sharedUpTo(run.id);
    const fromSeq = shared === 0 ? asked : Math.min(beforeSeq, Math.max(asked, shared + 2));
    const inside = `${key}/`;
    const within = this.#selectWithin.all(
      ...([key, inside, inside, source?.key ?? null, source?.seq ?? 0] as const),
      ...([run.id, fromSeq, beforeSeq, limit] as const),
    );
    const lowest = within.at(-1)?.seq;
    if (lowest === undefined) return { status: 'committed', removed: 0, beforeSeq: asked };
    const behind = this.#selectBehind.get(run.id, beforeSeq);
    const rows = [
      ...(behind === undefined ? [] : [behind]),
      ...within,
      ...this.#selectBefore.all(run.id, lowest),
    ];
    const places = rows.toReversed().map((row) => placeOf(runId, row));
    let removed = 0;
    for (const { from, seq, at, event } of cutsOf(places, { key, source }, sha256)) {
      const { type, version, payload } = storeEvent(event);
      removed += this.#delete.run(run.id, from, seq).changes - 1;
      this.#insert.run(run.id, seq, at, codeOf(type), version, payload, event.chain);
    }
    return { status: 'committed', removed, beforeSeq: within.length < limit ? asked : lowest };
  }
}

function placeOf(runId: RunId, row: PlaceRow): RowPlace {
  const { seq, at, version, chain, payload, useless } = row;
  const type = typeOf(row.type);
  // Its type is that of what is parsed.
  const cut = payload === null ? undefined : (parseRow(runId, seq, { type, version, payload }) as Compacted);
  return { seq, at, type, chain, cut, isUseless: useless === 1 };
}
