import { expect, test } from 'vitest';

import type { Row } from './api.ts';
import { lanesFor, stretchesOf } from './overview-picture.ts';

const row = (from: number, to: number | null, more: Partial<Row> = {}): Row => ({
  key: String(from),
  kind: 'task',
  name: 'echo',
  depth: 0,
  from,
  to,
  status: 'succeeded',
  attempts: 1,
  parts: [['run', from, to, 0]],
  ...more,
});

const whole = { from: 0, to: 1000 };

test('a call is a stretch of its time, and what has not ended goes to the end', () => {
  expect(stretchesOf([row(0, 500), row(250, null, { status: 'running' })], whole, 100)).toEqual([
    { tone: 'good', lane: 0, from: 0, to: 50 },
    { tone: 'busy', lane: 1, from: 25, to: 100 },
  ]);
});

test('a failed attempt is seen over whatever else lies there', () => {
  const lanes = lanesFor(1000);
  const rows = Array.from({ length: 1000 }, () => row(0, 1000));
  rows[lanes] = row(400, 500, { parts: [['run', 400, 500, 1]] });
  expect(stretchesOf(rows, whole, 100).filter(({ lane }) => lane === 0)).toEqual([
    { tone: 'good', lane: 0, from: 0, to: 40 },
    { tone: 'bad', lane: 0, from: 40, to: 50 },
    { tone: 'good', lane: 0, from: 50, to: 100 },
  ]);
});

test('it costs its pixels at most, however many calls there are', () => {
  const rows = Array.from({ length: 20_000 }, (_, n) => row(n / 20, n / 20 + 0.02));
  expect(stretchesOf(rows, whole, 700).length).toBeLessThanOrEqual(700 * lanesFor(rows.length));
  expect(stretchesOf([row(2000, 3000), row(-5, -1)], whole, 100).every(({ from, to }) => from <= to)).toBe(
    true,
  );
});
