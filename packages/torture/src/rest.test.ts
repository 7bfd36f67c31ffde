import { describe, expect, test } from 'vitest';

import type { Part } from './part.ts';
import { partsLeft, piecesOf, reachedOf, workOn, type Piece } from './rest.ts';

function part(name: string, rounds: number, share?: number): Part {
  return {
    name,
    what: 'nothing',
    rounds: { ci: rounds, night: rounds },
    ...(share === undefined ? {} : { share }),
    budgetSeconds: { ci: 1, night: 1 },
    floors: {},
    run: () => Promise.resolve(),
  };
}

const PARTS = [part('five', 12, 1 / 5), part('whole', 10), part('half', 10, 1 / 2)];

describe('what the tests leave out', () => {
  test('is of parts that they do in part, and that can be done here', () => {
    const here = [...PARTS, { ...part('no disk', 10, 1 / 5), impossible: () => 'there is no disk' }];
    expect(partsLeft(here).map(({ name }) => name)).toEqual(['five', 'half']);
  });

  test('comes in pieces of all parts in turn, each of another seed, and adds up to the tier', () => {
    expect(piecesOf(partsLeft(PARTS))).toEqual([
      { part: 'five', seed: 9, rounds: 3, mostSeconds: 1 },
      { part: 'half', seed: 9, rounds: 5, mostSeconds: 1 },
      { part: 'five', seed: 10, rounds: 3, mostSeconds: 1 },
      { part: 'five', seed: 11, rounds: 3, mostSeconds: 1 },
    ]);
    expect(piecesOf([part('odd', 11, 1 / 5)]).map(({ rounds }) => rounds)).toEqual([3, 3, 2]);
    expect(piecesOf([])).toEqual([]);
  });

  test('is done to its end where there is time', async () => {
    const reached = await workOn(partsLeft(PARTS), {
      lanes: 2,
      isTimeUp: () => false,
      run: () => Promise.resolve(true),
    });
    expect(reached).toEqual([
      { part: 'five', done: 12, of: 12, failed: 0 },
      { part: 'half', done: 10, of: 10, failed: 0 },
    ]);
  });

  test('is not begun once the time is up, and it is told how far it came', async () => {
    const begun: Piece[] = [];
    const reached = await workOn(partsLeft(PARTS), {
      lanes: 2,
      isTimeUp: () => begun.length >= 2,
      run: (piece) => {
        begun.push(piece);
        return Promise.resolve(piece.part !== 'half');
      },
    });
    expect(begun).toHaveLength(2);
    expect(reachedOf(reached)).toBe(
      [
        'the short tier, with what the tests did:',
        '  five              6 of 12 rounds (the time was up), nothing violated',
        '  half              10 of 10 rounds, 1 of its pieces FAILED',
      ].join('\n'),
    );
  });

  test('is never more at once than there are lanes', async () => {
    let now = 0;
    let most = 0;
    await workOn([part('many', 100, 1 / 50)], {
      lanes: 3,
      isTimeUp: () => false,
      run: async () => {
        now += 1;
        most = Math.max(most, now);
        await Promise.resolve();
        now -= 1;
        return true;
      },
    });
    expect(most).toBe(3);
  });
});
