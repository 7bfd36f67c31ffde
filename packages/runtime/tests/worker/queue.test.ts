import { defineProcess, defineTask, type Context } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { EnqueueOptions } from '../../src/index.ts';
import { Floor } from './bench.fixture.ts';

/* Starts that wait for a worker, and the options that say how. */

const echo = defineProcess({ name: 'echo', run: async (input: unknown) => input });
const open = defineProcess({
  name: 'open',
  run: async (_: unknown, ctx: Context) => ctx.receive('close'),
});
const outputOf = (floor: Floor, id: string): unknown => {
  const event = floor.store.read(id, 0, 999).at(-1)?.event;
  return event?.type === 'RunSucceeded' ? event.output : event?.type;
};

describe('enqueue', () => {
  it('is in the file before any worker is there, and starts once', async () => {
    const floor = new Floor();
    const runtime = await floor.open([]);
    expect(await runtime.enqueue(echo, { n: 1 }, { id: 'r' })).toEqual({ id: 'r', status: 'queued' });
    expect(await runtime.enqueue(echo, { n: 1 }, { id: 'r' })).toEqual({ id: 'r', status: 'duplicate' });
    await expect(async () => runtime.enqueue(echo, { n: 2 }, { id: 'r' })).rejects.toMatchObject({
      code: 'REFUSED',
    });
    await expect(async () => runtime.enqueue(open, { n: 1 }, { id: 'r' })).rejects.toMatchObject({
      code: 'REFUSED',
    });
    expect(runtime.get('r')).toBeUndefined();
    await runtime.close();
    const { runtime: other } = await floor.worker([echo]);
    await floor.clock.advance(1000);
    expect(outputOf(floor, 'r')).toEqual({ n: 1 });
    expect(floor.events('r')).toEqual(['RunStarted', 'RunSucceeded']);
    expect(await other.enqueue(echo, { n: 1 }, { id: 'r' })).toEqual({ id: 'r', status: 'duplicate' });
    await floor.clock.advance(1000);
    expect(floor.told).toEqual(['began r', 'ended r']);
  });

  it('checks inputs against the schema before anything is recorded', async () => {
    const floor = new Floor();
    const runtime = await floor.open([]);
    const strict = defineProcess({
      name: 'strict',
      input: z.object({ n: z.coerce.number() }),
      run: async (input) => input.n,
    });
    await expect(async () => runtime.enqueue(strict, { n: 'x' } as never)).rejects.toThrow(/strict/);
    await expect(async () => runtime.enqueue(echo, () => undefined)).rejects.toThrow();
    expect(runtime.queue.list(9)).toEqual([]);
    await runtime.enqueue(strict, { n: '7' } as never, { id: 'r' });
    expect(runtime.queue.list(9)).toMatchObject([{ inputs: { n: 7 } }]);
  });

  it.each<[string, object]>([
    ['priority', { priority: 101 }],
    ['priority', { priority: 0.5 }],
    ['delay', { delay: -1 }],
    ['delay', { delay: 'soon' }],
    ['concurrency.limit', { concurrency: { key: 'k', limit: 0 } }],
    ['concurrency.key', { concurrency: { key: '', limit: 1 } }],
    ['options', { concurrency: null }],
    ['singleton', { singleton: 3 }],
    ['debounce.wait', { debounce: null }],
    ['debounce.atMost', { debounce: { wait: 10, atMost: 5 } }],
    ['debounce', { debounce: 10, id: 'r' }],
    ['debounce', { debounce: 10, delay: 1 }],
    ['module', { module: 7 }],
    ['unknown', { unknown: 1 }],
  ])('refuses a bad %s at the call: %j', async (option, options) => {
    const floor = new Floor();
    const runtime = await floor.open([]);
    expect(() => runtime.enqueue(echo, 1, options as EnqueueOptions)).toThrow(
      expect.objectContaining({ option }),
    );
    // A number would be kept as another text than the one that its digest is of.
    for (const id of ['../x', 7 as never])
      expect(() => runtime.enqueue(echo, 1, { id })).toThrow(expect.objectContaining({ code: 'REFUSED' }));
    expect(runtime.queue.list(9)).toEqual([]);
  });

  it('a start by hand of the same id is the same run, and of other inputs is refused', async () => {
    const floor = new Floor();
    const { runtime } = await floor.worker([echo], { poll: '10s' });
    await floor.clock.advance(100);
    await runtime.enqueue(echo, 1, { id: 'r' });
    expect(() => runtime.start(echo, 2, { id: 'r' })).toThrow(expect.objectContaining({ code: 'REFUSED' }));
    const handle = runtime.start(echo, 1, { id: 'r' });
    await floor.clock.advance(20_000);
    expect(await handle.result()).toBe(1);
    expect(runtime.queue.list(9)).toEqual([]);
    expect(floor.told).toEqual([]);
  });

  it('a worker that dies right after the start is followed by one that goes on with it', async () => {
    const floor = new Floor();
    let invoked = 0;
    const once = defineTask({ name: 'once', run: () => (invoked += 1) });
    const steps = defineProcess({
      name: 'steps',
      run: async (_: unknown, ctx: Context) => [await ctx.task(once), await ctx.task(once)],
    });
    const first = await floor.open([]);
    await first.enqueue(steps, null, { id: 'r' });
    const start = floor.store.work.readyStarts(floor.clock.now(), 1, undefined)[0] ?? expect.fail();
    // What a worker commits when it takes it, and then it is gone.
    const { process, inputs, inputsHash } = start;
    const facts = { process, module: null, codeHash: null, inputs, inputsHash, seed: 's', engine: '0' };
    const claim = { owner: 'dead', now: floor.clock.now(), ttlMs: 30_000 };
    expect(floor.store.work.begin(start, { type: 'RunStarted', ...facts }, claim)).toBe('begun');
    floor.store.ownerDied('dead');
    await floor.worker([steps]);
    await floor.clock.advance(1000);
    expect(floor.told).toEqual(['freed', 'wentOn r', 'ended r']);
    expect(outputOf(floor, 'r')).toEqual([1, 2]);
    expect(invoked).toBe(2);
  });
});

