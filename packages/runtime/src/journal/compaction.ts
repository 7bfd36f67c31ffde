/**
 * What becomes of rows that a mark made useless: each unbroken stretch of them is one row, at the place
 * and with the checksum of its last one, so that what follows is verified as before.
 */
import type { CallKey } from './call-key.ts';
import { isWithin } from './call-key.ts';
import { cutDigest } from './chain.ts';
import type { Digest } from './digest.ts';
import { keyOf, type JournalEvent } from './event.ts';
import type { Compacted, SourceStand } from './fold-event.ts';
import type { Millis, Seq } from './ids.ts';
import { assert } from './invariant.ts';

/** A stored row, as far as compaction looks at it. */
export interface RowPlace {
  readonly seq: Seq;
  readonly at: Millis;
  readonly type: string;
  readonly chain: string;
  readonly isUseless: boolean;
  /** What it says, where it stands for removed rows itself. */
  readonly cut: Compacted | undefined;
}

/** Rows from `from` to `seq` are removed, and this stands there instead. */
export interface Cut {
  readonly from: Seq;
  readonly seq: Seq;
  readonly at: Millis;
  readonly event: Compacted;
}

/** What a mark stands for. */
export interface MarkReach {
  /** The reduce. */
  readonly key: CallKey;
  /** The source that it reads, and the last of its items that is folded. */
  readonly source: (SourceStand & { readonly seq: Seq }) | null;
}

/** Whether a mark that comes later stands for this event. */
export function isUselessBehind({ key, source }: MarkReach, seq: Seq, event: JournalEvent): boolean {
  const own = keyOf(event);
  if (source !== null && own === source.key) return seq <= source.seq && event.type !== 'StreamOpened';
  return event.type === 'Folded' ? isWithin(own, key) : own !== key && isWithin(own, key) && own !== '';
}

/**
 * @param rows neighbours, in order; the first of them stays as it is
 * @param reach of the mark that made them useless
 * @returns stretches that change, with what stood for removed rows beside them taken in
 */
export function cutsOf(rows: readonly RowPlace[], reach: MarkReach, digest: Digest): readonly Cut[] {
  const cuts: Cut[] = [];
  for (let i = 1; i < rows.length;) {
    const start = i;
    let useless = 0;
    for (let row = rows[i]; row !== undefined && (row.isUseless || row.cut !== undefined); row = rows[i]) {
      if (row.isUseless) useless += 1;
      i += 1;
    }
    const stretch = rows.slice(start, i);
    if (useless > 0) cuts.push(cutOf(rows[start - 1], stretch, reach, digest));
    if (i === start) i += 1;
  }
  return cuts;
}

function cutOf(
  before: RowPlace | undefined,
  stretch: readonly RowPlace[],
  reach: MarkReach,
  digest: Digest,
): Cut {
  const first = stretch[0];
  const last = stretch.at(-1);
  assert(
    before !== undefined && first !== undefined && last !== undefined,
    'J1',
    'what is removed lies between rows',
  );
  const from = firstPlace(first.seq, first.cut);
  const count = (counted: (cut: Compacted) => number, ...types: readonly string[]): number =>
    stretch.reduce(
      (sum, { cut, type: own }) => sum + (cut === undefined ? Number(types.includes(own)) : counted(cut)),
      0,
    );
  const { seq, at, chain } = last;
  const said = {
    count: seq - from + 1,
    chain,
    scheduled: count(({ scheduled }) => scheduled, 'TaskScheduled', 'TaskOffered'),
    succeeded: count(({ succeeded }) => succeeded, 'TaskSucceeded'),
    failed: count(({ failed }) => failed, 'TaskFailed'),
    sources: standsAt(seq, from, stretch, reach),
  };
  const event: Compacted = {
    type: 'Compacted',
    ...said,
    digest: cutDigest(digest, before.chain, { seq, at }, said),
  };
  return { from, seq, at, event };
}

/** How sources stand at the end of a stretch, of which those within the reduce are gone with the mark. */
function standsAt(
  seq: Seq,
  from: Seq,
  stretch: readonly RowPlace[],
  { key, source }: MarkReach,
): readonly SourceStand[] {
  const stands = new Map<CallKey, SourceStand>();
  for (const { cut } of stretch)
    for (const stand of cut?.sources ?? []) if (!isWithin(stand.key, key)) stands.set(stand.key, stand);
  if (source !== null && source.seq >= from && source.seq <= seq) {
    const { seq: _, ...stand } = source;
    stands.set(stand.key, stand);
  }
  return [...stands.values()];
}

/** The first place that a row stands for. */
export function firstPlace(seq: Seq, cut: Compacted | undefined): Seq {
  return cut === undefined ? seq : seq - cut.count + 1;
}
