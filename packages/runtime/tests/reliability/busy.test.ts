import { defineTask, type Process } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { RuntimeError } from '../../src/errors.ts';
import { MemoryStore } from '../../src/testing.ts';
import { journal, Lab } from '../lab.fixture.ts';

/** A store whose lock another program holds now and then. */
class BusyStore extends MemoryStore {
  /** Which writes, counted from 1, find it locked. */
  isBusy: (write: number) => boolean = () => false;
  writes = 0;

  #look(): void {
    this.writes += 1;
    if (this.isBusy(this.writes)) throw new RuntimeError('BUSY', 'The journal is locked by another program.');
  }

  override append(...args: Parameters<MemoryStore['append']>): ReturnType<MemoryStore['append']> {
    this.#look();
    return super.append(...args);
  }

  override renewLease(...args: Parameters<MemoryStore['renewLease']>): boolean {
    this.#look();
    return super.renewLease(...args);
  }

  override changePools(...args: Parameters<MemoryStore['changePools']>): void {
    this.#look();
    super.changePools(...args);
  }

  override claimTrial(...args: Parameters<MemoryStore['claimTrial']>): ReturnType<MemoryStore['claimTrial']> {
    this.#look();
    return super.claimTrial(...args);
  }
}

const make =
  (lab: Lab): Process =>
  async (_, ctx) => {
    const values: unknown[] = [];
    for (let i = 0; i < 3; i += 1) values.push(await ctx.task(lab.work, { ms: 10, value: i }));
    values.push(await ctx.parallel.map([4, 5, 6], (value) => ctx.task(lab.work, { ms: value, value })));
    await ctx.sleep('1m');
    values.push(await ctx.task(lab.work, { ms: 30_000, value: 7 }));
    return values;
  };
const RESULT = [0, 1, 2, [4, 5, 6], 7];

/** Slots of a shared pool, starts of its rate, and a trial of a circuit: each is written on its own. */
const makeShared =
  (lab: Lab): Process =>
  async (_, ctx) => {
    const step = defineTask({
      name: 'step',
      circuit: { threshold: 1, openFor: 100 },
      run: async (value: number): Promise<number> => {
        lab.invoked.push({ task: 'step', key: `step ${value}`, attempt: 1 });
        await lab.clock.sleep(10);
        if (value < 0) throw new Error('broken');
        return value;
      },
    });
    const pool = ctx.pool('p', { maxConcurrent: 2, rate: { limit: 2, per: 50, burst: 2 } });
    const failed = await pool.execute(step, -1).catch((error: unknown) => String(error));
    // However long the lock was, the circuit lets one try it.
    await ctx.sleep('1m');
    const first = await pool.execute(step, 1);
    return [failed, first, await pool.executeMany(step, [2, 3, 4, 5])];
  };

describe('a journal that another program has locked', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])(
    'from write %i on, for five writes: is waited for, and nothing is done twice',
    async (first) => {
      const lab = new Lab();
      const store = new BusyStore();
      store.isBusy = (write) => write >= first && write < first + 5;
      expect(await lab.drive(store, make(lab))).toEqual({ value: RESULT });
      const keys = lab.invoked.map(({ key }) => key);
      expect(new Set(keys).size).toBe(keys.length);
      expect(keys).toHaveLength(7);
    },
  );

  it.each(Array.from({ length: 24 }, (_, i) => i + 1))(
    'from write %i on, for five writes, with pools and circuits: the same',
    async (first) => {
      const lab = new Lab();
      const store = new BusyStore();
      store.isBusy = (write) => write >= first && write < first + 5;
      const outcome = await lab.drive(store, makeShared(lab));
      expect(outcome).toEqual({ value: ['TaskError: broken', 1, [2, 3, 4, 5]] });
      expect(lab.invoked).toHaveLength(6);
      expect(store.readPools(lab.clock.now()).leases).toEqual([]);
    },
  );

  it('every other time: the same', async () => {
    const lab = new Lab();
    const store = new BusyStore();
    store.isBusy = (write) => write % 2 === 0;
    expect(await lab.drive(store, make(lab))).toEqual({ value: RESULT });
    expect(lab.invoked).toHaveLength(7);
  });

  it('for ever: the run is left with BUSY, as it was recorded, and goes on later', async () => {
    const lab = new Lab();
    const store = new BusyStore();
    store.isBusy = (write) => write >= 4;
    expect(await lab.drive(store, make(lab))).toMatchObject({ error: { code: 'BUSY' } });
    // It was tried for a while.
    expect(store.writes).toBeGreaterThan(10);
    const before = journal(store).length;
    expect(lab.clock.pending).toBe(0);

    store.isBusy = () => false;
    const again = Lab.at(lab.clock.now());
    expect(await again.drive(store, make(again))).toEqual({ value: RESULT });
    expect(journal(store).length).toBeGreaterThan(before);
  });

  it('is no reason not to close', async () => {
    const lab = new Lab();
    const store = new BusyStore();
    const runtime = await lab.open(store);
    const handle = runtime.start(make(lab), null as never, { id: 'r' });
    const ended = handle.result().catch((error: unknown) => error);
    await lab.clock.advance(5);
    store.isBusy = () => true;
    await lab.clock.advance(10);
    const closed = runtime.close();
    await lab.clock.advance(120_000);
    await closed;
    expect(await ended).toMatchObject({ code: expect.stringMatching(/BUSY|STOPPED/) });
    expect(lab.clock.pending).toBe(0);
  });
});
