import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { Folder } from './here.fixture.ts';
import { documentOf } from './pawl.fixture.ts';

// The commands that look: what they print for programs, and that they never write.

const MODULE = `
import { defineTask, shellTask } from '@pawl/sdk';

const double = defineTask({ name: 'double', run: (n: number) => n * 2 });
const odd = defineTask({ name: 'odd', run: () => { throw new RangeError('7 is odd'); } });
const shout = shellTask({ name: 'shout', command: 'echo loud >&2; exit 3' });

export const process = async (input: { mode: string }, ctx) => {
  await ctx.parallel.map([1, 2, 3], (n) => ctx.task(double, n), { keyBy: (n) => 'n' + n });
  await ctx.sleep(5);
  const [settled] = await ctx.parallel.allSettled([() => ctx.task(shout)]);
  if (input.mode === 'fail') await ctx.task(odd);
  return { when: new Date(0), status: settled.status };
};
`;

const folder = new Folder();

beforeAll(async () => {
  folder.write('m.ts', MODULE);
  expect((await folder.pawl('run', 'm.ts', '-i', '{"mode":"ok"}', '--id', 'fine')).code).toBe(0);
  expect((await folder.pawl('run', 'm.ts', '-i', '{"mode":"fail"}', '--id', 'bad')).code).toBe(3);
});

afterAll(() => folder[Symbol.dispose]());

test('list', async () => {
  const { code, stdout } = await folder.pawl('list');
  expect(code).toBe(0);
  expect(stdout.split('\n').map((line) => line.replace(/ +(just now|\d+s ago)$/, ''))).toEqual([
    expect.stringMatching(/^RUN +PROCESS +STATUS +STARTED$/),
    'bad   m        ✗ failed',
    'fine  m        ✓ succeeded',
    '',
  ]);
  expect((await folder.pawl('list', '-o', 'ids')).stdout).toBe('bad\nfine\n');
  expect((await folder.pawl('list', '-s', 'failed', '-o', 'ids')).stdout).toBe('bad\n');
  expect((await folder.pawl('list', '-s', 'interrupted', '-o', 'ids')).stdout).toBe('');
  const first = await folder.pawl('list', '-n', '1');
  expect(first.stderr).toContain('pawl list --before bad');
  expect((await folder.pawl('list', '--before', 'bad', '-o', 'ids')).stdout).toBe('fine\n');
  expect(documentOf((await folder.pawl('list', '-n', '1', '--json')).stdout)).toMatchObject({
    version: 1,
    hasMore: true,
    runs: [
      { id: 'bad', status: 'failed', error: 'TaskError: 7 is odd', tasks: { scheduled: 5, settled: 5 } },
    ],
  });
});

test('show: the tree, the errors with their place, and the values', async () => {
  const { stdout } = await folder.pawl('show', 'bad');
  expect(stdout).toMatch(/^✗ m\n/);
  expect(stdout).toMatch(/^ {2}error +7 is odd$/m);
  expect(stdout).toMatch(/^ {2}at +m\.ts:5:\d+$/m);
  expect(stdout).toMatch(/^✓ map ×3 .* 0$/m);
  expect(stdout).toMatch(/^├ ✓ double n1 .* 1 → 2$/m);
  expect(stdout).toMatch(/^└ ✗ shout/m);
  expect(stdout).toMatch(/^ {2,}'echo loud >&2; exit 3' ended with exit code 3$/m);
  expect(stdout).toMatch(/^ {4,}loud$/m);
});

test('show --json: values whole, in the encoding of the journal', async () => {
  const { run } = documentOf((await folder.pawl('show', 'fine', '--json')).stdout) as {
    run: { calls: { kind: string; branches?: { path: string; calls: unknown[] }[] }[]; output: unknown };
  };
  expect(run).toMatchObject({
    id: 'fine',
    status: 'succeeded',
    input: { mode: 'ok' },
    output: { when: { $pawl: 'Date', value: '1970-01-01T00:00:00.000Z' }, status: 'rejected' },
    failure: null,
  });
  expect(run.calls.map(({ kind }) => kind)).toEqual(['group', 'timer', 'group']);
  expect(run.calls[0]?.branches?.[1]).toMatchObject({
    path: '0/:n2',
    calls: [
      { kind: 'task', key: '0/:n2/0', name: 'double', status: 'succeeded', input: 2, output: 4, attempts: 1 },
    ],
  });
});

