import { setTimeout as rawDelay } from 'node:timers/promises';
import { defineTask, NonDeterminismError, type Process } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { openRuntime } from '../src/runtime.ts';
import { MemoryStore } from '../src/testing.ts';
import { journal, Lab, shape, transcript } from './lab.fixture.ts';

/** Each of these broke a naive prototype. */
describe('law 1: journal order is the determinism', () => {
  const strands: Record<string, (lab: Lab) => Process> = {
    'raw wait first': (lab) => async (_, ctx) => {
      const raw = async (): Promise<unknown> => {
        await rawDelay(5);
        return ctx.task(lab.work, { ms: 1, value: 'raw' });
      };
      const plain = async (): Promise<unknown[]> => [
        await ctx.task(lab.work, { ms: 1, value: 1 }),
        await ctx.task(lab.work, { ms: 1, value: 2 }),
        await ctx.task(lab.work, { ms: 1, value: 3 }),
      ];
      return Promise.all([raw(), plain()]);
    },
    'raw wait in the middle': (lab) => async (_, ctx) => {
      const raw = async (): Promise<unknown[]> => {
        const a = await ctx.task(lab.work, { ms: 1, value: 'a' });
        await rawDelay(5);
        return [a, await ctx.task(lab.work, { ms: 1, value: 'b' })];
      };
      const plain = async (): Promise<unknown[]> => [
        await ctx.task(lab.work, { ms: 2, value: 1 }),
        await ctx.task(lab.work, { ms: 2, value: 2 }),
      ];
      return Promise.all([raw(), plain()]);
    },
    'raw wait started early and awaited late': (lab) => async (_, ctx) => {
      const early = rawDelay(3);
      const raw = async (): Promise<unknown[]> => {
        const a = await ctx.task(lab.work, { ms: 50, value: 'a' });
        await early;
        return [a, await ctx.task(lab.work, { ms: 1, value: 'b' })];
      };
      const plain = async (): Promise<unknown[]> => [
        await ctx.task(lab.work, { ms: 2, value: 1 }),
        await ctx.task(lab.work, { ms: 2, value: 2 }),
        await ctx.task(lab.work, { ms: 60, value: 3 }),
      ];
      return Promise.all([raw(), plain()]);
    },
    'dynamic import, microtasks and immediates': (lab) => async (_, ctx) => {
      const raw = async (): Promise<unknown> => {
        await import('node:zlib');
        await new Promise((resolve) => setImmediate(resolve));
        await Promise.resolve();
        return ctx.task(lab.work, { ms: 1, value: 'raw' });
      };
      const hashed = async (): Promise<unknown> => {
        await crypto.subtle.digest('SHA-256', new Uint8Array(9));
        return ctx.task(lab.work, { ms: 1, value: 'hashed' });
      };
      return Promise.all([raw(), hashed(), ctx.task(lab.work, { ms: 2, value: 1 })]);
    },
  };

  it.each(Object.entries(strands))(
    'unchanged code never diverges at any prefix, and never hangs: %s',
    async (_, make) => {
      for (let round = 0; round < 3; round += 1) {
        const lab = new Lab();
        const store = new MemoryStore();
        const expected = await lab.drive(store, make(lab));
        expect(expected).toHaveProperty('value');
        const events = journal(store);
        for (let seq = 1; seq <= events.length; seq += 1) {
          const prefix = store.prefix('r', seq);
          const after = Lab.at(events[seq - 1]?.at ?? 0);
          expect(await after.drive(prefix, make(after)), transcript(store).join('\n')).toEqual(expected);
          // The process' own call ends a stall; the bound (a thirtieth of 1e9 ms here) is never waited for.
          expect(after.clock.monotonic()).toBeLessThan(1e9 / 30);
        }
      }
    },
  );

  it('keeps the winner of a race when both results are in the journal', async () => {
    const lab = new Lab();
    const store = new MemoryStore();
    const process: Process = (_, ctx) =>
      Promise.race([
        ctx.task(lab.work, { ms: 30, value: 'slow' }),
        ctx.task(lab.work, { ms: 10, value: 'fast' }).then(async (value) => {
          await ctx.sleep(50);
          return value;
        }),
      ]);
    expect(await lab.drive(store, process)).toEqual({ value: 'slow' });
    const runtime = await lab.open(store);
    expect(await runtime.replay('r', process)).toMatchObject({ reached: 'end' });
  });
});

