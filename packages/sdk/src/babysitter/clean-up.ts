import { CancelledError, InvalidArgumentError } from '../errors.ts';
import type { Context } from '../process.ts';
import { defineTask, type TaskContext } from '../task.ts';

/**
 * What a process does when it ends.
 *
 * Owns the callbacks of one run. They run in one task, so that a replay does not run them again once its end is
 * recorded; after a crash in their midst they run once more.
 */
export class CleanUp {
  readonly #ctx: Context;
  readonly #callbacks: (() => unknown)[] = [];
  /** Of the task that runs them now. */
  #running: TaskContext | undefined;

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  /** @throws InvalidArgumentError */
  add(callback: unknown): void {
    if (typeof callback !== 'function') throw new InvalidArgumentError('ctx.onCleanup takes a function.');
    this.#callbacks.push(callback as () => unknown);
  }

  /** A callback may log as the process does. */
  log(values: readonly unknown[]): void {
    (this.#running ?? this.#ctx).log(...values);
  }

  /** A callback that fails is told, and stops no other. */
  async run(): Promise<void> {
    if (this.#callbacks.length === 0) return;
    const task = defineTask({ name: 'clean-up', run: (_: null, context) => this.#runAll(context) });
    try {
      await this.#ctx.task(task, null, { key: 'clean-up' });
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
    }
  }

  async #runAll(context: TaskContext): Promise<void> {
    this.#running = context;
    try {
      for (const callback of this.#callbacks.toReversed()) {
        try {
          await callback();
        } catch (error) {
          context.log(`a clean-up failed: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
    } finally {
      this.#running = undefined;
    }
  }
}
