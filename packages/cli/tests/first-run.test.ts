import { statSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { Folder } from './here.fixture.ts';
import { documentOf, HELLO } from './pawl.fixture.ts';

// An empty folder without node_modules: what somebody sees who tries it out.

test('a process in one file runs: the output on stdout, the run on stderr, no warning', async () => {
  using folder = new Folder();
  folder.write('hello.ts', HELLO);
  const { code, stdout, stderr } = await folder.pawl('run', 'hello.ts', '--input', '{"name":"x"}');
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'Hello, x!\n' });
  expect(stderr).toMatch(
    /^● hello {2}run_\w+\n✓ greet \(0\) \d+ms\n✓ hello {2}\d+ms {2}run_\w+\n✓ greet +\d+ms {2}0\n\nnext\n {2}pawl show run_/,
  );
  expect(stderr).not.toMatch(/warning/i);
  expect(statSync(join(folder.path, '.pawl')).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder.path, '.pawl', 'journal.db')).mode & 0o777).toBe(0o600);
});

test('a package.json without a type makes no warning either', async () => {
  using folder = new Folder();
  folder.write('package.json', '{ "name": "typeless" }');
  folder.write('hello.ts', HELLO);
  const { code, stderr } = await folder.pawl('run', 'hello.ts', '--input', '{"name":"x"}');
  expect(code).toBe(0);
  expect(stderr).not.toMatch(/warning|MODULE_TYPELESS/i);
});

test('a package.json as npm init writes it: a file with import and export is a module', async () => {
  using folder = new Folder();
  folder.write('package.json', '{ "name": "fresh", "type": "commonjs" }');
  folder.write('greet.ts', 'export const greet = (name: string): string => `Hello, ${name}!`;\n');
  folder.write('old.js', 'exports.mark = require("node:path").sep;\n');
  folder.write(
    'hello.ts',
    `import { greet } from './greet.ts';
     import { mark } from './old.js';
     export const process = async (inputs: { name: string }): Promise<string> => greet(inputs.name) + mark;\n`,
  );
  const { code, stdout, stderr } = await folder.pawl('run', 'hello.ts', '--input', '{"name":"x"}');
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'Hello, x!/\n' });
  expect(stderr).not.toMatch(/warning/i);
});

test("warnings of the user's own code are printed", async () => {
  using folder = new Folder();
  folder.write('hello.ts', `globalThis.process.emitWarning('mind the gap');\n${HELLO}`);
  const { stderr } = await folder.pawl('run', 'hello.ts', '--input', '{"name":"x"}');
  expect(stderr).toContain('mind the gap');
});

test('a module of its own copy of the SDK gets that of the CLI', async () => {
  using folder = new Folder();
  folder.write(
    'sub.ts',
    `import * as sdk from '@pawl/sdk'; export const process = async () => Object.keys(sdk).includes('defineTask');`,
  );
  expect(await folder.pawl('run', 'sub.ts')).toMatchObject({ code: 0, stdout: 'true\n' });
});

const WAYS: readonly (readonly [what: string, text: string, name: string])[] = [
  ['a default function', 'export default async (inputs) => inputs;', 'm'],
  ['defineProcess as default', named('export default'), 'named'],
  ['defineProcess as process', named('export const process ='), 'named'],
  ['CommonJS', 'module.exports.process = async (inputs) => inputs;', 'm'],
];

function named(exported: string): string {
  return `import { defineProcess } from '@pawl/sdk';\n${exported} defineProcess({ name: 'named', run: async (inputs) => inputs });`;
}

test.each(WAYS)('a process as %s', async (_what, text, name) => {
  using folder = new Folder();
  folder.write('m.js', text);
  const { code, stdout } = await folder.pawl('run', 'm.js', '--json', '--input', '[1,{"a":null}]');
  expect(code).toBe(0);
  expect(documentOf(stdout)).toMatchObject({ version: 1, run: { process: name }, output: [1, { a: null }] });
});

