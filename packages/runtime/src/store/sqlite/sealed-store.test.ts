/** The whole contract of a store, with every value in it encrypted. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll } from 'vitest';

import { describeForks } from '../fork-conformance.fixture.ts';
import { describeStore } from '../store-conformance.fixture.ts';
import { openSqliteStore } from './sqlite-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'pawl-sealed-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const master = (): Uint8Array => Buffer.alloc(32, 7);
let files = 0;

function open(): ReturnType<typeof openSqliteStore> {
  files += 1;
  return openSqliteStore({ path: join(folder, `${files}.db`), durability: 'normal', master });
}

describeStore('SqliteStore with encryption', open);
describeForks('SqliteStore with encryption', open);
