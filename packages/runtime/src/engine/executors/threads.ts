import { createRequire } from 'node:module';
import { WorkerLostError, type ModuleSpec } from '@pawl/sdk';
import { entryPoint, type ModuleAnswer, type ModuleWork } from './module-work.ts';
import { moduleWork, resultOf, Signs } from './modules.ts';
import type { Work } from './work.ts';

/** A thread that nothing uses for so long ends. */
const IDLE_MS = 10_000;

/** What we use of piscina. Its own types are refused by `exactOptionalPropertyTypes`, so they are not read. */
interface Pool {
  run(work: ModuleWork, options: { readonly signal: AbortSignal }): Promise<unknown>;
  on(event: 'message' | 'error', listener: (told: unknown) => void): void;
  destroy(): Promise<void>;
  readonly queueSize: number;
}

interface PiscinaModule {
  readonly Piscina: new (options: Readonly<Record<string, unknown>>) => Pool;
}

export interface ThreadLimits {
  readonly payloadBytes: number;
  readonly threadMemoryMb: number;
}

/**
 * The worker threads of one runtime.
 *
 * Owns the pool of piscina, which keeps threads between attempts and ends the one whose attempt is aborted.
 * How many there are is bounded by the slots of the pool that the attempts hold.
 */
export class Threads {
  readonly #limits: ThreadLimits;
  /** By the id of what they do. */
  readonly #signs = new Map<string, Signs>();
  #pool: Pool | undefined;

  constructor(limits: ThreadLimits) {
    this.#limits = limits;
  }

  /** @throws WorkerLostError, what the function threw, what the signal was aborted with */
  async run(spec: ModuleSpec, work: Work): Promise<unknown> {
    const { payloadBytes } = this.#limits;
    const { signal } = work.context;
    const sent = moduleWork(spec, work, payloadBytes);
    // Many programs have no use for threads.
    const pool = (this.#pool ??= this.#open());
    const signs = new Signs(work);
    this.#signs.set(sent.id, signs);
    let answer: ModuleAnswer | undefined;
    try {
      // The entry point gives nothing else, and throws nothing.
      answer = (await pool.run(sent, { signal })) as ModuleAnswer;
    } catch (error) {
      signal.throwIfAborted();
      const how = error instanceof Error ? error.message : String(error);
      throw new WorkerLostError(`the thread of ${work.what} ended before it answered: ${how}`, {
        cause: error,
      });
    } finally {
      if (answer === undefined) this.#signs.delete(sent.id);
    }
    try {
      await signs.all(answer.told);
    } finally {
      this.#signs.delete(sent.id);
    }
    return resultOf(answer, work, payloadBytes);
  }

  #open(): Pool {
    const require = createRequire(import.meta.url);
    const { Piscina } = require('piscina') as PiscinaModule;
    const pool = new Piscina({
      filename: entryPoint('thread-main'),
      minThreads: 0,
      // What is queued there would wait for ever when the thread that it waits for dies.
      maxThreads: Infinity,
      idleTimeout: IDLE_MS,
      // A thread that sleeps in Atomics.wait cannot go on with what a module left running.
      atomics: 'disabled',
      resourceLimits: { maxOldGenerationSizeMb: this.#limits.threadMemoryMb },
      recordTiming: false,
    });
    pool.on('message', (message: unknown) => {
      const id: unknown = typeof message === 'object' && message !== null ? Reflect.get(message, 'id') : '';
      this.#signs.get(String(id))?.take(message);
    });
    // A thread died while it did nothing. Where it could not even begin, what waits for it would wait for ever:
    // that is lost with the pool, and the next attempt gets another one.
    pool.on('error', (error: unknown) => {
      if (pool.queueSize === 0 || !couldNotBegin(error)) return;
      if (this.#pool === pool) this.#pool = undefined;
      void pool.destroy();
    });
    return pool;
  }

  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.destroy();
  }
}

function couldNotBegin(error: unknown): boolean {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' && code.startsWith('ERR_WORKER_');
}
