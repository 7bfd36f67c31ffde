import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, it } from 'vitest';

const DOCS = join(import.meta.dirname, '..', 'docs');
const text = readFileSync(join(DOCS, 'guarantees.md'), 'utf8');

/** Rows of its tables, without their heads; what was counted has no test. */
const rows = (text.split('\n## Counted')[0] ?? '')
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => line.slice(2).split(' | '))
  .filter(([first = '']) => !/^(promise|planted|class|-+) *$/.test(first));

it('each promise, and each mistake of others, names the test that holds it', () => {
  expect(rows.length).toBeGreaterThan(50);
  for (const [what = '', held = ''] of rows) {
    const tests = [...held.matchAll(/\]\(([^)]+\.test\.ts)\)/g)].map(([, path = '']) => path);
    expect(tests.length, what).toBeGreaterThan(0);
    for (const path of tests) expect(existsSync(join(DOCS, path)), `${what}: ${path}`).toBe(true);
  }
});
