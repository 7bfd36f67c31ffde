import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll } from 'vitest';

import { describeForks } from '../fork-conformance.fixture.ts';
import { describeStore } from '../store-conformance.fixture.ts';
import { openSqliteStore } from './sqlite-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'pawl-store-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

let files = 0;

describeStore('SqliteStore in a file', () => {
  files += 1;
  return openSqliteStore({ path: join(folder, `${files}.db`), durability: 'normal' });
});

describeForks('SqliteStore', () => {
  files += 1;
  return openSqliteStore({ path: join(folder, `${files}.db`), durability: 'normal' });
});

describeStore('SqliteStore in memory', () => openSqliteStore({ path: ':memory:', durability: 'full' }));
