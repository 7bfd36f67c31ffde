import { defineProcess, type Context } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { dueFirings } from '../../src/engine/schedules.ts';
import { firstFiring } from '../../src/engine/cron.ts';
import type { ScheduleOptions } from '../../src/index.ts';
import { Floor } from './bench.fixture.ts';

/* Starts that come again and again: each firing is one run, made of schedule and time. */

const tick = defineProcess({ name: 'tick', run: async (input: unknown) => input });
const slow = defineProcess({ name: 'slow', run: async (_: unknown, ctx: Context) => ctx.receive('end') });

/** The ids of all runs, the oldest first. */
const runs = (floor: Floor): string[] =>
  floor.store
    .queryRuns({ limit: 999 }, floor.clock.now())
    .map(({ runId }) => runId)
    .toReversed();

describe('a schedule', () => {
  it('fires at its times, once each, however many workers there are', async () => {
    const floor = new Floor(Date.UTC(2026, 10, 27, 8, 59, 50));
    const { runtime } = await floor.worker([tick]);
    for (let i = 0; i < 3; i += 1) await floor.worker([tick]);
    await runtime.schedules.add(tick, { a: 1 }, { cron: '* * * * *', name: 'every-minute' });
    await floor.clock.advance(130_000);
    expect(runs(floor)).toEqual([
      'every-minute@2026-11-27T09:00:00Z',
      'every-minute@2026-11-27T09:01:00Z',
      'every-minute@2026-11-27T09:02:00Z',
    ]);
    const { at, event } = floor.store.read('every-minute@2026-11-27T09:01:00Z', 0, 1)[0] ?? expect.fail();
    expect(event).toMatchObject({ type: 'RunStarted', inputs: { a: 1 }, process: 'tick' });
    expect(at - Date.UTC(2026, 10, 27, 9, 1)).toBeLessThan(1000);
    expect(runtime.schedules.list()).toMatchObject([
      { name: 'every-minute', zone: 'UTC', nextAt: Date.UTC(2026, 10, 27, 9, 3) },
    ]);
  });

  it('is paused, and goes on with its next time; is removed, and is gone', async () => {
    const floor = new Floor(Date.UTC(2026, 0, 1));
    const { runtime } = await floor.worker([tick]);
    await runtime.schedules.add(tick, null, { cron: '* * * * *', missed: 'all' });
    await floor.clock.advance(61_000);
    runtime.schedules.pause('tick');
    await floor.clock.advance(180_000);
    expect(runs(floor)).toEqual(['tick@2026-01-01T00:01:00Z']);
    runtime.schedules.resume('tick');
    await floor.clock.advance(60_000);
    expect(runs(floor)).toEqual(['tick@2026-01-01T00:01:00Z', 'tick@2026-01-01T00:05:00Z']);
    runtime.schedules.remove('tick');
    await floor.clock.advance(180_000);
    expect(runs(floor)).toHaveLength(2);
    for (const act of ['remove', 'pause', 'resume'] as const)
      expect(() => runtime.schedules[act]('tick')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  });

  it('has a name of its own, and takes the place of another only where that is said', async () => {
    const floor = new Floor();
    const runtime = await floor.open([]);
    await runtime.schedules.add(tick, 1, { cron: '0 9 * * *' });
    const again = async (): Promise<unknown> => runtime.schedules.add(tick, 2, { cron: '0 10 * * *' });
    await expect(again).rejects.toMatchObject({ code: 'REFUSED' });
    await runtime.schedules.add(tick, 2, { cron: '0 10 * * *', replace: true });
    expect(runtime.schedules.list()).toMatchObject([{ cron: '0 10 * * *', inputs: 2 }]);
  });

  it.each<[string, object]>([
    ['cron', { cron: 'x' }],
    ['cron', { cron: '61 * * * *' }],
    ['cron', { cron: '2026-12-01T00:00:00' }],
    ['cron', { cron: '0 0 30 2 *' }],
    ['cron', { cron: '0 '.repeat(500) }],
    ['cron', { cron: null }],
    ['zone', { cron: '0 9 * * *', zone: 'Mars/Base' }],
    ['zone', { cron: '0 9 * * *', zone: 7 }],
    ['name', { cron: '0 9 * * *', name: '../x' }],
    ['missed', { cron: '0 9 * * *', missed: 'some' }],
    ['overlap', { cron: '0 9 * * *', overlap: 'x' }],
    ['tz', { cron: '0 9 * * *', tz: 'UTC' }],
  ])('refuses a bad %s at the call: %j', async (option, options) => {
    const floor = new Floor();
    const runtime = await floor.open([]);
    expect(() => runtime.schedules.add(tick, 1, options as ScheduleOptions)).toThrow(
      expect.objectContaining({ option }),
    );
    expect(runtime.schedules.list()).toEqual([]);
  });
});

describe('firings that nobody was there for', () => {
  it.each([
    ['skip', ['tick@2026-01-01T03:30:00Z']],
    ['one', ['tick@2026-01-01T03:00:00Z', 'tick@2026-01-01T03:30:00Z']],
    [
      'all',
      ['00:30', '01:00', '01:30', '02:00', '02:30', '03:00', '03:30'].map(
        (time) => `tick@2026-01-01T${time}:00Z`,
      ),
    ],
  ] as const)('%s', async (missed, expected) => {
    const floor = new Floor(Date.UTC(2026, 0, 1));
    const runtime = await floor.open([]);
    await runtime.schedules.add(tick, null, { cron: '*/30 * * * *', missed });
    await runtime.close();
    floor.clock.jumpWall(3.25 * 3_600_000);
    await floor.worker([tick]);
    await floor.clock.advance(1000);
    expect(runs(floor)).toEqual(expected.slice(0, -1));
    floor.clock.jumpWall(0.25 * 3_600_000 - 5000);
    await floor.clock.advance(5000);
    expect(runs(floor)).toEqual(expected);
  });

  it('a great many of them are made up for bit by bit', () => {
    const cron = { cron: '* * * * * *', zone: 'UTC', nextAt: 0 } as const;
    const all = dueFirings({ ...cron, missed: 'all' }, 1e9);
    expect([all.due.length, all.due[99], all.next]).toEqual([100, 99_000, 100_000]);
    expect(dueFirings({ ...cron, missed: 'one' }, 1e9 + 5)).toEqual({ due: [1e9], next: 1e9 + 1000 });
    const skip = dueFirings({ ...cron, missed: 'skip' }, 1e9);
    expect([skip.due[0], skip.due.length, skip.next]).toEqual([1e9 - 60_000, 61, 1e9 + 1000]);
  });
});

describe('a firing while an earlier one is there', () => {
  it.each([
    ['allow', 3],
    ['skip', 1],
    ['queue', 1],
  ] as const)('%s', async (overlap, atOnce) => {
    const floor = new Floor(Date.UTC(2026, 0, 1));
    const { runtime } = await floor.worker([slow]);
    await runtime.schedules.add(slow, null, { cron: '* * * * *', overlap });
    await floor.clock.advance(185_000);
    expect(runs(floor)).toHaveLength(atOnce);
    await runtime.send('slow@2026-01-01T00:01:00Z', 'end', 1);
    await floor.clock.advance(2000);
    // Only what was queued comes after it.
    const second = { allow: '00:02', skip: undefined, queue: '00:02' }[overlap];
    expect(runs(floor)[1]).toBe(second === undefined ? undefined : `slow@2026-01-01T${second}:00Z`);
    await floor.clock.advance(55_000);
    const fourth = runs(floor).includes('slow@2026-01-01T00:04:00Z');
    expect(fourth).toBe(overlap !== 'queue');
  });
});

describe('where clocks change', () => {
  /** Local times of a zone. */
  const local = (at: number, timeZone: string): string =>
    new Intl.DateTimeFormat('sv', {
      timeZone,
      dateStyle: 'short',
      timeStyle: 'short',
    }).format(at);
  const firings = (cron: string, zone: string, from: number, to: number): string[] => {
    const times: string[] = [];
    let nextAt = firstFiring(cron, zone, from);
    while (nextAt <= to) {
      const { due, next } = dueFirings({ cron, zone, missed: 'all', nextAt }, nextAt);
      times.push(...due.map((at) => `${local(at, zone)} ${new Date(at).toISOString().slice(11, 16)}Z`));
      nextAt = next;
    }
    return times;
  };
  const SPRING = [Date.UTC(2026, 2, 28, 22), Date.UTC(2026, 2, 29, 22)] as const;
  const AUTUMN = [Date.UTC(2026, 9, 24, 22), Date.UTC(2026, 9, 25, 22)] as const;

  it('a time that is skipped is made up for right after the gap', () => {
    expect(firings('30 2 * * *', 'Europe/Berlin', ...SPRING)).toEqual(['2026-03-29 03:00 01:00Z']);
    expect(firings('0 9 * * *', 'Europe/Berlin', ...SPRING)).toEqual(['2026-03-29 09:00 07:00Z']);
  });

  it('a time that comes twice fires once, the first time', () => {
    expect(firings('30 2 * * *', 'Europe/Berlin', ...AUTUMN)).toEqual(['2026-10-25 02:30 00:30Z']);
    expect(firings('0 9 * * *', 'Europe/Berlin', ...AUTUMN)).toEqual(['2026-10-25 09:00 08:00Z']);
  });

  it('what recurs within the day goes on through both', () => {
    const through = ([from]: readonly [number, number]): string[] =>
      firings('0 * * * *', 'Europe/Berlin', from + 1, from + 4 * 3_600_000);
    expect(through(SPRING)).toEqual([
      '2026-03-29 00:00 23:00Z',
      '2026-03-29 01:00 00:00Z',
      '2026-03-29 03:00 01:00Z',
      '2026-03-29 04:00 02:00Z',
    ]);
    expect(through(AUTUMN)).toEqual([
      '2026-10-25 01:00 23:00Z',
      '2026-10-25 02:00 00:00Z',
      '2026-10-25 02:00 01:00Z',
      '2026-10-25 03:00 02:00Z',
    ]);
  });

  it.each([
    ['the gap', Date.UTC(2026, 2, 29, 0, 59, 50), 'tick@2026-03-29T01:00:00Z'],
    ['the repeated hour', Date.UTC(2026, 9, 25, 0, 29, 50), 'tick@2026-10-25T00:30:00Z'],
  ])('a worker fires once through %s', async (_, start, id) => {
    const floor = new Floor(start);
    const { runtime } = await floor.worker([tick]);
    await runtime.schedules.add(tick, null, { cron: '30 2 * * *', zone: 'Europe/Berlin' });
    await floor.clock.advance(15_000);
    floor.clock.jumpWall(3_600_000);
    await floor.clock.advance(1000);
    floor.clock.jumpWall(3_600_000);
    await floor.clock.advance(1000);
    expect(runs(floor)).toEqual([id]);
  });
});
