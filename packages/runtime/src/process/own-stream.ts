import type { CallKey } from '../journal/call-key.ts';
import type { ItemRecorded } from '../journal/event.ts';
import type { Seq } from '../journal/ids.ts';
import type { Scope } from './scope.ts';

/** An item that was taken, as the journal has it. */
export type TakenItem = Pick<ItemRecorded, 'attempt' | 'cursor'> & { readonly seq: Seq };

/** Items of a `ctx.source`, for who wants to be the only one to read them. */
export interface SourceItems {
  /** The scope that opened it. */
  readonly scope: Scope;
  /** Undefined while the call waits for its place in the journal. */
  readonly key: CallKey | undefined;
  readonly isClaimed: boolean;
  /** How many were taken, and the last of them. */
  readonly taken: number;
  readonly last: TakenItem | undefined;
  /**
   * From now on nobody else reads it, but where the scope of who claims it has lost.
   * @returns false where somebody reads it, or did
   */
  claim(scope: Scope): boolean;
  /** What is left of it is anybody's. */
  release(): void;
  /** Replay begins behind so many items, the last of which this is: they come no more. */
  skipTo(taken: number, last: TakenItem): void;
  next(): Promise<IteratorResult<unknown, undefined>>;
  /** Stops reading. */
  leave(): Promise<unknown>;
}

const OWN = new WeakSet<object>();

/** By what process code reads them with. */
const SOURCES = new WeakMap<object, SourceItems>();

/** Marks an iterator of ours: to leave it is no code of the branch that read it. */
export function ownStream<T extends object>(iterator: T): T {
  OWN.add(iterator);
  return iterator;
}

export function isOwnStream(iterator: object): boolean {
  return OWN.has(iterator);
}

export function noteSource<Reader extends object>(reader: Reader, items: SourceItems): Reader {
  SOURCES.set(reader, items);
  return reader;
}

/** The items of a `ctx.source`; undefined for everything else. */
export function sourceItems(reader: unknown): SourceItems | undefined {
  return typeof reader === 'object' && reader !== null ? SOURCES.get(reader) : undefined;
}
