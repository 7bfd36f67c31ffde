import { EventEmitter, once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineTask, type Context } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { crashEverywhere, mock, type CrashReport } from '../../src/testing.ts';

const step = defineTask({
  name: 'step',
  onUnknown: 'retry',
  run: (n: number) => n * 2,
});

const fiftySteps = async (_: null, ctx: Context): Promise<number> => {
  let sum = 0;
  for (let n = 0; n < 50; n += 1) sum += await ctx.task(step, n);
  return sum;
};

function causes({ findings }: CrashReport): string[] {
  return [...new Set(findings.map(({ cause }) => cause))];
}

describe('a process without a bug', () => {
  it('ends the same way after each of its crashes, and each step ran at most twice', async () => {
    const report = await crashEverywhere(fiftySteps, null);
    expect(report.findings, report.text).toEqual([]);
    expect(report.ok).toBe(true);
    expect(report.points.tried).toBe(report.points.all);
    expect(report.rows.every(({ outcome }) => outcome === 'same')).toBe(true);
    // Each step is lost once, after it ran and before that was recorded, and starts once after it was recorded.
    for (let n = 0; n < 50; n += 1) {
      const ran = report.rows.filter((row) => row.step === `step (${n})`).map((row) => row.ran);
      expect([n, ran.toSorted()]).toEqual([n, n === 0 ? [1, 1, 2] : n === 49 ? [1, 1, 2] : [1, 2]]);
    }
  });

  it('is tried with pairs of crashes, as many as asked, and the report says so', async () => {
    const two = async (_: null, ctx: Context): Promise<number> =>
      (await ctx.task(step, 1)) + (await ctx.task(step, 2));
    const report = await crashEverywhere(two, null, { points: 4, pairs: 5 });
    expect(report.points).toEqual({ all: 6, tried: 4 });
    expect(report.pairs.tried).toBe(5);
    expect(report.rows.filter(({ points }) => points.length === 2)).toHaveLength(5);
    expect(report.text).toContain('4 of 6 crash points tried: not all of them.');
    expect(report.ok, report.text).toBe(true);
  });

  it('may fail, race, wait for messages and ask people, in virtual time', async () => {
    const flaky = defineTask({
      name: 'flaky',
      onUnknown: 'retry',
      retry: { attempts: 3, delay: '1h' },
      run: () => 'never called',
    });
    const run = async (_: null, ctx: Context): Promise<unknown> => {
      const winner = await ctx.parallel.race([
        () => ctx.task(flaky),
        async () => {
          await ctx.sleep('30d');
          return 'slow';
        },
      ]);
      const { approved } = await ctx.breakpoint({ question: 'Go on?', title: 'go' });
      const paid = await ctx.receive('paid', { timeout: '1w' });
      if (approved) throw new Error(`${String(winner)} ${String(paid)}`);
      return 'no';
    };
    const report = await crashEverywhere(run, null, {
      tasks: [
        mock(flaky, async (_, task) => {
          await task.sleep('1m');
          if (task.attempt === 1) throw new Error('not yet');
          return 'fast';
        }),
      ],
      world: [
        { at: '3d', respond: { approved: true } },
        { at: '1d', send: 'paid', payload: 7 },
      ],
      pairs: 10,
    });
    expect(report.findings, report.text).toEqual([]);
    expect(report.rows.length).toBeGreaterThan(10);
  });

  it('may leave it to a person what became of a task', async () => {
    const pay = defineTask({ name: 'pay', onUnknown: 'ask', run: () => 'paid' });
    const report = await crashEverywhere((_: null, ctx: Context) => ctx.task(pay), null, { patience: 30 });
    expect(report.findings, report.text).toEqual([]);
    expect(report.rows.map(({ outcome, ran }) => [outcome, ran])).toContainEqual(['asks', 1]);
  });
});

