import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freshFolder, SOURCES } from './program.fixture.ts';

it('500 questions open under a pool of one hold no slot, and less than 30 MB', () => {
  const main = join(import.meta.dirname, 'approvals-memory-main.fixture.ts');
  const flags = ['--expose-gc', ...SOURCES];
  const grown = execFileSync(process.execPath, [...flags, main, freshFolder()], { encoding: 'utf8' });
  expect(Number(grown)).toBeLessThan(30_000_000);
});