describe('law 2: one report per turn', () => {
  it('a winner and a loser that finish in the same tick: the loser is cancelled, its result late', async () => {
    const lab = new Lab();
    const store = new MemoryStore();
    const seen: string[] = [];
    const process: Process = async (_, ctx) => {
      const winner = await ctx.parallel.race(
        ['a', 'b'].map((name) => async () => {
          const value = await ctx.task(lab.work, { ms: 10, value: name });
          seen.push(name);
          return value;
        }),
      );
      return [winner, await ctx.task(lab.work, { ms: 5, value: 'after' })];
    };
    expect(await lab.drive(store, process)).toEqual({ value: ['a', 'after'] });
    expect(seen).toEqual(['a']);
    const order = shape(store);
    expect(order.indexOf('ScopeClosed 0')).toBeLessThan(order.indexOf('TaskCancelled 0/1/0'));
    expect(order).toContain('LateResult 0/1/0');
    expect(order.filter((line) => line === 'TaskSucceeded 0/1/0')).toEqual([]);
  });
});

describe('law 3: below the recorded head nothing is written or started', () => {
  it('300 tasks in flight at the crash and one renamed call: no row, no invocation', async () => {
    const make = (lab: Lab, renamed: boolean): Process => {
      const other = defineTask({
        name: 'renamed',
        run: (input: { ms: number; value: unknown }) => {
          lab.invoked.push({ task: 'renamed', key: '?', attempt: 1 });
          return input.value;
        },
      });
      return (_, ctx) =>
        ctx.parallel.map(
          Array.from({ length: 300 }, (_item, i) => i),
          (i) =>
            renamed && i === 150
              ? ctx.task(other, { ms: 1000, value: i })
              : ctx.task(lab.work, { ms: 1000, value: i }),
        );
    };
    const lab = new Lab();
    const store = new MemoryStore();
    const runtime = await lab.open(store);
    runtime.start(make(lab, false), null as never, { id: 'r' });
    await lab.clock.advance(500);
    expect(lab.invoked).toHaveLength(300);
    const rows = transcript(store);
    const crashed = store.prefix('r', rows.length);

    const changed = Lab.at(lab.clock.now());
    const outcome = await changed.drive(crashed, make(changed, true));
    expect(outcome).toHaveProperty('error');
    expect('error' in outcome && outcome.error).toBeInstanceOf(NonDeterminismError);
    expect(changed.invoked).toEqual([]);
    expect(transcript(crashed)).toEqual(rows);

    const reverted = Lab.at(lab.clock.now());
    expect(await reverted.drive(crashed, make(reverted, false))).toEqual({
      value: Array.from({ length: 300 }, (_, i) => i),
    });
  });
});

describe('law 5: a decision is a fence', () => {
  it('a retry loop without end in a fenced branch ends its turn', async () => {
    const lab = new Lab();
    const store = new MemoryStore();
    let tries = 0;
    const process: Process = async (_, ctx) => {
      const winner = await ctx.parallel.race([
        async () => {
          for (;;) {
            tries += 1;
            try {
              await ctx.task(lab.work, { ms: 50, value: 'never' });
            } catch {
              // Tries again, for ever.
            }
          }
        },
        () => ctx.task(lab.work, { ms: 10, value: 'won' }),
      ]);
      return [winner, await ctx.task(lab.work, { ms: 5, value: 'after' })];
    };
    expect(await lab.drive(store, process)).toEqual({ value: ['won', 'after'] });
    expect(tries).toBe(3);
    expect(shape(store).filter((line) => line.startsWith('TaskScheduled 0/0'))).toEqual([
      'TaskScheduled 0/0/0',
    ]);
  });

  it('a branch that settles without a task event fences the others too', async () => {
    const lab = new Lab();
    const store = new MemoryStore();
    const process: Process = (_, ctx) =>
      ctx.parallel.race([() => ctx.task(lab.work, { ms: 50, value: 'task' }), () => 'at once']);
    expect(await lab.drive(store, process)).toEqual({ value: 'at once' });
    expect(lab.invoked).toEqual([]);
    expect(shape(store)).toContain('TaskCancelled 0/0/0');
  });
});

describe('law 6: concurrency is recorded, because closures see it', () => {
  it('changed on resume under a closure that sums: no divergence, same sum, recorded as ScopeRetuned', async () => {
    const make =
      (lab: Lab, concurrency: number): Process =>
      async (_, ctx) => {
        let sum = 0;
        const order: number[] = [];
        await ctx.parallel.map(
          [1, 2, 3, 4, 5, 6, 7, 8],
          async (n) => {
            order.push(n);
            const value = await ctx.task(lab.work, { ms: 10, value: n });
            sum += Number(value);
          },
          { concurrency },
        );
        return { sum, order };
      };
    const lab = new Lab();
    const store = new MemoryStore();
    const expected = { value: { sum: 36, order: [1, 2, 3, 4, 5, 6, 7, 8] } };
    expect(await lab.drive(store, make(lab, 2))).toEqual(expected);
    const events = journal(store);
    for (const concurrency of [1, 3, 8]) {
      for (let seq = 1; seq <= events.length; seq += 1) {
        const prefix = store.prefix('r', seq);
        const after = Lab.at(events[seq - 1]?.at ?? 0);
        expect(await after.drive(prefix, make(after, concurrency))).toEqual(expected);
        const again = Lab.at(0);
        const runtime = await again.open(prefix);
        expect(await runtime.replay('r', make(again, 5))).toMatchObject({ reached: 'end' });
      }
    }
    const half = store.prefix('r', 8);
    const last = Lab.at(0);
    await last.drive(half, make(last, 3));
    expect(shape(half).filter((line) => line.startsWith('ScopeRetuned'))).toEqual(['ScopeRetuned 0']);
  });
});

