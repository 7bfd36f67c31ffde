import { describe, expect, it } from 'vitest';
import { grant, placed, type PoolState } from './pool-object.ts';

const asks = (holder: string, cost: number, priority = 0) => ({
  holder,
  awakeable: `of ${holder}`,
  limits: { slots: 3 },
  cost: { slots: cost },
  priority,
});

function waiting(...each: readonly ReturnType<typeof asks>[]): PoolState['waiting'] {
  let all: PoolState['waiting'] = [];
  for (const ask of each) all = placed(all, ask);
  return all;
}

describe('slots of a pool', () => {
  it.each<[string, PoolState['held'], PoolState['waiting'], readonly string[]]>([
    [
      'as many as there are',
      {},
      waiting(asks('a', 1), asks('b', 1), asks('c', 1), asks('d', 1)),
      ['a', 'b', 'c'],
    ],
    ['what is free beside what is held', { x: { slots: 2 } }, waiting(asks('a', 1), asks('b', 1)), ['a']],
    [
      'whoever waits in front holds up the others',
      { x: { slots: 2 } },
      waiting(asks('a', 2), asks('b', 1)),
      [],
    ],
    [
      'priority first, then who came first',
      { x: { slots: 1 } },
      waiting(asks('a', 1), asks('b', 1), asks('c', 1, 5)),
      ['c', 'a'],
    ],
    ['more than all there is, alone', {}, waiting(asks('a', 4), asks('b', 1)), ['a']],
    ['and not beside another', { x: { slots: 1 } }, waiting(asks('a', 4)), []],
    ['what nobody limits', { x: { slots: 3 } }, [{ ...asks('a', 1), cost: { memory: 9 } }], ['a']],
  ])('%s', (_, held, queue, expected) => {
    const { granted, left } = grant({ limits: { slots: 3 }, held, waiting: queue });
    expect(granted.map(({ holder }) => holder)).toEqual(expected);
    expect(Object.keys(left.held)).toEqual([...Object.keys(held), ...expected]);
    expect(left.waiting).toEqual(queue.filter(({ holder }) => !expected.includes(holder)));
  });
});
