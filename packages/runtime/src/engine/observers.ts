import { InvalidOptionError } from '@pawl/sdk';
import type { Recorded } from '../journal/event.ts';
import type { RunId } from '../journal/ids.ts';
import type { JournalStore } from '../ports/journal-store.ts';
import type { LogEntry, ProgressEntry } from './engine.ts';
import { Observer, type RuntimeEvent } from './observer.ts';

const DEFAULT_BUFFER = 1024;

export interface ObserveOptions {
  /** Things that may wait to be read before progress is dropped: an integer >= 1 (default 1024). */
  readonly buffer?: number;
}

/**
 * Who looks on at what happens in this runtime.
 *
 * Owns them. Talks to each, and never waits for one.
 */
export class Observers {
  readonly #store: JournalStore;
  readonly #observers = new Set<Observer>();
  readonly #watchers = new Map<RunId, Set<() => void>>();

  constructor(store: JournalStore) {
    this.#store = store;
  }

  /** @throws InvalidOptionError */
  observe({ buffer = DEFAULT_BUFFER }: ObserveOptions): AsyncIterableIterator<RuntimeEvent, undefined> {
    if (!Number.isInteger(buffer) || buffer < 1)
      throw new InvalidOptionError('buffer', buffer, 'an integer >= 1');
    const observer = new Observer(this.#store, buffer, (ended) => this.#observers.delete(ended));
    this.#observers.add(observer);
    return observer;
  }

  /** Calls back after each commit of the run; the result ends that. */
  watch(runId: RunId, callback: () => void): () => void {
    const watchers = this.#watchers.get(runId) ?? new Set();
    this.#watchers.set(runId, watchers.add(callback));
    return () => {
      watchers.delete(callback);
      if (watchers.size === 0) this.#watchers.delete(runId);
    };
  }

  committed(runId: RunId, events: readonly Recorded[]): void {
    this.#watchers.get(runId)?.forEach((callback) => callback());
    for (const observer of this.#observers) observer.committed(runId, events);
  }

  progress(entry: ProgressEntry): void {
    for (const observer of this.#observers) observer.told({ type: 'progress', ...entry });
  }

  log(entry: LogEntry): void {
    for (const observer of this.#observers) observer.told({ type: 'log', ...entry });
  }

  /** Nothing happens any more. */
  close(): void {
    for (const observer of this.#observers) observer.end();
  }
}
