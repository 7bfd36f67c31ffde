import { defineProcess, defineTask, type Context } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { NEVER } from '../../src/index.ts';
import { Floor } from './bench.fixture.ts';

/* Runs that wait are put down: no memory, no place, and nothing is slept over. */

const MINUTE = 60_000;
const DAY = 86_400_000;
const minutes = defineProcess({
  name: 'minutes',
  run: async (_: unknown, ctx: Context) => {
    const before = ctx.now().getTime();
    await ctx.sleep(10 * MINUTE);
    return ctx.now().getTime() - before;
  },
});
const month = defineProcess({
  name: 'month',
  run: async (_: unknown, ctx: Context) => {
    const before = ctx.now().getTime();
    await ctx.sleep(30 * DAY);
    return ctx.now().getTime() - before;
  },
});
const asks = defineProcess({
  name: 'asks',
  run: async (_: unknown, ctx: Context) => [await ctx.receive('one'), await ctx.receive('two')],
});

describe('a run that waits', () => {
  it('for a month is put down, and goes on within a second of its deadline', async () => {
    const floor = new Floor();
    const { runtime } = await floor.worker([month]);
    await runtime.enqueue(month, null, { id: 'r' });
    await floor.clock.advance(5000);
    expect(floor.told).toEqual(['began r', 'rested r']);
    const { wakeAt, owner } = runtime.get('r') ?? expect.fail();
    expect(owner).toBeNull();
    expect(floor.events('r')).toEqual(['RunStarted', 'TimerStarted']);

    floor.clock.jumpWall(30 * DAY - 10_000);
    await floor.clock.advance(4000);
    expect(floor.told).toHaveLength(2);
    await floor.clock.advance(3000);
    expect(floor.told).toEqual(['began r', 'rested r', 'wentOn r', 'ended r']);
    const fired = floor.store.read('r', 2, 1)[0] ?? expect.fail();
    expect(fired.event.type).toBe('TimerFired');
    expect(fired.at - (wakeAt ?? 0)).toBeLessThanOrEqual(1000);
    expect(runtime.get('r')).toMatchObject({ status: 'succeeded', wakeAt: null });
  });

  it('is taken up by any worker: the one that put it down is gone', async () => {
    const floor = new Floor();
    const { runtime } = await floor.worker([month]);
    await runtime.enqueue(month, null, { id: 'r' });
    await floor.clock.advance(5000);
    await runtime.close();
    expect(floor.clock.pending).toBe(0);
    floor.clock.jumpWall(31 * DAY);
    const { runtime: other } = await floor.worker([month]);
    await floor.clock.advance(1000);
    expect(other.get('r')?.status).toBe('succeeded');
  });

  it('for a message is put down without a time, and woken by it within a second', async () => {
    const floor = new Floor();
    const { runtime } = await floor.worker([asks]);
    await runtime.enqueue(asks, null, { id: 'r' });
    await floor.clock.advance(5000);
    expect(runtime.get('r')?.wakeAt).toBe(NEVER);
    // Of another program.
    const sender = await floor.open([]);
    expect((await sender.send('r', 'two', 2)).status).toBe('accepted');
    await floor.clock.advance(5000);
    // It was not for what it waits for now: it is kept, and the run rests again.
    expect(floor.told).toEqual(['began r', 'rested r', 'wentOn r', 'rested r']);
    await floor.clock.advance(100_000);
    expect(floor.told).toHaveLength(4);
    await sender.send('r', 'one', 1);
    await floor.clock.advance(1000);
    expect(runtime.get('r')?.status).toBe('succeeded');
    expect(floor.store.read('r', 0, 99).at(-1)?.event).toMatchObject({ output: [1, 2] });
  });

  it('is not slept over by a message that comes while it is being put down', async () => {
    const one = defineProcess({ name: 'one', run: (_: unknown, ctx: Context) => ctx.receive('one') });
    // It is put down some 2 s after its last turn, and looks for messages of other programs every 200 ms.
    for (let at = 1700; at < 2400; at += 9) {
      const floor = new Floor();
      const { runtime } = await floor.worker([one], { poll: 150 });
      const sender = await floor.open([]);
      await runtime.enqueue(one, null, { id: 'r' });
      await floor.clock.advance(at);
      await sender.send('r', 'one', at);
      await floor.clock.advance(1000);
      expect([at, runtime.get('r')?.status]).toEqual([at, 'succeeded']);
      await Promise.all(floor.opened.splice(0).map((opened) => opened.close()));
    }
  });

  it('holds no place: one place is enough for many that wait', async () => {
    const floor = new Floor();
    const { runtime, worker } = await floor.worker([asks], { concurrency: 1 });
    for (let i = 0; i < 5; i += 1) await runtime.enqueue(asks, null, { id: `r${i}` });
    await floor.clock.advance(20_000);
    expect(floor.told.filter((told) => told.startsWith('rested'))).toHaveLength(5);
    expect(worker.active).toBe(0);
  });

  it('stays where it goes on in a moment, and where somebody here waits for its end', async () => {
    const short = defineProcess({
      name: 'short',
      run: async (_: unknown, ctx: Context) => {
        for (let i = 0; i < 5; i += 1) await ctx.sleep(3000);
      },
    });
    const floor = new Floor();
    const { runtime } = await floor.worker([short, minutes]);
    await runtime.enqueue(short, null, { id: 's' });
    await runtime.enqueue(minutes, null, { id: 'm' });
    await floor.clock.advance(1000);
    const result = runtime.resume('m').result();
    await floor.clock.advance(10 * MINUTE + 1000);
    expect(await result).toBe(10 * MINUTE);
    expect(floor.told).toEqual(['began s', 'began m', 'ended s', 'ended m']);
  });

  it('in the midst of work stays', async () => {
    const floor = new Floor();
    const work = defineTask({
      name: 'work',
      run: (_: unknown, task) => floor.clock.sleep(60_000, task.signal),
    });
    const busy = defineProcess({
      name: 'busy',
      run: (_: unknown, ctx: Context) =>
        ctx.parallel.all([() => ctx.task(work, null), () => ctx.sleep(10 * MINUTE), () => ctx.receive('x')]),
    });
    const { runtime } = await floor.worker([busy]);
    await runtime.enqueue(busy, null, { id: 'r' });
    await floor.clock.advance(59_000);
    expect(floor.told).toEqual(['began r']);
    await floor.clock.advance(5000);
    expect(floor.told).toEqual(['began r', 'rested r']);
    await runtime.send('r', 'x', 1);
    await floor.clock.advance(10 * MINUTE);
    expect(floor.events('r').filter((type) => type === 'AttemptStarted')).toHaveLength(1);
    expect(runtime.get('r')?.status).toBe('succeeded');
  });

  it('between two attempts rests when that is long', async () => {
    const floor = new Floor();
    let attempts = 0;
    const flaky = defineTask({
      name: 'flaky',
      retry: { attempts: 3, delay: '1m', factor: 1 },
      run: () => {
        attempts += 1;
        if (attempts < 3) throw new TypeError('not yet');
        return attempts;
      },
    });
    const tries = defineProcess({ name: 'tries', run: (_: unknown, ctx: Context) => ctx.task(flaky) });
    const { runtime } = await floor.worker([tries]);
    await runtime.enqueue(tries, null, { id: 'r' });
    await floor.clock.advance(2.5 * MINUTE);
    expect(floor.told).toEqual(['began r', 'rested r', 'wentOn r', 'rested r', 'wentOn r', 'ended r']);
    expect(attempts).toBe(3);
  });

  it('is cancelled while nobody drives it', async () => {
    const floor = new Floor();
    const { runtime } = await floor.worker([month]);
    await runtime.enqueue(month, null, { id: 'r' });
    await floor.clock.advance(5000);
    expect(runtime.cancel('r')).toBe('cancelled');
    expect(runtime.get('r')).toMatchObject({ status: 'cancelled', wakeAt: null });
    floor.clock.jumpWall(31 * DAY);
    await floor.clock.advance(5000);
    expect(floor.told).toEqual(['began r', 'rested r']);
  });
});

