import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import { BenchFailure } from './failure.ts';
import { withTables } from './markdown.ts';
import type { Report, SubjectReport } from './report.ts';
import { spreadOf } from './spread.ts';

function subject(who: string, kind: SubjectReport['kind'], durability: string, speed: number): SubjectReport {
  const told = { note: '', skipped: null, counts: {}, samples: [] };
  return { who, kind, durability, speed: spreadOf([speed, speed + 10]) ?? null, ...told };
}

const REPORT: Report = {
  format: 1,
  at: '2026-11-01T00:00:00.000Z',
  tier: 'standard',
  rounds: 2,
  machine: {
    cpu: 'some CPU',
    cores: 2,
    memoryMiB: 4096,
    os: 'linux',
    node: 'v24',
    sqlite: '3.54',
    fileSystem: 'ef53',
  },
  doubts: ['It was busy.'],
  cases: [
    {
      id: 'raw',
      title: 'The machine',
      speed: 'per second',
      subjects: [subject('raw: commits', 'raw', '', 2000)],
      figures: [],
    },
    {
      id: 'A',
      title: 'Sequential',
      speed: 'per second',
      subjects: [
        subject('Pawl', 'pawl', 'synchronous=FULL', 1000),
        subject('Pawl, warm', 'pawl', 'synchronous=FULL', 1500),
        subject('other', 'peer', 'never fsyncs', 200),
      ],
      figures: [
        { name: 'steps', unit: '/s', better: 'more', goal: 900, median: 1005, min: 1000, max: 1010 },
        { name: 'alone', unit: 'ms', better: 'less', goal: null, median: 2, min: 2, max: 2 },
      ],
    },
  ],
};

const PAGE = `before
<!-- pnpm bench: machine -->
old
<!-- machine end -->
<!-- pnpm bench: figures --><!-- figures end -->
<!-- pnpm bench: peers -->
<!-- peers end -->
after`;

test('the tables of a page are those of the report, and nothing else of it changes', () => {
  const text = withTables(PAGE, REPORT);
  expect(text).toBe(`before
<!-- pnpm bench: machine -->

Medians and ranges of 2 rounds on 2026-11-01, on 2 cores of some CPU and a virtual disk, which gave 2,005 raw commits a second; Node v24, SQLite 3.54. It was busy.

<!-- machine end -->
<!-- pnpm bench: figures -->

|  | case | figure | median | range | goal |  |
| - | - | - | -: | -: | -: | - |
| A | Sequential | steps | 1,005 /s | 1,000–1,010 | ≥ 900 | met |
|  |  | alone | 2 ms |  |  |  |

<!-- figures end -->
<!-- pnpm bench: peers -->

|  | Sequential, per second |
| - | -: |
| Pawl | 1,005 |
| other \`*\` | 205 |

<!-- peers end -->
after`);
  expect(withTables(text, REPORT)).toBe(text);
});

test('a page without the marks is told of', () => {
  expect(() => withTables('nothing', REPORT)).toThrow(BenchFailure);
});

test('the page of the documentation has them', () => {
  const page = readFileSync(new URL('../../../docs/performance.md', import.meta.url), 'utf8');
  expect(withTables(page, REPORT)).toContain('of some CPU');
});
