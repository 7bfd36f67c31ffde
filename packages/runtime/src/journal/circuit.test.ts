import { describe, expect, it } from 'vitest';
import {
  admission,
  afterClaim,
  afterNote,
  UNTRIED,
  type Admission,
  type Circuit,
  type CircuitNote,
} from './circuit.ts';

const plan = { name: 'bank', threshold: 2, openForMs: 100, halfOpen: 1 };
const open: Circuit = { generation: 1, failures: 0, openedAt: 1000, trials: [] };
const trying: Circuit = { ...open, trials: [{ holder: 'a', since: 1100, ttlMs: 500 }] };

const note = (outcome: CircuitNote['outcome'], generation: number, holder = 'a'): CircuitNote => ({
  kind: 'circuit',
  seq: 1,
  at: 2000,
  plan,
  generation,
  holder,
  outcome,
});

describe('admission', () => {
  it.each<[string, Circuit, number, Admission]>([
    ['a circuit that nothing was told', UNTRIED, 0, 'pass'],
    ['one with fewer failures than the threshold', { ...UNTRIED, failures: 1 }, 0, 'pass'],
    ['an open one, at once', open, 1000, 'refuse'],
    ['an open one, until the end', open, 1099, 'refuse'],
    ['an open one, at the end', open, 1100, 'try'],
    ['an open one whose time was set back', open, 900, 'try'],
    ['one that another call tries', trying, 1200, 'refuse'],
    ['one whose trial gave no sign for its time', trying, 1600, 'try'],
    ['one whose trial began in what is the future now', trying, 1099, 'refuse'],
  ])('%s', (_, circuit, now, expected) => {
    expect(admission(circuit, plan, 'b', now)).toBe(expected);
  });

  it('a trial that asks again has its place already', () => {
    expect(admission(trying, plan, 'a', 1200)).toBe('pass');
  });

  it('as many trials as the plan says', () => {
    expect(admission(trying, { ...plan, halfOpen: 2 }, 'b', 1200)).toBe('try');
  });
});

describe('a claim', () => {
  const claim = { plan, holder: 'b', ttlMs: 500 };
  it('takes a place, and forgets trials that gave no sign', () => {
    expect(afterClaim(open, { ...claim, now: 1100 })?.trials).toEqual([
      { holder: 'b', since: 1100, ttlMs: 500 },
    ]);
    expect(afterClaim(trying, { ...claim, now: 1700 })?.trials).toEqual([
      { holder: 'b', since: 1700, ttlMs: 500 },
    ]);
  });

  it('of a closed circuit changes nothing, and of one that others try gets nothing', () => {
    expect(afterClaim(UNTRIED, { ...claim, now: 0 })).toBe(UNTRIED);
    expect(afterClaim(trying, { ...claim, now: 1200 })).toBeUndefined();
    expect(afterClaim(open, { ...claim, now: 1000 })).toBeUndefined();
  });
});

describe('a note', () => {
  it.each<[string, Circuit, CircuitNote, Circuit]>([
    ['the first failure is counted', UNTRIED, note('failed', 0), { ...UNTRIED, failures: 1 }],
    [
      'the failure at the threshold opens, in a new generation',
      { ...UNTRIED, failures: 1 },
      note('failed', 0),
      { generation: 1, failures: 0, openedAt: 2000, trials: [] },
    ],
    ['a success ends the row of failures', { ...UNTRIED, failures: 1 }, note('succeeded', 0), UNTRIED],
    ['a trial that succeeds closes', trying, note('succeeded', 1), { ...open, openedAt: null }],
    [
      'a trial that fails opens again, in a new generation',
      trying,
      note('failed', 1),
      { generation: 2, failures: 0, openedAt: 2000, trials: [] },
    ],
    ['a trial that was cancelled gives its place back', trying, note('left', 1), open],
    ['a cancelled attempt of a closed circuit is no failure', UNTRIED, note('left', 0), UNTRIED],
    ['a success of an older generation never closes', trying, note('succeeded', 0), trying],
    [
      'a failure of an older generation does not open',
      { ...UNTRIED, generation: 3 },
      note('failed', 2),
      { ...UNTRIED, generation: 3 },
    ],
  ])('%s', (_, circuit, told, expected) => {
    expect(afterNote(circuit, told)).toEqual(expected);
  });
});
