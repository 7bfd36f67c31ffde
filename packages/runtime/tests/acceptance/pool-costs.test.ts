import type { Context, Cost } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../src/testing.ts';
import { journal } from '../lab.fixture.ts';
import { everywhere, Stage, t, watchForLeaks } from './stage.fixture.ts';

watchForLeaks();

const told = (error: unknown): string => `${(error as Error).name}: ${(error as Error).message}`;

describe('a cost that a pool which is only named can never give', () => {
  it('C24 is refused where the slot is asked for, and who comes behind starts', async () => {
    const { store } = await everywhere(
      (stage) => async (_, ctx) => {
        const calls = [
          ctx.task(stage.step, t(5, 'a'), { pool: 'zz', cost: 65 }).catch(told),
          ctx.task(stage.step, t(5, 'b'), { pool: 'zz', cost: 64 }),
        ];
        return Promise.all(calls);
      },
      [
        expect.stringMatching(
          /^InvalidCostError: .*a cost of 65 slots is more than pool 'zz' can ever give: it has 64\. Declare/,
        ),
        'b',
      ],
    );
    expect(journal(store).filter(({ event }) => event.type === 'TaskFailed')).toHaveLength(1);
  });

  it('C24 also where it is a pool around it that is declared nowhere', async () => {
    await everywhere(
      (stage) => (_, ctx) =>
        ctx
          .pool('child', { maxConcurrent: 100, parent: 'par' })
          .execute(stage.step, t(5), { cost: 70 })
          .catch(told),
      expect.stringMatching(/^InvalidCostError: .*pool 'par' can ever give: it has 64\./),
    );
  });

  it('C25 a resource that it does not have', async () => {
    await everywhere(
      (stage) => (_, ctx) => ctx.task(stage.step, t(5), { pool: 'z2', cost: { gpu: 1 } }).catch(told),
      expect.stringMatching(/^InvalidCostError: .*pool 'z2' has no resource 'gpu'; it has slots\./),
    );
  });

  it('is none where the run declares it before its slot is asked for, or another program has', async () => {
    const stage = new Stage();
    const call = (ctx: Context, cost: Cost): Promise<unknown> =>
      ctx.task(stage.step, t(5, 'ran'), { pool: 'big', cost });
    await stage.use(new MemoryStore(), {}, async (runtime) => {
      const declared = async (_: null, ctx: Context): Promise<unknown> => {
        const called = call(ctx, 65);
        ctx.pool('big', { maxConcurrent: 100 });
        return called;
      };
      expect(await runtime.start(declared, null, { id: 'declares' }).result()).toBe('ran');
    });
    const store = new MemoryStore();
    await stage.use(store, {}, async (runtime) => {
      const first = async (_: null, ctx: Context): Promise<unknown> => {
        ctx.pool('big', { limits: { slots: 100, gpu: 1 } });
        return call(ctx, { slots: 1 });
      };
      await runtime.start(first, null, { id: 'first' }).result();
    });
    await stage.use(store, {}, async (runtime) => {
      const second = (_: null, ctx: Context): Promise<unknown> => call(ctx, { slots: 65, gpu: 1 });
      expect(await runtime.start(second, null, { id: 'second' }).result()).toBe('ran');
    });
  });
});
