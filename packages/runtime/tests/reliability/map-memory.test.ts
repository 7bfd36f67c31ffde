import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freshFolder, SOURCES } from './program.fixture.ts';

it('a map of 10,000 tasks, 50 at once, grows by less than 60 MiB', () => {
  const main = join(import.meta.dirname, 'map-memory-main.fixture.ts');
  const flags = ['--expose-gc', ...SOURCES];
  const growths = [1, 2, 3].map(() =>
    Number(execFileSync(process.execPath, [...flags, main, freshFolder()], { encoding: 'utf8' })),
  );
  const [, median = Infinity] = growths.toSorted((a, b) => a - b);
  expect(median, `MiB: ${growths.join(', ')}`).toBeLessThan(60);
});
