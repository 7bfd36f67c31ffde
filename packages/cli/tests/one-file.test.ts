import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { Folder } from './here.fixture.ts';
import { documentOf, HELLO } from './pawl.fixture.ts';
import { buildPageOnce } from './ui.fixture.ts';

// A run as text: to a file, through a pipe, and what is told of it.

const folder = new Folder();

beforeAll(async () => {
  folder.write('m.ts', HELLO);
  expect((await folder.pawl('run', 'm.ts', '-i', '{"name":"Ada"}', '--id', 'hello')).code).toBe(0);
});

afterAll(() => folder[Symbol.dispose]());

test('to a file and back, by a pipe and by name', async () => {
  const { code, stdout } = await folder.pawl('export', 'hello', '-o', 'hello.pawl');
  expect({ code, stdout }).toEqual({ code: 0, stdout: '✓ hello.pawl: 5 events of 1 run\n' });
  const text = folder.read('hello.pawl');
  expect((await folder.pawl('export', 'hello')).stdout).toBe(text);
  // What was recorded is for its owner, and nothing is left beside it.
  expect(statSync(join(folder.path, 'hello.pawl')).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder.path).filter((name) => name.endsWith('.tmp'))).toEqual([]);

  const piped = await folder.start(['import', '-', '--db', 'b.db', '--json'], { stdin: text }).ended;
  expect(documentOf(piped.stdout)).toEqual({
    version: 1,
    runs: [
      {
        id: 'hello',
        process: 'm',
        status: 'succeeded',
        events: 5,
        outcome: 'imported',
        verified: true,
        redacted: false,
      },
    ],
  });
  const again = await folder.pawl('import', 'hello.pawl', '--db', 'b.db');
  expect(again.stdout).toMatch(/^hello +m +✓ succeeded +5 +here already, the very same$/m);
  expect((await folder.pawl('export', '--all', '--db', 'b.db')).stdout).toBe(text);
});

test('what is refused says where, and leaves nothing behind', async () => {
  const text = folder.read('hello.pawl');
  folder.write('cut.pawl', text.slice(0, -20));
  const cut = await folder.pawl('import', 'cut.pawl', '--db', 'c.db');
  expect(cut.code).toBe(11);
  expect(cut.stderr).toMatch(/line 6, column 1: the last line does not end/);
  const newer = await folder.start(['import', '-', '--db', 'c.db'], {
    stdin: text.replace('"format":1', '"format":7'),
  }).ended;
  expect(newer.code).toBe(9);
  expect((await folder.pawl('list', '--db', 'c.db', '-o', 'ids')).stdout).toBe('');
  expect((await folder.pawl('import', 'nowhere.pawl')).code).toBe(4);
  const typo = await folder.pawl('export', 'hello', '--redact', '$..nmae', '-o', 'x.pawl');
  expect(typo.code).toBe(11);
  expect(folder.has('x.pawl')).toBe(false);
  expect((await folder.pawl('export')).code).toBe(2);
  expect((await folder.pawl('export', 'hello', '--json')).code).toBe(2);
});

test('a redacted run is looked at, and not gone on with', async () => {
  const { stdout } = await folder.pawl(
    'export',
    'hello',
    '--redact',
    '$..name',
    '--redact',
    '$.args',
    '-o',
    'r.pawl',
  );
  expect(stdout).toBe('✓ r.pawl: 5 events of 1 run, redacted: to look at, and not to go on with\n');
  // Each path by itself: the output says the name again, in words of its own.
  expect(folder.read('r.pawl').match(/Ada/g)).toHaveLength(2);
  expect((await folder.pawl('import', 'r.pawl', '--db', 'r.db')).stdout).toMatch(/redacted: to look at only/);
  expect((await folder.pawl('show', 'hello', '--db', 'r.db')).code).toBe(0);
});

test('a run is written as one page, without what is taken out of it', async () => {
  buildPageOnce();
  const { stdout, stderr } = await folder.pawl(
    'export',
    'hello',
    '--html',
    'r.html',
    '--redact',
    '$..name',
    '--json',
  );
  expect(stderr).toBe('');
  const html = folder.read('r.html');
  expect(documentOf(stdout)).toMatchObject({
    exported: { file: 'r.html', html: true, bytes: Buffer.byteLength(html), redacted: true },
  });
  expect(html).toContain('"name":"[redacted]"');
  expect(html).not.toContain('"name":"Ada"');
  expect(statSync(join(folder.path, 'r.html')).mode & 0o777).toBe(0o600);
  const refused = await folder.pawl('export', 'hello', '--html', 'x.html', '--redact', '$..nmae');
  expect([refused.code, folder.has('x.html')]).toEqual([11, false]);
  expect((await folder.pawl('export', 'hello', '--html', 'x.html', '-o', 'y')).code).toBe(2);
});

test('backup, prune and compact, for programs', async () => {
  const backup = documentOf((await folder.pawl('backup', 'copy.db', '--json')).stdout);
  expect(backup).toEqual({
    version: 1,
    backup: { file: 'copy.db', bytes: statSync(join(folder.path, 'copy.db')).size },
  });
  expect((await folder.pawl('backup', 'copy.db')).code).toBe(11);
  expect(
    (await folder.pawl('run', 'm.ts', '-i', '{"name":"Bob"}', '--id', 'last', '--db', 'copy.db')).code,
  ).toBe(0);
  const pruned = await folder.pawl('prune', '--older-than', '0s', '--json', '--db', 'copy.db');
  expect(documentOf(pruned.stdout)).toMatchObject({
    dryRun: false,
    runs: 1,
    events: 5,
    families: [{ id: 'hello', process: 'm', status: 'succeeded', others: [] }],
  });
  const compacted = documentOf((await folder.pawl('compact', '--json', '--db', 'copy.db')).stdout);
  expect(compacted).toMatchObject({ compacted: { after: statSync(join(folder.path, 'copy.db')).size } });
  expect((await folder.pawl('prune')).code).toBe(2);
  expect((await folder.pawl('compact', '--db', 'nowhere.db')).code).toBe(4);
});