describe('how a start waits', () => {
  it('delay: not before its time, whatever its priority', async () => {
    const floor = new Floor();
    const { runtime } = await floor.worker([echo]);
    await runtime.enqueue(echo, 1, { id: 'late', delay: '1m', priority: 100 });
    await runtime.enqueue(echo, 1, { id: 'now' });
    await floor.clock.advance(59_000);
    expect(floor.told).toEqual(['began now', 'ended now']);
    await floor.clock.advance(2000);
    expect(floor.told.slice(2)).toEqual(['began late', 'ended late']);
  });

  it('priority: the higher first, then as they came', async () => {
    const floor = new Floor();
    const runtime = await floor.open([]);
    for (const [id, priority] of Object.entries({ low: -1, a: 0, high: 5, b: 0 }))
      await runtime.enqueue(echo, id, { id, priority });
    await floor.worker([echo], { concurrency: 1 });
    await floor.clock.advance(2000);
    const began = floor.told.filter((told) => told.startsWith('began'));
    expect(began).toEqual(['began high', 'began a', 'began b', 'began low']);
  });

  it('concurrency: at most so many runs of the key, from start to end, over all workers', async () => {
    const floor = new Floor();
    const { runtime } = await floor.worker([open]);
    await floor.worker([open]);
    const concurrency = { key: 'customer 1', limit: 2 };
    for (let i = 0; i < 5; i += 1) await runtime.enqueue(open, i, { id: `r${i}`, concurrency });
    await runtime.enqueue(open, 9, { id: 'other', concurrency: { key: 'customer 2', limit: 1 } });
    await floor.clock.advance(10_000);
    const began = (): string[] => floor.told.filter((told) => told.startsWith('began'));
    expect(began()).toEqual(['began r0', 'began r1', 'began other']);
    // It rests, and is under way all the same.
    await runtime.send('r0', 'close', 0);
    await floor.clock.advance(1000);
    expect(began().at(-1)).toBe('began r2');
    for (let i = 1; i < 5; i += 1) {
      await runtime.send(`r${i}`, 'close', 0);
      await floor.clock.advance(1000);
    }
    expect(began()).toHaveLength(6);
    expect(runtime.queue.list(9)).toEqual([]);
  });

  it('singleton: one of its process, or of its key, while it waits and until its end', async () => {
    const floor = new Floor();
    const { runtime } = await floor.worker([open, echo]);
    const first = await runtime.enqueue(open, 1, { singleton: true });
    expect(await runtime.enqueue(open, 2, { singleton: true })).toEqual({ id: first.id, status: 'exists' });
    expect((await runtime.enqueue(echo, 2, { singleton: true })).status).toBe('queued');
    expect((await runtime.enqueue(open, 3, { singleton: 'k' })).status).toBe('queued');
    await floor.clock.advance(5000);
    expect(await runtime.enqueue(open, 2, { singleton: true })).toEqual({ id: first.id, status: 'exists' });
    await runtime.send(first.id, 'close', 0);
    await floor.clock.advance(1000);
    expect((await runtime.enqueue(open, 2, { singleton: true })).status).toBe('queued');
  });

  it('debounce: once nothing came for a while, with the newest inputs, at most so late', async () => {
    const floor = new Floor();
    const { runtime } = await floor.worker([echo]);
    const debounce = { wait: '5s', atMost: '12s' };
    const { id } = await runtime.enqueue(echo, 0, { debounce });
    for (let i = 1; i <= 2; i += 1) {
      await floor.clock.advance(4000);
      expect(await runtime.enqueue(echo, i, { debounce })).toEqual({ id, status: 'debounced' });
    }
    expect(floor.told).toEqual([]);
    await floor.clock.advance(3500);
    expect(await runtime.enqueue(echo, 'last', { debounce })).toEqual({ id, status: 'debounced' });
    await floor.clock.advance(1000);
    expect(outputOf(floor, id)).toBe('last');
    const next = await runtime.enqueue(echo, 'next', { debounce });
    expect(next.status).toBe('queued');
    expect((await runtime.enqueue(echo, 'k', { debounce: { wait: 10, key: 'other' } })).status).toBe(
      'queued',
    );
  });
});

