import { defineTask, type Context } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { openRuntime } from '../../runtime.ts';
import { BurstStore, type Burst } from './burst-store.ts';

/** A task that counts how often it was invoked, and a process that asks for it twice. */
function counting(): {
  readonly invoked: number;
  readonly twice: (_: null, ctx: Context) => Promise<number>;
} {
  let invoked = 0;
  const count = defineTask({
    name: 'count',
    run: async () => {
      invoked += 1;
      return invoked;
    },
  });
  return {
    get invoked() {
      return invoked;
    },
    twice: async (_, ctx) => (await ctx.task(count)) + (await ctx.task(count)),
  };
}

/** Turns of Node's loop: more than any burst takes. */
async function turns(): Promise<void> {
  for (let i = 0; i < 50; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('a journal that is kept elsewhere', () => {
  it('E1: nothing follows from a burst before it is kept', async () => {
    const code = counting();
    const store = new BurstStore(() => undefined);
    const runtime = await openRuntime({ store });
    const run = runtime.start(code.twice, null, { id: 'run' });
    for (let expected = 0; expected < 2; expected += 1) {
      await turns();
      expect([store.hasUntaken, store.isAwaited, code.invoked]).toEqual([true, true, expected]);
      const seq = runtime.get('run')?.lastSeq;
      await turns();
      expect(runtime.get('run')?.lastSeq, 'no turn is made meanwhile').toBe(seq);
      store.take();
      store.keptLast();
    }
    await turns();
    store.take();
    store.keptLast();
    expect(await run.result()).toBe(3);
    await runtime.close();
  });

  it('a burst that is lost takes its run with it, and starts nothing', async () => {
    const code = counting();
    const store = new BurstStore(() => undefined);
    const runtime = await openRuntime({ store });
    const result = runtime.start(code.twice, null, { id: 'run' }).result();
    result.catch(() => undefined);
    await turns();
    store.take();
    store.lost(new RangeError('gone'));
    await expect(result).rejects.toThrow(/gone/);
    expect(code.invoked).toBe(0);
    await runtime.close();
  });

  it('what was taken makes the same journal in another store, and the run goes on in it', async () => {
    const code = counting();
    const bursts: Burst[] = [];
    const store: BurstStore = new BurstStore(() => undefined);
    const runtime = await openRuntime({ store });
    runtime
      .start(code.twice, null, { id: 'run' })
      .result()
      .catch(() => undefined);
    for (let i = 0; i < 2; i += 1) {
      await turns();
      bursts.push(JSON.parse(store.take()) as Burst);
      store.keptLast();
    }
    await turns();
    store.lost(new RangeError('crash'));

    const other: BurstStore = new BurstStore(() => {
      if (!other.isAwaited) return;
      other.take();
      queueMicrotask(() => other.keptLast());
    });
    for (const burst of bursts) other.load(burst, 0);
    const last = other.getRun('run', 0)?.lastSeq ?? 0;
    expect(other.read('run', 0, last)).toEqual(store.read('run', 0, last));
    other.open(Date.now());
    const again = await openRuntime({ store: other });
    // The second attempt was started, and its end is lost: it is tried again.
    expect(await again.resume('run', code.twice).result()).toBe(1 + 3);
    await Promise.all([runtime.close(), again.close()]);
  });

  it('knows when all have ended, and when what they ask of others changes', async () => {
    const store: BurstStore = new BurstStore(() => {
      if (!store.isAwaited) return;
      store.take();
      queueMicrotask(() => store.keptLast());
    });
    const runtime = await openRuntime({ store });
    const child = async (_: null, ctx: Context): Promise<unknown> => ctx.receive('word');
    const parent = async (_: null, ctx: Context): Promise<unknown> => ctx.run(child, null);
    expect([store.isOver, store.asks]).toEqual([true, 0]);
    const run = runtime.start(parent, null, { id: 'run' });
    await turns();
    expect([store.isOver, store.asks]).toEqual([false, 1]);
    const asking = runtime.list({ limit: 10 }).find(({ asked }) => asked.length > 0);
    await runtime.send(asking?.runId ?? '', 'word', 'hello');
    expect(await run.result()).toBe('hello');
    expect([store.isOver, store.asks]).toEqual([true, 2]);
    await runtime.close();
  });

  it('refuses a burst that does not follow', () => {
    const store = new BurstStore(() => undefined);
    expect(() => store.load([{ runId: 'run', afterSeq: 3, rows: [] }], 0)).toThrow(/follow/);
  });
});
