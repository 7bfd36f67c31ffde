import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freshFolder, SOURCES } from './program.fixture.ts';

const ITEMS = 60_000;

interface Told {
  readonly at: string;
  readonly sum?: number;
  readonly peakBytes?: number;
}

// Most of what a million items come to (165 MiB) is there after the first 40,000.
it(`a reduce over ${ITEMS} items, 64 at once, stays below 200 MB`, { timeout: 120_000 }, () => {
  const main = join(import.meta.dirname, 'million-main.fixture.ts');
  const args = [...SOURCES, main, String(ITEMS), '64', 'normal', freshFolder()];
  const told = execFileSync(process.execPath, args, { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Told);
  expect(told.find(({ at }) => at === 'sum')?.sum).toBe((ITEMS * (ITEMS - 1)) / 2);
  expect(told.find(({ at }) => at === 'done')?.peakBytes).toBeLessThan(200_000_000);
});
