/**
 * `pnpm mutation [room or file …]`: mutants of the rooms that everything else relies on, each of which a test has to find.
 * Prints those that none found, and the score of each file and room; exits with 1 where a room has less than 85 %.
 *
 * `--changed`: of the lines that were changed last, so many that it takes less than a minute. So few can have no score:
 * it exits with 1 where less than 85 % of all of them are found, and they are 40 or more.
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

const FOUND: ReadonlySet<string> = new Set(['Killed', 'Timeout']);
const NOT_FOUND: ReadonlySet<string> = new Set(['Survived', 'NoCoverage']);

/** @param ranges files, or `file:first-last` */
function mutate({ tests }: MutantRoom, ranges: readonly string[]): Report {
  const report = join(ROOT, '.stryker-tmp/report.json');
  rmSync(report, { force: true });
  const stryker = join(ROOT, 'node_modules/@stryker-mutator/core/bin/stryker.js');
  const { status } = spawnSync(
    execPath,
    [stryker, 'run', 'tooling/mutation/stryker.config.json', '--mutate', ranges.join(',')],
    {
      cwd: ROOT,
      stdio: 'inherit',
      env: { ...process.env, PAWL_MUTATION_TESTS: tests.map((path) => SOURCES + path).join(' ') },
    },
  );
  if (status !== 0 || !existsSync(report)) throw new TypeError('no mutants were tried: see above');
  return JSON.parse(readFileSync(report, 'utf8')) as Report;
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

/** @returns the score of each room that was asked for */
function tryAll(asked: ReadonlyMap<MutantRoom, readonly string[]>): readonly Score[] {
  const byRoom = [...asked].map(([room, ranges]) => {
    const { files } = mutate(room, ranges);
    const scores = Object.entries(files).map(([path, { mutants }]) => ({ path, score: scoreOf(mutants) }));
    return { room, scores };
  });
  return byRoom.map(({ room, scores }) => {
    stdout.write('\n');
    for (const { path, score } of scores) tell(`  ${path.replace(SOURCES, '')}`, score);
    const total = sum(scores.map(({ score }) => score));
    tell(room.name, total);
    return total;
  });
}

function roomsOf(words: readonly string[]): ReadonlyMap<MutantRoom, readonly string[]> {
  const known = filesByRoom();
  const asked = new Map<MutantRoom, readonly string[]>();
  for (const [room, files] of known) {
    const isAsked = words.length === 0 || words.includes(room.name);
    const some = isAsked ? files : files.filter((file) => words.some((word) => file === SOURCES + word));
    if (some.length > 0) asked.set(room, some);
  }
  const names = [...known].flatMap(([{ name }, files]) => [
    name,
    ...files.map((file) => file.replace(SOURCES, '')),
  ]);
  const unknown = words.filter((word) => !names.includes(word));
  if (unknown.length > 0) throw new TypeError(`no room and no file of one: ${unknown.join(', ')}`);
  return asked;
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
  stdout.write(`mutants of the ${count(lines)} lines that were changed last, of at most ${MOST_LINES}\n`);
  const asked = new Map<MutantRoom, readonly string[]>();
  for (const [room, files] of known) {
    const some = lines.filter(({ file }) => files.includes(file));
    if (some.length > 0)
      asked.set(
        room,
        some.map(({ file, first, last }) => `${file}:${first}-${last}`),
      );
  }
  const total = sum(tryAll(asked));
  tell('of what was changed', total);
  return total.all < FEW || percentOf(total) >= LEAST;
}

function tryRooms(words: readonly string[]): boolean {
  const scores = tryAll(roomsOf(words));
  return scores.every((score) => percentOf(score) >= LEAST);
}

const words = argv.slice(2);
const isEnough = words.includes('--changed') ? tryChanged() : tryRooms(words);
stdout.write(isEnough ? '' : `less than ${LEAST} % of the mutants of a room were found\n`);
process.exitCode = isEnough ? 0 : 1;
