import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { HOSTILE_TEXTS, hostileRun, START } from './hostile.fixture.ts';
import { freshFolder, writeRun } from './in-process.fixture.ts';
import { printed, type Printed } from './printed.fixture.ts';

// A machine that is busy with other things takes many times what it takes alone.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

// Whatever a journal holds, a terminal gets nothing to obey, and a program gets JSON, one document a line.

/** `w` and `f` stand for a run that waits and one that failed. */
const COMMANDS: readonly (readonly string[])[] = [
  ['list'],
  ['show', 'w'],
  ['show', 'f'],
  ['show', 'w', '--all'],
  ['why', 'w'],
  ['why', 'f'],
  ['events', 'w'],
  ['events', 'f'],
  ['timeline', 'f'],
  ['diff', 'w', 'f'],
  ['waiting', 'w'],
  ['tasks', 'w'],
  ['stats'],
  ['graph', 'w'],
  ['verify', 'w'],
  ['prune', '--older-than', '1h', '--dry-run'],
  ['retry', 'f', '--dry-run'],
];

/** Controls but a line's end, and what turns or hides text. */
const OBEYED = /[^\P{Cc}\n]|[\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\u061c\u00ad\ufeff]/u;

const isLong = process.env['PAWL_TORTURE'] === '1';
/** Those that a terminal could obey, always; of the others some. */
const TEXTS = HOSTILE_TEXTS.filter(
  (text, i) => text.length < 1000 && (isLong || OBEYED.test(text) || text.includes('\n') || i % 8 === 0),
);

const cwd = freshFolder(afterAll);
const db = join(cwd, 'journal.db');

beforeAll(() => {
  for (const [i, text] of TEXTS.entries()) {
    writeRun(db, `w${i}`, START + i, hostileRun(text));
    writeRun(db, `f${i}`, START + i, hostileRun(text, 'failed'));
  }
});

/** Each text in some commands, and each command with some texts. */
const CASES = TEXTS.flatMap((text, i) =>
  COMMANDS.filter((_, n) => isLong || n % 4 === i % 4).map((command) => ({
    text,
    args: command.map((word) => (word === 'w' || word === 'f' ? word + String(i) : word)),
  })),
);

async function look(
  args: readonly string[],
  columns?: number,
): Promise<Printed & { readonly where: string }> {
  const screen = columns === undefined ? {} : { columns };
  const seen = await printed([...args, '--db', db], { cwd, now: START + 60_000, ...screen });
  return { ...seen, where: `${args.join(' ')}: ${JSON.stringify(seen.out + seen.err).slice(0, 1500)}` };
}

test.each([80, undefined])('no text of a journal is obeyed by a terminal (%s columns)', async (columns) => {
  let shown = 0;
  for (const { text, args } of CASES) {
    const { code, out, err, where } = await look(args, columns);
    expect(code === 1, `${JSON.stringify(text)} in ${where}`).toBe(false);
    for (const given of [out, err]) {
      // Colours are ours, and only where there is a terminal.
      const plain = columns === undefined ? given : stripVTControlCharacters(given);
      expect(plain, `${JSON.stringify(text)} in ${where}`).not.toMatch(OBEYED);
    }
    if (code === 0) shown += 1;
  }
  expect(shown).toBeGreaterThan(CASES.length / 2);
});

test('with --json each line is one document, and says what was recorded', async () => {
  for (const { text, args } of CASES) {
    const { code, out, err, where } = await look([...args, '--json']);
    const lines = (out + err).split('\n').slice(0, -1);
    for (const line of lines)
      expect(() => JSON.parse(line) as unknown, `${JSON.stringify(text)} in ${where}`).not.toThrow();
    if (code !== 0 || args[0] !== 'show') continue;
    const { run } = JSON.parse(lines[0] ?? '{}') as { run: { process: string } };
    expect(run.process, where).toBe(text.toWellFormed());
  }
});
