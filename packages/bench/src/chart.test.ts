import { expect, test } from 'vitest';

import { chartOf } from './chart.ts';
import { numberText } from './number-text.ts';
import type { Report, SubjectReport } from './report.ts';

function subject(who: string, kind: SubjectReport['kind'], durability: string, value: number): SubjectReport {
  const speed = value === 0 ? null : { median: value, min: value, max: value };
  return { who, kind, durability, note: '', skipped: null, speed, counts: {}, samples: [] };
}

const REPORT: Report = {
  format: 1,
  at: '2026-11-01T00:00:00.000Z',
  tier: 'standard',
  rounds: 5,
  machine: {
    cpu: 'a <fast> one',
    cores: 2,
    memoryMiB: 4096,
    os: 'linux',
    node: 'v24',
    sqlite: '3.54',
    fileSystem: '0',
  },
  doubts: [],
  cases: [
    {
      id: 'A',
      title: 'Sequential, 1,000 steps',
      speed: 'per second',
      subjects: [
        subject('Pawl', 'pawl', 'synchronous=FULL', 7500),
        subject('Pawl, durability normal', 'pawl', 'synchronous=NORMAL', 30_000),
        subject('Pawl, warm', 'pawl', 'synchronous=FULL', 8000),
        subject('safe', 'peer', 'Postgres, fsync on', 900),
        subject('careless', 'peer', 'no fsync', 9000),
        subject('absent', 'peer', '', 0),
        subject('raw', 'raw', 'synchronous=FULL', 10_500),
      ],
      figures: [],
    },
    { id: 'C', title: 'Resume', speed: 'ms', subjects: [subject('Pawl', 'pawl', '', 5)], figures: [] },
  ],
};

test('a chart has a bar for us, each peer that answered, and the raw limit', () => {
  const svg = chartOf(REPORT);
  const names = [...svg.matchAll(/text-anchor="end">([^<]+)</g)].map(([, name]) => name);
  expect(names).toEqual(['Pawl', 'Pawl, durability normal *', 'safe', 'careless *', 'raw']);
  expect(svg).toContain('a &lt;fast&gt; one');
  const widths = [...svg.matchAll(/<rect class="\w+" x="\d+" y="\d+" width="([\d.]+)"/g)].map(([, width]) =>
    Number(width),
  );
  const [pawl = 0, normal = 0, safe = 0, careless = 0, raw = 0] = widths;
  expect([safe, pawl, careless, raw, normal]).toEqual(widths.toSorted((a, b) => a - b));
  expect(svg).toContain('prefers-color-scheme: dark');
});

test.each([
  [0.123, '0.12'],
  [12.34, '12.3'],
  [123.4, '123'],
  [7500, '7,500'],
  [3, '3'],
])('%d is told as %s', (value, told) => {
  expect(numberText(value)).toBe(told);
});
