/** One thread for all mutants that a program of Stryker's tries: to start one for each took ten times as long. */
import { Worker } from 'node:worker_threads';

import type { PoolOptions, PoolRunnerInitializer, PoolWorker, WorkerRequest } from 'vitest/node';

type Listener = Parameters<PoolWorker['on']>[1];

const NAME = 'kept-thread';

let kept: Worker | undefined;

/** What Vitest takes for a thread of a run of its own. */
class ThreadOfRun implements PoolWorker {
  readonly name = NAME;
  readonly #thread: Worker;
  readonly #listeners: [event: string, listener: Listener][] = [];

  constructor({ env, execArgv }: PoolOptions) {
    kept ??= new Worker(new URL('thread-main.ts', import.meta.url), { env, execArgv });
    this.#thread = kept;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  /** Only this run is over. One that does not end is ended with the whole program, by Stryker. */
  stop(): Promise<void> {
    for (const [event, listener] of this.#listeners.splice(0)) this.#thread.off(event, listener);
    return Promise.resolve();
  }

  on(event: string, listener: Listener): void {
    this.#listeners.push([event, listener]);
    this.#thread.on(event, listener);
  }

  off(event: string, listener: Listener): void {
    this.#thread.off(event, listener);
  }

  send(message: WorkerRequest): void {
    this.#thread.postMessage(message, []);
  }

  deserialize(data: unknown): unknown {
    return data;
  }
}

export const keptThread: PoolRunnerInitializer = {
  name: NAME,
  createPoolWorker: (options) => new ThreadOfRun(options),
};

export async function endKeptThread(): Promise<void> {
  await kept?.terminate();
  kept = undefined;
}
