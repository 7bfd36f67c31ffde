/** The wall clock of the real command line jumps by days while it runs, and between two lives of a run. */
import { existsSync, readdirSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { seededEntropy } from '@pawl/runtime/testing';

import { Folder } from '../folder.ts';
import { count, type Part, type PartContext } from '../part.ts';
import { eventsIn, outputIn, startPawl, startsIn } from '../pawl.ts';

const STEPS = 6;
const SLEEP_MS = 250;
/** A sleep that went by the wall clock would take days: a busy machine takes a minute at most. */
const PATIENCE_MS = 60_000;
const JUMPS: readonly string[] = ['+3d', '-3d', '+60d', '-400d', '+0d'];
const EXPECTED = JSON.stringify(Array.from({ length: STEPS }, (_, n) => n));

const MODULE = `
import { openSync, writeSync } from 'node:fs';
import { defineTask } from '@pawl/sdk';

const ledger = openSync('ledger', 'a');
const step = defineTask({ name: 'step', maxUnknown: 1000, timeout: '1h', run: (n, { key, attempt }) => {
  writeSync(ledger, JSON.stringify({ key, attempt }) + '\\n');
  return n;
} });
export async function process(_, ctx) {
  const seen = [];
  for (let n = 0; n < ${STEPS}; n += 1) {
    seen.push(await ctx.task(step, n));
    await ctx.sleep(${SLEEP_MS});
  }
  return seen;
}
`;

function library(): string | undefined {
  const folder = '/usr/lib';
  if (!existsSync(folder)) return undefined;
  return readdirSync(folder)
    .map((name) => join(folder, name, 'faketime/libfaketimeMT.so.1'))
    .find((path) => existsSync(path));
}

export const clockJumps: Part = {
  name: 'clock-jumps',
  what: 'the wall clock of the real command line jumps by days while a run sleeps, and between two lives of it',
  rounds: { ci: 4, night: 60 },
  budgetSeconds: { ci: 60, night: 900 },
  floors: { jumps: 1.5, 'runs that went on': 0.4 },
  impossible: () =>
    library() === undefined ? 'libfaketime is not installed (apt-get install faketime)' : undefined,
  run: async (context) => {
    for (let round = 0; round < context.rounds; round += 1) {
      if (context.at === undefined || context.at === round) await jump(round, context);
    }
  },
};

async function jump(round: number, { seed, figures, violated }: PartContext): Promise<void> {
  using folder = new Folder('clock-jumps');
  const cwd = folder.fresh();
  const { random } = seededEntropy(seed * 1_000_003 + round);
  const drawn = (): string => JUMPS[Math.floor(random() * JUMPS.length)] ?? '+3d';
  const clock = join(cwd, 'clock');
  const ledger = join(cwd, 'ledger');
  const setClock = (to: string): void => writeFileSync(clock, `${to}\n`);
  writeFileSync(join(cwd, 'drawn.mjs'), MODULE);
  writeFileSync(ledger, '');
  setClock('+0d');
  const killAt = round % 2 === 0 ? 2 + Math.floor(random() * (STEPS - 2)) : Infinity;
  const jumpAt = 1 + Math.floor(random() * (STEPS - 1));
  let begun = 0;
  /** @param isLast whether it is to come to its end */
  const live = async (args: readonly string[], isLast: boolean): Promise<void> => {
    const since = performance.now();
    const first = startsIn(ledger).length;
    const { child, ended } = startPawl(cwd, args, {
      LD_PRELOAD: library(),
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    });
    const watcher = watch(ledger, () => {
      const starts = startsIn(ledger).length;
      if (starts > begun && starts === jumpAt) {
        setClock(drawn());
        count(figures, 'jumps');
      }
      begun = starts;
      if (!isLast && starts >= killAt) child.kill('SIGKILL');
    });
    const patience = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
    const { code, signal, stdout, stderr } = await ended;
    clearTimeout(patience);
    watcher.close();
    if (signal !== null && !isLast) return;
    const ms = performance.now() - since;
    if (signal !== null) violated(round, `it did not end within ${PATIENCE_MS} ms`);
    else if (code !== 0 || JSON.stringify(outputIn(stdout)) !== EXPECTED)
      violated(round, `it ended with ${code}: ${stdout}${stderr}`);
    // The sleep that was under way counts from when it began.
    const slept = (STEPS - Math.max(0, first)) * SLEEP_MS;
    if (signal === null && ms < slept) violated(round, `${slept} ms of sleep took ${Math.round(ms)} ms`);
  };
  await live(['run', 'drawn.mjs', '--id', 'r', '--json'], killAt === Infinity);
  if (killAt !== Infinity) {
    setClock(drawn());
    count(figures, 'jumps');
    await live(['resume', 'r', '--json'], true);
    count(figures, 'runs that went on');
  }
  const attempts = startsIn(ledger).map(({ key, attempt }) => `${key} ${attempt}`);
  if (new Set(attempts).size !== attempts.length) violated(round, `begun twice: ${attempts.join(', ')}`);
  const times = eventsIn(cwd, 'r').map(({ at }) => at);
  if (times.some((at, i) => at < (times[i - 1] ?? 0))) violated(round, `times go back: ${times.join(' ')}`);
}
