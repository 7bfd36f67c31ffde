import { ChannelClosedError, type Channel } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { shape } from '../lab.fixture.ts';
import { brief, everywhere, perform, t, watchForLeaks, type Program } from './stage.fixture.ts';

watchForLeaks();

async function drain<T>(channel: Channel<T>): Promise<unknown[]> {
  const seen: unknown[] = [];
  try {
    for await (const item of channel) seen.push(item);
  } catch (error) {
    seen.push({ threw: brief(error) });
  }
  return seen;
}

describe('channel', () => {
  it('⟲ C46 hands over what is pushed, and the loop ends when it is closed', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const channel = ctx.channel<number>('jobs');
      const [seen] = await ctx.parallel.all([
        async () => {
          const done: unknown[] = [];
          for await (const job of channel) done.push(await ctx.task(stage.step, t(5, job)));
          return done;
        },
        async () => {
          for (let i = 0; i < 10; i += 1) {
            await ctx.sleep(100);
            await channel.push(i);
          }
          channel.close();
        },
      ]);
      return seen;
    };
    const { stage, store } = await everywhere(program, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(stage.maxParallel).toBe(1);
    // Nothing runs between one push and the next.
    expect(stage.spans.map(({ from, to }) => [from, to])).toEqual(
      Array.from({ length: 10 }, (_, i) => [100 * (i + 1), 100 * (i + 1) + 5]),
    );
    // The channel itself has no row.
    expect(shape(store).filter((line) => line.includes('jobs'))).toEqual([]);
  });

  it('⟲ C48 is drained after it was closed, and takes nothing more', async () => {
    const program: Program = () => async (_, ctx) => {
      const channel = ctx.channel<number>('c', { capacity: 2 });
      await channel.push(1);
      await channel.push(2);
      const waiting = channel.push(3);
      channel.close();
      const refused = await channel.push(4).catch((error: unknown) => error);
      const sizes = [channel.size];
      const seen = await drain(channel);
      await waiting;
      return [
        seen,
        refused instanceof ChannelClosedError && refused.message.includes("'c'"),
        [...sizes, channel.size],
        await drain(channel),
      ];
    };
    await everywhere(program, [[1, 2, 3], true, [2, 0], []]);
  });

  it('⟲ C49 delivers three pushes of one tick to a consumer that waits', async () => {
    const program: Program = () => async (_, ctx) => {
      const channel = ctx.channel<number>('c');
      const consumer = drain(channel);
      await ctx.sleep(1);
      const pushes = [1, 2, 3].map((i) => channel.push(i));
      await Promise.all(pushes);
      channel.close();
      return consumer;
    };
    await everywhere(program, [1, 2, 3]);
  });

  it('⟲ C50 makes the third push wait for a pull where two have room', async () => {
    const program: Program = () => async (_, ctx) => {
      const channel = ctx.channel<number>('c', { capacity: 2 });
      const done: number[] = [];
      for (const i of [1, 2, 3]) void channel.push(i).then(() => done.push(i));
      await ctx.sleep(1);
      const before = [...done];
      const first = await channel[Symbol.asyncIterator]().next();
      await ctx.sleep(1);
      return [before, first.value, done, channel.size];
    };
    await everywhere(program, [[1, 2], 1, [1, 2, 3], 2]);
  });

  it('⟲ fails: what was pushed is handed over, then each consumer gets the error', async () => {
    const program: Program = () => async (_, ctx) => {
      const channel = ctx.channel<number>('c', { capacity: 1 });
      const starving = ctx.channel<number>('d');
      await channel.push(1);
      const waiting = channel.push(2).catch(brief);
      const first = drain(starving);
      const second = drain(starving);
      channel.fail(new Error('broken'));
      starving.fail(new Error('empty'));
      return [await drain(channel), await waiting, await first, await second, await drain(channel)];
    };
    await everywhere(program, [
      [1, { threw: 'Error: broken' }],
      'ChannelClosedError',
      [{ threw: 'Error: empty' }],
      [{ threw: 'Error: empty' }],
      [{ threw: 'Error: broken' }],
    ]);
  });

  it('⟲ several consumers share the items, first come first served', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const channel = ctx.channel<number>('c', { capacity: 1 });
      const worker = (name: string) => async (): Promise<string[]> => {
        const mine: string[] = [];
        for await (const i of channel) mine.push(String(await ctx.task(stage.step, t(10, `${name}${i}`))));
        return mine;
      };
      const [a, b] = await ctx.parallel.all([
        worker('a'),
        worker('b'),
        async () => {
          for (let i = 0; i < 6; i += 1) await channel.push(i);
          channel.close();
        },
      ]);
      return [a.length, b.length, [...a, ...b].map((text) => text.slice(1)).toSorted()];
    };
    await everywhere(program, [3, 3, ['0', '1', '2', '3', '4', '5']]);
  });

  it('⟲ a branch that lost waits no more, and gets nothing', async () => {
    const program: Program = () => async (_, ctx) => {
      const channel = ctx.channel<number>('c', { capacity: 1 });
      const lost: unknown[] = [];
      const winner = await ctx.parallel.race([
        () => ctx.sleep(10).then(() => 'timer'),
        async () => {
          try {
            for await (const item of channel) lost.push(item);
          } catch (error) {
            lost.push(brief(error));
          }
        },
      ]);
      const [seen] = await ctx.parallel.all([
        () => drain(channel),
        async () => {
          await channel.push(1);
          await ctx.sleep(1);
          channel.close();
        },
      ]);
      return [winner, lost, seen];
    };
    await everywhere(program, ['timer', ['CancelledError'], [1]], { depth: 2 });
  });
});

describe('a channel that nobody feeds', () => {
  const place = /channels\.test\.ts:\d+:\d+/;

  it('leaves the run as stalled, with the waits and their places', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      await ctx.task(stage.step, t(10));
      return drain(ctx.channel('orphan'));
    };
    const { told } = await perform(program, { stallMs: 1000 });
    const { error } = told as { readonly error: Error & { code?: string } };
    expect(error.code).toBe('STALLED');
    expect(error.message).toContain("channel 'orphan'");
    expect(error.message).toMatch(place);
  });

  it('counts pushes that wait for room', async () => {
    const program: Program = () => async (_, ctx) => {
      const channel = ctx.channel<number>('full', { capacity: 1 });
      await channel.push(1);
      await channel.push(2);
    };
    const { told } = await perform(program, { stallMs: 1000 });
    expect(told).toMatchObject({ error: { code: 'STALLED' } });
    expect((told as { error: Error }).error.message).toMatch(/push to channel 'full'/);
  });

  it('is no stall while anything else can go on', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const channel = ctx.channel<number>('late');
      const consumer = drain(channel);
      await ctx.sleep(100_000);
      await channel.push(1);
      await ctx.task(stage.step, t(100_000));
      channel.close();
      return consumer;
    };
    expect((await perform(program, { stallMs: 1000 })).value).toEqual([1]);
  });

  it('is no stall where something outside ctx feeds it in time', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      const channel = ctx.channel<number>('outside');
      const feed = async (): Promise<void> => {
        await new Promise<void>((resolve) => {
          stage.later(500, resolve);
        });
        await channel.push(1);
        channel.close();
      };
      void feed();
      return drain(channel);
    };
    expect((await perform(program, { stallMs: 1000 })).value).toEqual([1]);
  });
});
