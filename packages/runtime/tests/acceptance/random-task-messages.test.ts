import type { Context } from '@pawl/sdk';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { journal, transcript } from '../lab.fixture.ts';
import type { MemoryStore } from '../../src/testing.ts';
import { expectIdle, hearer, send, told, type Said } from './hearer.fixture.ts';
import { replays, Stage, t, watchForLeaks, type Program } from './stage.fixture.ts';

watchForLeaks();

/** One branch: a task that hears, a process that does, or work that is in the way. */
interface Strand {
  readonly kind: 'task' | 'process' | 'work';
  readonly names: readonly string[];
  readonly before: number;
  readonly after: number;
  readonly priority: number;
  readonly failing: number;
}

const anyStrand: fc.Arbitrary<Strand> = fc.record({
  kind: fc.constantFrom('task', 'task', 'process', 'work'),
  names: fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 3 }),
  before: fc.integer({ min: 0, max: 10 }),
  after: fc.integer({ min: 0, max: 10 }),
  priority: fc.integer({ min: 0, max: 1 }),
  failing: fc.constantFrom(0, 0, 0, 1, 2),
});

const hears = ({ kind, names }: Strand): readonly string[] => (kind === 'work' ? [] : names);

const programOf =
  (strands: readonly Strand[]): Program =>
  (stage) =>
  (_, ctx: Context) => {
    const hear = hearer(stage, { pool: 'p', retry: { attempts: 3, delay: 3 } });
    return ctx.parallel.map(strands, async ({ kind, names, priority, ...times }) => {
      if (kind === 'task') return ctx.task(hear, { names, ...times }, { priority });
      if (kind === 'work') return ctx.task(stage.with({ pool: 'p' }), t(times.after), { priority });
      const heard: unknown[] = [];
      for (const name of names) heard.push(await ctx.receive(name));
      return heard;
    });
  };

/** Ids of messages that were taken, by tasks and by the process. */
function takenIn(store: MemoryStore, upTo = Infinity): string[] {
  return journal(store).flatMap(({ seq, event }) =>
    seq <= upTo && (event.type === 'SignalReceived' || event.type === 'TaskSignalReceived')
      ? [event.messageId]
      : [],
  );
}

it('every message is taken once, none is lost, and no limit is exceeded, whenever it comes and crashes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyStrand, { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 2 }),
      fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 18, maxLength: 18 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (strands, slots, times, place) => {
        const program = programOf(strands);
        const names = strands.flatMap(hears);
        /** What is not taken yet is said at its time; of one time, one after the other. */
        const said = (taken: readonly string[]): Said => {
          const byTime = new Map<number, (() => (runtime: Parameters<Said[number]>[0]) => unknown)[]>();
          names.forEach((name, i) => {
            if (taken.includes(`${name} ${i}`)) return;
            const at = times[i] ?? 0;
            byTime.set(at, [...(byTime.get(at) ?? []), () => send(name, i)]);
          });
          return Object.fromEntries(
            Array.from(byTime, ([at, sends]) => [
              at,
              (runtime: Parameters<Said[number]>[0]) => sends.forEach((make) => void make()(runtime)),
            ]),
          );
        };
        const check = async ({ store, stage, pools, value }: Awaited<ReturnType<typeof told>>) => {
          const where = transcript(store).join('\n');
          expect(value, where).toBeInstanceOf(Array);
          expect(takenIn(store).toSorted(), where).toEqual(names.map((name, i) => `${name} ${i}`).toSorted());
          expect(stage.maxParallel, where).toBeLessThanOrEqual(slots);
          expectIdle(pools);
          await replays(store, program, where);
        };
        const options = { pools: { p: slots } };
        const first = await told(program, said([]), options);
        await check(first);
        const events = journal(first.store);
        const seq = 1 + Math.floor(place * (events.length - 1));
        const again = await told(program, said(takenIn(first.store, seq)), {
          store: first.store.prefix('r', seq),
          stage: Stage.at(events[seq - 1]?.at ?? 0),
          ...options,
        });
        expect(transcript(again.store).slice(0, seq)).toEqual(transcript(first.store).slice(0, seq));
        await check(again);
      },
    ),
    { numRuns: 60, seed: 65 },
  );
});
