import { defineTask, type Process } from '@pawl/sdk';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { RuntimeOptions } from '../../src/runtime-options.ts';
import { MemoryStore } from '../../src/testing.ts';
import { Lab } from '../lab.fixture.ts';

/** What pino itself writes, without what differs each time. */
async function lines(
  program: (lab: Lab) => Process,
  options: Partial<RuntimeOptions> = {},
  store = new MemoryStore(),
): Promise<Record<string, unknown>[]> {
  const written: Record<string, unknown>[] = [];
  const write = (line: string): void => {
    const { time: _, pid: _pid, hostname: _hostname, ...rest } = JSON.parse(line) as Record<string, unknown>;
    written.push(rest);
  };
  const lab = new Lab();
  const logger = pino({}, { write });
  await lab.drive(store, program(lab), null, { logger, ...options });
  return written;
}

describe('openRuntime({ logger }) with pino', () => {
  it('gets what is logged, with the place that logged it', async () => {
    const look = defineTask({
      name: 'look',
      run: async (n: number, task) => task.log('looked', n, { found: [1, 2] }),
    });
    const told = await lines(
      () =>
        async function looking(_, ctx) {
          ctx.log('begin');
          await ctx.task(look, 7, { key: 'first' });
          ctx.log({ runId: 'forged' }, new RangeError('late'));
        },
    );
    const of = { runId: 'r', process: 'looking' };
    const place = { task: 'look', attempt: 1, key: ':first' };
    expect(told).toEqual([
      { level: 30, ...of, msg: 'run started' },
      { level: 30, ...of, msg: 'begin' },
      { level: 30, ...of, ...place, data: { found: [1, 2] }, msg: 'looked 7' },
      {
        level: 30,
        ...of,
        data: { runId: 'forged' },
        err: expect.objectContaining({ type: 'RangeError', message: 'late' }),
        msg: '',
      },
      { level: 30, ...of, msg: 'run succeeded' },
    ]);
  });

  it('gets how attempts and runs fail', async () => {
    const told = await lines(
      (lab) =>
        async function failing(_, ctx) {
          await ctx.task(lab.flaky, { ms: 1, failures: 1, value: 1 });
          await ctx.task(lab.work, { ms: 1, fail: 'no money' });
        },
    );
    const of = { runId: 'r', process: 'failing' };
    const err = (message: string): unknown => expect.objectContaining({ message });
    expect(told.slice(1)).toEqual([
      {
        level: 40,
        ...of,
        task: 'flaky',
        key: '0',
        attempt: 1,
        delayMs: 100,
        err: err('failure'),
        msg: 'attempt failed',
      },
      {
        level: 40,
        ...of,
        task: 'work',
        key: '1',
        failures: 1,
        cause: 'error',
        err: err('no money'),
        msg: 'task failed',
      },
      { level: 50, ...of, err: err('no money: no money'), msg: 'run failed' },
    ]);
    expect(JSON.stringify(told[1])).toContain('lab.fixture.ts');
  });

  it('gets nothing of a replay, and each line once', async () => {
    const store = new MemoryStore();
    const program =
      (lab: Lab): Process =>
      async (_, ctx) => {
        ctx.log('once');
        await ctx.task(lab.work, { ms: 1, value: 1 });
        ctx.log('twice');
      };
    await lines(program, {}, store);
    const resumed = await lines(program, {}, store.prefix('r', 3));
    expect(resumed.map(({ msg }) => msg)).toEqual(['twice', 'run succeeded']);
  });

  it('may throw, and the run goes on', async () => {
    const broken = (): never => {
      throw new TypeError('disk full');
    };
    const warned: unknown[] = [];
    const listen = (warning: Error): void => void warned.push(warning.message);
    process.on('warning', listen);
    const lab = new Lab();
    const outcome = await lab.drive(new MemoryStore(), async () => 1, null, {
      logger: { info: broken, warn: broken, error: broken },
    });
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listen);
    expect(outcome).toEqual({ value: 1 });
    expect(warned).toContain('disk full');
  });
});
