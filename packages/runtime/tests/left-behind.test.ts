import type { Process } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../src/testing.ts';
import { journal, Lab, shape } from './lab.fixture.ts';

// What branches that go on detached leave behind where somebody waits for it (decision 23).

type Work = (lab: Lab) => Process;

const ignore = (): undefined => undefined;
const atOnce = (): Promise<string> => Promise.resolve('at once');
const DETACH = { losers: 'detach' } as const;

/** What it comes to, which is the same wherever its program died. */
async function everywhere(work: Work): Promise<{ readonly value: unknown; readonly lines: string[] }> {
  const lab = new Lab();
  const store = new MemoryStore();
  const outcome = await lab.drive(store, work(lab));
  for (const { seq, at } of journal(store)) {
    const again = Lab.at(at);
    expect(await again.drive(store.prefix('r', seq), work(again)), `after ${seq}`).toEqual(outcome);
  }
  return { value: 'value' in outcome ? outcome.value : outcome.error, lines: shape(store) };
}

describe('what detached branches left behind', () => {
  it('is given up in one set of words, and so is what it would have asked for', async () => {
    const work: Work = (lab) => async (_, ctx) => {
      const told: string[] = [];
      const tell = (error: Error): unknown => told.push(error.message);
      await ctx.scope(async (scope) => {
        scope.onExit(lab.work, { ms: 5, value: 'exit' });
        const branch = async (): Promise<void> => {
          ctx.receive('never').catch(tell);
          ctx.receive('neither').catch(async (error: Error) => {
            tell(error);
            await ctx.sleep(1).catch(tell);
          });
          await ctx.sleep(10);
        };
        return ctx.parallel.race([branch, atOnce], DETACH);
      });
      await ctx.sleep(10);
      return told;
    };
    const words = 'the branches of group 0/0/1 ended without it';
    expect((await everywhere(work)).value).toEqual([words, words, words]);
  });

  it('is given up where exits of a scope in it run meanwhile, and they come to their end', async () => {
    const work: Work = (lab) => async (_, ctx) => {
      const told: string[] = [];
      await ctx.scope(async (scope) => {
        scope.onExit(lab.work, { ms: 5, value: 'exit' });
        const branch = async (): Promise<void> => {
          const inner = ctx.scope(async (within) => {
            within.onExit(lab.work, { ms: 1000, value: 'inner exit' });
          });
          inner.catch(ignore);
          await ctx.sleep(10);
          const more = async (): Promise<unknown> => ctx.task(lab.work, { ms: 30, value: 'more' });
          ctx
            .receive('never')
            .catch(more)
            .catch((error: Error) => told.push(error.name));
        };
        await ctx.parallel.race([branch, atOnce], DETACH);
        await ctx.sleep(50);
      });
      await ctx.sleep(3000);
      return told;
    };
    const { value, lines } = await everywhere(work);
    expect(value).toEqual(['CancelledError']);
    const at = (line: string): number => lines.indexOf(line);
    expect(at('TaskSucceeded 0/0/1/0/0/exit/0')).toBeLessThan(at('TaskScheduled 0/exit/0'));
    expect(lines.filter((line) => line.startsWith('TaskScheduled'))).toHaveLength(2);
  });

  it('is given up in a scope that a branch waits for, which goes on detached in one around it', async () => {
    const work: Work = (lab) => async (_, ctx) =>
      ctx.scope(async (scope) => {
        scope.onExit(lab.work, { ms: 5, value: 'exit' });
        const leaves = async (): Promise<void> => {
          ctx.receive('never').catch(ignore);
        };
        const branch = async (): Promise<void> => {
          await ctx.scope(async (inner) => {
            inner.onExit(lab.work, { ms: 5, value: 'inner exit' });
            await ctx.parallel.race([leaves, atOnce], DETACH);
            await ctx.sleep(50);
          });
        };
        await ctx.parallel.race([branch, atOnce], DETACH);
        await ctx.sleep(10);
        return 'left';
      });
    expect((await everywhere(work)).value).toBe('left');
  });

  it('is left alone where nobody waits for it', async () => {
    const work: Work = (lab) => async (_, ctx) => {
      const told: unknown[] = [];
      const { promise: gone, resolve: go } = Promise.withResolvers<void>();
      async function* items(): AsyncGenerator<unknown> {
        const branch = async (): Promise<void> => {
          ctx.task(lab.work, { ms: 500, value: 'done' }).then((value) => told.push(value), ignore);
          await ctx.sleep(20);
          go();
          await ctx.sleep(20);
        };
        await ctx.parallel.race([branch, atOnce], DETACH);
        try {
          yield 1;
        } finally {
          await gone;
        }
      }
      for await (const item of ctx.parallel.merge([items()])) {
        told.push((item as { readonly value: unknown }).value);
        break;
      }
      await ctx.sleep(1000);
      return told;
    };
    expect((await everywhere(work)).value).toEqual([1, 'done']);
  });
});

it('a source that is closed because of what it gave leaves the branches around it alone', async () => {
  const work: Work = (lab) => async (_, ctx) => {
    const told: unknown[] = [];
    const tell = (value: unknown): unknown => told.push(value);
    const task = (ms: number, value: string): Promise<unknown> =>
      ctx.task(lab.work, { ms, value }).then(tell, (error: Error) => tell(error.name));
    async function* items(): AsyncGenerator<() => Promise<unknown>> {
      try {
        yield () => ctx.task(lab.work, { ms: 200, value: 'item' });
        yield 'no thunk' as never;
      } finally {
        await task(50, 'cleaned up');
      }
    }
    const reads = async (): Promise<void> => {
      try {
        for await (const settled of ctx.parallel.stream(items(), { concurrency: 2 }))
          tell(settled.status === 'fulfilled' ? settled.value : settled.reason);
      } catch (error) {
        tell((error as Error).name);
      }
      await task(5, 'after');
    };
    await ctx.parallel.race([reads, () => task(500, 'other'), atOnce], DETACH);
    await ctx.sleep(2000);
    return told;
  };
  expect((await everywhere(work)).value).toEqual([
    'cleaned up',
    'item',
    'InvalidArgumentError',
    'after',
    'other',
  ]);
});