test('the output of a run that JSON does not have is shown as JavaScript writes it', async () => {
  const { stdout, stderr } = await folder.pawl('run', 'm.ts', '-i', '{"mode":"ok"}', '--id', 'fine');
  expect(stdout).toBe("{ when: 1970-01-01T00:00:00.000Z, status: 'rejected' }\n");
  expect(stderr).toContain('has ended already');
});

test('events: one line each, as text and as JSON', async () => {
  const text = (await folder.pawl('events', 'bad')).stdout.trimEnd().split('\n');
  expect(text[0]).toMatch(/^ +1 {2}\d\d:\d\d:\d\d\.\d{3} {2}RunStarted +m \{ mode: "fail" \}$/);
  const json = (await folder.pawl('events', 'bad', '--json')).stdout.trim().split('\n');
  expect(json).toHaveLength(text.length);
  expect(documentOf(json[0] ?? '')).toMatchObject({
    version: 1,
    runId: 'bad',
    seq: 1,
    at: expect.stringMatching(/Z$/) as string,
    event: { type: 'RunStarted', process: 'm', module: 'm.ts' },
  });
  const rest = (await folder.pawl('events', 'bad', '--after', '3', '--json')).stdout.split('\n');
  expect(documentOf(rest[0] ?? '')).toMatchObject({ seq: 4 });
  // A run that has ended is followed to its end.
  expect((await folder.pawl('events', 'bad', '--follow', '--json')).stdout.trim().split('\n')).toEqual(json);
});

test('without an id it is the newest run', async () => {
  expect((await folder.pawl('show')).stdout).toMatch(/^ {2}run +bad$/m);
  expect(documentOf((await folder.pawl('events', '--json')).stdout.split('\n')[0] ?? '')).toMatchObject({
    runId: 'bad',
  });
});

test('a journal that cannot be read says what to do instead of verifying it', async () => {
  using other = new Folder();
  other.write('garbage.db', 'x'.repeat(20_000));
  const { code, stderr } = await other.pawl('verify', '--db', 'garbage.db');
  expect(code).toBe(8);
  expect(stderr).toContain('Restore a backup');
  expect(stderr).toContain('pawl verify --db <file>');
});

test('verify and doctor', async () => {
  expect((await folder.pawl('verify')).stdout).toMatch(/^✓ \d+ events of 2 runs: every checksum is right\n$/);
  expect(documentOf((await folder.pawl('verify', '--whole', '--json')).stdout)).toMatchObject({
    damage: [],
    isWhole: true,
  });
  expect(documentOf((await folder.pawl('verify', 'bad', '--json')).stdout)).toMatchObject({
    version: 1,
    runs: 1,
    damage: [],
  });
  const { code, stdout } = await folder.pawl('doctor');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^✓ journal +\.pawl\/journal\.db, .* schema \d+, SQLite 3\./m);
  const { checks } = documentOf((await folder.pawl('doctor', '--json')).stdout) as {
    checks: { level: string }[];
  };
  expect(new Set(checks.map(({ level }) => level))).toEqual(new Set(['ok']));
  using empty = new Folder();
  const bare = await empty.pawl('doctor');
  expect(bare).toMatchObject({ code: 0 });
  expect(bare.stdout).toContain('The first run makes it');
  expect(readdirSync(empty.path)).toEqual([]);
});

test('looking changes nothing in the file, also where it must not be written', async () => {
  const file = join(folder.path, '.pawl', 'journal.db');
  const before = readFileSync(file);
  chmodSync(file, 0o400);
  try {
    const commands = [
      ['list'],
      ['show', 'bad'],
      ['events', 'bad'],
      ['verify'],
      ['doctor'],
      ['why', 'bad'],
      ['diff', 'bad', 'fine'],
      ['timeline', 'bad'],
      ['stats'],
    ];
    const ended = await Promise.all(commands.map((args) => folder.pawl(...args)));
    expect(ended.map(({ code }) => code)).toEqual(commands.map(() => 0));
  } finally {
    chmodSync(file, 0o600);
  }
  expect(readFileSync(file).equals(before)).toBe(true);
});

