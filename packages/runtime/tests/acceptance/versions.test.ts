import type { Context, Process } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import type { MemoryStore } from '../../src/testing.ts';
import { journal, shape, transcript } from '../lab.fixture.ts';
import {
  everywhere,
  f,
  perform,
  plain,
  replays,
  resumeAt,
  Stage,
  t,
  watchForLeaks,
  type Program,
} from './stage.fixture.ts';

/* ctx.version and ctx.patched: code that changes under runs that are open. */

watchForLeaks();

const versions = (store: MemoryStore): unknown[] =>
  journal(store).flatMap(({ event }) => (event.type === 'ValueRecorded' ? [[event.key, event.value]] : []));

/** Runs the old code, crashes it at each place, and goes on with the new one. */
async function changed(
  before: Program,
  after: Program,
  check: (value: unknown, seq: number, store: MemoryStore) => void,
): Promise<void> {
  const first = await perform(before);
  const events = journal(first.store);
  for (let seq = 1; seq < events.length; seq += 1) {
    const resumed = await resumeAt(first.store, seq, after);
    const where = `at ${seq}: ${transcript(first.store)[seq - 1]}\n${transcript(resumed.store).join('\n')}`;
    expect('error' in resumed.told ? resumed.told.error : undefined, where).toBe(undefined);
    check(resumed.value, seq, resumed.store);
    // What was decided is decided, however often it crashes from here on.
    await replays(resumed.store, after, where);
    for (let again = seq; again < journal(resumed.store).length; again += 3) {
      const third = await resumeAt(resumed.store, again, after);
      const place = `${where}\nand again at ${again}\n${transcript(third.store).join('\n')}`;
      expect('error' in third.told ? third.told.error : undefined, place).toBe(undefined);
    }
  }
}

