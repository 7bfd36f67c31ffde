import type { Compacted } from './fold-event.ts';
import type { Millis, Seq } from './ids.ts';

/** Version of the events that this program writes; the newest that it reads. Also a run's `minReader`. */
export const EVENT_VERSION = 1;

/** `minReader` of a run that nobody may go on with, whatever program: it is there to be looked at. */
export const INSPECT_ONLY: number = Number.MAX_SAFE_INTEGER;

/** What the first row of a journal is chained to. */
export const CHAIN_START = '';

/**
 * What a row says beside its payload. It carries no run id: a fork goes on from its parent's chain.
 */
export interface RowHeader {
  readonly seq: Seq;
  readonly at: Millis;
  /** The number of the event's type, as it is stored: what a newer program wrote can be verified, too. */
  readonly code: number;
  readonly version: number;
}

/**
 * The checksum of a row that stands for removed ones. Its place in the chain is that of the last of
 * them, so that what follows stays verified; what it says itself is held by this.
 *
 * @param previous the checksum of the row before the first removed one
 */
export function cutDigest(
  digest: (text: string) => string,
  previous: string,
  place: { readonly seq: Seq; readonly at: Millis },
  cut: Omit<Compacted, 'type' | 'digest'>,
): string {
  const { count, chain, scheduled, succeeded, failed, sources } = cut;
  const stands = sources.flatMap(({ key, items, attempt }) => [key, items, attempt]);
  return digest(
    ['cut', previous, place.seq, place.at, count, chain, scheduled, succeeded, failed, ...stands].join('\n'),
  );
}

/** Hexadecimal digits of a checksum: 128 bits, half of a digest. */
const CHAIN_DIGITS = 32;

/**
 * The checksum of a row, from the checksum of the row before it. Single bit flips on disk are mostly
 * silent (SQLite's own check missed 326 of 400), and a row that is lost, moved or put in shows too.
 *
 * One digest over all of it: what must be forgotten later is stored encrypted, and its key is what is purged
 * (docs/decisions/0009).
 */
export function nextChain(
  digest: (text: string) => string,
  previous: string,
  header: RowHeader,
  payload: string,
): string {
  const { seq, at, code, version } = header;
  return digest(`${previous}\n${seq}\n${at}\n${code}\n${version}\n${payload}`).slice(0, CHAIN_DIGITS);
}
