import type { Context } from '@pawl/sdk';
import { describe, expect, it, test } from 'vitest';
import { z } from 'zod';
import type { Runtime } from '../../src/runtime.ts';
import type { MemoryStore } from '../../src/testing.ts';
import { journal, shape, transcript } from '../lab.fixture.ts';
import { send, told, type Said } from './hearer.fixture.ts';
import { replays, resumeAt, Stage, t, watchForLeaks, type Program } from './stage.fixture.ts';

/* Waits of which only the last message counts, and waits for what may not come. */

watchForLeaks();

const says =
  (...words: readonly unknown[]) =>
  async (runtime: Runtime): Promise<void> => {
    for (const word of words) await send('word', word)(runtime);
  };

const superseded = (store: MemoryStore): readonly (readonly string[])[] =>
  journal(store).flatMap(({ event }) => (event.type === 'SignalsSuperseded' ? [event.messageIds] : []));

describe('the latest', () => {
  /** Works, then takes the newest of what was said meanwhile, three times. */
  const program: Program = (stage) => async (_, ctx: Context) => {
    const heard: unknown[] = [];
    for (let i = 0; i < 3; i += 1) {
      await ctx.task(stage.step, t(50));
      heard.push(await ctx.receive('word', { latest: true }));
    }
    return heard;
  };

  test('⟲ takes the newest message, and the older ones with it, recorded', async () => {
    const said: Said = { 5: says('a', 'b', 'c'), 70: says('d'), 130: says('e'), 140: says('f') };
    const { value, store } = await told(program, said);
    expect(value).toEqual(['c', 'd', 'f']);
    expect(superseded(store)).toEqual([['word a', 'word b'], ['word e']]);
    expect(store.takeInbox('r')).toEqual([]);
    await replays(store, program);
    const events = journal(store);
    for (let seq = 1; seq <= events.length; seq += 1) {
      const known = events.slice(0, seq).flatMap(({ event }) => {
        if (event.type === 'SignalReceived') return [event.messageId];
        return event.type === 'SignalsSuperseded' ? event.messageIds : [];
      });
      const left: Said = {
        1: async (runtime) => {
          for (const word of ['a', 'b', 'c'])
            if (!known.includes(`word ${word}`)) await send('word', word)(runtime);
        },
        70: known.includes('word d') ? () => undefined : says('d'),
        130: known.includes('word f') ? () => undefined : says('e', 'f'),
      };
      const stage = Stage.at(events[seq - 1]?.at ?? 0);
      const again = await told(program, left, { store: store.prefix('r', seq), stage, limits: {} });
      expect(transcript(again.store).slice(0, seq)).toEqual(transcript(store).slice(0, seq));
      expect(again.value, `after a crash at seq ${seq}`).toHaveLength(3);
      expect((again.value as unknown[]).at(-1)).toBe('f');
    }
  });

  test('a message that does not fit is dropped, and supersedes nothing', async () => {
    const numbers: Program = (stage) => async (_, ctx: Context) => {
      await ctx.task(stage.step, t(20));
      return ctx.receive('word', { latest: true, schema: z.number() });
    };
    const { value, stage, store } = await told(numbers, { 5: says(1, 2, 'three') });
    expect(value).toBe(2);
    expect(superseded(store)).toEqual([['word 1']]);
    expect(stage.warnings).toEqual([expect.stringContaining("'word' was dropped")]);
  });

  test('other waits of the name take theirs first, in their order', async () => {
    const mixed: Program = (stage) => async (_, ctx: Context) => {
      await ctx.task(stage.step, t(20));
      return ctx.parallel.all([
        () => ctx.receive('word'),
        () => ctx.receive('word', { latest: true }),
        () => ctx.sleep(50).then(() => ctx.receive('word', { timeout: 10 }).catch(() => 'nothing is left')),
      ]);
    };
    const { value, store } = await told(mixed, { 5: says('a', 'b', 'c') });
    expect(value).toEqual(['a', 'c', 'nothing is left']);
    await replays(store, mixed);
  });

  test('whether it is the latest is no identity of the call', async () => {
    const before: Program = () => (_, ctx: Context) =>
      ctx.receive('word', { timeout: 50 }).catch(() => 'late');
    const after: Program = () => (_, ctx: Context) => ctx.receive('word', { timeout: 50, latest: true });
    const { store } = await told(before, {});
    const { value } = await told(after, { 5: says('a', 'b') }, { store: store.prefix('r', 2) });
    expect(value).toBe('b');
  });
});

describe('waitFor', () => {
  const program: Program = () => async (_, ctx: Context) => [
    await ctx.waitFor<string>('word', { timeout: 100 }),
    await ctx.waitFor<string>('word', { timeout: 100 }),
    await ctx.waitFor<string>('word'),
  ];

  test('⟲ gives what came, or null where its time has passed', async () => {
    const { value, store } = await told(program, { 5: says('a'), 150: says('b') });
    expect(value).toEqual(['a', null, 'b']);
    expect(shape(store)).toContain('SignalTimedOut 1');
    await replays(store, program);
    const timedOut = journal(store).findIndex(({ event }) => event.type === 'SignalTimedOut');
    const again = await told(
      program,
      { 5: says('b') },
      {
        store: store.prefix('r', timedOut + 1),
        stage: Stage.at(journal(store)[timedOut]?.at ?? 0),
      },
    );
    expect(again.value).toEqual(['a', null, 'b']);
  });

  test('is a receive on replay, so that one may become the other', async () => {
    const timed: Program = () => (_, ctx: Context) => ctx.waitFor('word', { timeout: 50 });
    const { store, value } = await told(timed, {});
    expect(value).toBeNull();
    const received: Program = () => (_, ctx: Context) =>
      ctx.receive('word', { timeout: 50 }).catch(() => null);
    await replays(store, received);
    expect((await resumeAt(store, 2, received)).value).toBeNull();
  });

  it.each([
    ['secret', { secret: true }],
    ['latest', { latest: 1 }],
    ['timeout', { timeout: 'soon' }],
  ])('refuses %s as it is given', async (_, options) => {
    const bad: Program = () => async (_inputs, ctx: Context) => {
      try {
        await ctx.waitFor('word', options as never);
        return 'taken';
      } catch (error) {
        return (error as Error).name;
      }
    };
    const { value, store } = await told(bad, {});
    expect([value, shape(store)]).toEqual(['InvalidOptionError', ['RunStarted', 'RunSucceeded']]);
  });
});

describe('early messages', () => {
  test('C58 are kept by name, and taken first in, first out', async () => {
    const program: Program = (stage) => async (_, ctx: Context) => {
      await ctx.task(stage.step, t(20));
      const heard = [await ctx.receive('other'), await ctx.receive('word'), await ctx.receive('word')];
      return [...heard, await ctx.receive('word')];
    };
    const { value, store } = await told(program, {
      1: says('a', 'b'),
      2: send('other', 'x'),
      60: says('c'),
    });
    expect(value).toEqual(['x', 'a', 'b', 'c']);
    await replays(store, program);
  });
});
