import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openJournal, openRuntime } from '@pawl/runtime';
import { defineProcess, defineTask } from '@pawl/sdk';
import { expect, onTestFinished, test } from 'vitest';

import { PageDoor } from '../src/serve/page-door.ts';
import { createUiApp } from '../src/serve/ui-app.ts';
import { buildPageOnce } from './ui.fixture.ts';

buildPageOnce();

const TOKEN = 'a-token-for-tests';

test('over an encrypted journal without its key, what would compare or act on values is refused, and nothing is said to be alike', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pawl-ui-app-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'journal.db');
  const double = defineTask({ name: 'double', run: (n: number) => 2 * n });
  const twice = defineProcess({ name: 'twice', run: (n: number, ctx) => ctx.task(double, n) });
  {
    await using runtime = await openRuntime({ path, encryption: { key: 'ab'.repeat(32) } });
    await runtime.start(twice, 1, { id: 'one' }).result();
    await runtime.start(twice, 2, { id: 'two' }).result();
  }
  using reader = openJournal({ path });
  const app = createUiApp({
    reader,
    runtime: undefined,
    closing: new AbortController().signal,
    cwd: folder,
    env: {},
    flags: [],
    journal: path,
    user: 'ada',
    hosts: ['localhost'],
    token: TOKEN,
    maxBodyBytes: 1000,
    page: new PageDoor("default-src 'none'", TOKEN),
  });
  const ask = async (url: string): Promise<readonly [number, unknown]> => {
    const headers = { host: 'localhost', authorization: `Bearer ${TOKEN}` };
    const response = await app.request(`http://localhost/api${url}`, { headers });
    return [response.status, await response.json()];
  };
  for (const url of ['/runs/one/compare/two', '/runs/one/plan?at=0'])
    expect(await ask(url)).toMatchObject([
      409,
      { error: { code: 'SEALED', hint: expect.stringContaining('PAWL_KEY') } },
    ]);
  expect(await ask('/runs/one')).toMatchObject([200, { output: { value: '⟨sealed⟩' } }]);
});
