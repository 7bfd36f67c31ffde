import { describe, expect, it } from 'vitest';
import { Turns, type FeedStatus } from './turns.ts';

type Row = readonly [
  mode: ConstructorParameters<typeof Turns>[0],
  looks: readonly string[],
  turns: readonly (number | undefined)[],
];

const STATUS: Readonly<Record<string, FeedStatus>> = { r: 'ready', w: 'waiting', '-': 'ended' };

/** One look at the sources for each turn: r is ready, w waits, - has ended. */
const table: readonly Row[] = [
  ['race', ['rrr', 'rrr', 'rrr', 'rrr'], [0, 1, 2, 0]],
  ['race', ['rww', 'rww', 'rwr', 'rww'], [0, 0, 2, 0]],
  ['race', ['ww', '-w', '--', ''], [undefined, undefined, undefined, undefined]],
  ['roundRobin', ['wr', 'rr', 'rw', 'rr', 'rr'], [undefined, 0, undefined, 1, 0]],
  ['roundRobin', ['rrr', 'r-r', 'r-r', '--r'], [0, 2, 0, 2]],
  ['raceRobin', ['wr', 'wr', 'rr', 'rr', 'wr'], [1, undefined, 0, 1, undefined]],
  ['raceRobin', ['rw', 'rw', 'r-', 'r-'], [0, undefined, 0, 0]],
  ['concat', ['wr', 'rr', '-r', '--'], [undefined, 0, 1, undefined]],
];

describe('whose turn it is', () => {
  it.each(table)('%s over %j', (mode, looks, expected) => {
    const turns = new Turns(mode);
    const taken = looks.map((look) =>
      turns.take([...look].map((sign) => ({ status: STATUS[sign] ?? 'ended' }))),
    );
    expect(taken).toEqual(expected);
  });
});
