import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { importModule } from '../src/load-process.ts';
import { findModule } from '../src/module-file.ts';
import { freshFolder } from './in-process.fixture.ts';

test('a program that loads many modules, as a worker does, is left with no listener of them', async () => {
  const cwd = freshFolder();
  const before = process.listenerCount('beforeExit');
  for (const name of ['one.mjs', 'two.mjs', 'broken.mjs']) {
    writeFileSync(join(cwd, name), name === 'broken.mjs' ? 'throw 1' : 'export const a = 1;\n');
    await importModule(findModule(name, cwd), cwd).catch(() => undefined);
  }
  expect(process.listenerCount('beforeExit')).toBe(before);
});
