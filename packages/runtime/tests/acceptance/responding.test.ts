import { externalTask, type Context } from '@pawl/sdk';
import { describe, expect, test } from 'vitest';
import type { Responded, RespondOptions } from '../../src/engine/responder.ts';
import { CannotRespondError } from '../../src/errors.ts';
import type { Runtime } from '../../src/runtime.ts';
import { MemoryStore } from '../../src/testing.ts';
import { Stage, watchForLeaks } from './stage.fixture.ts';

watchForLeaks();

const work = externalTask<number, number>({ name: 'work', kind: 'robot', heartbeatTimeout: '1h' });

async function responding(
  process: (inputs: null, ctx: Context) => Promise<unknown>,
  options: (stage: Stage, runtime: Runtime) => Omit<RespondOptions, 'kinds'>,
): Promise<{ value: unknown; told: Responded[]; stage: Stage; store: MemoryStore }> {
  const stage = new Stage();
  const store = new MemoryStore();
  const told: Responded[] = [];
  const value = await stage.use(store, {}, async (runtime) => {
    const handle = runtime.start(process, null, { id: 'r' });
    const responder = runtime.tasks.respond({
      kinds: ['robot'],
      onResponded: (responded) => told.push(responded),
      ...options(stage, runtime),
    });
    const result = await handle.result().catch((error: unknown) => String(error));
    await responder.stop();
    return result;
  });
  return { value, told, stage, store };
}

const numberOf = (task: { readonly description: unknown }): number =>
  (task.description as { readonly input: number }).input;

describe('a responder', () => {
  test('answers the tasks of its kind, as many at once as it may', async () => {
    let now = 0;
    let most = 0;
    const { value, told } = await responding(
      async (_, ctx) => ctx.parallel.map([1, 2, 3, 4, 5], (n) => ctx.task(work, n)),
      (stage) => ({
        concurrency: 2,
        respond: async (task) => {
          now += 1;
          most = Math.max(most, now);
          await new Promise<void>((resolve) => stage.later(50, resolve));
          now -= 1;
          return numberOf(task) * 10;
        },
      }),
    );
    expect(value).toEqual([10, 20, 30, 40, 50]);
    expect(most).toBe(2);
    expect(told.map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => 'completed'));
  });

  test('tries again as its retry says, and then fails the task with what was thrown', async () => {
    const attempts: number[] = [];
    const { value, told } = await responding(
      async (_, ctx) => ctx.task(work, 1),
      () => ({
        retry: { attempts: 3, delay: 10 },
        respond: (_, { attempt }) => {
          attempts.push(attempt);
          throw Object.assign(new Error(`no ${attempt}`), { details: { exitCode: 1 } });
        },
      }),
    );
    expect(value).toContain('no 3');
    expect(attempts).toEqual([1, 2, 3]);
    expect(told.map(({ status }) => status)).toEqual(['retrying', 'retrying', 'failed']);
  });

  test('an answer that violates the schema is a failure of the try', async () => {
    const strict = externalTask<number, number>({ name: 'strict', kind: 'robot' });
    const { value } = await responding(
      async (_, ctx) => ctx.task({ ...strict, output: numberSchema }, 1),
      () => ({ retry: { attempts: 2, delay: 1 }, respond: (_, { attempt }) => (attempt === 1 ? 'one' : 1) }),
    );
    expect(value).toBe(1);
  });

  test('who cannot respond at all fails no task: it gives all back, and stops', async () => {
    const stage = new Stage();
    const store = new MemoryStore();
    const told: string[] = [];
    await stage.use(store, {}, async (runtime) => {
      const handle = runtime.start(
        async (_: null, ctx: Context) => ctx.parallel.map([1, 2, 3], (n) => ctx.task(work, n)),
        null,
        { id: 'r' },
      );
      const responder = runtime.tasks.respond({
        kinds: ['robot'],
        concurrency: 2,
        retry: { attempts: 3 },
        onResponded: ({ status }) => told.push(status),
        respond: async (task) => {
          if (numberOf(task) === 2) return await new Promise(() => undefined);
          throw new CannotRespondError('there is no such program');
        },
      });
      await expect(responder.finished).rejects.toThrow('there is no such program');
      // At once: whoever hears of it may close the journal.
      const open = runtime.tasks.list().map(({ status, failures }) => ({ status, failures }));
      expect(open).toEqual(Array.from({ length: 3 }, () => ({ status: 'open', failures: 0 })));
      expect(told).toEqual(['left', 'left']);
      for (const { id, description } of runtime.tasks.list())
        runtime.tasks.complete(id, numberOf({ description }));
      expect(await handle.result()).toEqual([1, 2, 3]);
    });
  });

  test('one try has its time', async () => {
    const aborted: unknown[] = [];
    const { value } = await responding(
      async (_, ctx) => ctx.task(work, 1),
      () => ({
        timeout: 100,
        respond: (_, { signal }) =>
          new Promise(() => signal.addEventListener('abort', () => aborted.push(String(signal.reason)))),
      }),
    );
    expect(value).toContain('more than 100 ms');
    expect(aborted).toEqual(['Error: it took more than 100 ms']);
  });

  test('a claim that it lost aborts its work, and its answer is not given', async () => {
    const { value, told } = await responding(
      async (_, ctx) => ctx.task(work, 1),
      (_stage, runtime) => ({
        lease: 300,
        respond: (task, { signal }) => {
          runtime.tasks.cancel(task.id, 'not needed');
          return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
        },
      }),
    );
    expect(value).toContain('not needed');
    expect(told.map(({ status }) => status)).toEqual(['left']);
  });

  test('it says that it lives: a task that takes longer than the lease stays its own', async () => {
    let begun = 0;
    // The task says less than the responder.
    const brief = externalTask<number, number>({ name: 'brief', kind: 'robot', heartbeatTimeout: 300 });
    const { value } = await responding(
      async (_, ctx) => ctx.task(brief, 1),
      (stage) => ({
        lease: 60_000,
        concurrency: 2,
        respond: async () => {
          begun += 1;
          await new Promise<void>((resolve) => stage.later(5000, resolve));
          return 7;
        },
      }),
    );
    expect(value).toBe(7);
    expect(begun).toBe(1);
  });

  test('what it works on when it stops is given back at once', async () => {
    const stage = new Stage();
    const store = new MemoryStore();
    await stage.use(store, {}, async (runtime) => {
      const handle = runtime.start(async (_: null, ctx: Context) => ctx.task(work, 1), null, { id: 'r' });
      let begin = (): void => undefined;
      const begun = new Promise<void>((resolve) => (begin = resolve));
      const responder = runtime.tasks.respond({
        kinds: ['robot'],
        respond: () => {
          begin();
          return new Promise(() => undefined);
        },
      });
      await begun;
      expect(runtime.tasks.list()[0]).toMatchObject({ status: 'claimed', worker: responder.worker });
      await responder.stop();
      const [task] = runtime.tasks.list();
      expect(task).toMatchObject({ status: 'open', worker: null });
      runtime.tasks.complete(task?.id ?? '', 3);
      expect(await handle.result()).toBe(3);
    });
  });
});

const numberSchema = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value: unknown) =>
      typeof value === 'number' ? { value } : { issues: [{ message: 'must be a number' }] },
  },
} as const;
