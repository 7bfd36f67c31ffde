/** `pnpm torture`: parts of the torture, one after the other; exits with 1 where something was violated. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv, env, execArgv, execPath, stderr, stdout } from 'node:process';
import { text as readAll } from 'node:stream/consumers';
import { parseArgs } from 'node:util';

import type { Part, Tier } from './part.ts';
import { PARTS } from './parts.ts';
import { partsLeft, reachedOf, workOn, type Piece } from './rest.ts';
import { noRound, reportOf, rowOf, tortureBy, type Asked } from './torture.ts';

const HELP = `pnpm torture [options]

  --tier ci|night   how long: minutes (ci, the default), or hours
  --only a,b        these parts only
  --seed n          draws all that is drawn (default 1)
  --at n            this round only, of one part: what a violation says to do again
  --rounds n        so many rounds instead of the tier's; what must have happened at least scales with it
  --row             and a row of docs/guarantees.md for each part
  --rest            what \`npm test\` leaves out of the short tier, one piece for each processor
  --until s         of it: none is begun after that (seconds since 1970; PAWL_TORTURE_UNTIL says it, too)

Parts:
${PARTS.map(({ name, what }) => `  ${name.padEnd(16)}  ${what}`).join('\n')}
`;

class UsageError extends Error {
  override readonly name = 'UsageError';
}

function numberOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new UsageError(`--${name} is a whole number, not ${text}`);
}

function tierOf(text: string): Tier {
  if (text === 'ci' || text === 'night') return text;
  throw new UsageError(`--tier is ci or night, not ${text}`);
}

function chosen(only: string | undefined): readonly Part[] {
  if (only === undefined) return PARTS;
  return only.split(',').map((name) => {
    const part = PARTS.find((each) => each.name === name);
    if (part === undefined) throw new UsageError(`there is no part ${name}`);
    return part;
  });
}

/** What a piece says is shown when it ends: those that run at once would mix their lines. */
async function runPiece({ part, seed, rounds, mostSeconds }: Piece): Promise<boolean> {
  const args = ['--only', part, '--seed', String(seed), '--rounds', String(rounds)];
  const child = spawn(execPath, [...execArgv, import.meta.filename, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: mostSeconds * 1000,
    killSignal: 'SIGKILL',
    env: { NODE_COMPILE_CACHE: join(tmpdir(), 'pawl-tests-compiled'), ...env },
  });
  const [told, [code]] = await Promise.all([readAll(child.stdout), once(child, 'close')]);
  stdout.write(told);
  if (code === null)
    stdout.write(
      `${part}: ended from outside, or after ${mostSeconds} s. Again: pnpm torture ${args.join(' ')}\n`,
    );
  return code === 0;
}

async function rest(until: number): Promise<number> {
  const reached = await workOn(partsLeft(PARTS), {
    lanes: availableParallelism(),
    isTimeUp: () => Date.now() / 1000 >= until,
    run: runPiece,
  });
  stdout.write(`${reachedOf(reached)}\n`);
  return reached.every(({ failed }) => failed === 0) ? 0 : 1;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    args: argv.slice(2),
    options: {
      tier: { type: 'string', default: 'ci' },
      only: { type: 'string' },
      seed: { type: 'string', default: '1' },
      at: { type: 'string' },
      rounds: { type: 'string' },
      row: { type: 'boolean', default: false },
      rest: { type: 'boolean', default: false },
      until: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    stdout.write(HELP);
    return 0;
  }
  if (values.rest) return rest(numberOf('until', values.until ?? env['PAWL_TORTURE_UNTIL']) ?? Infinity);
  const asked: Asked = {
    tier: tierOf(values.tier),
    seed: numberOf('seed', values.seed) ?? 1,
    at: numberOf('at', values.at),
    rounds: numberOf('rounds', values.rounds),
  };
  const parts = chosen(values.only);
  for (const part of parts) {
    const problem = noRound(part, asked);
    if (problem !== undefined) throw new UsageError(problem);
  }
  let isSound = true;
  for (const part of parts) {
    const budget = part.budgetSeconds[asked.tier];
    stdout.write(`${part.name}: ${asked.rounds ?? part.rounds[asked.tier]} rounds, budget ${budget} s\n`);
    const outcome = await tortureBy(part, asked);
    stdout.write(`${reportOf(outcome, budget)}\n`);
    if (values.row) stdout.write(`${rowOf(outcome)}\n`);
    if (outcome.violations.length > 0 || outcome.missed.length > 0) isSound = false;
  }
  return isSound ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof Error)) throw error;
  const isUsage =
    error instanceof UsageError || ('code' in error && String(error.code).startsWith('ERR_PARSE'));
  if (!isUsage) throw error;
  stderr.write(`${error.message}\n\n${HELP}`);
  process.exitCode = 2;
}
