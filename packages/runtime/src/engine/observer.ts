import type { Recorded } from '../journal/event.ts';
import type { RunId, Seq } from '../journal/ids.ts';
import type { JournalStore } from '../ports/journal-store.ts';
import type { LogEntry, ProgressEntry } from './engine.ts';

/** What happens in a runtime, as it is told to who looks on. */
export type RuntimeEvent =
  /** Committed. */
  | ({ readonly type: 'event'; readonly runId: RunId } & Recorded)
  /** Told by an attempt; not recorded, unless the process reads it. */
  | ({ readonly type: 'progress' } & ProgressEntry)
  | ({ readonly type: 'log' } & LogEntry)
  /** So much progress and log output was dropped, since it was not read fast enough. */
  | { readonly type: 'dropped'; readonly count: number };

type Told = Extract<RuntimeEvent, { type: 'progress' | 'log' }>;

/** Events `from` to `to` of a run; not `held`, they are read again when their turn comes. */
interface Range {
  readonly type: 'events';
  readonly runId: RunId;
  from: Seq;
  to: Seq;
  held: Recorded[] | undefined;
}

const PAGE = 500;
const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * What one consumer has not read yet.
 *
 * Owns a queue of at most `limit` things, and beyond that a range for each run. Talks to the store, where it
 * reads again what it does not hold. Invariant E3: a slow consumer costs progress and log output, never an
 * event, and never memory.
 */
export class Observer implements AsyncIterableIterator<RuntimeEvent, undefined, undefined> {
  readonly #store: JournalStore;
  readonly #limit: number;
  readonly #onEnd: (observer: Observer) => void;
  #queue: (Told | Range)[] = [];
  /** Things that are held. */
  #size = 0;
  #dropped = 0;
  #waiters: ((result: IteratorResult<RuntimeEvent, undefined>) => void)[] = [];
  #isOver = false;

  constructor(store: JournalStore, limit: number, onEnd: (observer: Observer) => void) {
    this.#store = store;
    this.#limit = limit;
    this.#onEnd = onEnd;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<RuntimeEvent, undefined>> {
    const value = this.#take();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#isOver) return Promise.resolve(DONE);
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
    });
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    this.#queue = [];
    this.#size = 0;
    this.#dropped = 0;
    this.end();
    return Promise.resolve(DONE);
  }

  /** The runtime closes; what is held can still be read. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const resolve of this.#waiters.splice(0)) resolve(DONE);
    this.#onEnd(this);
  }

  told(entry: Told): void {
    this.#queue.push(entry);
    this.#size += 1;
    this.#changed();
  }

  committed(runId: RunId, events: readonly Recorded[]): void {
    const from = events[0]?.seq;
    const to = events.at(-1)?.seq;
    if (from === undefined || to === undefined) return;
    const last = this.#queue.at(-1);
    if (last?.type === 'events' && last.runId === runId && last.held === undefined) {
      last.to = to;
    } else {
      this.#queue.push({ type: 'events', runId, from, to, held: [...events] });
      this.#size += events.length;
    }
    this.#changed();
  }

  #changed(): void {
    while (this.#waiters.length > 0) {
      const value = this.#take();
      if (value === undefined) break;
      this.#waiters.shift()?.({ done: false, value });
    }
    if (this.#size > this.#limit) this.#shed();
  }

  /** First the oldest progress goes, then log output; events are let go of and read again. */
  #shed(): void {
    // Half of it at once, so that the next ones cost nothing.
    const room = Math.floor(this.#limit / 2);
    for (const type of ['progress', 'log'] as const) {
      this.#queue = this.#queue.filter((entry) => {
        if (entry.type !== type || this.#size <= room) return true;
        this.#size -= 1;
        this.#dropped += 1;
        return false;
      });
      if (this.#size <= this.#limit) return;
    }
    const ranges = new Map<RunId, Range>();
    for (const entry of this.#queue) {
      if (entry.type !== 'events') continue;
      const before = ranges.get(entry.runId);
      if (before === undefined) ranges.set(entry.runId, { ...entry, held: undefined });
      else before.to = entry.to;
    }
    this.#queue = [...ranges.values()];
    this.#size = 0;
  }

  #take(): RuntimeEvent | undefined {
    if (this.#dropped > 0) {
      const count = this.#dropped;
      this.#dropped = 0;
      return { type: 'dropped', count };
    }
    for (;;) {
      const first = this.#queue[0];
      if (first === undefined) return undefined;
      if (first.type !== 'events') {
        this.#queue.shift();
        this.#size -= 1;
        return first;
      }
      const recorded = this.#nextOf(first);
      if (recorded === undefined || recorded.seq >= first.to) this.#queue.shift();
      if (recorded !== undefined) return { type: 'event', runId: first.runId, ...recorded };
    }
  }

  #nextOf(range: Range): Recorded | undefined {
    if (range.held === undefined || range.held.length === 0) {
      range.held = this.#read(range);
      this.#size += range.held.length;
    }
    const recorded = range.held.shift();
    if (recorded === undefined) return undefined;
    this.#size -= 1;
    range.from = recorded.seq + 1;
    return recorded;
  }

  /** Nothing, once the runtime has closed its store. */
  #read({ runId, from, to }: Range): Recorded[] {
    try {
      return this.#store.read(runId, from - 1, PAGE).filter(({ seq }) => seq <= to);
    } catch (error) {
      if (this.#isOver) return [];
      throw error;
    }
  }
}