describe('a bug is found', () => {
  const here = import.meta.filename;

  it('effect outside a task', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pawl-crash-'));
    const file = join(folder, 'mails.txt');
    const run = async (_: null, ctx: Context): Promise<number> => {
      const n = await ctx.task(step, 1);
      appendFileSync(file, 'mail\n');
      return n + (await ctx.task(step, 2));
    };
    const report = await crashEverywhere(run, null);
    rmSync(folder, { recursive: true });
    expect(causes(report)).toEqual(['effect outside a task']);
    expect(report.findings[0]?.where).toContain(`${here}:`);
    expect(report.findings[0]?.message).toMatch(
      /calls fs.appendFileSync at .*, which ran 2 times instead of 1/,
    );
  });

  it('effect outside a task, which only the world shows', async () => {
    let mails: string[] = [];
    const run = async (_: null, ctx: Context): Promise<number> => {
      const n = await ctx.task(step, 1);
      mails.push('mail');
      return n + (await ctx.task(step, 2));
    };
    const report = await crashEverywhere(run, null, {
      fresh: () => void (mails = []),
      observe: () => mails.length,
    });
    expect(causes(report)).toEqual(['effect outside a task']);
    expect(report.findings[0]?.message).toContain('the world: 2, instead of: it returned 6; the world: 1');
  });

  it('unsafe retry', async () => {
    const charge = defineTask({ name: 'charge', run: () => 'charged' });
    const safe = defineTask({ name: 'safe', run: (_: void, { idempotencyKey }) => idempotencyKey.length });
    const run = async (_: null, ctx: Context): Promise<unknown> => [
      await ctx.task(safe),
      await ctx.task(charge),
    ];
    const report = await crashEverywhere(run, null);
    expect(causes(report)).toEqual(['unsafe retry']);
    expect(report.findings).toMatchObject([{ key: '1', cause: 'unsafe retry' }]);
    expect(report.findings[0]?.message).toContain("Task 'charge' (1) ran 2 times");
    expect((await crashEverywhere(run, null, { safe: [charge] })).ok).toBe(true);
  });

  it('unsafe retry, of a task that says that it may', async () => {
    let balance = 0;
    const charge = defineTask({ name: 'charge', onUnknown: 'retry', run: () => (balance += 10) });
    const report = await crashEverywhere((_: null, ctx: Context) => ctx.task(charge), null, {
      fresh: () => void (balance = 0),
      observe: () => balance,
    });
    expect(causes(report)).toEqual(['unsafe retry']);
    expect(report.findings[0]?.message).toContain("'charge' (0) ran 2 times");
  });

  it('random branch', async () => {
    const run = async (_: null, ctx: Context): Promise<unknown> => {
      const first = await ctx.task(step, 1);
      if (Math.random() < 0.5) await ctx.sleep('1h');
      return [first, await ctx.task(step, 2)];
    };
    const report = await crashEverywhere(run, null);
    expect(causes(report), report.text).toEqual(['random branch']);
    expect(report.findings[0]?.where).toContain(`${here}:`);
    expect(report.findings[0]?.message).toMatch(/Math.random at .*: use ctx.random/);
  });

  it.each([
    ['Date.now', () => Date.now() % 86_400_000 < 3_600_000],
    ['new Date', () => new Date().getUTCHours() === 0],
  ])('wall clock branch by %s', async (_, isNight) => {
    const run = async (_inputs: null, ctx: Context): Promise<unknown> => {
      const first = await ctx.task(step, 1);
      return [first, await ctx.task(step, isNight() ? 2 : 3)];
    };
    const report = await crashEverywhere(run, null);
    expect(causes(report), report.text).toEqual(['wall clock branch']);
    expect(report.findings[0]?.where).toContain(`${here}:`);
    expect(report.findings[0]?.message).toMatch(
      /(Date\.now|new Date\(\)|performance\.now) at .*: use ctx\.now/,
    );
  });

  it('lost message, in a task and in the process', async () => {
    const bus = new EventEmitter();
    const paid = defineTask({
      name: 'paid',
      onUnknown: 'retry',
      run: async () => String((await once(bus, 'paid'))[0]),
    });
    const world = [{ at: '1h', act: () => void bus.emit('paid', 'by eve') }] as const;
    const inTask = async (_: null, ctx: Context): Promise<unknown> => {
      const [, result] = await ctx.parallel.all([() => ctx.sleep('1d'), () => ctx.task(paid)]);
      return result;
    };
    const inProcess = async (_: null, ctx: Context): Promise<unknown> => {
      const message = once(bus, 'paid').then(([by]) => String(by));
      await ctx.sleep('1d');
      return [await message, await ctx.task(step, 1)];
    };
    const mocked = {
      tasks: [
        mock(paid, async (_, task) => {
          const received = once(bus, 'paid', { signal: task.signal });
          await task.sleep('2h');
          return String((await received)[0]);
        }),
      ],
    };
    for (const [run, options] of [
      [inTask, mocked],
      [inProcess, {}],
    ] as const) {
      const report = await crashEverywhere(run, null, { world, patience: 50, ...options });
      expect(causes(report), report.text).toEqual(['lost message']);
      expect(report.findings[0]?.message).toMatch(
        /the run never ends, it waits for .*: let outsiders send messages/,
      );
    }
  });

  it('shared mutable state of process code', async () => {
    let calls = 0;
    const run = async (_: null, ctx: Context): Promise<unknown> => {
      const first = await ctx.task(step, 1);
      calls += 1;
      return [first, await ctx.task(step, calls)];
    };
    const report = await crashEverywhere(run, null, { fresh: () => void (calls = 0) });
    expect(causes(report), report.text).toEqual(['shared mutable state']);
    expect(report.findings[0]).toMatchObject({ key: '1' });
    expect(report.findings[0]?.where).toContain(`${here}:`);
    expect(report.findings[0]?.message).toContain('depends on something that outlives a run');
    const between = await crashEverywhere(run, null);
    expect(causes(between)).toEqual(['shared mutable state']);
    expect(between.findings[0]?.message).toMatch(
      /^Two runs without any crash do not end the same way.*with \{ fresh \}\.$/,
    );
  });

  it('shared mutable state that a task fills and a crash empties', async () => {
    let cache: string[] = [];
    const fill = defineTask({ name: 'fill', onUnknown: 'retry', run: () => void cache.push('token') });
    const run = async (_: null, ctx: Context): Promise<unknown> => {
      await ctx.task(fill);
      return [await ctx.task(step, 1), cache[0] ?? 'nothing'];
    };
    const load = (): typeof run => {
      cache = [];
      return run;
    };
    const report = await crashEverywhere(run, null, { load });
    expect(causes(report), report.text).toEqual(['shared mutable state']);
  });
});

