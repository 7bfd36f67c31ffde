import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { importModule, loadProcess } from '../src/load-process.ts';
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

test.each([
  ['export function* process() {}', 'a generator function'],
  ['export default async function* () {}', 'an async generator function'],
  ['export class process {}', 'a class'],
  ["export const process = { name: 'p', *run() {} }", 'a generator function'],
])('what cannot be called as a process is refused as the module is loaded: %s', async (text, what) => {
  const cwd = freshFolder();
  writeFileSync(join(cwd, 'it.mjs'), text);
  await expect(loadProcess(findModule('it.mjs', cwd), cwd)).rejects.toMatchObject({
    code: 'REFUSED',
    exitCode: 11,
    message: expect.stringContaining(`The process that it.mjs exports is ${what}`),
    hint: expect.stringContaining('export async function process(inputs, ctx)'),
  });
});
