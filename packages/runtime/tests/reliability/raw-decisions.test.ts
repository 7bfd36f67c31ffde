import { setTimeout as rawDelay } from 'node:timers/promises';
import type { Process } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../src/testing.ts';
import { journal, Lab, transcript } from '../lab.fixture.ts';

const fails = async (): Promise<never> => {
  await rawDelay(3);
  throw new RangeError('raw');
};
const gives = (): Promise<string> => rawDelay(3, 'raw');
const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Groups that are decided by something outside ctx, with no call of ctx behind it. */
const groups: Readonly<Record<string, (lab: Lab) => Process>> = {
  'a race that a timer wins': (lab) => async (_, ctx) => [
    await ctx.parallel.race([() => ctx.task(lab.work, { ms: 1e6, value: 1 }), gives]),
    await ctx.task(lab.work, { ms: 1, value: 'after' }),
  ],
  'a race that a timer rejects': (lab) => async (_, ctx) => [
    await ctx.parallel.race([() => ctx.task(lab.work, { ms: 1e6, value: 1 }), fails]).catch(message),
    await ctx.task(lab.work, { ms: 1, value: 'after' }),
  ],
  'an all that a timer rejects': (lab) => (_, ctx) =>
    ctx.parallel.all([() => ctx.task(lab.work, { ms: 1e6, value: 1 }), fails]).catch(message),
  'an any that a timer decides': (lab) => (_, ctx) =>
    ctx.parallel.any([() => ctx.task(lab.work, { ms: 1e6, value: 1 }), fails, gives]),
  'groups of timers only': () => async (_, ctx) => [
    await ctx.parallel.allSettled([gives, fails]).then((entries) => entries.map(({ status }) => status)),
    await ctx.parallel.map([1, 2, 3], gives, { concurrency: 2 }),
    await ctx.parallel.any([fails, fails]).catch((error: AggregateError) => error.errors.map(message)),
  ],
};

describe.each(Object.entries(groups))('%s', (_, make) => {
  it('is decided again on replay as soon as the timer fires, at every prefix', async () => {
    const lab = new Lab();
    const store = new MemoryStore();
    const expected = await lab.drive(store, make(lab));
    expect(expected).toHaveProperty('value');
    const events = journal(store);
    for (let seq = 1; seq <= events.length; seq += 1) {
      const prefix = store.prefix('r', seq);
      const after = Lab.at(events[seq - 1]?.at ?? 0);
      expect(await after.drive(prefix, make(after)), transcript(store).join('\n')).toEqual(expected);
      // Nothing waited for the bound of a stall: a thirtieth of 1e9 ms, and a real half minute by default.
      expect(after.clock.monotonic(), transcript(store)[seq - 1]).toBeLessThan(1e9 / 30);

      const again = Lab.at(events[seq - 1]?.at ?? 0);
      await using runtime = await again.open(prefix);
      const stop = again.clock.run(() => runtime.isIdle);
      expect(await runtime.replay('r', make(again))).toMatchObject({ reached: 'end' });
      stop();
      expect(again.clock.monotonic(), transcript(store)[seq - 1]).toBeLessThan(1e9 / 30);
    }
  });
});
