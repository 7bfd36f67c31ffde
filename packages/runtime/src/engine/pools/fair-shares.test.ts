import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fairShares, sharesInUnits } from './fair-shares.ts';

const amounts = (record: Record<string, number>): ReadonlyMap<string, number> =>
  new Map(Object.entries(record));

describe('fairShares', () => {
  it.each([
    ['nobody', 10, [], []],
    ['one', 10, [[20, 1]], [10]],
    ['one that wants little', 10, [[3, 1]], [3]],
    [
      'equals',
      30,
      [
        [14, 1],
        [14, 1],
        [14, 1],
      ],
      [10, 10, 10],
    ],
    [
      'one that wants little beside two that want all',
      10,
      [
        [2, 1],
        [9, 1],
        [9, 1],
      ],
      [2, 4, 4],
    ],
    [
      'weights',
      8,
      [
        [8, 2],
        [8, 1],
        [8, 1],
      ],
      [4, 2, 2],
    ],
    [
      'weights, and what one does not want',
      9,
      [
        [3, 2],
        [9, 1],
        [9, 2],
      ],
      [3, 2, 4],
    ],
    [
      'no limit',
      Infinity,
      [
        [5, 1],
        [7, 3],
      ],
      [5, 7],
    ],
  ] as [string, number, [number, number][], number[]][])('%s', (_, limit, claims, expected) => {
    expect(
      fairShares(
        limit,
        claims.map(([demand, weight]) => ({ demand, weight })),
      ),
    ).toEqual(expected);
  });

  const claimants = fc.array(fc.record({ demand: fc.nat(50), weight: fc.integer({ min: 1, max: 5 }) }), {
    minLength: 1,
    maxLength: 8,
  });

  it('is max-min fair: who has less than it wants has as much for its weight as anybody', () => {
    fc.assert(
      fc.property(fc.nat(100), claimants, (limit, claims) => {
        const shares = fairShares(limit, claims);
        const sum = shares.reduce((total, share) => total + share, 0);
        const wanted = claims.reduce((total, { demand }) => total + demand, 0);
        // Work-conserving, and never more than there is.
        expect(sum).toBeCloseTo(Math.min(limit, wanted));
        const most = Math.max(...shares.map((share, i) => share / (claims[i]?.weight ?? 1)));
        for (const [i, share] of shares.entries()) {
          const { demand, weight } = claims[i] ?? expect.fail();
          expect(share).toBeLessThanOrEqual(demand + 1e-9);
          if (share < demand - 1e-9) expect(share / weight).toBeCloseTo(most);
        }
      }),
    );
  });
});

describe('sharesInUnits', () => {
  const claim = (
    demand: number,
    unit: number,
    servedAt = 0,
  ): Parameters<typeof sharesInUnits>[1][number] => ({
    demand: amounts({ slots: demand }),
    unit: amounts({ slots: unit }),
    weight: 1,
    servedAt,
  });
  const slots = (limit: number, ...claims: ReturnType<typeof claim>[]): number[] =>
    sharesInUnits(amounts({ slots: limit }), claims).map((share) => share.get('slots') ?? 0);

  it('gives no part of a piece: half of what each needs would start nothing', () => {
    expect(slots(2, claim(2, 2, 5), claim(2, 2, 1))).toEqual([0, 2]);
  });

  it('gives what is left over to who was served longest ago', () => {
    expect(slots(1, claim(9, 1, 5), claim(9, 1, 1), claim(9, 1, 7))).toEqual([0, 1, 0]);
    expect(slots(10, claim(9, 1, 5), claim(9, 1, 1), claim(9, 1, 7))).toEqual([3, 4, 3]);
  });

  it('leaves nothing idle that somebody can use', () => {
    expect(slots(5, claim(4, 4, 1), claim(9, 1, 2))).toEqual([4, 1]);
    expect(slots(5, claim(4, 4, 3), claim(9, 1, 2))).toEqual([4, 1]);
  });

  it('lets one have a piece that is larger than what is fair, in turn', () => {
    expect(slots(4, claim(4, 4, 1), claim(9, 1, 2))).toEqual([4, 0]);
    expect(slots(4, claim(4, 4, 3), claim(9, 1, 2))).toEqual([0, 4]);
  });

  it('is quick where there are many pieces', () => {
    expect(slots(1_000_000, claim(900_000, 1, 1), claim(900_000, 2, 2))).toEqual([500_000, 500_000]);
  });

  it('comes to an end where a piece is nothing, or lost in the sum', () => {
    expect(slots(2, claim(1, 0, 1), claim(1, 1, 2))).toEqual([0, 1]);
    expect(slots(2, claim(1, 1e-17, 1), claim(1, 1, 2))).toEqual([0, 1]);
    expect(slots(1e17, claim(9e16, 1, 1))[0]).toBeGreaterThan(8e16);
  });

  it('counts every resource of a piece', () => {
    const [a, b] = sharesInUnits(amounts({ gpu: 2, cpu: 8 }), [
      { demand: amounts({ gpu: 4, cpu: 4 }), unit: amounts({ gpu: 2, cpu: 2 }), weight: 1, servedAt: 1 },
      { demand: amounts({ cpu: 9 }), unit: amounts({ cpu: 1 }), weight: 1, servedAt: 2 },
    ]);
    expect([a?.get('gpu'), a?.get('cpu'), b?.get('cpu')]).toEqual([2, 2, 6]);
  });

  it('never more than there is, and whole pieces only, whoever asks', () => {
    const any = fc.record({
      demand: fc.nat(30).map((demand) => amounts({ slots: demand })),
      unit: fc.integer({ min: 1, max: 4 }).map((unit) => amounts({ slots: unit })),
      weight: fc.integer({ min: 1, max: 4 }),
      servedAt: fc.nat(5),
    });
    fc.assert(
      fc.property(fc.nat(40), fc.array(any, { minLength: 1, maxLength: 6 }), (limit, claims) => {
        const shares = sharesInUnits(amounts({ slots: limit }), claims).map(
          (share) => share.get('slots') ?? 0,
        );
        const sum = shares.reduce((total, share) => total + share, 0);
        expect(sum).toBeLessThanOrEqual(limit);
        for (const [i, share] of shares.entries()) {
          const unit = claims[i]?.unit.get('slots') ?? 1;
          const demand = claims[i]?.demand.get('slots') ?? 0;
          expect(share).toBeLessThanOrEqual(demand);
          expect(share % unit).toBe(0);
          // Whoever could still use a piece finds less than that left.
          if (demand - share >= unit) expect(limit - sum).toBeLessThan(unit);
        }
      }),
    );
  });
});