describe('a run that was not started by a worker', () => {
  it('stays as it was: it is not put down', async () => {
    const floor = new Floor();
    const runtime = await floor.open([minutes]);
    const handle = runtime.start(minutes, null, { id: 'r' });
    await floor.clock.advance(MINUTE);
    expect(runtime.get('r')?.ownerAlive).toBe(true);
    await floor.clock.advance(10 * MINUTE);
    expect(await handle.result()).toBe(10 * MINUTE);
  });

  it('is driven by a worker once its program is gone', async () => {
    const floor = new Floor();
    const runtime = await floor.open([minutes]);
    runtime
      .start(minutes, null, { id: 'r' })
      .result()
      .catch(() => undefined);
    await floor.clock.advance(MINUTE);
    await runtime.close();
    const { runtime: other } = await floor.worker([minutes]);
    await floor.clock.advance(10 * MINUTE);
    expect(floor.told).toEqual(['wentOn r', 'rested r', 'wentOn r', 'ended r']);
    expect(other.get('r')?.status).toBe('succeeded');
  });
});

describe('runs within runs', () => {
  const inner = defineProcess({
    name: 'inner',
    run: async (ms: number, ctx: Context) => {
      await ctx.sleep(ms);
      return ctx.receive<string>('go');
    },
  });
  const outer = defineProcess({
    name: 'outer',
    run: async (_: unknown, ctx: Context) =>
      ctx.parallel.map([MINUTE, 3 * MINUTE], (ms) => ctx.run(inner, ms)),
  });

  it('rest with the one that started them, and go on with it', async () => {
    const floor = new Floor();
    // The worker knows the outer process only: the inner one is its code's business.
    const { runtime } = await floor.worker([outer], { processes: ['outer', 'inner'] });
    await runtime.enqueue(outer, null, { id: 'r' });
    await floor.clock.advance(10_000);
    expect(floor.told).toEqual(['began r', 'rested r']);
    const children = floor.store
      .queryRuns({ limit: 9, statuses: ['running'] }, floor.clock.now())
      .map(({ runId, owner }) => [runId, owner]);
    expect(children).toHaveLength(3);
    expect(children.every(([, owner]) => owner === null)).toBe(true);

    await floor.clock.advance(MINUTE);
    expect(floor.told).toEqual(['began r', 'rested r', 'wentOn r', 'rested r']);
    const ids = children
      .map(([id]) => id ?? '')
      .filter((id) => id !== 'r')
      .toSorted();
    await runtime.send(ids[1] ?? '', 'go', 'early');
    await runtime.send(ids[0] ?? '', 'go', 'now');
    await floor.clock.advance(10_000);
    expect(runtime.get(ids[0] ?? '')?.status).toBe('succeeded');
    await floor.clock.advance(3 * MINUTE);
    expect(floor.store.read('r', 0, 99).at(-1)?.event).toMatchObject({ output: ['now', 'early'] });
  });

  it('one that ends while its parent rests wakes it', async () => {
    const floor = new Floor();
    const { runtime } = await floor.worker([outer], { processes: ['outer'] });
    await runtime.enqueue(outer, null, { id: 'r' });
    await floor.clock.advance(10_000);
    const [first] = floor.store
      .queryRuns({ limit: 9 }, floor.clock.now())
      .filter(({ runId }) => runId !== 'r')
      .map(({ runId }) => runId)
      .toSorted();
    const other = await floor.open([inner]);
    const result = other.resume(first ?? '').result();
    await other.send(first ?? '', 'go', 'elsewhere');
    await floor.clock.advance(MINUTE + 5000);
    expect(await result).toBe('elsewhere');
    await floor.clock.advance(5000);
    expect(floor.events('r').filter((type) => type === 'ChildFinished')).toHaveLength(1);
    expect(runtime.get('r')?.owner).toBeNull();
  });

  it('are cancelled with it while all of them rest', async () => {
    const floor = new Floor();
    const { runtime } = await floor.worker([outer], { processes: ['outer'] });
    await runtime.enqueue(outer, null, { id: 'r' });
    await floor.clock.advance(10_000);
    expect(runtime.cancel('r')).toBe('cancelled');
    const statuses = runtime.list({ limit: 9 }).map(({ status }) => status);
    expect(statuses).toEqual(['cancelled', 'cancelled', 'cancelled']);
  });
});
