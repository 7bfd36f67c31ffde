import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  InvalidOptionError,
  isPawlError,
  processTask,
  TaskError,
  threadTask,
  type Process,
  type TaskDefinition,
  type TaskSettings,
} from '@pawl/sdk';
import { afterAll, describe, expect, it } from 'vitest';
import type { RuntimeOptions } from '../../src/runtime-options.ts';
import { openRuntime, type Runtime } from '../../src/runtime.ts';
import { MemoryStore } from '../../src/testing.ts';
import { shape } from '../lab.fixture.ts';
import { brief } from './stage.fixture.ts';

// Threads and processes live in real time: what is asserted is order and counts, never how long it took.

const MODULE = new URL('module-main.fixture.ts', import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'pawl-modules-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const freshPath = (): string => {
  files += 1;
  return join(folder, `${files}`);
};

async function using<T>(
  options: Partial<RuntimeOptions>,
  fn: (runtime: Runtime, store: MemoryStore) => Promise<T>,
): Promise<T> {
  const store = new MemoryStore();
  const runtime = await openRuntime({ store, ...options });
  try {
    return await fn(runtime, store);
  } finally {
    await runtime.close();
  }
}

const run = (process: Process<null>, options: Partial<RuntimeOptions> = {}): Promise<unknown> =>
  using(options, (runtime) => runtime.start(process, null, { id: 'r' }).result());