test('help, in the width there is', async () => {
  const [bare, asked, one, version] = await Promise.all([
    folder.pawl(),
    folder.start(['--help'], { env: { COLUMNS: '50' } }).ended,
    folder.pawl('help', 'resume'),
    folder.pawl('--version'),
  ]);
  expect(bare).toMatchObject({ code: 0, stderr: '' });
  expect(bare.stdout).toMatch(/^ {2}run +start a process/m);
  expect(Math.max(...asked.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(50);
  expect(one).toMatchObject({ code: 0, stderr: '' });
  expect(one.stdout).toMatch(/^Examples:\n {2}pawl resume$/m);
  expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('colours: only on request where nobody looks, and never with NO_COLOR', async () => {
  const escape = '\u001b[';
  const show = async (env: Readonly<Record<string, string>>): Promise<string> =>
    (await folder.start(['show', 'bad'], { env }).ended).stdout;
  expect(await show({})).not.toContain(escape);
  expect(await show({ FORCE_COLOR: '1' })).toContain(escape);
  expect(await show({ FORCE_COLOR: '1', NO_COLOR: '1' })).not.toContain(escape);
});

test('C64 a secret goes by the command line, and is told by none of it', async () => {
  const canary = 'canary-5c1d-token';
  const key = { PAWL_SECRET_KEY: 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=' };
  folder.write(
    'login.ts',
    `import { defineTask } from '@pawl/sdk';
    const logIn = defineTask({ name: 'logIn', run: async ({ token }, task) => {
      task.log('with', token);
      return { userId: token.length, token };
    } });
    export const process = async (_: null, ctx) => {
      const token = await ctx.receive('token', { secret: true });
      return ctx.task(logIn, { token });
    };`,
  );
  const told: string[] = [];
  const pawl = async (args: readonly string[], env: Record<string, string> = {}, stdin?: string) => {
    const ended = await folder.start(args, stdin === undefined ? { env } : { env, stdin }).ended;
    told.push(ended.stdout, ended.stderr);
    return ended;
  };
  const waiting = await pawl(['run', 'login.ts', '--id', 'login']);
  expect([waiting.code, waiting.stderr]).toEqual([13, expect.stringContaining('token - --secret')]);
  const { stdout: shown } = await pawl(['show', 'login']);
  expect(shown).toContain('pawl send login token - --secret');
  expect(shown).not.toContain('<json>');
  expect((await pawl(['waiting'])).stdout).toContain('pawl send login token - --secret');
  const refused = await pawl(['send', 'login', 'token', '-', '--secret'], {}, JSON.stringify(canary));
  expect(refused).toMatchObject({ code: 11, stderr: expect.stringContaining('openssl rand -base64 32') });
  // It is known from the journal that the run waits for a secret.
  const sent = await pawl(['send', 'login', 'token', '-'], key, JSON.stringify(canary));
  expect(sent).toMatchObject({ code: 0, stdout: "message 'token' for login was taken\n" });
  expect(await pawl(['resume', 'login'])).toMatchObject({
    code: 11,
    stderr: expect.stringContaining('there is none here'),
  });
  const resumed = await pawl(['resume', 'login'], key);
  expect(resumed.code).toBe(0);
  expect(JSON.parse(resumed.stdout)).toEqual({ userId: canary.length, token: '[secret]' });
  expect((await pawl(['show', 'login', '--all'], key)).stdout).toContain('logIn');
  expect((await pawl(['events', 'login'], key)).code).toBe(0);
  expect((await pawl(['events', 'login', '--json'], key)).stdout).toContain('"Secret"');
  // A key that a command prints is the same one; what the command prints where it fails is not told.
  const print = `printf %s '${key.PAWL_SECRET_KEY}'`;
  expect((await pawl(['run', 'login.ts', '--id', 'other'])).code).toBe(13);
  const failed = [
    'send',
    'other',
    'token',
    '-',
    '--secret-key-command',
    `echo ${canary} >&2; ${print}; exit 3`,
  ];
  expect(await pawl(failed, {}, JSON.stringify(canary))).toMatchObject({
    code: 11,
    stderr: expect.stringContaining('ended with exit code 3'),
  });
  const command = { PAWL_SECRET_KEY_COMMAND: print };
  expect((await pawl(['send', 'other', 'token', '-'], command, JSON.stringify(canary))).code).toBe(0);
  expect((await pawl(['resume', 'other', '--secret-key-command', print])).code).toBe(0);
  for (const text of told) expect(text).not.toContain(canary);
  for (const text of told) expect(text).not.toContain(key.PAWL_SECRET_KEY);
  // Nor by what is made for others: an export, a page, a backup.
  for (const args of [
    ['export', 'login', '-o', 'login.pawl'],
    ['timeline', 'login', '--html', 'login.html'],
    ['backup', 'copy.db'],
  ])
    expect((await pawl(args, key)).code, args[0]).toBe(0);
  expect(folder.read('login.pawl')).toContain('"$pawl":"Secret"');
  const files = readdirSync(folder.path, { recursive: true, withFileTypes: true }).filter((each) =>
    each.isFile(),
  );
  const names = files.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['journal.db', 'login.pawl', 'login.html', 'copy.db']));
  for (const { parentPath, name } of files) {
    const bytes = readFileSync(join(parentPath, name)).toString('latin1');
    expect(bytes.includes(canary), name).toBe(false);
    expect(bytes.includes(key.PAWL_SECRET_KEY), name).toBe(false);
  }
});

test('waiting and send: a run that waits for a person is left, answered, and goes on', async () => {
  folder.write(
    'ask.ts',
    `export const process = async (_: null, ctx) => {
      const said = await ctx.receive('approval', { prompt: 'Ship version 7?', data: { version: 7 }, timeout: '2d' });
      return { said };
    };`,
  );
  const left = await folder.pawl('run', 'ask.ts', '--id', 'asks');
  expect(left.code).toBe(13);
  expect(left.stderr).toContain('waits for an answer to: Ship version 7?');
  expect(left.stderr).toContain('pawl send asks approval <json>');
  expect((await folder.pawl('list', '-s', 'waiting', '-o', 'ids')).stdout).toBe('asks\n');
  const listed = await folder.pawl('waiting');
  expect(listed.stdout).toContain('? Ship version 7?');
  expect(listed.stdout).toContain('{ version: 7 }');
  expect(listed.stdout).toContain('pawl send asks approval <json>');
  expect(documentOf((await folder.pawl('waiting', 'asks', '--json')).stdout)).toMatchObject({
    waits: [{ runId: 'asks', key: '0', name: 'approval', prompt: 'Ship version 7?', data: { version: 7 } }],
  });
  expect((await folder.pawl('show', 'asks')).stdout).toContain('receive approval');
  expect((await folder.pawl('resolve', 'asks', '0', '--as', 'done')).code).toBe(11);
  const other = await folder.pawl('send', 'asks', 'aproval', '1');
  expect(other).toMatchObject({ code: 0, stderr: "it is kept; what the run waits for now is 'approval'\n" });
  const sent = await folder.pawl('send', 'asks', 'approval', '{"ok":true}', '--id', 'm1');
  expect(sent).toMatchObject({ code: 0, stdout: "message 'approval' for asks was taken\n" });
  expect((await folder.pawl('send', 'asks', 'approval', '{"ok":true}', '--id', 'm1')).stdout).toContain(
    'counts once',
  );
  const resumed = await folder.pawl('resume', 'asks');
  expect(resumed.code).toBe(0);
  expect(JSON.parse(resumed.stdout)).toEqual({ said: { ok: true } });
  expect((await folder.pawl('send', 'asks', 'approval', '1')).code).toBe(11);
  expect((await folder.pawl('send', 'nobody', 'approval', '1')).code).toBe(4);
  expect((await folder.pawl('waiting')).stdout).toBe('nothing waits\n');
});

test('a run that continues as new is followed: by run, by resume, and by show', async () => {
  folder.write(
    'pages.ts',
    `export const process = async ({ page, sum }, ctx) => {
      if (page < 3) return ctx.continueAsNew({ page: page + 1, sum: sum + page });
      return sum + page;
    };`,
  );
  const ended = await folder.pawl('run', 'pages.ts', '-i', '{"page":1,"sum":0}', '--id', 'pages');
  expect(ended).toMatchObject({ code: 0, stdout: '6\n' });
  expect(ended.stderr).toContain('pawl show pages~3');
  const shown = await folder.pawl('show', 'pages');
  expect(shown.stdout).toContain('continued as pages~2');
  expect(shown.stdout).toContain('pawl show pages~2');
  expect((await folder.pawl('resume', 'pages')).stdout).toBe('6\n');
  expect(documentOf((await folder.pawl('show', 'pages', '--json')).stdout)).toMatchObject({
    run: { status: 'continued', continuedAs: 'pages~2' },
  });
});