describe('what is watched', () => {
  it('is process code alone, and all is back when it is over', async () => {
    const { random } = Math;
    const { now } = Date;
    const noisy = defineTask({
      name: 'noisy',
      onUnknown: 'retry',
      run: async () => {
        await Promise.resolve();
        return Math.random() < 2 && Date.now() > 0 && readFileSync(import.meta.filename).length > 0;
      },
    });
    const report = await crashEverywhere((_: null, ctx: Context) => ctx.task(noisy), null);
    expect(report.impure).toEqual([]);
    expect(report.ok, report.text).toBe(true);
    expect([Math.random, Date.now]).toEqual([random, now]);
  });

  it('is told where it did no harm', async () => {
    const run = async (_: null, ctx: Context): Promise<unknown> => {
      const label = `started at ${Date.now()}`;
      ctx.log(label);
      return ctx.task(step, 1);
    };
    const report = await crashEverywhere(run, null);
    expect(report.ok, report.text).toBe(true);
    expect(report.impure).toMatchObject([{ kind: 'clock', name: 'Date.now' }]);
    expect(report.text).toContain('note: process code uses Date.now at ');
  });

  it('and two tests at once take turns', async () => {
    const reports = await Promise.all([
      crashEverywhere(fiftySteps, null, { points: 3 }),
      crashEverywhere(fiftySteps, null, { points: 3 }),
    ]);
    expect(reports.map(({ ok }) => ok)).toEqual([true, true]);
  });
});

describe('what cannot be tried', () => {
  it('is a run that does not end without a crash', async () => {
    const waits = (_: null, ctx: Context): Promise<unknown> => ctx.receive('never sent');
    await expect(crashEverywhere(waits, null)).rejects.toThrow(/waits for message 'never sent' \(0\).*world/);
  }, 60_000);

  it.each([
    ['points', { points: -1 }],
    ['pairs', { pairs: 1.5 }],
  ])('and options are looked at: %s', async (name, options) => {
    await expect(crashEverywhere(fiftySteps, null, options)).rejects.toThrow(name);
  });
});
