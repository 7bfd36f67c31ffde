import { chmodSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { Folder } from './here.fixture.ts';
import { documentOf, HELLO, type Ended } from './pawl.fixture.ts';
import { printed, type Printed } from './printed.fixture.ts';

// Bad input gets one clear message, a code, and what to do next; never a stack.

const MODULES: Readonly<Record<string, string>> = {
  'hello.ts': HELLO,
  'syntax.ts': 'export async function process() {\n  return (;\n}\n',
  'late-syntax.ts': 'export const a: number = 1;\nexport const process = async () => a;\nconst a = 2;\n',
  'imports-syntax.ts': `import './broken.js';\nexport const process = async () => 1;\n`,
  'broken.js': 'export const a = 1;\nconst = 2;\n',
  'enum.ts': 'enum A { x }\nexport const process = async () => A.x;\n',
  'throws.ts': `\nthrow new TypeError('no such thing');\n`,
  'throws-text.ts': `throw 'just text';\n`,
  'hangs.ts': 'await new Promise(() => {});\nexport const process = async () => 1;\n',
  'none.ts': 'export const greet = 1;\nexport function main() {}\n',
  'wrong.ts': 'export const process = 7;\n',
  'schema.ts': `export const input = 'text';\nexport const process = async () => 1;\n`,
  'missing-import.ts': `import './nothing.ts';\nexport const process = async () => 1;\n`,
  'missing-package.ts': `import 'not-installed-at-all';\nexport const process = async () => 1;\n`,
  'babysitter.js': `import '@a5c-ai/babysitter-sdk';\nexport const process = async () => 1;\n`,
  'checked.ts': `
    const text = { '~standard': { version: 1, vendor: 'test', validate: (value) =>
      typeof value?.name === 'string' ? { value } : { issues: [{ message: 'expected a text', path: ['name'] }] } } };
    export const input = text;
    export const process = async () => 1;`,
  'bad-task.ts': `import { defineTask } from '@pawl/sdk';\nexport const t = defineTask({ name: '', run: () => 1 });\n`,
  'notes.txt': 'text',
};

const folder = new Folder();

beforeAll(() => {
  for (const [name, text] of Object.entries(MODULES)) folder.write(name, text);
  mkdirSync(join(folder.path, 'processes'));
  folder.write('processes/nightly.ts', HELLO);
});

afterAll(() => folder[Symbol.dispose]());

/** Arguments, exit code, the message, and what to do next. */
const CASES: readonly (readonly [args: string, code: number, message: string, next: string])[] = [
  ['run helo.ts', 4, 'There is no file helo.ts.', 'Did you mean hello.ts?'],
  ['run hello', 4, 'There is no file hello.', 'Did you mean hello.ts?'],
  ['run hello.ts/x.ts', 4, 'There is no file hello.ts/x.ts.', 'Looked in'],
  ['run processes', 11, 'processes is a folder', 'pawl run processes/nightly.ts'],
  ['run notes.txt', 11, 'notes.txt is no module', '.ts'],
  ['run /dev/null', 11, '/dev/null is not an ordinary file', 'pawl run <file>'],
  ['run data:text/javascript,1', 11, "'data:' is refused", 'pawl run <file>'],
  ['run https://example.org/x.ts', 11, "'https:' is refused", 'pawl run <file>'],
  ['run node:fs', 11, "'node:' is refused", 'pawl run <file>'],
  ['run syntax.ts', 11, 'syntax.ts has a syntax error: Expression expected', 'at syntax.ts:2'],
  ['run late-syntax.ts', 11, "Identifier 'a' has already been declared", 'at late-syntax.ts:3'],
  ['run imports-syntax.ts', 11, 'imports-syntax.ts has a syntax error', 'at broken.js:2'],
  ['run enum.ts', 11, 'TypeScript enum is not supported', 'Node strips types'],
  ['run throws.ts', 11, 'throws.ts failed while it was loaded: TypeError: no such thing', 'at throws.ts:2:7'],
  ['run throws-text.ts', 11, 'throws-text.ts failed while it was loaded: it threw just text', ''],
  ['run bad-task.ts', 11, "Option 'name' must be a name that is not empty", 'at bad-task.ts:2'],
  ['run hangs.ts', 11, 'hangs.ts never finishes loading', 'inside the process'],
  [
    'run none.ts',
    11,
    'none.ts exports no process: it exports greet, main.',
    'export async function process(inputs, ctx)',
  ],
  ['run wrong.ts', 11, "wrong.ts exports 'process', which is no function", 'Export a process'],
  ['run schema.ts', 11, "schema.ts exports 'input', which is no schema", 'Standard Schema'],
  ['run missing-import.ts', 11, 'missing-import.ts imports nothing.ts, which is not there', ''],
  [
    'run missing-package.ts',
    11,
    "the package 'not-installed-at-all', which is not installed",
    'npm install not-installed-at-all',
  ],
  [
    'run babysitter.js',
    11,
    "the package '@a5c-ai/babysitter-sdk', which is not installed",
    '--alias @a5c-ai/babysitter-sdk=@pawl/sdk/babysitter',
  ],
  ['run hello.ts -i {bad', 11, '--input is not JSON', `Quote it for the shell: --input '{"`],
  ['send run_1 m {bad', 11, 'the payload is not JSON', `Quote it for the shell: '{"`],
  ['send run_1 m @babysitter.js', 11, 'the payload @babysitter.js is not JSON', ''],
  ['approve run_1 0 --response {bad', 11, '--response is not JSON', 'or use --response @file.json'],
  ['resolve run_1 0 --as done --output {bad', 11, '--output is not JSON', 'or use --output @file.json'],
  ['run hello.ts -i @nope.json', 4, 'There is no file nope.json', '@file'],
  ['run checked.ts -i {"name":7}', 11, '$.name: expected a text', ''],
  ['run checked.ts', 11, 'does not match its schema', ''],
  ['run hello.ts --lease 0', 2, '--lease takes a duration above 0', ''],
  ['run hello.ts --lease soon', 2, "'soon' is no duration", '30s'],
  ['run hello.ts --durability maybe', 2, "argument 'maybe' is invalid", 'full, normal'],
  ['run hello.ts --id ../../etc/passwd', 2, "'../../etc/passwd' is no run id", 'letters, digits'],
  ['run', 2, "Missing required argument 'module'", 'pawl run --help'],
  ['rnu hello.ts', 2, "Unknown command 'rnu'", 'Did you mean run?'],
  ['list --limt 3', 2, "Unknown option '--limt'", 'Did you mean --limit?'],
  ['list --limit -1', 2, '--limit', ''],
  ['list --limit 3 4', 2, 'Too many arguments', 'pawl list --help'],
  ['list --status done', 2, "argument 'done' is invalid", 'succeeded'],
  ['resume run_1 --all', 2, 'Name a run, or give --all, not both.', 'pawl resume --all'],
  ['resolve run_1 0', 2, 'Say what became of the attempt', '--as retry'],
  ['resolve run_1 0 --as retry --output 1', 2, '--output goes with --as done', ''],
  ['resolve run_1 0 --as done --message no', 2, '--message goes with --as failed', ''],
  ['show -rf', 2, "Unknown option '-rf'", 'pawl show --help'],
  ['list', 4, 'There is no journal at .pawl/journal.db', 'pawl run <module>'],
  ['show', 4, 'There is no journal at', 'pawl run <module>'],
  ['show run_1', 4, 'There is no journal at', 'pawl run <module>'],
  ['events', 4, 'There is no journal at', 'pawl run <module>'],
  ['verify', 4, 'There is no journal at', 'pawl run <module>'],
  ['resume run_1', 4, 'There is no journal at', 'pawl run <module>'],
  ['resume', 4, 'There is no journal at', 'pawl run <module>'],
  ['resume --all', 4, 'There is no journal at', 'pawl run <module>'],
  ['cancel run_1', 4, 'There is no journal at', 'pawl run <module>'],
  ['resolve run_1 0 --as retry', 4, 'There is no journal at', 'pawl run <module>'],
];

function expectOneMessage({ stdout, stderr }: Ended): void {
  expect(stdout).toBe('');
  expect(stderr.match(/^✗/gm)).toHaveLength(1);
  expect(stderr).not.toMatch(/^\s+at .*\(/m);
  expect(stderr).not.toMatch(/node:internal|ExperimentalWarning/);
}

/** Wrapped lines are one sentence. */
function unwrapped(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}

// Several at a time: each is a program of its own.
describe.concurrent('one clear message', () => {
  test.each(CASES)('pawl %s exits %i', async (args, code, message, next) => {
    const ended = await folder.pawl(...args.split(' '));
    expect(unwrapped(ended.stderr)).toContain(message);
    expect(unwrapped(ended.stderr)).toContain(next);
    expect(ended.code).toBe(code);
    expectOneMessage(ended);
    // Nothing was started: no journal was made.
    expect(folder.has('.pawl')).toBe(false);
  });
});

test('what is in a file that is not JSON is not shown', async () => {
  folder.write('secrets.txt', 'hunter2 is the password');
  const { code, stderr } = await folder.pawl('send', 'run_1', 'm', '@secrets.txt');
  expect([code, unwrapped(stderr)]).toEqual([11, expect.stringContaining("not JSON: Unexpected token 'h'.")]);
  expect(stderr).not.toContain('password');
});

test.each(['../x', '..\\x', '/etc/passwd', 'a b', 'a\nb', 'é', '.', 'x'.repeat(10_000), '-'])(
  'the id %j is refused for its form',
  async (id) => {
    const ended = await folder.pawl('show', '--', id);
    expect(ended.code).toBe(2);
    expectOneMessage(ended);
  },
);

test('with --json the error is a document on stderr', async () => {
  for (const args of [
    ['run', 'helo.ts', '--json'],
    ['list', '--json'],
    ['nope', '--json'],
    ['list', '--json', '-o', 'ids'],
    ['show', 'a', '--all', '-j'],
  ]) {
    const { stdout, stderr, code } = await folder.pawl(...args);
    expect(stdout).toBe('');
    expect(documentOf(stderr)).toEqual({
      version: 1,
      error: {
        code: expect.stringMatching(/^[A-Z_]+$/) as string,
        exitCode: code,
        message: expect.any(String) as string,
        hint: expect.any(String) as string,
        data: expect.any(Object) as object,
      },
    });
  }
});

describe('the journal', () => {
  test('an unknown run id: the nearest are offered', async () => {
    using own = new Folder();
    own.write('hello.ts', HELLO);
    await own.pawl('run', 'hello.ts', '-i', '{"name":"x"}', '--id', 'nightly-2026-11-21');
    for (const args of [['show'], ['events'], ['resume'], ['cancel'], ['verify']]) {
      const ended = await own.pawl(...args, 'nightly-2026-11-12');
      expect(ended.code).toBe(4);
      expect(ended.stderr).toContain('Did you mean nightly-2026-11-21?');
      expectOneMessage(ended);
    }
  });

  test('a file that is no database', async () => {
    using own = new Folder();
    own.write('hello.ts', HELLO);
    own.write('text.db', 'this is no database, but a text that is long enough to look at '.repeat(40));
    for (const args of [['list'], ['run', 'hello.ts', '-i', '{"name":"x"}']]) {
      const ended = await own.pawl(...args, '--db', 'text.db');
      expect(ended.code).toBe(8);
      expectOneMessage(ended);
      expect(ended.stderr).toMatch(/is not a Pawl journal: it is no SQLite\s+database/);
    }
    expect(own.read('text.db')).toMatch(/^this is no database/);
  });

  test('a damaged database', async () => {
    using own = new Folder();
    own.write('hello.ts', HELLO);
    await own.pawl('run', 'hello.ts', '-i', '{"name":"x"}', '--db', 'j.db');
    truncateSync(join(own.path, 'j.db'), 5000);
    const ended = await own.pawl('list', '--db', 'j.db');
    expect(ended.code).toBe(8);
    expectOneMessage(ended);
  });

  test('a database of a newer version: the file stays as it is', async () => {
    using own = new Folder();
    own.write('hello.ts', HELLO);
    await own.pawl('run', 'hello.ts', '-i', '{"name":"x"}', '--db', 'j.db');
    const path = join(own.path, 'j.db');
    const newer = readFileSync(path);
    // SQLite keeps user_version there.
    newer.writeUInt32BE(99, 60);
    writeFileSync(path, newer);
    for (const args of [['list'], ['verify'], ['doctor'], ['run', 'hello.ts', '-i', '{"name":"x"}']]) {
      const ended = await own.pawl(...args, '--db', 'j.db');
      expect(ended.code).toBe(9);
      if (args[0] !== 'doctor') expectOneMessage(ended);
    }
    expect(readFileSync(path).equals(newer)).toBe(true);
  });

  // A limit on the size of files fails as a full disk does, without root's help.
  test.skipIf(process.platform === 'win32')(
    'a full disk: what is done is kept, and goes on when there is room',
    async () => {
      using own = new Folder();
      own.write(
        'fat.ts',
        `import { defineTask } from '@pawl/sdk';
       const fat = defineTask({ name: 'fat', run: (n: number) => 'x'.repeat(700_000) + n });
       export const process = async (_: unknown, ctx) => {
         for (let n = 0; n < 8; n += 1) await ctx.task(fat, n);
         return 'done';
       };`,
      );
      const full = await own.start(['run', 'fat.ts', '--id', 'one'], { maxFileBlocks: 4000 }).ended;
      expect(full.code).toBe(10);
      expect(full.stderr).toMatch(/^✗ The journal .* cannot/m);
      expect(full.stderr).not.toMatch(/^\s+at .*\(/m);
      expect((await own.pawl('list')).stdout).toContain('◌ interrupted');
      expect((await own.pawl('show')).stdout).toMatch(/^✓ fat/m);
      expect(await own.pawl('resume', 'one')).toMatchObject({ code: 0, stdout: 'done\n' });
    },
  );

  test('a folder as journal', async () => {
    const ended = await folder.pawl('list', '--db', 'processes');
    expect(ended.code).toBe(8);
    expectOneMessage(ended);
  });

  // Root may write everywhere.
  test.skipIf(process.getuid?.() === 0)('a folder that is not writable', async () => {
    using own = new Folder();
    own.write('hello.ts', HELLO);
    chmodSync(own.path, 0o500);
    const ended = await own.pawl('run', 'hello.ts', '-i', '{"name":"x"}');
    chmodSync(own.path, 0o700);
    expect(ended.code).toBe(10);
    expectOneMessage(ended);
  });

  test('a place where no folder can be made', async () => {
    using own = new Folder();
    own.write('hello.ts', HELLO);
    own.write('file', '');
    const ended = await own.pawl('run', 'hello.ts', '-i', '{"name":"x"}', '--db', 'file/journal.db');
    expect(ended.code).toBe(10);
    expectOneMessage(ended);
  });
});

test('pawl init where no folder can be: one message; the way into one with a space is quoted', async () => {
  using own = new Folder();
  own.write('taken', 'a file');
  const init = async (name: string): Promise<Printed> =>
    await printed(['init', join(own.path, name)], { cwd: own.path, now: Date.now() });
  for (const name of ['taken', 'taken/inner']) {
    const { code, err } = await init(name);
    expect(code).toBe(2);
    expect(err).toMatch(/^✗ .*cannot\s+be\s+a\s+folder: a\s+file\s+is\s+in\s+its\s+place/s);
    expect(err).not.toContain('EEXIST');
  }
  expect((await init('my first')).out).toContain(`cd '${join(own.path, 'my first')}'`);
});
