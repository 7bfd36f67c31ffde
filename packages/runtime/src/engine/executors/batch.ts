import { InvalidArgumentError, type BatchSpec, type TaskContext } from '@pawl/sdk';
import type { Clock } from '../../ports/clock.ts';
import type { Work } from './work.ts';

interface Item {
  readonly args: unknown;
  readonly work: Work;
  readonly settle: (result: { readonly value: unknown } | { readonly error: unknown }) => void;
  /** No longer listens to its signal. */
  readonly forget: () => void;
}

interface Batch {
  readonly spec: BatchSpec;
  readonly items: Set<Item>;
  readonly cancelWindow: () => void;
}

type Run = (items: readonly unknown[], tasks: readonly TaskContext[]) => unknown;

/**
 * Attempts of the same definition that are worked off together.
 *
 * Owns the batches that wait for more. Invariants: a window starts with its first item and is never made
 * longer; an item that is aborted while it waits leaves at once, and one that is aborted later leaves the
 * others alone.
 */
export class Batches {
  readonly #clock: Clock;
  /** By the `run` of the definition. */
  readonly #open = new Map<BatchSpec['run'], Batch>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  run(spec: BatchSpec, work: Work): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { signal } = work.context;
      const leave = (): void => this.#leave(spec, item);
      const item: Item = {
        args: spec.args,
        work,
        settle: (result) => ('error' in result ? reject(result.error) : resolve(result.value)),
        forget: () => signal.removeEventListener('abort', leave),
      };
      signal.addEventListener('abort', leave, { once: true });
      const batch = this.#open.get(spec.run) ?? this.#begin(spec);
      batch.items.add(item);
      if (batch.items.size >= spec.batch.maxSize) this.#close(batch);
    });
  }

  #begin(spec: BatchSpec): Batch {
    const cancelWindow = this.#clock.after(spec.batch.windowMs, () => this.#close(batch));
    const batch: Batch = { spec, items: new Set(), cancelWindow };
    this.#open.set(spec.run, batch);
    return batch;
  }

  #leave(spec: BatchSpec, item: Item): void {
    const batch = this.#open.get(spec.run);
    if (batch?.items.delete(item) !== true) return;
    item.settle({ error: item.work.context.signal.reason });
    if (batch.items.size > 0) return;
    batch.cancelWindow();
    this.#open.delete(spec.run);
  }

  #close(batch: Batch): void {
    batch.cancelWindow();
    this.#open.delete(batch.spec.run);
    const items = [...batch.items].filter(isWanted);
    if (items.length > 0) void perform(batch.spec, items);
  }
}

function isWanted(item: Item): boolean {
  item.forget();
  try {
    item.work.checkWanted();
    return true;
  } catch (error) {
    item.settle({ error });
    return false;
  }
}

async function perform(spec: BatchSpec, items: readonly Item[]): Promise<void> {
  try {
    // What the definition's `run` takes is what its calls were given.
    const run = spec.run as Run;
    const results: unknown = await run(
      items.map(({ args }) => args),
      items.map(({ work }) => work.context),
    );
    if (!Array.isArray(results) || results.length !== items.length) {
      const got = Array.isArray(results) ? `${results.length} results` : 'no list of results';
      throw new InvalidArgumentError(`A batch of ${items.length} calls got ${got}.`);
    }
    const list: readonly unknown[] = results;
    for (const [i, item] of items.entries()) {
      const value = list[i];
      item.settle(value instanceof Error ? { error: value } : { value });
    }
  } catch (error) {
    for (const item of items) item.settle({ error });
  }
}