describe('law 10: one writer', () => {
  it('one fenced run in a group commit with two healthy neighbours', async () => {
    const lab = new Lab();
    const store = new MemoryStore();
    const runtime = await lab.open(store);
    const process: Process = (_, ctx) =>
      ctx.parallel.all(
        [1, 2, 3].map((n) => async () => {
          await ctx.task(lab.work, { ms: 10 * n, value: n });
          return ctx.task(lab.work, { ms: 10, value: n });
        }),
      );
    const handles = ['a', 'b', 'c'].map((id) => runtime.start(process, null as never, { id }));
    await lab.clock.advance(5);
    // Another owner takes b over: the first one's time is up there, and only there.
    const taken = store.acquireLease('b', { owner: 'f'.repeat(32), now: lab.clock.now() + 1e9, ttlMs: 1000 });
    expect(taken.status).toBe('acquired');
    const rows = transcript(store, 'b');
    const stop = lab.clock.run(() => runtime.isIdle);
    expect(await handles[0]?.result()).toEqual([1, 2, 3]);
    expect(await handles[2]?.result()).toEqual([1, 2, 3]);
    await expect(handles[1]?.result()).rejects.toMatchObject({ code: 'FENCED', exitCode: 6 });
    expect(transcript(store, 'b')).toEqual(rows);
    stop();
    await runtime.close();
  });
});

describe('keys', () => {
  it('a generator pulled by two branches has the same keys at every crash', async () => {
    const make =
      (lab: Lab): Process =>
      async (_, ctx) => {
        const pages = (async function* () {
          for (let page = 0; page < 6; page += 1) yield await ctx.task(lab.work, { ms: 5, value: page });
        })();
        const pull = async (): Promise<unknown[]> => {
          const mine: unknown[] = [];
          for (;;) {
            const next = await pages.next();
            if (next.done === true) return mine;
            mine.push(await ctx.task(lab.work, { ms: 3, value: next.value }));
          }
        };
        const both = await ctx.parallel.all([pull, pull]);
        return both.flat().toSorted();
      };
    const lab = new Lab();
    const store = new MemoryStore();
    const expected = await lab.drive(store, make(lab));
    expect(expected).toEqual({ value: [0, 1, 2, 3, 4, 5] });
    const events = journal(store);
    for (let seq = 1; seq <= events.length; seq += 1) {
      const prefix = store.prefix('r', seq);
      const after = Lab.at(events[seq - 1]?.at ?? 0);
      expect(await after.drive(prefix, make(after)), `seq ${seq}`).toEqual(expected);
    }
  });
});

describe('group commit', () => {
  const inc = defineTask({ name: 'inc', run: (x: number) => x + 1 });

  it('a sequential step is one commit', async () => {
    const runtime = await openRuntime({ store: new MemoryStore() });
    await runtime
      .start(async (_: null, ctx) => {
        let x = 0;
        for (let i = 0; i < 100; i += 1) x = await ctx.task(inc, x);
        return x;
      }, null)
      .result();
    // One for the first start, one for each step.
    expect(runtime.commits).toBe(101);
    await runtime.close();
  });

  it('parallel.map of 10,000 trivial tasks takes at most 40 commits and 3 rows a task', async () => {
    const store = new MemoryStore();
    const runtime = await openRuntime({ store });
    const items = Array.from({ length: 10_000 }, (_, i) => i);
    const result = await runtime
      .start((_: null, ctx) => ctx.parallel.map(items, (i) => ctx.task(inc, i)), null, { id: 'r' })
      .result();
    expect(result).toEqual(items.map((i) => i + 1));
    expect(runtime.commits).toBeLessThanOrEqual(40);
    expect(journal(store).length).toBeLessThanOrEqual(3 * 10_000 + 4);
    await runtime.close();
  });

  it('50 runs of 40 steps in one process share commits', async () => {
    const runtime = await openRuntime({ store: new MemoryStore() });
    const steps = async (_: null, ctx: Parameters<Process>[1]): Promise<number> => {
      let x = 0;
      for (let i = 0; i < 40; i += 1) x = await ctx.task(inc, x);
      return x;
    };
    const runs = Array.from({ length: 50 }, () => runtime.start(steps, null));
    expect(await Promise.all(runs.map((run) => run.result()))).toEqual(Array.from({ length: 50 }, () => 40));
    expect(runtime.commits).toBeLessThanOrEqual(100);
    await runtime.close();
  });
});
