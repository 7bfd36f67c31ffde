import { defineProcess, externalTask, type Context } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { Floor } from './bench.fixture.ts';

/* Who does external tasks beside a worker, and when a worker may end. */

const ask = externalTask<string, string>({ name: 'ask', kind: 'agent' });
const asks = defineProcess({
  name: 'asks',
  run: (name: string, ctx: Context) => ctx.task(ask, name),
});
const parent = defineProcess({
  name: 'parent',
  run: (name: string, ctx: Context) => ctx.run(asks, name, { id: `${name}-child` }),
});

describe('a responder beside a worker', () => {
  it('has tasks of runs that nobody drives, and none of what another program drives', async () => {
    const floor = new Floor();
    const { runtime } = await floor.worker([asks]);
    const other = await floor.open([asks]);
    other
      .start(asks, 'theirs', { id: 'theirs' })
      .result()
      .catch(() => undefined);
    await runtime.enqueue(asks, 'ours', { id: 'ours' });
    await floor.clock.advance(5000);
    expect(floor.told).toEqual(['began ours', 'rested ours']);
    const claimable = (runs: 'all' | 'driven' | 'worked', processes?: string[]): string[] =>
      runtime.tasks
        .claimable({ kinds: ['agent'], limit: 10, runs, processes })
        .map((id) => id.split('.')[0] ?? '')
        .toSorted();
    expect(claimable('all')).toEqual(['ours', 'theirs']);
    expect(claimable('driven')).toEqual([]);
    expect(claimable('worked')).toEqual(['ours']);
    expect(claimable('worked', ['asks'])).toEqual(['ours']);
    expect(claimable('worked', ['others'])).toEqual([]);
    await other.close();
    // It is anybody's now: the worker takes it up.
    expect(claimable('worked')).toEqual(['ours', 'theirs']);
  });

  it('has tasks of runs that another run started by the process of that one', async () => {
    const floor = new Floor();
    const { runtime } = await floor.worker([parent]);
    await runtime.enqueue(parent, 'p', { id: 'p' });
    await floor.clock.advance(5000);
    expect(runtime.get('p-child')?.owner).toBeNull();
    expect(runtime.tasks.claimable({ runs: 'worked', processes: ['parent'] })).toHaveLength(1);
    expect(runtime.tasks.claimable({ runs: 'worked', processes: ['asks'] })).toEqual([]);
  });

  it('keeps a worker that ends once it is idle, until the answer is there', async () => {
    const floor = new Floor();
    const runtime = await floor.open([asks]);
    await runtime.enqueue(asks, 'x', { id: 'r' });
    const responder = runtime.tasks.respond({
      kinds: ['agent'],
      runs: 'worked',
      lease: '1m',
      respond: () => new Promise((resolve) => floor.clock.after(20_000, () => resolve('done'))),
    });
    const isBusy = (): boolean => responder.running > 0;
    const worker = runtime.work({ untilIdle: true, isBusy, onNote: (note) => floor.notes.push(note) });
    let isDone = false;
    void worker.done.then(() => (isDone = true));
    await floor.clock.advance(10_000);
    expect([floor.told, isDone]).toEqual([['began r', 'rested r'], false]);
    await floor.clock.advance(15_000);
    expect(floor.told).toEqual(['began r', 'rested r', 'wentOn r', 'ended r']);
    await worker.done;
    expect(runtime.get('r')?.status).toBe('succeeded');
  });
});

describe('a run that is pinned', () => {
  it('is not driven with code of another digest, and that is told once', async () => {
    const floor = new Floor();
    const loadable = { definition: asks, codeHash: 'new' as string | null };
    const { runtime } = await floor.worker([asks], { load: async () => loadable });
    runtime
      .start(asks, 'x', { id: 'r', codeHash: 'old' })
      .result()
      .catch(() => undefined);
    await floor.clock.advance(100);
    await runtime.stop('r');
    const events = floor.events('r');
    await floor.clock.advance(60_000);
    expect(floor.told).toEqual(['setBack r']);
    expect(floor.notes[0]).toMatchObject({ problem: expect.stringContaining('--accept-code-change') });
    expect(runtime.queue.setBack(9)).toMatchObject([{ runId: 'r', setbacks: expect.any(Number) }]);
    expect(runtime.queue.setBack(9)[0]?.setbacks).toBeGreaterThan(3);
    expect(floor.events('r')).toEqual(events);
    loadable.codeHash = 'old';
    await floor.clock.advance(60_000);
    expect(floor.told).toEqual(['setBack r', 'wentOn r', 'rested r']);
  });
});
