import { defineTask, LimitError, UnserializableError, type Context, type Process } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { openRuntime } from '../../src/runtime.ts';
import type { RuntimeOptions } from '../../src/runtime-options.ts';
import { MemoryStore } from '../../src/testing.ts';
import { journal, Lab, shape } from '../lab.fixture.ts';

type Limits = NonNullable<RuntimeOptions['limits']>;

const RAISE = /openRuntime\(\{ limits: \{ (\w+): … \} \}\)/;

/** What the first call in a process is refused with, and what the journal has of it. */
async function refused(
  limits: Limits,
  ask: (ctx: Context, lab: Lab) => unknown,
): Promise<{ error: unknown; rows: string[]; invoked: number }> {
  const lab = new Lab();
  const store = new MemoryStore();
  const caught: unknown[] = [];
  const process: Process = async (_, ctx) => {
    try {
      await ask(ctx, lab);
    } catch (error) {
      caught.push(error);
    }
    return ctx.task(lab.work, { ms: 1, value: 'the run goes on' });
  };
  expect(await lab.drive(store, process, null, { limits })).toEqual({ value: 'the run goes on' });
  // It is refused in the same way when it is replayed.
  const again = Lab.at(lab.clock.now());
  await using runtime = await again.open(store, { limits });
  const stop = again.clock.run(() => runtime.isIdle);
  expect(await runtime.replay('r', process)).toMatchObject({ reached: 'end' });
  stop();
  expect(caught).toHaveLength(2);
  return { error: caught[0], rows: shape(store), invoked: lab.invoked.length };
}

const ONLY_WHAT_FOLLOWED = [
  'RunStarted',
  'TaskScheduled 0',
  'AttemptStarted 0',
  'TaskSucceeded 0',
  'RunSucceeded',
];