describe('a start that waits', () => {
  const twice = defineProcess({
    name: 'twice',
    run: async (_: unknown, ctx: Context) => [await ctx.receive('word'), await ctx.receive('word')],
  });

  it('takes messages, once each, and the run has them in order, whoever begins it', async () => {
    const floor = new Floor();
    const runtime = await floor.open([]);
    expect(await runtime.send('r', 'word', 'early')).toEqual({ status: 'unknown' });
    await runtime.enqueue(twice, null, { id: 'r', delay: 1000 });
    expect(await runtime.send('r', 'word', 'one', { id: 'm1' })).toEqual({
      status: 'accepted',
      messageId: 'm1',
    });
    expect(await runtime.send('r', 'word', 'one', { id: 'm1' })).toEqual({
      status: 'duplicate',
      messageId: 'm1',
    });
    expect(await runtime.send('r', 'word', 'two')).toMatchObject({ status: 'accepted' });
    await runtime.close();
    await floor.worker([twice]);
    await floor.clock.advance(5000);
    expect(floor.told).toEqual(['began r', 'ended r']);
    expect(outputOf(floor, 'r')).toEqual(['one', 'two']);
  });

  it('that a program starts past the queue has its messages too', async () => {
    const floor = new Floor();
    const runtime = await floor.open([twice]);
    await runtime.enqueue(twice, null, { id: 'r', delay: 1e6 });
    for (const word of ['one', 'two']) await runtime.send('r', 'word', word);
    const handle = runtime.start(twice, null, { id: 'r' });
    await floor.clock.advance(1000);
    expect(await handle.result()).toEqual(['one', 'two']);
    expect(runtime.queue.list(9)).toEqual([]);
    expect(runtime.queue.remove('r')).toBe(false);
  });

  it('takes a secret only encrypted, and the run can open it', async () => {
    const floor = new Floor();
    const read = defineTask({ name: 'read', run: ({ word }: { word: string }) => word.length });
    const secretive = defineProcess({
      name: 'secretive',
      run: async (_: unknown, ctx: Context) =>
        ctx.task(read, { word: (await ctx.receive<string>('word', { secret: true })) as never }),
    });
    const secretKey = Buffer.alloc(32, 5).toString('base64');
    const runtime = await floor.open([], { secretKey });
    await runtime.enqueue(secretive, null, { id: 'r' });
    expect(await runtime.send('r', 'word', 'canary-1', { secret: true })).toMatchObject({
      status: 'accepted',
    });
    await floor.worker([secretive], {}, { secretKey });
    await floor.clock.advance(1000);
    expect(outputOf(floor, 'r')).toBe(8);
  });

  it('that is cancelled is taken out; once it is a run, that is cancelled', async () => {
    const floor = new Floor();
    const runtime = await floor.open([]);
    await runtime.enqueue(open, null, { id: 'r', delay: 5 });
    expect(runtime.queue.get('r')).toMatchObject({ runId: 'r', process: 'open' });
    expect(runtime.cancel('r')).toBe('removed');
    expect(runtime.queue.get('r')).toBeUndefined();
    expect(() => runtime.cancel('r')).toThrow(/no run/);
    await runtime.enqueue(open, null, { id: 'r' });
    await floor.worker([open]);
    await floor.clock.advance(500);
    expect(runtime.queue.get('r')).toBeUndefined();
    expect(runtime.cancel('r', 'enough')).toBe('asked');
    await floor.clock.advance(1000);
    expect(runtime.get('r')?.status).toBe('cancelled');
    // A start of a run that is there is not what a cancel means.
    expect(runtime.cancel('r')).toBe('ended');
  });
});

