import { inspect } from 'node:util';
import { generate } from './generate.ts';
import { transcript } from './journal-lines.ts';
import type { Program } from './program.ts';
import { shrink } from './shrink.ts';
import { simulate, type Failure } from './simulate.ts';
import type { Tally } from './world.ts';

const FOLDER = 'packages/runtime/tests/simulation';
/** Programs per CI run; PAWL_SIM_SEEDS says otherwise. */
const SEEDS = 2500;
/** Plans of faults that are tried on each smaller program. */
const PLANS = 4;

/** The one seed to look at, from PAWL_SIM_SEED, or undefined. */
export const onlySeed: number | undefined = numberOf('PAWL_SIM_SEED');

/** How many seeds are simulated. */
export const seedCount: number = numberOf('PAWL_SIM_SEEDS') ?? SEEDS;

/** The first of them; a night of its own has other programs. */
export const firstSeed: number = numberOf('PAWL_SIM_FIRST') ?? 0;

function numberOf(name: string): number | undefined {
  const value = process.env[name];
  if (value === undefined || value === '') return undefined;
  const count = Number(value);
  if (!Number.isSafeInteger(count) || count < 0)
    throw new RangeError(`${name} must be a whole number, it is '${value}'`);
  return count;
}

/** The first seed that fails in words for a person, or undefined. */
export async function firstFailure(seeds: Iterable<number>, tally: Tally): Promise<string | undefined> {
  for (const seed of seeds) {
    const program = generate(seed);
    const failure = await simulate(program, tally);
    tally.set('programs', (tally.get('programs') ?? 0) + 1);
    if (failure !== undefined) return describeFailure(program, failure);
  }
  return undefined;
}

/** What can be said of a seed: how to run it again, the program, smaller if it can be, and its journal. */
async function describeFailure(program: Program, failure: Failure): Promise<string> {
  const { seed } = program;
  // What fails otherwise may be a program that the generator never makes.
  const isSame = async (candidate: Program): Promise<boolean> => {
    const other = await failureOf(candidate);
    return other !== undefined && kindOf(other) === kindOf(failure);
  };
  const smaller = await shrink(program, isSame);
  const shown = (await failureOf(smaller)) ?? failure;
  return [
    `Seed ${seed} fails. Again: PAWL_SIM_SEED=${seed} npx pnpm exec vitest run ${FOLDER}`,
    `  ${failure.problem}`,
    `The smallest program found that fails too:`,
    show(smaller.body),
    `  ${shown.problem}`,
    `Faults: ${show(shown.plan)}`,
    ...[...shown.journals].flatMap(([id, journal]) => [`Journal of ${id}:`, ...transcript(journal)]),
  ].join('\n');
}

/** The first words of a problem, without where it was met. */
function kindOf({ problem }: Failure): string {
  const words = problem.slice(problem.indexOf(': ') + 2).replaceAll(/[^a-z ]/gu, '');
  return words
    .split(' ')
    .filter((word) => word.length > 1)
    .slice(0, 4)
    .join(' ');
}

/** A smaller program meets other faults at other places: a few plans are tried on it. */
async function failureOf(program: Program): Promise<Failure | undefined> {
  for (let plan = 0; plan < PLANS; plan += 1) {
    const failure = await simulate(program, new Map(), program.seed + plan);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

/** Data as text, without what is undefined. */
function show(data: unknown): string {
  return inspect(withoutUndefined(data), { depth: Infinity, breakLength: 110, compact: 8 });
}

function withoutUndefined(data: unknown): unknown {
  if (Array.isArray(data)) return data.map(withoutUndefined);
  if (typeof data !== 'object' || data === null || data instanceof Date) return data;
  return Object.fromEntries(
    Object.entries(data)
      .filter(([name, value]) => value !== undefined || name === 'value')
      .map(([name, value]) => [name, withoutUndefined(value)]),
  );
}
