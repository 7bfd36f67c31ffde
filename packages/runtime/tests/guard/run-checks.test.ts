import { defineProcess, defineTask, NonDeterminismError, type Context, type Process } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { openRuntime, type RunCheck, type RuntimeOptions } from '../../src/index.ts';
import { MemoryStore, testRuntime } from '../../src/testing.ts';
import { Lab } from '../lab.fixture.ts';
import { workloads } from '../workloads.fixture.ts';

const step = defineTask({ name: 'step', run: (n: number) => n });

/** The end of a run, and what its check found, in the order in which they were told. */
async function checked(process: Process<never, unknown>, options: RuntimeOptions = {}): Promise<unknown[]> {
  const told: unknown[] = [];
  await using runtime = await openRuntime({
    store: new MemoryStore(),
    check: true,
    onChecked: (check) => told.push(outcome(check)),
    ...options,
  });
  await runtime
    .start(process, null as never, { id: 'r' })
    .result()
    .then(
      (value) => told.push(value),
      (error: Error) => told.push(error.message),
    );
  return told;
}

function outcome(check: RunCheck): string {
  return 'error' in check ? `${check.runId} ${check.error.name}` : `${check.runId} ${check.report.reached}`;
}

let calls = 0;
const shared: Process<never, unknown> = async (_, ctx) => {
  calls += 1;
  return ctx.task(step, calls);
};

describe('a run that is checked', () => {
  it('replays before its result is told, and no task runs again', async () => {
    let ran = 0;
    const once = defineTask({ name: 'once', run: () => (ran += 1) });
    expect(await checked(async (_, ctx) => ctx.task(once))).toEqual(['r end', 1]);
    expect(ran).toBe(1);
  });

  it('and does something else then is told of, and its result stands', async () => {
    const found: RunCheck[] = [];
    const first = calls + 1;
    const told = await checked(shared, { onChecked: (check) => found.push(check) });
    expect(told).toEqual([first]);
    const [check] = found;
    const error = check !== undefined && 'error' in check ? check.error : undefined;
    expect(error).toBeInstanceOf(NonDeterminismError);
    expect(error).toMatchObject({
      report: { runId: 'r', seq: 2, key: '0', where: expect.stringContaining(import.meta.filename) },
    });
  });

  it('may throw, be continued, have children, and wait outside ctx', async () => {
    const child = defineProcess({ name: 'child', run: async (n: number, ctx: Context) => ctx.task(step, n) });
    const again: Process<never, unknown> = async (n: number | null, ctx) => {
      if (n === null) return ctx.continueAsNew(1);
      await new Promise((resolve) => void setTimeout(resolve, 1));
      await ctx.run(child, n);
      throw new Error('no luck');
    };
    const told = await checked(again);
    expect(told).toHaveLength(4);
    expect(told.slice(0, -1)).toEqual(
      expect.arrayContaining(['r end', expect.stringMatching(/ end$/), expect.stringMatching(/ end$/)]),
    );
    expect(told.at(-1)).toContain('no luck');
  });

  it('is warned of where nobody asked to be told', async () => {
    const warnings: string[] = [];
    await using runtime = await openRuntime({
      store: new MemoryStore(),
      check: true,
      onWarning: (runId, message) => warnings.push(`${runId} ${message}`),
    });
    await runtime.start(shared, null as never, { id: 'r' }).result();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^r does not replay: The process asks for something else/);
  });

  it('is never one that is not: nothing is replayed unless it is asked for', async () => {
    expect(await checked(shared, { check: false })).toEqual([calls]);
  });

  it.each(Object.entries(workloads))('does the same: %s', async (_, workload) => {
    const lab = new Lab();
    const told: string[] = [];
    await lab.drive(new MemoryStore(), workload(lab), null, {
      check: true,
      onChecked: (check) => told.push(outcome(check)),
    });
    expect(told.filter((text) => !text.endsWith(' end'))).toEqual([]);
    expect(told).toContain('r end');
  });
});

describe('testRuntime', () => {
  it('fails a run that does not replay, in virtual time', async () => {
    await using test = await testRuntime({ check: true });
    const year = async (_: null, ctx: Context): Promise<number> => {
      await ctx.sleep('365d');
      return ctx.task(step, 1);
    };
    expect(await test.run(year, null)).toBe(1);
    await expect(test.run(shared, null as never)).rejects.toMatchObject({ code: 'NON_DETERMINISM' });
  });
});
