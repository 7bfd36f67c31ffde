import { defineProcess, defineTask, type ProcessDefinition } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import type { RemoteEnd, RemotePlace, RemoteTasks, RemoteWork } from '../src/ports/remote-tasks.ts';
import { openRuntime, type Runtime } from '../src/runtime.ts';
import { MemoryStore } from '../src/testing.ts';
import { journal, shape } from './lab.fixture.ts';

/** Other programs, of which each attempt is an answer that the test gives. */
class Elsewhere implements RemoteTasks {
  readonly made: (RemoteWork & { readonly isAgain: boolean })[] = [];
  readonly stopped: (RemotePlace & { readonly reason: string })[] = [];
  readonly #ends = new Map<string, PromiseWithResolvers<RemoteEnd>>();
  #changed = Promise.withResolvers<void>();

  make(work: RemoteWork, isAgain: boolean, left: AbortSignal): Promise<RemoteEnd> {
    this.made.push({ ...work, isAgain });
    this.#told();
    const gone = Promise.withResolvers<never>();
    left.addEventListener('abort', () => gone.reject(new Error('left')), { once: true });
    return Promise.race([this.#end(work).promise, gone.promise]);
  }

  stop(place: RemotePlace, reason: string): void {
    this.stopped.push({ ...place, reason });
    this.#told();
  }

  answer(key: string, attempt: number, end: RemoteEnd): void {
    this.#end({ key, attempt }).resolve(end);
  }

  /** Resolves when so many attempts were asked for, and so many stopped. */
  async until(made: number, stopped = 0): Promise<void> {
    while (this.made.length < made || this.stopped.length < stopped) await this.#changed.promise;
  }

  #told(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  #end({ key, attempt }: Pick<RemotePlace, 'key' | 'attempt'>): PromiseWithResolvers<RemoteEnd> {
    const place = `${key} ${attempt}`;
    const known = this.#ends.get(place) ?? Promise.withResolvers<RemoteEnd>();
    this.#ends.set(place, known);
    return known;
  }
}

let invoked = 0;
const resize = defineTask({
  name: 'resize',
  remote: true,
  retry: { attempts: 2, delay: 0 },
  run: async ({ n }: { n: number }) => {
    invoked += 1;
    return n;
  },
});
const asking = defineTask({ name: 'asking', remote: true, onUnknown: 'ask', run: async () => 1 });
const checking = defineTask({
  name: 'checking',
  remote: true,
  onUnknown: 'check',
  check: () => ({ status: 'done', output: 5 }) as const,
  run: async () => 1,
});

const one = defineProcess({ name: 'one', run: async (_: null, ctx) => ctx.task(resize, { n: 7 }) });
const done: RemoteEnd = { status: 'done', output: 70 };
const unknown: RemoteEnd = { status: 'unknown' };
const error = { name: 'RangeError', message: 'too small' };

async function withRuntime<T>(
  store: MemoryStore,
  remote: RemoteTasks | undefined,
  use: (runtime: Runtime) => Promise<T>,
): Promise<T> {
  const runtime = await openRuntime({ store, ...(remote === undefined ? {} : { remote }) });
  try {
    return await use(runtime);
  } finally {
    await runtime.close();
  }
}

function startedIn(runtime: Runtime, process: ProcessDefinition<null, unknown>): Promise<unknown> {
  const result = runtime.start(process, null, { id: 'r' }).result();
  result.catch(() => undefined);
  return result;
}

describe('a remote attempt', () => {
  it('is made elsewhere, with all that has to be known of it, and its end is its end', async () => {
    const [store, elsewhere] = [new MemoryStore(), new Elsewhere()];
    invoked = 0;
    elsewhere.answer('0', 1, done);
    await withRuntime(store, elsewhere, async (runtime) => {
      expect(await startedIn(runtime, one)).toBe(70);
    });
    expect(elsewhere.made).toEqual([
      {
        task: 'resize',
        process: 'one',
        runId: 'r',
        key: '0',
        attempt: 1,
        idempotencyKey: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
        args: { n: 7 },
        timeoutMs: null,
        pool: null,
        cost: undefined,
        priority: 0,
        isAgain: false,
      },
    ]);
    expect(invoked).toBe(0);
    expect(journal(store)[2]?.event).toEqual({ type: 'AttemptStarted', key: '0', attempt: 1, remote: true });
  });

  it('runs here where there is nobody else', async () => {
    const store = new MemoryStore();
    await withRuntime(store, undefined, async (runtime) => {
      expect(await startedIn(runtime, one)).toBe(7);
    });
    expect(journal(store)[2]?.event).toEqual({ type: 'AttemptStarted', key: '0', attempt: 1 });
  });

  it('outlives its run’s program, whatever onUnknown says: the next one waits for the same attempt', async () => {
    const [store, elsewhere] = [new MemoryStore(), new Elsewhere()];
    const process = defineProcess({ name: 'p', run: async (_: null, ctx) => ctx.task(asking) });
    await withRuntime(store, elsewhere, async (runtime) => {
      void startedIn(runtime, process);
      await elsewhere.until(1);
    });
    expect(shape(store)).toEqual(['RunStarted', 'TaskScheduled 0', 'AttemptStarted 0']);
    elsewhere.answer('0', 1, done);
    await withRuntime(store, elsewhere, async (runtime) => {
      expect(await runtime.resume('r', process).result()).toBe(70);
    });
    expect(elsewhere.stopped).toEqual([]);
    expect(elsewhere.made.map(({ attempt, isAgain }) => [attempt, isAgain])).toEqual([
      [1, false],
      [1, true],
    ]);
    expect(shape(store).filter((line) => line.startsWith('Attempt'))).toEqual(['AttemptStarted 0']);
  });

  it('is unknown to a program that has nobody to ask', async () => {
    const [store, elsewhere] = [new MemoryStore(), new Elsewhere()];
    invoked = 0;
    await withRuntime(store, elsewhere, async (runtime) => {
      void startedIn(runtime, one);
      await elsewhere.until(1);
    });
    await withRuntime(store, undefined, async (runtime) => {
      expect(await runtime.resume('r', one).result()).toBe(7);
    });
    expect(invoked).toBe(1);
    expect(journal(store)[3]?.event).toEqual({ type: 'AttemptStarted', key: '0', attempt: 2 });
  });

  it('whose end nobody knows is up to onUnknown: another one, a check, a person', async () => {
    const [store, elsewhere] = [new MemoryStore(), new Elsewhere()];
    elsewhere.answer('0', 1, unknown);
    elsewhere.answer('0', 2, done);
    elsewhere.answer('1', 1, unknown);
    elsewhere.answer('2', 1, unknown);
    elsewhere.answer('2', 2, { status: 'done', output: 9 });
    const process = defineProcess({
      name: 'p',
      run: async (_: null, ctx) => [
        await ctx.task(resize, { n: 1 }),
        await ctx.task(checking),
        await ctx.task(asking),
      ],
    });
    await withRuntime(store, elsewhere, async (runtime) => {
      const asked = Promise.withResolvers<void>();
      const result = startedIn(runtime, process);
      const watch = setInterval(() => {
        if (runtime.waits('r').length > 0) asked.resolve();
      }, 5);
      await asked.promise;
      clearInterval(watch);
      runtime.resolve('r', '2', { status: 'retry' });
      expect(await result).toEqual([70, 5, 9]);
    });
    expect(shape(store).slice(1, -1)).toEqual([
      'TaskScheduled 0',
      'AttemptStarted 0',
      'AttemptStarted 0',
      'TaskSucceeded 0',
      'TaskScheduled 1',
      'AttemptStarted 1',
      'TaskSucceeded 1',
      'TaskScheduled 2',
      'AttemptStarted 2',
      'OutcomeAsked 2',
      'AttemptInterrupted 2',
      'AttemptStarted 2',
      'TaskSucceeded 2',
    ]);
  });

  it('that fails is tried again as the task says, and what is final is not', async () => {
    const [store, elsewhere] = [new MemoryStore(), new Elsewhere()];
    const failed = { status: 'failed', error, cause: 'error' } as const;
    elsewhere.answer('0', 1, { ...failed, cause: 'timeout', isFinal: false });
    elsewhere.answer('0', 2, done);
    elsewhere.answer('1', 1, { ...failed, isFinal: true });
    const process = defineProcess({
      name: 'p',
      run: async (_: null, ctx) => [await ctx.task(resize, { n: 1 }), await ctx.task(resize, { n: 2 })],
    });
    await withRuntime(store, elsewhere, async (runtime) => {
      await expect(startedIn(runtime, process)).rejects.toThrow('too small');
    });
    expect(elsewhere.made.map(({ key, attempt }) => `${key} ${attempt}`)).toEqual(['0 1', '0 2', '1 1']);
  });

  it('that is not wanted any more is stopped, and what it gives later is late', async () => {
    const [store, elsewhere] = [new MemoryStore(), new Elsewhere()];
    await withRuntime(store, elsewhere, async (runtime) => {
      const result = startedIn(runtime, one);
      await elsewhere.until(1);
      runtime.cancel('r', 'enough');
      await elsewhere.until(1, 1);
      elsewhere.answer('0', 1, done);
      await expect(result).rejects.toThrow(/cancelled/);
    });
    expect(elsewhere.stopped).toMatchObject([
      { key: '0', attempt: 1, reason: 'the run was cancelled: enough' },
    ]);
    expect(shape(store).slice(3)).toEqual([
      'CancelRequested',
      'TaskCancelled 0',
      'LateResult 0',
      'RunCancelled',
    ]);
  });

  it('that is given up before its run’s next program has looked for it is stopped', async () => {
    const [store, elsewhere] = [new MemoryStore(), new Elsewhere()];
    await withRuntime(store, elsewhere, async (runtime) => {
      void startedIn(runtime, one);
      await elsewhere.until(1);
    });
    await withRuntime(store, elsewhere, async (runtime) => {
      const result = runtime.resume('r', one).result();
      result.catch(() => undefined);
      runtime.cancel('r', 'enough');
      await elsewhere.until(2, 1);
      elsewhere.answer('0', 1, { status: 'stopped' });
      await expect(result).rejects.toThrow(/cancelled/);
    });
    expect(elsewhere.stopped).toMatchObject([{ key: '0', attempt: 1 }]);
  });
});
