import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openJournal, openRuntime, type JournalEvent } from '@pawl/runtime';
import { MemoryStore } from '@pawl/runtime/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import digest from './digest.ts';
import { runKilled } from './killed-runs.fixture.ts';

const PACKAGES = join(import.meta.dirname, '..', 'packages');

let folder: string;

// Real text: sources as they are, and a large file of other ones, in a row.
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pawl-digest-'));
  cpSync(join(PACKAGES, 'sdk', 'src'), join(folder, 'text', 'sdk'), { recursive: true });
  const engine = join(PACKAGES, 'runtime', 'src');
  const sources = readdirSync(engine, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const all = sources.toSorted().map((name) => readFileSync(join(engine, name), 'utf8'));
  writeFileSync(join(folder, 'text', 'engine.md'), all.join('\n'));
  mkdirSync(join(folder, 'text', 'node_modules'));
  writeFileSync(join(folder, 'text', 'node_modules', 'not.md'), 'left out\n');
  writeFileSync(join(folder, 'text', 'empty.md'), '');
  writeFileSync(join(folder, 'text', 'no-line.md'), `${'word '.repeat(5000)}ünïcödé`);
  writeFileSync(join(folder, 'text', 'proto.md'), '__proto__ constructor toString\n'.repeat(3));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What a shell says about the same files. */
function byShell(pipe: string): string {
  const cat = `find text -path text/node_modules -prune -o -type f -print0 | xargs -0 -I{} sh -c 'cat {}; echo'`;
  return execFileSync('sh', ['-c', `${cat} | ${pipe}`], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, LC_ALL: 'C' },
  }).trim();
}

async function run(inputs: object) {
  const runtime = await openRuntime({ store: new MemoryStore() });
  try {
    const options = { root: join(folder, 'text'), out: join(folder, 'digest.md'), ...inputs };
    return await runtime.start(digest, options).result();
  } finally {
    await runtime.close();
  }
}

test('it counts what the shell counts, whatever the chunks are', { timeout: 60_000 }, async () => {
  const result = await run({ chunkBytes: 8192 });
  const words = byShell(`tr 'A-Z' 'a-z' | tr -cs 'a-z' '\\n' | grep .`);
  expect(result.words).toBe(words.split('\n').length);
  expect(result.distinct).toBe(new Set(words.split('\n')).size);
  const top = byShell(
    `tr 'A-Z' 'a-z' | tr -cs 'a-z' '\\n' | grep -E '.{4}' | sort | uniq -c | sort -k1,1nr -k2 | head -20`,
  );
  expect(result.top.map(([word, count]) => `${count} ${word}`)).toEqual(
    top.split('\n').map((line) => line.trim()),
  );
  // The shell adds a line to each file, so that no word of it goes on in the next one.
  const [lines, bytes] = byShell('wc -lc').split(/\s+/).map(Number);
  expect({ lines: result.lines + result.files, bytes: result.bytes + result.files }).toEqual({
    lines,
    bytes,
  });
  expect(readFileSync(join(folder, 'digest.md'), 'utf8')).toContain(`| ${result.top[0]?.join(' | ')} |`);

  const { chunks: many, ...rest } = result;
  const { chunks: few, ...same } = await run({ chunkBytes: 2 ** 22, concurrency: 1 });
  expect(same).toEqual(rest);
  expect(few).toBe(rest.files - 1);
  expect(many).toBeGreaterThan(few + 60);
});

/** What the journal says of the source and of the work on its items. */
function journaled(path: string): { readonly items: readonly Item[]; readonly firstAttempt: number } {
  using journal = openJournal({ path });
  const events = [...journal.events('killed')];
  const items = events.flatMap(({ seq, event }) =>
    event.type === 'ItemRecorded' ? [{ seq, n: event.n, chunk: event.item as unknown as Item['chunk'] }] : [],
  );
  const isCount = (event: JournalEvent): boolean =>
    event.type === 'TaskScheduled' && event.task === 'count-words';
  return { items, firstAttempt: events.find(({ event }) => isCount(event))?.seq ?? 0 };
}

interface Item {
  readonly seq: number;
  readonly n: number;
  readonly chunk: { readonly path: string; readonly start: number; readonly end: number };
}

test(
  'killed three times and resumed, it goes on behind the last chunk, and counts none again that was counted',
  { timeout: 120_000 },
  async () => {
    const inputs = { root: 'text', out: 'digest.md', chunkBytes: 8192, concurrency: 4 };
    const { result, repeated, settled } = await runKilled({
      process: 'digest',
      inputs,
      folder,
      killAt: [10, 60, 110],
      effectOf: (task, args) =>
        task === 'count-words'
          ? `stream ${join('text', String(args['path']))} from ${args['start']}`
          : undefined,
    });
    expect(repeated).toEqual([]);
    expect(settled).not.toContain(null);
    expect(settled.at(-1)).toBeGreaterThan(100);
    expect(result).toEqual(await run({ chunkBytes: 8192 }));

    const { items, firstAttempt } = journaled(join(folder, 'killed.db'));
    expect(items.map(({ n }) => n)).toEqual(items.map((_, i) => i));
    // No gap, and nothing twice.
    items.forEach(({ chunk }, i) => {
      const before = items[i - 1]?.chunk;
      expect(chunk.start).toBe(before?.path === chunk.path ? before.end : 0);
    });
    // The first was counted while there was text to be read.
    expect(firstAttempt).toBeLessThan(Number(items[10]?.seq));
    // Files that were read when it was killed are opened once; the one it was in, once more for each time.
    const effects = readFileSync(join(folder, 'effects.log'), 'utf8').trim().split('\n');
    const opened = effects.filter((line) => line.startsWith('open '));
    expect(new Set(opened).size).toBe((result as { files: number }).files);
    expect(opened.length).toBeLessThanOrEqual(new Set(opened).size + 3);
  },
);