describe('what cannot go on', () => {
  it('a start without its code is set back, tells why, and holds up nobody', async () => {
    const floor = new Floor();
    let isThere = false;
    let tries = 0;
    const load = async ({ process }: { process: string }) => {
      if (process === 'lost') tries += 1;
      if (process === 'lost' && !isThere) throw new TypeError('no such module');
      return { definition: echo, codeHash: 'c0de' };
    };
    const { runtime } = await floor.worker([], { load, concurrency: 1 });
    const lost = defineProcess({ name: 'lost', run: async () => 1 });
    await runtime.enqueue(lost, 'found', { id: 'r', priority: 9 });
    await runtime.enqueue(echo, 2, { id: 'fine' });
    await floor.clock.advance(500);
    expect(floor.told).toEqual(['setBack r', 'began fine', 'ended fine']);
    expect(runtime.queue.list(9)).toMatchObject([{ runId: 'r', problem: 'TypeError: no such module' }]);
    await floor.clock.advance(60_000);
    // After 1, 2, 4, 8, 16, 32 s, and told once.
    expect(tries).toBe(6);
    expect(floor.told.filter((told) => told === 'setBack r')).toHaveLength(1);
    isThere = true;
    await floor.clock.advance(60_000);
    expect(outputOf(floor, 'r')).toBe('found');
    expect(floor.store.read('r', 0, 1)[0]?.event).toMatchObject({ codeHash: 'c0de', process: 'lost' });
  });

  it('a run that diverges is set back, each time for longer, and is there to be seen', async () => {
    const floor = new Floor();
    const step = defineTask({ name: 'step', run: () => 1 });
    let isChanged = false;
    const changing = defineProcess({
      name: 'changing',
      run: async (_: unknown, ctx: Context) => {
        if (!isChanged) await ctx.task(step);
        else await ctx.sleep(1);
        return ctx.receive('go');
      },
    });
    const { runtime } = await floor.worker([changing]);
    await runtime.enqueue(changing, null, { id: 'r' });
    await floor.clock.advance(5000);
    isChanged = true;
    await runtime.send('r', 'go', 1);
    const before = floor.events('r').length;
    await floor.clock.advance(60_000);
    expect(floor.told.filter((told) => told === 'setBack r')).toHaveLength(3);
    expect(floor.events('r')).toHaveLength(before);
    expect(runtime.queue.setBack(9)).toMatchObject([
      { runId: 'r', setbacks: 3, problem: expect.stringContaining('NonDeterminismError') },
    ]);
    isChanged = false;
    await floor.clock.advance(60_000);
    expect(outputOf(floor, 'r')).toBe(1);
    expect(runtime.queue.setBack(9)).toEqual([]);
  });
});

describe('a worker', () => {
  it('until it is idle ends by itself, and leaves what has its time later', async () => {
    const floor = new Floor();
    const runtime = await floor.open([]);
    for (let i = 0; i < 5; i += 1) await runtime.enqueue(echo, i, { id: `r${i}` });
    await runtime.enqueue(echo, 9, { id: 'later', delay: '1h' });
    await runtime.enqueue(open, 9, { id: 'open' });
    const { worker } = await floor.worker([echo, open], { untilIdle: true, concurrency: 2 });
    await floor.clock.advance(10_000);
    await worker.done;
    expect(floor.told.filter((told) => told.startsWith('ended'))).toHaveLength(5);
    expect(floor.told).toContain('rested open');
    expect(runtime.queue.list(9).map(({ runId }) => runId)).toEqual(['later']);
  });

  it('takes nothing more once it drains, and gives back what it had', async () => {
    const floor = new Floor();
    const { runtime, worker } = await floor.worker([open], { concurrency: 3 });
    for (let i = 0; i < 5; i += 1) await runtime.enqueue(open, i, { id: `r${i}` });
    await floor.clock.advance(500);
    expect(worker.active).toBe(3);
    const drained = worker.drain();
    await floor.clock.advance(10_000);
    await drained;
    expect([worker.active, runtime.queue.list(9).length]).toEqual([0, 2]);
    expect(runtime.list({ limit: 9 }).map(({ owner, wakeAt }) => [owner, wakeAt])).toEqual([
      [null, null],
      [null, null],
      [null, null],
    ]);
  });

  it.each<[string, object]>([
    ['concurrency', { concurrency: 0 }],
    ['poll', { poll: 'often' }],
    ['restAfter', { restAfter: -1 }],
    ['untilIdle', { untilIdle: 1 }],
    ['unknown', { unknown: 1 }],
  ])('refuses a bad %s: %j', async (option, options) => {
    const floor = new Floor();
    const runtime = await floor.open([]);
    expect(() => runtime.work(options)).toThrow(expect.objectContaining({ option }));
  });

  it('that cannot write any more says so', async () => {
    const floor = new Floor();
    const { worker } = await floor.worker([echo]);
    const broken = new TypeError('broken');
    floor.store.work.reap = () => {
      throw broken;
    };
    const failed = expect(worker.done).rejects.toBe(broken);
    await floor.clock.advance(1000);
    await failed;
  });
});