test('input from a file and from stdin', async () => {
  using folder = new Folder();
  folder.write('hello.ts', HELLO);
  folder.write('in.json', '{"name":"file"}');
  expect(await folder.pawl('run', 'hello.ts', '-i', '@in.json')).toMatchObject({ stdout: 'Hello, file!\n' });
  const piped = folder.start(['run', 'hello.ts', '-i', '-'], { stdin: '{"name":"pipe"}' });
  expect(await piped.ended).toMatchObject({ code: 0, stdout: 'Hello, pipe!\n' });
});

test('--json: one document on stdout, its fields a contract', async () => {
  using folder = new Folder();
  folder.write('hello.ts', HELLO);
  const { code, stdout, stderr } = await folder.pawl(
    'run',
    'hello.ts',
    '-i',
    '{"name":"x"}',
    '--json',
    '--id',
    'one',
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(documentOf(stdout)).toEqual({
    version: 1,
    run: {
      id: 'one',
      process: 'hello',
      module: 'hello.ts',
      codeHash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      status: 'succeeded',
      startedAt: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      updatedAt: expect.any(String) as string,
      wakeAt: null,
      lastSeq: 5,
      tasks: { scheduled: 1, settled: 1 },
      asked: [],
      error: null,
    },
    output: 'Hello, x!',
  });
});

test('an id given twice is one run; other inputs are refused', async () => {
  using folder = new Folder();
  folder.write('hello.ts', HELLO);
  const run = (name: string): ReturnType<Folder['pawl']> =>
    folder.pawl('run', 'hello.ts', '-i', `{"name":"${name}"}`, '--id', 'one');
  expect(await run('x')).toMatchObject({ code: 0, stdout: 'Hello, x!\n' });
  const again = await run('x');
  expect(again).toMatchObject({ code: 0, stdout: 'Hello, x!\n' });
  expect(again.stderr).toContain('Run one has ended already');
  const other = await run('y');
  expect(other).toMatchObject({ code: 11, stdout: '' });
  expect(other.stderr).toContain('Run one exists already, with other inputs');
});

test('a journal elsewhere: --db and PAWL_DB; the next commands name it', async () => {
  using folder = new Folder();
  folder.write('hello.ts', HELLO);
  const { code, stderr } = await folder.pawl(
    'run',
    'hello.ts',
    '-i',
    '{"name":"x"}',
    '--db',
    'my journal.db',
  );
  expect(code).toBe(0);
  expect(stderr).toMatch(/pawl show run_\w+ --db 'my journal.db'/);
  expect(folder.has('.pawl')).toBe(false);
  const listed = folder.start(['list', '-o', 'ids'], { env: { PAWL_DB: 'my journal.db' } });
  expect((await listed.ended).stdout).toMatch(/^run_\w+\n$/);
});

test('what tasks and the process log goes to stderr, marked, and cannot forge a line', async () => {
  using folder = new Folder();
  folder.write(
    'm.ts',
    `import { defineTask } from '@pawl/sdk';
     const noisy = defineTask({ name: 'noisy', run: (_: void, { log }) => { log('in task', { n: 1 }, '\\n✓ forged\\u001b[2J'); } });
     export const process = async (_: unknown, ctx) => { ctx.log('before'); await ctx.task(noisy); };`,
  );
  const { code, stdout, stderr } = await folder.pawl('run', 'm.ts');
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  expect(stderr).toMatch(/^● m {2}run_\w+\n› before\n› noisy: in task \{ n: 1 \} \n› ✓ forged\n✓ noisy/);
});

test('the program ends although user code left a timer', async () => {
  using folder = new Folder();
  folder.write('m.ts', `setInterval(() => {}, 1000); export const process = async () => 1;`);
  expect(await folder.pawl('run', 'm.ts')).toMatchObject({ code: 0, stdout: '1\n' });
});
