import { expect, test } from 'vitest';

import { compareReports } from './compare.ts';
import type { Report, SubjectReport } from './report.ts';
import { spreadOf, type Spread } from './spread.ts';

const MACHINE = {
  cpu: 'one',
  cores: 2,
  memoryMiB: 4096,
  os: 'linux',
  node: 'v24',
  sqlite: '3.54',
  fileSystem: 'ef53',
};

function spread(...values: readonly number[]): Spread {
  return spreadOf(values) ?? { median: 0, min: 0, max: 0 };
}

interface Given {
  readonly speed: Spread;
  readonly rows: number;
  readonly figure: Spread;
  readonly raw: Spread;
  readonly cpu: string;
}

const USUAL: Given = {
  speed: spread(90, 100, 110),
  rows: 3002,
  figure: spread(5, 6, 7),
  raw: spread(1000, 1100),
  cpu: 'one',
};

function report(given: Partial<Given> = {}): Report {
  const { speed, rows, figure, raw, cpu } = { ...USUAL, ...given };
  const subject = (
    who: string,
    kind: SubjectReport['kind'],
    of: Spread,
    counts: Record<string, Spread>,
  ): SubjectReport => ({
    who,
    kind,
    durability: '',
    note: '',
    skipped: null,
    speed: of,
    counts,
    samples: [],
  });
  return {
    format: 1,
    at: '2026-11-01T00:00:00.000Z',
    tier: 'standard',
    rounds: 3,
    machine: { ...MACHINE, cpu },
    doubts: [],
    cases: [
      {
        id: 'A',
        title: 'Sequential',
        speed: 'per second',
        subjects: [
          subject('Pawl', 'pawl', speed, { rows: spread(rows), 'RSS, MiB': spread(80, 90) }),
          subject('other', 'peer', speed, {}),
          subject('raw', 'raw', raw, {}),
        ],
        figures: [{ name: 'resume', unit: 'ms', better: 'less', goal: 5, ...figure }],
      },
    ],
  };
}

function worseThan(after: Partial<Given>): string[] {
  return compareReports(report(), report(after)).worse.map(({ what }) => what);
}

test.each<[string, Partial<Given>, readonly string[]]>([
  ['the same', {}, []],
  ['slower within the spreads', { speed: spread(80, 85, 95) }, []],
  ['slower beyond the spreads', { speed: spread(60, 70, 80) }, ['A Sequential: Pawl, per second']],
  ['faster', { speed: spread(160, 170, 180) }, []],
  ['a figure where less is better', { figure: spread(8, 9, 10) }, ['A Sequential: resume']],
  ['one row more in a thousand is no change that is told', { rows: 3003 }, []],
  ['rows that come to a third more', { rows: 4002 }, ['A Sequential: Pawl, rows']],
  ['a slower machine is no slower Pawl', { raw: spread(500, 600) }, []],
  ['on another machine times do not count', { speed: spread(10), figure: spread(90), cpu: 'two' }, []],
  ['but rows do', { rows: 4002, cpu: 'two' }, ['A Sequential: Pawl, rows']],
])('%s', (_, after, worse) => {
  expect(worseThan(after)).toEqual(worse);
});

test('what the machine does otherwise is told beside', () => {
  const { drift, better } = compareReports(
    report(),
    report({ raw: spread(500, 600), speed: spread(200, 210) }),
  );
  expect(drift.map(({ what, worseBy }) => [what, worseBy > 0])).toEqual([
    ['A Sequential: raw, per second', true],
  ]);
  expect(better).toHaveLength(1);
});

test('a spread has the middle of an even number of values', () => {
  expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4 });
  expect(spreadOf([])).toBeUndefined();
});
