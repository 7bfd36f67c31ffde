import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, onTestFinished, test } from 'vitest';

import type { Report } from './report.ts';

/** What was just built starts in a fraction of the time. */
const SOURCES = process.env['PAWL_BUILT'] === '1' ? [] : ['--conditions=source'];
const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

function bench(folder: string, ...args: readonly string[]): { status: number | null; told: string } {
  const all = [...SOURCES, MAIN, '--dir', join(folder, 'cache'), ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, all, { cwd: folder, encoding: 'utf8' });
  return { status, told: stdout + stderr };
}

function freshFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'pawl-bench-main-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** As if a step had taken half the room before. */
function halved(report: Report): Report {
  const text = JSON.stringify(report);
  return JSON.parse(text, (name, value: unknown) => {
    if (name !== 'bytes a step') return value;
    const { median, min, max } = value as { median: number; min: number; max: number };
    return { median: median / 2, min: min / 2, max: max / 2 };
  }) as Report;
}

test('measures, writes what it found, draws it, and tells what got worse by the exit code', () => {
  const at = freshFolder();
  const first = bench(at, '--quick', '--rounds', '1', '--only', 'F', '--json', 'f.json', '--svg', 'f.svg');
  expect(first).toMatchObject({ status: 0, told: expect.stringContaining('bytes a step, all events') });
  const report = JSON.parse(readFileSync(join(at, 'f.json'), 'utf8')) as Report;
  expect(report).toMatchObject({ format: 1, tier: 'quick', rounds: 1, cases: [{ id: 'F' }] });
  expect(report.cases[0]?.subjects[0]?.samples).toHaveLength(1);
  expect(readFileSync(join(at, 'f.svg'), 'utf8')).toMatch(/^<svg /);

  // On another machine only counts are compared, which are the same however busy this one is.
  const old: Report = { ...report, machine: { ...report.machine, cpu: 'another' } };
  const compared = (before: Report): { status: number | null; told: string } => {
    writeFileSync(join(at, 'old.json'), JSON.stringify(before));
    return bench(at, '--quick', '--rounds', '1', '--only', 'F', '--compare', 'old.json');
  };
  expect(compared(old)).toMatchObject({ status: 0, told: expect.stringContaining('Nothing got worse') });
  expect(compared(halved(old))).toMatchObject({ status: 1, told: expect.stringContaining('bytes a step') });
});

test.each([
  ['an option that there is not', ['--bogus'], /Unknown option '--bogus'/],
  ['a case that there is not', ['--only', 'Z'], /no case is Z/],
  ['a bad number of rounds', ['--rounds', '0'], /--rounds is a whole number >= 1, not 0/],
  ['a command that there is not', ['shrink'], /there is no shrink/],
  ['a growth table that there is not', ['growth', 'hair'], /no growth table hair/],
  ['a peer that there is not', ['--peer', 'nobody'], /no peer nobody/],
  ['a report that is none', ['--compare', MAIN], /cannot be read/],
  ['another durability', ['growth', '--durability', 'some'], /full or normal, not some/],
])('%s is refused with exit code 2', (_, args, why) => {
  expect(bench(freshFolder(), ...args)).toEqual({ status: 2, told: expect.stringMatching(why) });
});

test('--help tells the options', () => {
  expect(bench(freshFolder(), '--help')).toMatchObject({
    status: 0,
    told: expect.stringContaining('--compare'),
  });
});
