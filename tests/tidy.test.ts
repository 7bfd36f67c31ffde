import { join } from 'node:path';

import { expect, test } from 'vitest';

import { findingsOf } from '../tooling/tidy/rules.ts';
import { readSources } from '../tooling/tidy/source-file.ts';

// The house rules, on the house. Each rule is shown to fail in tooling/tidy/rules.test.ts.

const sources = readSources(join(import.meta.dirname, '..'));

test('the sources are found', () => {
  expect(sources.map(({ path }) => path)).toContain('packages/sdk/src/index.ts');
});

test('every file keeps to its room and to the shape of the house', () => {
  const findings = sources.flatMap(findingsOf).map(({ path, line, message }) => `${path}:${line} ${message}`);
  expect(findings).toEqual([]);
});