describe('ctx.version', () => {
  it('⟲ records the newest version in a new run, and gives it ever after', async () => {
    const { store } = await everywhere(
      (stage) => async (_, ctx) => {
        const first = ctx.version('tax', 1, 3);
        const got = await ctx.task(stage.step, t(5, first));
        return [got, ctx.version('tax', 1, 3), ctx.patched('other'), await ctx.task(stage.step, t(1, 'end'))];
      },
      [3, 3, true, 'end'],
      { depth: 2 },
    );
    expect(versions(store)).toEqual([
      ['v:tax', 3],
      ['v1:tax', 3],
      ['v:other', 1],
    ]);
    expect(store.verify().damage).toEqual([]);
  });

  const old: Program = (stage) => async (_, ctx) => {
    const a = await ctx.task(stage.step, t(5, 'a'));
    const b = await ctx.task(stage.step, t(5, 'old b'));
    return [a, b, await ctx.task(stage.step, t(5, 'c'))];
  };

  it('below the head the old code ran: it is the oldest version, without a row', async () => {
    await changed(
      old,
      (stage) => async (_, ctx) => {
        const a = await ctx.task(stage.step, t(5, 'a'));
        const version = ctx.version('b', 1, 2);
        const b = await ctx.task(stage.step, t(5, version === 1 ? 'old b' : 'new b'));
        return [a, b, await ctx.task(stage.step, t(5, 'c'))];
      },
      (value, seq, store) => {
        // RunStarted, scheduled, started, succeeded: up to there nobody has asked for b.
        const isNew = seq <= 4;
        expect(value).toEqual(['a', isNew ? 'new b' : 'old b', 'c']);
        expect(versions(store)).toEqual(isNew ? [['v:b', 2]] : []);
      },
    );
  });

  it('each turn of a loop has its own: the old ones stay old, and later ones are new', async () => {
    const loop =
      (isNew: boolean): Program =>
      (stage) =>
      async (_, ctx) => {
        const seen: unknown[] = [];
        for (let i = 0; i < 4; i += 1)
          seen.push(await ctx.task(stage.step, t(5, isNew && ctx.patched('loop') ? `new ${i}` : `old ${i}`)));
        return seen;
      };
    await changed(loop(false), loop(true), (value, seq, store) => {
      const begun = shape(store)
        .slice(0, seq)
        .filter((line) => line.startsWith('TaskScheduled')).length;
      expect(value).toEqual([0, 1, 2, 3].map((i) => `${i < begun ? 'old' : 'new'} ${i}`));
    });
  });

  it('in branches, each by its place', async () => {
    const branches =
      (isNew: boolean): Program =>
      (stage) =>
      (_, ctx) =>
        ctx.parallel.map(
          [30, 5, 20, 10],
          async (ms) => {
            await ctx.task(stage.step, t(ms, 'first'));
            return ctx.task(stage.step, t(1, isNew && ctx.patched('branch') ? 'new' : 'old'));
          },
          { concurrency: 2 },
        );
    await changed(branches(false), branches(true), (value, seq, store) => {
      const olds = shape(store)
        .slice(0, seq)
        .filter((line) => /^TaskScheduled .*\/1$/.test(line));
      expect((value as unknown[]).filter((each) => each === 'old')).toHaveLength(olds.length);
    });
  });

  it('a call that is taken out of the code again is passed over', async () => {
    await changed(
      (stage) => async (_, ctx) => {
        await ctx.task(stage.step, t(5, 'a'));
        return ctx.task(stage.step, t(5, ctx.patched('b') ? 'new' : 'old'));
      },
      (stage) => async (_, ctx) => {
        await ctx.task(stage.step, t(5, 'a'));
        return ctx.task(stage.step, t(5, 'new'));
      },
      (value) => expect(value).toBe('new'),
    );
  });

  it.each([
    ['no longer does', 2, 3, 'version 2 to 3 of "b"'],
    ['does not do yet', 0, 0, 'version 0 of "b"'],
  ])(
    'a recorded version that the code %s stops the run, which stays as it is',
    async (_what, min, max, asked) => {
      const program =
        (low: number, high: number): Program =>
        (stage) =>
        async (_, ctx) => {
          ctx.version('b', low, high);
          return ctx.task(stage.step, t(5, 'a'));
        };
      const { store } = await perform(program(0, 1));
      for (let seq = 2; seq <= journal(store).length - 1; seq += 1) {
        const resumed = await resumeAt(store, seq, program(min, max));
        const told = String(
          plain(resumed.told) && 'error' in resumed.told ? resumed.told.error.message : 'no error',
        );
        expect(told).toContain(`asked         ${asked}`);
        expect(told).toContain('recorded      version 1 of "b"');
        expect(told).toContain('the code no longer does what this version did');
        expect(journal(resumed.store)).toHaveLength(seq);
        expect(resumed.stage.invoked).toEqual([]);
      }
    },
  );

  it('in a branch that was given up it is the oldest, and nothing is written', async () => {
    const { value, store } = await perform((stage) => async (_, ctx) => {
      const seen: unknown[] = [];
      await ctx.parallel.race([
        () => ctx.task(stage.step, t(1)),
        async () => {
          await ctx.task(stage.step, t(50)).catch(() => undefined);
          seen.push(ctx.version('late', 1, 2));
        },
      ]);
      await ctx.task(stage.step, t(5));
      return seen;
    });
    expect(value).toEqual([1]);
    expect(versions(store)).toEqual([]);
  });

  it('is forgotten with what a mark of a reduce folds', async () => {
    await everywhere(
      (stage) => async (_, ctx) =>
        ctx.reduce(
          [1, 2, 3, 4],
          0,
          async (sum, n) => sum + Number(await ctx.task(stage.step, t(1, ctx.patched('item') ? n : -n))),
          { foldEvery: 2 },
        ),
      10,
    );
  });

  it.each<[string, (ctx: Context) => unknown]>([
    ['no name', (ctx) => ctx.version('', 1, 2)],
    ['a name that is none', (ctx) => ctx.patched(7 as never)],
    ['no numbers', (ctx) => ctx.version('a', undefined as never, 2)],
    ['half a version', (ctx) => ctx.version('a', 0.5, 2)],
    ['the wrong way round', (ctx) => ctx.version('a', 2, 1)],
  ])('refuses %s at the call, with nothing recorded', async (_what, call) => {
    const { value, store } = await perform(() => async (_, ctx) => {
      try {
        call(ctx);
        return 'not refused';
      } catch (error) {
        return (error as Error).name;
      }
    });
    expect(value).toBe('InvalidArgumentError');
    expect(shape(store)).toEqual(['RunStarted', 'RunSucceeded']);
  });

  it('the version of a task is a part of what it is', async () => {
    const program =
      (version: string): Program =>
      (stage): Process => {
        const task = stage.with({ version });
        return async (_, ctx) => [
          await ctx.task(task, t(5, 'a')),
          await ctx.task(stage.step, f(1, 'no')).catch(() => 'b'),
        ];
      };
    const { store } = await perform(program('1'));
    const resumed = await resumeAt(store, 4, program('2'));
    expect(plain(resumed.told)).toMatchObject({
      error: expect.stringContaining('the version of the task changed'),
    });
    const stage = new Stage();
    await stage.use(store, {}, async (runtime) => {
      await expect(runtime.replay('r', program('1')(stage))).resolves.toMatchObject({ reached: 'end' });
    });
  });
});
