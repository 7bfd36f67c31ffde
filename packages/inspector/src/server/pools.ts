/** Pools with what became of the calls of the newest runs: of each what was read goes on behind its last event. */
import { addPoolEvents, createPoolFold, type JournalReader, type PoolFold, type RunId } from '@pawl/runtime';

import { unnamed } from './left-out.ts';
import { slicesOf, type Unhurried } from './slices.ts';

const MOST_RUNS = 20;
/** Of a run, the newest. */
const MOST_EVENTS = 5000;

interface Kept {
  readonly fold: PoolFold;
  readTo: number;
}

type Status = ReturnType<JournalReader['pools']>[number];

export class PoolStatistics {
  readonly #reading: Unhurried;
  #kept = new Map<RunId, Kept>();
  #under: Promise<void> | undefined;

  constructor(reading: Unhurried) {
    this.#reading = reading;
  }

  /** @throws RuntimeError STOPPED */
  async statuses(): Promise<readonly Status[]> {
    // One reads for all that ask meanwhile.
    this.#under ??= this.#readOn().finally(() => (this.#under = undefined));
    await this.#under;
    return this.#reading.reader.pools([...this.#kept.values()].map(({ fold }) => fold));
  }

  async #readOn(): Promise<void> {
    const kept = new Map<RunId, Kept>();
    for (const { runId, lastSeq } of this.#reading.reader.list({ limit: MOST_RUNS }, unnamed)) {
      const nearest = lastSeq - MOST_EVENTS;
      const before = this.#kept.get(runId);
      const one =
        before === undefined || before.readTo < nearest
          ? { fold: createPoolFold(), readTo: Math.max(0, nearest) }
          : before;
      for await (const slice of slicesOf(this.#reading, runId, MOST_EVENTS, one.readTo)) {
        for (const recorded of slice) {
          addPoolEvents(one.fold, runId, [recorded]);
          one.readTo = recorded.seq;
        }
      }
      kept.set(runId, one);
    }
    this.#kept = kept;
  }
}
