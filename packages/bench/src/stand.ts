import { join } from 'node:path';

import { openRuntime, type JournalStore, type Limits, type Runtime } from '@pawl/runtime';
import { MemoryStore } from '@pawl/runtime/testing';

import { benchFolder } from './bench-folder.ts';
import { UNWATCHED, type Order } from './order.ts';
import { peakRss, Probe, sizeOf } from './probe.ts';
import type { Sample } from './sample.ts';

type Place = { readonly in: 'file'; readonly path: string } | { readonly in: 'memory' };

interface Work {
  readonly steps: number;
  readonly note: string;
  readonly counts: Sample['counts'];
}

/**
 * A runtime on a fresh journal, as a user opens it, and what is measured on it.
 *
 * Owns the runtime. `measure` closes it, since the size of a file is known only then.
 */
export class Stand {
  readonly runtime: Runtime;
  readonly #place: Place;
  readonly #durability: Order['durability'];
  readonly #watches: boolean;

  static async open(
    asked: Pick<Order, 'durability' | 'slowerMs' | 'way'>,
    limits: Partial<Limits> = {},
    where: Place['in'] = 'file',
  ): Promise<Stand> {
    const { durability, slowerMs, way } = asked;
    const watches = way !== UNWATCHED;
    if (where === 'memory')
      return new Stand(
        await openRuntime({ store: new MemoryStore(), limits }),
        { in: 'memory' },
        durability,
        watches,
      );
    const path = join(benchFolder(), 'journal.db');
    const runtime = await openRuntime({ path, durability, limits });
    const slow =
      slowerMs === 0 ? runtime : await openRuntime({ store: slowed(runtime.store, slowerMs), limits });
    return new Stand(slow, { in: 'file', path }, durability, watches);
  }

  private constructor(runtime: Runtime, place: Place, durability: Order['durability'], watches: boolean) {
    this.runtime = runtime;
    this.#place = place;
    this.#durability = durability;
    this.#watches = watches;
  }

  get path(): string {
    return this.#place.in === 'file' ? this.#place.path : '';
  }

  /** Rows of all runs so far. */
  get rows(): number {
    let rows = 0;
    for (let page = this.runtime.list({ limit: 1000 }); page.length > 0;) {
      for (const run of page) rows += run.lastSeq;
      const last = page.at(-1);
      page = last === undefined ? [] : this.runtime.list({ limit: 1000, before: last.runId });
    }
    return rows;
  }

  async measure(work: () => Promise<Work>): Promise<Sample> {
    const rowsBefore = this.rows;
    // What was there before is in the file too.
    const isFresh = rowsBefore === 0;
    const commitsBefore = this.runtime.commits;
    const probe = new Probe(this.path, this.#watches);
    const { steps, note, counts } = await work();
    const { ms, cpuMicros, delayP99Ms, delayMaxMs, walBytes } = probe.stop();
    const commits = this.runtime.commits - commitsBefore;
    const rows = this.rows - rowsBefore;
    await this.runtime.close();
    const isFile = this.#place.in === 'file';
    return {
      ms,
      steps,
      rssBytes: peakRss(),
      diskBytes: isFile && isFresh ? sizeOf(this.path) : null,
      walBytes: isFile ? walBytes : null,
      durability: isFile ? `SQLite WAL, synchronous=${this.#durability.toUpperCase()}` : 'none: memory only',
      note,
      counts: { commits, rows, cpuMicros, ...(this.#watches ? { delayP99Ms, delayMaxMs } : {}), ...counts },
    };
  }
}

/**
 * The same store on a slower disk: each commit holds the thread for as much longer, which is what a slow fsync does.
 * Checkpoints are as fast as before.
 */
function slowed(store: JournalStore, slowerMs: number): JournalStore {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (name !== 'append') return (...args: unknown[]): unknown => Reflect.apply(value, target, args);
      return (...args: unknown[]): unknown => {
        const answer: unknown = Reflect.apply(value, target, args);
        Atomics.wait(cell, 0, 0, slowerMs);
        return answer;
      };
    },
  });
}
