/** Eight command lines at once: on a journal that is not there yet, on one run, and on a run whose program was killed. */
import { watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { EXIT_CODES } from '@pawl/runtime/errors';
import { seededEntropy } from '@pawl/runtime/testing';

import { Folder } from '../folder.ts';
import { randomModule } from '../kills/random-module.ts';
import { count, type Part, type PartContext } from '../part.ts';
import { eventsIn, outputIn, startPawl, startsIn, type Ended } from '../pawl.ts';

const CROWD = 8;
/** Another one has the run; or has made it while this one was about to. */
const REFUSALS: ReadonlySet<number | null> = new Set([EXIT_CODES.BUSY, EXIT_CODES.FENCED]);

export const crowds: Part = {
  name: 'crowds',
  what: 'eight command lines at once, on a fresh journal, on one run, and on one whose program was killed',
  rounds: { ci: 20, night: 60 },
  share: 1 / 10,
  budgetSeconds: { ci: 200, night: 1800 },
  floors: { 'runs that were made at once': CROWD, 'refused, since another one has the run': 1, kills: 1 },
  run: async (context) => {
    for (let round = 0; round < context.rounds; round += 1) {
      if (context.at === undefined || context.at === round) await crowd(round, context);
    }
  },
};

interface Place {
  readonly cwd: string;
  readonly ledger: string;
  readonly expected: string;
}

async function crowd(round: number, { seed, figures, violated }: PartContext): Promise<void> {
  using folder = new Folder('crowds');
  const { random } = seededEntropy(seed * 1_000_003 + round);
  const wrong = (what: string): void => violated(round, what);
  await freshJournal(placeIn(folder, random), figures, wrong);
  const shared = placeIn(folder, random);
  await oneRun(shared, ['run', 'drawn.mjs', '--id', 'r', '--json'], figures, wrong);
  const orphaned = placeIn(folder, random);
  await killed(orphaned, 1 + Math.floor(random() * 4));
  count(figures, 'kills');
  const isThere = eventsIn(orphaned.cwd, 'r').length > 0;
  const args = isThere ? ['resume', 'r', '--json'] : ['run', 'drawn.mjs', '--id', 'r', '--json'];
  await oneRun(orphaned, args, figures, wrong);
}

function placeIn(folder: Folder, random: () => number): Place {
  const cwd = folder.fresh();
  const { text, expected } = randomModule(random);
  const ledger = join(cwd, 'ledger');
  writeFileSync(join(cwd, 'drawn.mjs'), text);
  writeFileSync(ledger, '');
  return { cwd, ledger, expected: JSON.stringify(expected) };
}

async function together(cwd: string, argsOf: (n: number) => readonly string[]): Promise<readonly Ended[]> {
  return Promise.all(Array.from({ length: CROWD }, (_, n) => startPawl(cwd, argsOf(n)).ended));
}

function told({ code, signal, stdout, stderr }: Ended): string {
  return `it ended with ${code ?? signal}: ${stdout}${stderr}`.slice(0, 2000);
}

async function freshJournal(
  { cwd, expected }: Place,
  figures: PartContext['figures'],
  wrong: (what: string) => void,
): Promise<void> {
  const all = await together(cwd, (n) => ['run', 'drawn.mjs', '--id', `r${n}`, '--json']);
  for (const [n, ended] of all.entries()) {
    if (ended.code !== 0 || JSON.stringify(outputIn(ended.stdout)) !== expected)
      wrong(`run ${n} of a fresh journal: ${told(ended)}`);
    else if (eventsIn(cwd, `r${n}`).at(-1)?.event.type !== 'RunSucceeded')
      wrong(`run ${n} of a fresh journal is not recorded as it was told`);
    else count(figures, 'runs that were made at once');
  }
}

/** One of them, or several one after the other, drives it; no attempt is begun twice, and what was done is not done again. */
async function oneRun(
  { cwd, ledger, expected }: Place,
  args: readonly string[],
  figures: PartContext['figures'],
  wrong: (what: string) => void,
): Promise<void> {
  const done = new Set(
    eventsIn(cwd, 'r').flatMap(({ event }) =>
      event.type === 'TaskSucceeded' || event.type === 'TaskFailed' ? [event.key] : [],
    ),
  );
  const before = startsIn(ledger).length;
  const all = await together(cwd, () => args);
  let ends = 0;
  for (const ended of all) {
    if (REFUSALS.has(ended.code)) count(figures, 'refused, since another one has the run');
    else if (ended.code === 0 && JSON.stringify(outputIn(ended.stdout)) === expected) ends += 1;
    else wrong(`of eight on one run: ${told(ended)}`);
  }
  if (ends === 0) wrong('of eight on one run none came to its end');
  count(figures, 'told of its end', ends);
  const starts = startsIn(ledger);
  const attempts = starts.map(({ key, attempt }) => `${key} ${attempt}`);
  const twice = attempts.filter((attempt, i) => attempts.indexOf(attempt) !== i);
  if (twice.length > 0) wrong(`begun twice: ${twice.join(', ')}`);
  const again = starts.slice(before).filter(({ key }) => done.has(key));
  if (again.length > 0) wrong(`done again: ${again.map(({ key }) => key).join(' ')}`);
}

async function killed({ cwd, ledger }: Place, starts: number): Promise<void> {
  const { child, ended } = startPawl(cwd, ['run', 'drawn.mjs', '--id', 'r', '--json']);
  const watcher = watch(ledger, () => {
    if (startsIn(ledger).length >= starts) child.kill('SIGKILL');
  });
  await ended;
  watcher.close();
}