describe('a limit is named with its remedy, before anything is recorded', () => {
  const eleven = (ctx: Context, lab: Lab) =>
    Array.from({ length: 11 }, () => () => ctx.task(lab.work, { ms: 1, value: 1 }));
  const cases: readonly (readonly [string, keyof Limits, number, (ctx: Context, lab: Lab) => unknown])[] = [
    ['thunks of all', 'fanOut', 10, (ctx, lab) => ctx.parallel.all(eleven(ctx, lab))],
    ['thunks of race', 'fanOut', 10, (ctx, lab) => ctx.parallel.race(eleven(ctx, lab))],
    ['items of map', 'fanOut', 10, (ctx) => ctx.parallel.map(Array.from({ length: 11 }).keys(), (i) => i)],
    [
      'a long input',
      'payloadBytes',
      1000,
      (ctx, lab) => ctx.task(lab.work, { ms: 1, value: 'x'.repeat(1001) }),
    ],
    [
      'an input of many parts',
      'payloadBytes',
      1000,
      (ctx, lab) => ctx.task(lab.work, { ms: 1, value: Array.from({ length: 1000 }, () => 0) }),
    ],
    [
      'an input that grows when it is written',
      'payloadBytes',
      1000,
      (ctx, lab) => ctx.task(lab.work, { ms: 1, value: '\u0001'.repeat(300) }),
    ],
    [
      'bytes',
      'payloadBytes',
      1000,
      (ctx, lab) => ctx.task(lab.work, { ms: 1, value: new Uint8Array(300 * 1024 * 1024) }),
    ],
  ];

  it.each(cases)('%s: %s', async (_, limit, value, ask) => {
    const { error, rows, invoked } = await refused({ [limit]: value }, ask);
    expect(error).toBeInstanceOf(LimitError);
    expect(error).toMatchObject({ code: 'LIMIT', limit });
    const { message } = error as LimitError;
    expect(message).toContain(`${limit} = ${value}`);
    expect(RAISE.exec(message)?.[1]).toBe(limit);
    expect(rows).toEqual(ONLY_WHAT_FOLLOWED);
    expect(invoked).toBe(1);
  });

  it('calls of one turn: callsPerTurn', async () => {
    const accepted: Promise<unknown>[] = [];
    const { error, rows } = await refused({ callsPerTurn: 10 }, async (ctx, lab) => {
      accepted.length = 0;
      try {
        for (let i = 0; i < 11; i += 1) accepted.push(ctx.task(lab.work, { ms: 1, value: i }));
      } finally {
        await accepted[0];
      }
    });
    expect(error).toMatchObject({ code: 'LIMIT', limit: 'callsPerTurn' });
    expect((error as LimitError).message).toContain('callsPerTurn = 10');
    expect(RAISE.exec((error as LimitError).message)?.[1]).toBe('callsPerTurn');
    // The ten that were within it, and what followed.
    expect(rows.filter((row) => row.startsWith('TaskScheduled'))).toHaveLength(11);
    expect(accepted).toHaveLength(10);
  });

  it('callsPerTurn also for a call that cleans up behind it: the run fails, and does not hang', async () => {
    const lab = new Lab();
    const store = new MemoryStore();
    const process: Process = async (_, ctx) => {
      try {
        for (;;) void ctx.task(lab.work, { ms: 1, value: 1 });
      } finally {
        await ctx.task(lab.work, { ms: 1, value: 'clean up' });
      }
    };
    const outcome = await lab.drive(store, process, null, { limits: { callsPerTurn: 10 } });
    expect(outcome).toMatchObject({ error: { code: 'RUN_FAILED', message: expect.stringMatching(RAISE) } });
  });

  // What code can see of it is a recorded result (law 6): it is more than a check at the call.
  it('calls that wait for a slot: queueLength', async () => {
    const lab = new Lab();
    const store = new MemoryStore();
    const process: Process = async (_, ctx) => {
      const entries = await ctx.parallel.allSettled(
        Array.from({ length: 20 }, (_task, value) => () => ctx.task(lab.work, { ms: 1, value })),
      );
      return entries.map((entry) => (entry.status === 'rejected' ? (entry.reason as Error).message : 'done'));
    };
    const outcome = await lab.drive(store, process, null, { limits: { queueLength: 5, inFlight: 1 } });
    const told = 'value' in outcome ? (outcome.value as string[]) : [];
    expect(told.slice(0, 6)).toEqual(Array.from({ length: 6 }, () => 'done'));
    expect(told.slice(6)).toEqual(
      Array.from({ length: 14 }, () =>
        expect.stringContaining('the queue of the default pool is full: 5 calls wait'),
      ),
    );
  });

  it('the input of a run: no run', async () => {
    const store = new MemoryStore();
    await using runtime = await openRuntime({ store, limits: { payloadBytes: 1000 } });
    const start = (): unknown => runtime.start(async () => 1, 'x'.repeat(1001) as never, { id: 'r' });
    expect(start).toThrow(LimitError);
    expect(start).toThrow(RAISE);
    expect(runtime.list({ limit: 10 })).toEqual([]);
  });

  it('depth: an input of a hundred thousand levels is refused by its place, without a row', async () => {
    let deep: unknown = 0;
    for (let i = 0; i < 100_000; i += 1) deep = i % 2 === 0 ? [deep] : { deep };
    const { error, rows } = await refused({}, (ctx, lab) => ctx.task(lab.work, { ms: 1, value: deep }));
    expect(error).toBeInstanceOf(UnserializableError);
    expect((error as UnserializableError).message).toMatch(/deeper than \d+ levels/);
    expect(rows).toEqual(ONLY_WHAT_FOLLOWED);
  });
});

