import { expect, test } from 'vitest';

import type { Case } from './case.ts';
import { casesOf } from './cases.ts';
import { reportCase } from './report.ts';
import { isDurable, type Round } from './round.ts';
import type { Sample, Skipped } from './sample.ts';

function sample(ms: number, steps: number, more: Partial<Sample> = {}): Sample {
  return {
    ms,
    steps,
    rssBytes: 2 ** 20,
    diskBytes: null,
    walBytes: null,
    durability: 'synchronous=FULL',
    note: '',
    counts: {},
    ...more,
  };
}

function caseOf(id: string): Case {
  const found = casesOf('standard').find((each) => each.id === id);
  return found ?? expect.fail(`no case ${id}`);
}

function figuresOf(
  id: string,
  results: readonly (readonly [string, Sample | Skipped])[],
): Record<string, number> {
  const round: Round = { results: results.map(([who, result]) => ({ who, result })) };
  const peers = ['fast', 'careless', 'absent'];
  const { figures } = reportCase(caseOf(id), [round], peers);
  return Object.fromEntries(figures.map(({ name, median }) => [name, median]));
}

const RAW = 'raw: an insert a commit, reused log';

test('a share of raw is that of what was measured before and after in the same round', () => {
  const figures = figuresOf('A', [
    [RAW, sample(100, 1000)],
    ['Pawl, warm', sample(200, 1000)],
    [RAW, sample(50, 1000)],
  ]);
  // 5,000 a second of 10,000 and 20,000.
  expect(figures['of raw commits, warm']).toBeCloseTo(1 / 3);
});

test('we are compared with the best peer that keeps what it acknowledged, from a cold start', () => {
  const figures = figuresOf('A', [
    ['Pawl', sample(100, 1000)],
    ['Pawl, warm', sample(10, 1000)],
    ['fast', sample(400, 1000)],
    ['careless', sample(1, 1000, { durability: 'files, no fsync' })],
    ['absent', { skipped: 'no database' }],
  ]);
  expect(figures['times the best durable peer']).toBe(4);
});

test('without peers nothing is said of them', () => {
  expect(figuresOf('A', [['Pawl', sample(100, 1000)]])).not.toHaveProperty('times the best durable peer');
});

test("the engine's time is that of a step less that of the same statements alone", () => {
  const alone = 'SQLite alone, our statements';
  const figures = figuresOf('J', [
    [alone, sample(1, 100, { counts: { cpuMicros: 3000 } })],
    ['Pawl, warm', sample(1, 100, { counts: { cpuMicros: 6000 } })],
    [alone, sample(1, 100, { counts: { cpuMicros: 5000 } })],
  ]);
  expect(figures).toEqual({ 'a step, all of it': 60, "a step, SQLite's own": 30, 'a step, the engine': 20 });
});

test.each([
  ['SQLite WAL, synchronous=FULL', true],
  ['Postgres, fsync and synchronous_commit on', true],
  ['RocksDB, fsync on (one node)', true],
  ['SQLite WAL, synchronous=NORMAL (not power-safe)', false],
  ['files, no fsync', false],
  ['memory only', false],
])('%s: durable %s', (durability, durable) => {
  expect(isDurable({ durability })).toBe(durable);
});

test.each(['quick', 'standard', 'full'] as const)(
  '%s: each subject of a case has a name of its own',
  (tier) => {
    for (const { title, raw, ours } of casesOf(tier)) {
      const names = [...raw, ...ours].map(({ who }) => who);
      expect(new Set(names).size, title).toBe(names.length);
    }
  },
);

test('standard measures every letter of the goals', () => {
  const told = casesOf('standard').flatMap(({ id, figures }) => [id, ...figures.map(({ name }) => name[0])]);
  expect([...'ABCDEFGHIJ'].filter((letter) => !told.includes(letter))).toEqual([]);
});
