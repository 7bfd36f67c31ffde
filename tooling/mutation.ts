/**
 * `pnpm mutation [room or file …]`: mutants of the rooms that everything else relies on, each of which a test has to find.
 * Prints those that none found, and the score of each file and room; exits with 1 where a room has less than 85 %.
 *
 * `--changed`: of the lines that were changed last, as many as take less than a minute of processor time. So few have no
 * score that says much: it exits with 1 where they are 40 or more, and less than 85 % of them are found.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { argv, execPath, stdout } from 'node:process';

import { changedLines, count } from './mutation/changed-lines.ts';
import { filesByRoom, type MutantRoom, SOURCES } from './mutation/rooms.ts';
import { ROOT } from './run-command.ts';

const LEAST = 85;
const MOST_LINES = 150;
const FEW = 40;

interface Mutant {
  readonly status: string;
}

interface Report {
  readonly files: Readonly<Record<string, { readonly mutants: readonly Mutant[] }>>;
}

interface Score {
  readonly found: number;
  readonly all: number;
}

interface Trial {
  /** Below the sources. */
  readonly tests: readonly string[];
  readonly isFresh: boolean;
  /** Files, or `file:first-last`. */
  readonly ranges: readonly string[];
  readonly flags: readonly string[];
}

const FOUND: ReadonlySet<string> = new Set(['Killed', 'Timeout']);
const NOT_FOUND: ReadonlySet<string> = new Set(['Survived', 'NoCoverage']);

function mutate({ tests, isFresh, ranges, flags }: Trial): Report['files'] {
  const report = join(ROOT, '.stryker-tmp/report.json');
  rmSync(report, { force: true });
  const stryker = join(ROOT, 'node_modules/@stryker-mutator/core/bin/stryker.js');
  const config = 'tooling/mutation/stryker.config.json';
  const { status } = spawnSync(execPath, [stryker, 'run', config, '--mutate', ranges.join(','), ...flags], {
    cwd: ROOT,
    stdio: 'inherit',
    env: {
      ...process.env,
      PAWL_MUTATION_TESTS: tests.map((path) => SOURCES + path).join(' '),
      PAWL_MUTATION_FRESH: isFresh ? '1' : '0',
    },
  });
  if (status !== 0 || !existsSync(report)) throw new TypeError('no mutants were tried: see above');
  return (JSON.parse(readFileSync(report, 'utf8')) as Report).files;
}

function scoreOf(mutants: readonly Mutant[]): Score {
  const found = mutants.filter(({ status }) => FOUND.has(status)).length;
  return { found, all: found + mutants.filter(({ status }) => NOT_FOUND.has(status)).length };
}

function sum(scores: readonly Score[]): Score {
  return scores.reduce((a, b) => ({ found: a.found + b.found, all: a.all + b.all }), { found: 0, all: 0 });
}

function percentOf({ found, all }: Score): number {
  return all === 0 ? 100 : (100 * found) / all;
}

function tell(name: string, score: Score): void {
  const percent = percentOf(score).toFixed(1).padStart(5);
  stdout.write(`${name.padEnd(32)} ${percent} %  ${score.found} of ${score.all}\n`);
}

/** @returns what its files come to together */
function tellFiles(name: string, files: Report['files']): Score {
  const scores = Object.entries(files).map(([path, { mutants }]) => ({ path, score: scoreOf(mutants) }));
  stdout.write('\n');
  for (const { path, score } of scores) tell(`  ${path.replace(SOURCES, '')}`, score);
  const total = sum(scores.map(({ score }) => score));
  tell(name, total);
  return total;
}

/** By room, the files that were asked for. */
function roomsOf(words: readonly string[]): ReadonlyMap<MutantRoom, readonly string[]> {
  const known = filesByRoom();
  const asked = new Map<MutantRoom, readonly string[]>();
  for (const [room, files] of known) {
    const isAsked = words.length === 0 || words.includes(room.name);
    const some = isAsked ? files : files.filter((file) => words.includes(file.replace(SOURCES, '')));
    if (some.length > 0) asked.set(room, some);
  }
  const names = [...known].flatMap(([room, files]) => [
    room.name,
    ...files.map((file) => file.replace(SOURCES, '')),
  ]);
  const unknown = words.filter((word) => !names.includes(word));
  if (unknown.length > 0) throw new TypeError(`no room, and no file of one: ${unknown.join(', ')}`);
  return asked;
}

function tryRooms(words: readonly string[]): boolean {
  const tried = [...roomsOf(words)].map(([room, ranges]) => ({
    room,
    files: mutate({ ...room, ranges, flags: [] }),
  }));
  const scores = tried.map(({ room, files }) => tellFiles(room.name, files));
  return scores.every((score) => percentOf(score) >= LEAST);
}

function tryChanged(): boolean {
  const known = filesByRoom();
  const lines = changedLines([...known.values()].flat(), MOST_LINES);
  if (lines === undefined || lines.length === 0) {
    stdout.write(
      `skipped: ${lines === undefined ? 'no history here' : 'nothing of these rooms was changed'}\n`,
    );
    return true;
  }
  stdout.write(
    `mutants of the ${count(lines)} lines of these rooms that were changed last, ${MOST_LINES} at most\n`,
  );
  const rooms = [...known].flatMap(([room, files]) =>
    lines.some(({ file }) => files.includes(file)) ? [room] : [],
  );
  const files = mutate({
    tests: rooms.flatMap(({ tests }) => tests),
    isFresh: rooms.some(({ isFresh }) => isFresh),
    ranges: lines.map(({ file, first, last }) => `${file}:${first}-${last}`),
    // What is done once when a module is loaded takes all tests for each mutant.
    flags: ['--ignoreStatic', '--concurrency', '1'],
  });
  const total = tellFiles('of what was changed', files);
  return total.all < FEW || percentOf(total) >= LEAST;
}

const words = argv.slice(2);
const isEnough = words.includes('--changed') ? tryChanged() : tryRooms(words);
if (!isEnough) stdout.write(`less than ${LEAST} % were found\n`);
process.exitCode = isEnough ? 0 : 1;
