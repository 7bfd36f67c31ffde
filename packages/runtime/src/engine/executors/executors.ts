import { InvalidArgumentError, type TaskSpec } from '@pawl/sdk';
import type { Clock } from '../../ports/clock.ts';
import { Batches } from './batch.ts';
import { runProcess } from './processes.ts';
import { runShell } from './shell.ts';
import { Threads, type ThreadLimits } from './threads.ts';
import type { Work } from './work.ts';

/**
 * Does what a task's description says, by its kind.
 *
 * Owns what outlives an attempt: threads, and batches that wait.
 */
export class Executors {
  readonly #clock: Clock;
  readonly #limits: ThreadLimits;
  readonly #batches: Batches;
  readonly #threads: Threads;

  constructor(clock: Clock, limits: ThreadLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#batches = new Batches(clock);
    this.#threads = new Threads(limits);
  }

  /** @returns the value, or a promise of it */
  run(spec: TaskSpec, work: Work): unknown {
    switch (spec?.kind) {
      case 'function':
        return spec.run();
      case 'shell':
        return runShell(spec, work.context.signal, this.#clock);
      case 'batch':
        return this.#batches.run(spec, work);
      case 'thread':
        return this.#threads.run(spec, work);
      case 'process':
        return runProcess(spec, work, this.#limits.payloadBytes, this.#clock);
      default:
        throw new InvalidArgumentError(
          `The builder of ${work.what} must return a description of kind 'function', 'shell', 'batch', 'thread' or 'process'.`,
        );
    }
  }

  /** All attempts ended, or were given up. */
  close(): Promise<void> {
    return this.#threads.close();
  }
}