describe('an output that is too large', () => {
  const big = defineTask({
    name: 'big',
    retry: { attempts: 5, delay: 1 },
    run: (length: number): string => 'x'.repeat(length),
  });

  it('fails its task once; it is not tried again, and the run goes on', async () => {
    const lab = new Lab();
    const store = new MemoryStore();
    const process: Process = async (_, ctx) => {
      const error = await ctx.task(big, 2000).catch((reason: Error) => reason);
      return error instanceof Error ? [error.message, (error.cause as Error | undefined)?.name] : 'kept';
    };
    const outcome = await lab.drive(store, process, null, { limits: { payloadBytes: 1000 } });
    expect(outcome).toMatchObject({ value: [expect.stringMatching(RAISE), 'LimitError'] });
    expect(shape(store).filter((row) => row.startsWith('Attempt'))).toEqual(['AttemptStarted 0']);
    expect(await lab.drive(store, process)).toEqual(outcome);
  });

  it('of the process fails the run once', async () => {
    const lab = new Lab();
    const store = new MemoryStore();
    const process: Process = () => 'x'.repeat(2000);
    for (let again = 0; again < 2; again += 1) {
      const outcome = await lab.drive(store, process, null, { limits: { payloadBytes: 1000 } });
      expect(outcome).toMatchObject({ error: { code: 'RUN_FAILED', message: expect.stringMatching(RAISE) } });
    }
    expect(shape(store)).toEqual(['RunStarted', 'RunFailed']);
  });

  it.each([1, 15, 17, 100, 400])('%i MiB: kept or refused, and the same on replay', async (mib) => {
    const lab = new Lab();
    const store = new MemoryStore();
    const process: Process = async (_, ctx) => {
      const told = await ctx.task(big, mib * 1024 * 1024).then(
        (text) => text.length,
        (error: Error) => (error.cause as Error).name,
      );
      return told;
    };
    const outcome = await lab.drive(store, process);
    expect(outcome).toEqual({ value: mib < 16 ? mib * 1024 * 1024 : 'LimitError' });
    expect(await lab.drive(store.prefix('r', journal(store).length - 1), process)).toEqual(outcome);
  });

  it('an error of any size is kept within bounds', async () => {
    const lab = new Lab();
    const store = new MemoryStore();
    const failing = defineTask({
      name: 'failing',
      run: (): never => {
        const error = new RangeError('m'.repeat(10_000_000), { cause: new Error('c'.repeat(10_000_000)) });
        throw Object.assign(error, { field: 'f'.repeat(10_000_000) });
      },
    });
    const outcome = await lab.drive(store, (_, ctx) => ctx.task(failing));
    expect(outcome).toHaveProperty('error');
    expect(JSON.stringify(journal(store)).length).toBeLessThan(4 * 1024 * 1024);
  });
});

describe('depth of groups', () => {
  const nested =
    (lab: Lab, levels: number): Process =>
    (_, ctx) => {
      const nest = (depth: number): Promise<unknown> =>
        depth === 0
          ? ctx.task(lab.work, { ms: 1, value: ctx.signal.aborted })
          : ctx.parallel.all([() => nest(depth - 1)]).then(([inner]) => inner);
      return nest(levels);
    };

  it.each([10, 200])('%i levels of groups within each other are as good as one', async (levels) => {
    const lab = new Lab();
    const store = new MemoryStore();
    expect(await lab.drive(store, nested(lab, levels))).toEqual({ value: false });
    const middle = Math.floor(journal(store).length / 2);
    const again = new Lab();
    expect(await again.drive(store.prefix('r', middle), nested(again, levels))).toEqual({ value: false });
  });

  it('more fail by the name of the limit, and not by the stack', async () => {
    const lab = new Lab();
    const outcome = await lab.drive(new MemoryStore(), nested(lab, 5000));
    expect(outcome).toMatchObject({
      error: { message: expect.stringMatching(/groupDepth = 200 .*raise it/) },
    });
    expect(lab.invoked).toEqual([]);
  });

  it('a map too, and the call that is refused writes no row', async () => {
    const { error, rows } = await refused({ groupDepth: 1 }, (ctx) =>
      ctx.parallel.all([() => ctx.parallel.map([1], (n) => n)]),
    );
    expect(error).toMatchObject({ code: 'LIMIT', limit: 'groupDepth' });
    expect(rows.filter((row) => row.startsWith('Scope'))).toEqual(['ScopeOpened 0', 'ScopeClosed 0']);
  });
});
