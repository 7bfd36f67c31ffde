import { defineTask, type Process } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { RuntimeError } from '../src/index.ts';
import { MemoryStore } from '../src/testing.ts';
import { journal, Lab, shape, transcript } from './lab.fixture.ts';

/** Its pools cannot be read. */
class BlindStore extends MemoryStore {
  override readPools(): never {
    throw new RuntimeError('STORAGE', 'The disk is gone.');
  }
}

/** Programs that a second reader broke the engine with. */
describe('a run that is left', () => {
  it('gives back the slot of a start that was fenced in its commit', async () => {
    const lab = new Lab();
    const store = new MemoryStore();
    const runtime = await lab.open(store, { limits: { inFlight: 1 } });
    const fenced = runtime.start(
      async (_: null, ctx) => {
        await ctx.sleep(10);
        return ctx.task(lab.work, { ms: 1, value: 'a' });
      },
      null,
      { id: 'a' },
    );
    await lab.clock.advance(5);
    store.acquireLease('a', { owner: 'f'.repeat(32), now: lab.clock.now() + 1e9, ttlMs: 1000 });
    await lab.clock.advance(10);
    await expect(fenced.result()).rejects.toMatchObject({ code: 'FENCED' });
    const stop = lab.clock.run(() => runtime.isIdle);
    expect(
      await runtime.start((_: null, ctx) => ctx.task(lab.work, { ms: 1, value: 'b' }), null).result(),
    ).toBe('b');
    stop();
    await runtime.close();
  });

  it('fails by a store that does not answer about pools, whatever its code catches', async () => {
    const lab = new Lab();
    const outcome = await lab.drive(new BlindStore(), async (_, ctx) => {
      try {
        ctx.pool('p', { maxConcurrent: 1 });
      } catch {
        return 'without the pool';
      }
      return ctx.task(lab.work, { ms: 1, value: 'in vain' }, { pool: 'p' });
    });
    expect(outcome).toMatchObject({ error: { code: 'STORAGE' } });
    expect(lab.invoked).toEqual([]);
  });

  it('does not hang its resume by a call that comes behind the fence of the root', async () => {
    const late = defineTask({ name: 'late', run: () => 'late' });
    const make =
      (lab: Lab, gate: Promise<void>): Process =>
      (_, ctx) => {
        void ctx.task(lab.work, { ms: 1000, value: 'left' });
        void (async () => {
          await gate;
          await ctx.task(late);
        })().catch(() => undefined);
        return ctx.task(lab.work, { ms: 5, value: 'done' });
      };
    const lab = new Lab();
    const store = new MemoryStore();
    expect(await lab.drive(store, make(lab, new Promise(() => undefined)))).toEqual({ value: 'done' });
    const count = journal(store).length;
    for (let seq = 1; seq < count; seq += 1) {
      const prefix = store.prefix('r', seq);
      const after = Lab.at(0);
      expect(await after.drive(prefix, make(after, Promise.resolve())), `seq ${seq}`).toEqual({
        value: 'done',
      });
      const order = shape(prefix);
      const closed = order.indexOf('ScopeClosed ');
      if (closed !== -1)
        expect(order.slice(closed).filter((line) => line.startsWith('TaskScheduled'))).toEqual([]);
    }
  });
});

describe('the facade', () => {
  const idle: Process = (_, ctx) => ctx.sleep('1h');

  it('starts one run for one id, also in its first turn', async () => {
    const lab = new Lab();
    const runtime = await lab.open(new MemoryStore());
    const first = runtime.start(idle, 1 as never, { id: 'r' });
    expect(runtime.start(idle, 1 as never, { id: 'r' }).id).toBe(first.id);
    expect(() => runtime.start(idle, 2 as never, { id: 'r' })).toThrow(/exists already, with other inputs/);
    await runtime.close();
  });

  it('takes any reason and any answer without hurting other runs', async () => {
    const lab = new Lab();
    const runtime = await lab.open(new MemoryStore());
    const other = runtime.start((_: null, ctx) => ctx.task(lab.work, { ms: 50, value: 'fine' }), null);
    const cancelled = runtime.start(idle, null as never, { id: 'r' });
    await lab.clock.advance(5);
    cancelled.cancel(new Error('enough') as never);
    const stop = lab.clock.run(() => runtime.isIdle);
    await expect(cancelled.result()).rejects.toMatchObject({
      code: 'CANCELLED',
      message: expect.stringContaining('enough'),
    });
    expect(await other.result()).toBe('fine');
    stop();
    await runtime.close();
  });

  it('keeps a cancel that was taken before a crash', async () => {
    const lab = new Lab();
    const store = new MemoryStore();
    const runtime = await lab.open(store);
    const handle = runtime.start(idle, null as never, { id: 'r' });
    await lab.clock.advance(5);
    handle.cancel('enough');
    const crashed = MemoryStore.from(store.snapshot());
    crashed.ownerDied(ownerOf(crashed));
    const after = Lab.at(lab.clock.now());
    expect(await after.drive(crashed, idle)).toMatchObject({ error: { code: 'CANCELLED' } });
  });

  it('replays beside nothing it could be taken for', async () => {
    const lab = new Lab();
    const store = new MemoryStore();
    const process: Process = (_, ctx) => ctx.task(lab.work, { ms: 5, value: 1 });
    await lab.drive(store, process);
    const runtime = await lab.open(store);
    const replayed = runtime.replay('r', process);
    expect(await runtime.resume('r', process).result()).toBe(1);
    expect(await replayed).toMatchObject({ reached: 'end' });
    await runtime.close();
  });

  it('replays an output that could not be recorded as the failure it was', async () => {
    const lab = new Lab();
    const store = new MemoryStore();
    const process: Process = () => Promise.resolve({ callback: () => 1 });
    expect(await lab.drive(store, process)).toMatchObject({ error: { code: 'RUN_FAILED' } });
    const rows = transcript(store);
    const runtime = await lab.open(store);
    expect(await runtime.replay('r', process)).toMatchObject({ reached: 'end' });
    expect(transcript(store)).toEqual(rows);
    await runtime.close();
  });

  it('waits for a promise that was made elsewhere instead of calling it a divergence', async () => {
    const make =
      (lab: Lab, ready: Promise<unknown>): Process =>
      async (_, ctx) => {
        await ready;
        return ctx.task(lab.work, { ms: 5, value: 1 });
      };
    const lab = new Lab();
    const store = new MemoryStore();
    await lab.drive(store, make(lab, Promise.resolve()));
    const prefix = store.prefix('r', 3);
    const after = Lab.at(0);
    const ready = new Promise((resolve) => setTimeout(resolve, 30));
    expect(await after.drive(prefix, make(after, ready))).toEqual({ value: 1 });
  });

  it('refuses a pool without slots', async () => {
    await expect(new Lab().open(new MemoryStore(), { pools: { none: 0 } })).rejects.toThrow(/pools\.none/);
  });

  it('ends the events of a run when the runtime closes', async () => {
    const lab = new Lab();
    const runtime = await lab.open(new MemoryStore());
    const handle = runtime.start(idle, null as never);
    await lab.clock.advance(5);
    const seen: string[] = [];
    const told = (async () => {
      for await (const { event } of handle.events()) seen.push(event.type);
    })();
    await lab.clock.advance(5);
    await runtime.close();
    await told;
    expect(seen).toEqual(['RunStarted', 'TimerStarted']);
  });
});

function ownerOf(store: MemoryStore): string {
  return store.getRun('r', 0)?.owner ?? '';
}
