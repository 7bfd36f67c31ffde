import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Recorded } from '../../src/journal/event.ts';
import { seededEntropy } from '../../src/testing.ts';
import { effectsOf, freshFolder, inspect, Program, settledIn, TORTURE } from './program.fixture.ts';

const ITEMS = TORTURE ? 20_000 : 1200;
const INPUTS = { items: ITEMS };
/** So few that the journal is compacted over and over. */
const LIMITS = { compactRows: 100 };

const total = (count: number): { sum: number; items: number } => ({
  sum: (count * (count - 1)) / 2,
  items: count,
});

/** Whether the call of an item is done: it is settled, or a mark stands for it. */
function doneIn(events: readonly Recorded[]): (key: string) => boolean {
  const settled = settledIn(events);
  const marks = new Map<string, number>();
  for (const { event } of events) if (event.type === 'Folded') marks.set(event.key, event.n);
  return (key) => {
    const [, reduce, item] = /^(.+)\/(\d+)\/0$/.exec(key) ?? [];
    return settled.has(key) || Number(item ?? Infinity) < (marks.get(reduce ?? '') ?? 0);
  };
}

describe('a program that folds a journal which is compacted as it goes', () => {
  it.each(['folds', 'foldsSources'])(
    `%s over ${ITEMS} items, killed at random moments: loses nothing and repeats nothing that was done`,
    { timeout: TORTURE ? 3_600_000 : 120_000 },
    async (name) => {
      const { random } = seededEntropy(7);
      const folder = freshFolder();
      const [path, effects] = [join(folder, 'journal.db'), join(folder, 'effects')];
      let kills = 0;
      let compacted = 0;
      for (;;) {
        const program = new Program('runner-main.fixture.ts');
        program.send('open', { path, limits: LIMITS, durability: 'normal' }, effects);
        program.send('leaveAtEnd');
        program.send('start', name, INPUTS, 'r');
        const many = 40 + Math.floor((random() * ITEMS) / 4);
        let seen = 0;
        const line = await program.until(
          ({ at }) => at === 'end' || (at === 'started' && (seen += 1) >= many),
        );
        if (line.at === 'end') {
          expect(line['value'], program.tail()).toEqual([total(ITEMS), total(ITEMS / 2), 20]);
          expect(await program.ended, program.tail()).toEqual({ code: 0, signal: null });
          break;
        }
        await program.kill();
        kills += 1;
        const { events, damage } = inspect(path);
        expect(damage).toEqual([]);
        compacted += events.filter(({ event }) => event.type === 'Compacted').length;
        const before = effectsOf(effects).length;
        const isDone = doneIn(events);
        const again = new Program('runner-main.fixture.ts');
        again.send('open', { path, limits: LIMITS, durability: 'normal' }, effects);
        again.send('start', name, INPUTS, 'r');
        let resumed = 0;
        await again.until(({ at }) => at === 'end' || (at === 'started' && (resumed += 1) >= 30));
        await again.kill();
        const repeated = effectsOf(effects)
          .slice(before)
          .filter(({ key }) => isDone(key));
        expect(repeated, again.tail()).toEqual([]);
      }
      expect(kills).toBeGreaterThan(2);
      expect(compacted).toBeGreaterThan(0);
      const { events, damage } = inspect(path);
      expect(damage).toEqual([]);
      // All steps beside it are there, and next to nothing of the items.
      expect(events.length).toBeLessThan(ITEMS);
      const items = events.filter(({ event }) => event.type === 'ItemRecorded');
      expect(items.length).toBeLessThan(3 * LIMITS.compactRows);
      console.info(`${kills} kills, ${events.length} events left of ${events.at(-1)?.seq ?? 0}`);
    },
  );
});