/** Polls for what has no event of its own. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const tells = (error: unknown): unknown =>
  error instanceof TaskError && error.cause instanceof Error
    ? { name: error.cause.name, message: error.cause.message, attempts: error.attempts }
    : brief(error);

describe.each(['thread', 'process'] as const)('a task in a %s', (kind) => {
  const declare = kind === 'thread' ? threadTask : processTask;
  const task = (exported?: string, settings: TaskSettings = {}): TaskDefinition<unknown, unknown> =>
    declare<unknown, unknown>({
      name: exported ?? 'types',
      module: MODULE,
      ...(exported === undefined ? {} : { export: exported }),
      ...(settings as object),
    });

  it('takes and gives values with their types', async () => {
    const input = { map: new Map([['a', 5n]]), date: new Date(7) };
    expect(await run((_, ctx) => ctx.task(task(), input))).toEqual({
      map: new Map([['a', 5n]]),
      date: new Date(8),
      set: new Set([5n]),
      none: undefined,
    });
  });

  it('receives no messages', async () => {
    expect(await run((_, ctx) => ctx.task(task('receives'), 0).catch(tells))).toMatchObject({
      name: 'InvalidArgumentError',
      message: expect.stringContaining('task.receive') as string,
    });
  });

  it('is elsewhere', async () => {
    const told = (await run((_, ctx) => ctx.task(task('where'), 0))) as { pid: number; threadId: number };
    if (kind === 'process') {
      expect(told.pid).not.toBe(process.pid);
      expect(isAlive(told.pid)).toBe(false);
    } else {
      expect(told.pid).toBe(process.pid);
      expect(told.threadId).toBeGreaterThan(0);
    }
  });

  it('A81 that calls process.exit is lost, and retried', async () => {
    const process: Process<null> = (_, ctx) =>
      ctx.task(task('exitOnce', { retry: { attempts: 2, delay: 1 } }), 0);
    await using({}, async (runtime, store) => {
      expect(await runtime.start(process, null, { id: 'r' }).result()).toBe('attempt 2');
      expect(shape(store).filter((line) => line.startsWith('Attempt'))).toEqual([
        'AttemptStarted 0',
        'AttemptFailed 0',
        'AttemptStarted 0',
      ]);
      const failed = store.read('r', 0, 99).find(({ event }) => event.type === 'AttemptFailed');
      expect(failed?.event).toMatchObject({ error: { name: 'WorkerLostError', code: 'WORKER_LOST' } });
    });
  });

  it.each(['exit', 'uncaught'])(
    '%s without a retry: TaskError caused by WorkerLostError',
    async (exported) => {
      const outcome = await run((_, ctx) =>
        ctx
          .task(task(exported), 0)
          .catch((error: unknown) => [tells(error), isPawlError((error as Error).cause, 'WORKER_LOST')]),
      );
      expect(outcome).toEqual([
        {
          name: 'WorkerLostError',
          message: expect.stringContaining(`the ${kind} of task '${exported}' (0)`),
          attempts: 1,
        },
        true,
      ]);
    },
  );

  it('A81 in an endless loop is ended when it is cancelled, long before its grace', async () => {
    const path = freshPath();
    const pid = await using({ graceMs: 3_600_000 }, async (runtime) => {
      const handle = runtime.start((_: null, ctx) => ctx.task(task('loop'), { path }), null, { id: 'r' });
      const ended = handle.result().catch((error: unknown) => (error as { code?: string }).code);
      await until(() => existsSync(path) && readFileSync(path, 'utf8').endsWith('\n'));
      runtime.cancel('r');
      expect(await ended).toBe('CANCELLED');
      return Number(readFileSync(path, 'utf8'));
    });
    if (kind === 'process') expect(isAlive(pid)).toBe(false);
  });

  it('A72 in an endless loop times out', async () => {
    const path = freshPath();
    const outcome = await run((_, ctx) => ctx.task(task('loop', { timeout: 500 }), { path }).catch(brief), {
      graceMs: 3_600_000,
    });
    expect(outcome).toBe('TimeoutError');
  });

  it('in an endless loop is ended when the runtime is closed, and its run can go on', async () => {
    const path = freshPath();
    await using({ graceMs: 3_600_000 }, async (runtime, store) => {
      const handle = runtime.start((_: null, ctx) => ctx.task(task('loop'), { path }), null, { id: 'r' });
      const left = handle.result().catch((error: unknown) => (error as { code?: string }).code);
      await until(() => existsSync(path));
      await runtime.close();
      expect(await left).toBe('STOPPED');
      expect(shape(store).at(-1)).toBe('AttemptInterrupted 0');
    });
  });

  it('errors keep name, code and cause; what cannot be recorded says where', async () => {
    const outcome = await run(async (_, ctx) => [
      await ctx
        .task(task('fails'), 0)
        .catch(({ cause }: TaskError) => [
          cause instanceof RangeError,
          (cause as { code?: string }).code,
          ((cause as Error).cause as Error).message,
        ]),
      await ctx.task(task('unserializable'), 0).catch(tells),
      await ctx.task(task('nowhere'), 0).catch(tells),
    ]);
    expect(outcome).toEqual([
      [true, 'FAR', 'why'],
      {
        name: 'UnserializableError',
        message: expect.stringMatching(/output of task 'unserializable' \(1\).*\$\.deep\[0\]/),
        attempts: 1,
      },
      { name: 'TypeError', message: expect.stringContaining("exports no function 'nowhere'"), attempts: 1 },
    ]);
  });

  it('logs cross', async () => {
    const logs: unknown[] = [];
    const key = await run((_, ctx) => ctx.task(task('signs', { heartbeatTimeout: '1m' }), 0), {
      onLog: (entry) => logs.push([entry.key, ...entry.values]),
    });
    expect(key).toBe('0');
    expect(logs).toEqual([['0', 'one', new Date(5), '[function]']]);
  });

  it('all that it told comes before its result', async () => {
    const logs: unknown[] = [];
    const count = await run((_, ctx) => ctx.task(task('many'), 0), {
      onLog: (entry) => logs.push(entry.values[0]),
    });
    expect(count).toBe(1000);
    expect(logs).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });

  it('progress crosses, of a generator too', async () => {
    const told = await run(async (_, ctx) => {
      const items: unknown[] = [];
      for (const [exported, input] of [
        ['progress', 0],
        ['generates', 3],
      ] as const) {
        for await (const each of ctx.stream(task(exported), input)) items.push(each);
      }
      return items;
    });
    expect(told).toMatchObject([
      { type: 'INTERMEDIATE', value: { done: 1, of: new Map([['a', 2]]) } },
      { type: 'FINAL', value: 'told' },
      { type: 'INTERMEDIATE', value: 0 },
      { type: 'INTERMEDIATE', value: 1 },
      { type: 'INTERMEDIATE', value: 2 },
      { type: 'FINAL', value: 'generated' },
    ]);
  });

  it('many at once are bounded by the slots of their pool, and threads are used again', async () => {
    const told = (await run(
      (_, ctx) =>
        ctx.parallel.map(
          Array.from({ length: 8 }, (_item, i) => i),
          (i) => ctx.task(task('where'), i),
        ),
      { limits: { threads: 2, processes: 2 } },
    )) as { pid: number; threadId: number }[];
    const places = new Set(told.map((each) => `${each.pid} ${each.threadId}`));
    if (kind === 'thread') expect(places.size).toBeLessThanOrEqual(2);
    else expect(places.size).toBe(8);
  });

  it('a module that is not there fails the attempt', async () => {
    const missing = declare({ name: 'missing', module: new URL('not-there.ts', import.meta.url) });
    expect(await run((_, ctx) => ctx.task(missing).catch(tells))).toMatchObject({
      attempts: 1,
      name: 'Error',
    });
  });

  it.each([
    [{ module: './work.ts' }, 'module'],
    [{ module: 'work' }, 'module'],
    [{ module: new URL('https://example.org/x.js') }, 'module'],
    [{}, 'module'],
    [{ module: MODULE, export: '' }, 'export'],
    [{ module: MODULE, resourceLimits: {} }, 'resourceLimits'],
  ])('%j is refused at the definition', (given, option) => {
    const define = (): unknown => declare({ name: 'x', ...(given as { module: string }) });
    expect(define).toThrow(InvalidOptionError);
    expect(define).toThrow(`'${option}'`);
  });

  it('an absolute path is as good as a URL', async () => {
    const absolute = declare({ name: 'x', module: decodeURIComponent(MODULE.pathname), export: 'where' });
    expect(await run((_, ctx) => ctx.task(absolute))).toMatchObject({ pid: expect.any(Number) });
  });
});

it('a thread that needs more than limits.threadMemoryMb is lost, and the program goes on', async () => {
  const hungry = threadTask({ name: 'hungry', module: MODULE, export: 'hungry' });
  const where = threadTask<void, { threadId: number }>({ name: 'where', module: MODULE, export: 'where' });
  const outcome = await run(
    async (_, ctx) => [await ctx.task(hungry).catch(tells), (await ctx.task(where)).threadId > 0],
    { limits: { threadMemoryMb: 32 } },
  );
  expect(outcome).toEqual([
    { name: 'WorkerLostError', message: expect.stringContaining('memory'), attempts: 1 },
    true,
  ]);
});

it('limits.threadMemoryMb below what a thread needs to begin is refused', async () => {
  await expect(openRuntime({ store: new MemoryStore(), limits: { threadMemoryMb: 15 } })).rejects.toThrow(
    "Option 'limits.threadMemoryMb' must be an integer >= 16",
  );
});

it('nothing is left when the runtime is closed: no thread, no port, no child', async () => {
  const of = (names: readonly string[]): string[] =>
    process.getActiveResourcesInfo().filter((name) => names.includes(name));
  const kinds = ['MessagePort', 'Worker', 'ProcessWrap', 'PipeWrap', 'Timeout'];
  const before = of(kinds);
  const types = { map: new Map([['a', 1n]]), date: new Date(0) };
  const path = freshPath();
  await using({ graceMs: 3_600_000 }, async (runtime) => {
    const loop = threadTask<{ path: string }>({ name: 'loop', module: MODULE, export: 'loop' });
    const both: Process<null> = async (_, ctx) => [
      await ctx.task(threadTask<unknown>({ name: 'types', module: MODULE }), types),
      await ctx.task(processTask<unknown>({ name: 'types', module: MODULE }), types),
      await ctx.task(loop, { path }),
    ];
    const left = runtime.start(both, null, { id: 'r' }).result().catch(brief);
    await until(() => existsSync(path));
    await runtime.close();
    expect(await left).toBe('RuntimeError');
  });
  // A thread that was ended is gone a moment later.
  await until(() => of(kinds).length <= before.length);
});
