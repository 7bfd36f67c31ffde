import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

import { EXIT_CODES } from '@pawl/runtime/errors';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { HOSTILE_TEXTS, hostileRun, START } from './hostile.fixture.ts';
import { drawing, isAsked, isOneRound, roundCount } from './hostile-rounds.fixture.ts';
import { freshFolder, writeRun } from './in-process.fixture.ts';
import { printed } from './printed.fixture.ts';

// A machine that is busy with other things takes many times what it takes alone.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

// Ids, names, paths and values as somebody gives them who means harm: one message, a code, and nothing else happens.

const ROUNDS = roundCount(500);
const CHUNK = 100;
const FIRST = 8_000_000;
/** Of a message about an argument of ten thousand characters. */
const MOST_CHARS = 15_000;

/** What a command line is made of; `?` is what somebody gives. */
const COMMANDS: readonly string[] = [
  'show ?',
  'show --db ?',
  'events ?',
  'events --type ?',
  'why ?',
  'logs ?',
  'logs --task ?',
  'timeline ?',
  'verify ?',
  'resume ?',
  'resume r --module ?',
  'cancel ?',
  'cancel r --reason ?',
  'send ? name 1',
  'send r ? ?',
  'approve ? 0',
  'approve r ? --response ?',
  'resolve ? 0 --as retry',
  'resolve r ? --as done --output ?',
  'diff ? r',
  'diff r ?',
  'fork ? --at 1',
  'fork r --at ?',
  'retry ?',
  'rewind ? --to 1',
  'export ?',
  'list --process ?',
  'list --status ?',
  'list --state ?',
  'list --limit ?',
  'waiting ?',
  'tasks ?',
  'tasks --kind ?',
  'task claim ?',
  'task show ?',
  'queue remove ?',
  'schedule remove ?',
  'schedule add ? ?',
  'stats ?',
  'pools set ? --max 1',
  'pools set p --limits ?',
  'run ?',
  'run ? --id ?',
  'run hello.ts --id ?',
  'enqueue ?',
  'graph ?',
  'check ?',
  'prune --older-than ?',
  'replay ?',
  'exec-step ? 0',
  'sql ?',
  '?',
  '? ?',
  'show r --?',
  'key ?',
  'completion ?',
  'docs ?',
  'schema ?',
];

const CODES: ReadonlySet<number> = new Set([
  0,
  12,
  13,
  ...Object.values(EXIT_CODES).filter((code) => code > 1),
]);

const root = freshFolder(afterAll);
const cwd = join(root, 'work');
let before: string;

/** All there is below the folder of the test, but what readers of SQLite leave beside a file. */
function treeOf(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => !/-(shm|wal)$|-owner-/.test(name))
    .toSorted()
    .join('\n');
}

beforeAll(() => {
  mkdirSync(join(cwd, '.pawl'), { recursive: true });
  writeFileSync(join(root, 'secret.txt'), 'a secret line');
  writeFileSync(join(cwd, 'hello.ts'), 'export const process = async () => 1;\n');
  writeRun(join(cwd, '.pawl', 'journal.db'), 'r', START, hostileRun('plain'));
  cpSync(cwd, join(root, 'kept'), { recursive: true });
  before = treeOf(root);
});

/** Splits as a shell would, and then fills in: what is given is one argument, whatever it holds. */
function argumentsOf(command: string, random: () => number): string[] {
  return command.split(' ').map((word) =>
    word.replace('?', () => {
      const text = HOSTILE_TEXTS[Math.floor(random() * HOSTILE_TEXTS.length)] ?? '';
      const other = HOSTILE_TEXTS[Math.floor(random() * HOSTILE_TEXTS.length)] ?? '';
      // Some are two at once.
      return random() < 0.2 ? text + other : text;
    }),
  );
}

describe(`${ROUNDS} hostile command lines`, () => {
  const chunks = Array.from({ length: Math.ceil(ROUNDS / CHUNK) }, (_, i) => i * CHUNK);

  test.each(chunks)(
    'from %i: a code of the table, text that no terminal obeys, nothing made elsewhere',
    async (from) => {
      let done = 0;
      for (let round = from; round < Math.min(ROUNDS, from + CHUNK); round += 1) {
        if (!isAsked(round)) continue;
        const random = drawing(FIRST, round);
        const command = COMMANDS[round % COMMANDS.length] ?? 'show ?';
        const args = argumentsOf(command, random);
        const isJson = random() < 0.3;
        const columns = random() < 0.5 ? { columns: 80 } : {};
        const { code, out, err } = await printed(isJson ? [...args, '--json'] : args, {
          cwd,
          now: START,
          env: { PAWL_DB: join(cwd, '.pawl', 'journal.db') },
          ...columns,
        });
        const where = `round ${round}: ${JSON.stringify(args).slice(0, 400)}\n${out.slice(0, 400)}\n${err.slice(0, 800)}`;
        expect(CODES.has(code), `${code} ${where}`).toBe(true);
        // Colours are ours.
        for (const text of [out, err])
          expect(stripVTControlCharacters(text), where).not.toMatch(
            /[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069\u2028\u2029]/u,
          );
        expect(err, where).not.toMatch(/^\s+at .+:\d+:\d+\)?$/m);
        expect(out + err, where).not.toContain('a secret line');
        // A document has all that was given, which may be two texts of 10,000 characters, in a message and its hint.
        expect(err.length, where).toBeLessThan(isJson ? 4 * MOST_CHARS : MOST_CHARS);
        if (code === 0) done += 1;
      }
      // Else all of it was refused for something that has nothing to do with it.
      if (!isOneRound) expect(done).toBeGreaterThan(0);
      // What was given was no path, but where a path is asked for; and nothing ran.
      const made = treeOf(root)
        .split('\n')
        .filter((name) => !before.split('\n').includes(name));
      expect(made).toEqual([]);
      expect(readFileSync(join(cwd, '.pawl', 'journal.db')).length).toBeGreaterThan(0);
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    },
  );
});
