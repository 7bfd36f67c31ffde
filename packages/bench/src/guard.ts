/**
 * What the guard of `openRuntime({ guard })` costs where the process is right: CPU time of a whole program, from its
 * start to its end, that does a sequence of steps with it or without.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv, cpuUsage, execArgv, execPath, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';
import { openRuntime } from '@pawl/runtime';
import { defineTask, type Context } from '@pawl/sdk';

import { BenchFailure } from './failure.ts';

const STEPS = 10_000;
const PAIRS = 15;

const step = defineTask({ name: 'step', run: (n: number) => n + 1 });

async function steps(_: null, ctx: Context): Promise<number> {
  let n = 0;
  while (n < STEPS) n = await ctx.task(step, n);
  return n;
}

/** @returns ms of CPU of this program so far, of all threads, user and system */
async function work(guard: 'off' | 'warn'): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'pawl-guard-'));
  const runtime = await openRuntime({ path: join(folder, 'journal.db'), durability: 'normal', guard });
  await runtime.start(steps, null).result();
  await runtime.close();
  rmSync(folder, { recursive: true });
  const { user, system } = cpuUsage();
  return (user + system) / 1000;
}

function cpuMs(guard: 'off' | 'warn'): number {
  const program = [...execArgv, fileURLToPath(import.meta.url), guard];
  const { status, stdout: text } = spawnSync(execPath, program, { encoding: 'utf8' });
  if (status !== 0)
    throw new BenchFailure('PROGRAM', `the program with guard '${guard}' ended with ${status}`);
  return Number(text);
}

/** One after the other, and each first as often as the other: what the machine does besides hits both. */
function pair(i: number): { readonly off: number; readonly on: number } {
  if (i % 2 === 0) {
    const off = cpuMs('off');
    return { off, on: cpuMs('warn') };
  }
  const on = cpuMs('warn');
  return { off: cpuMs('off'), on };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

const [, , asked] = argv;
if (asked === 'off' || asked === 'warn') {
  stdout.write(String(await work(asked)));
} else {
  const pairs = Array.from({ length: PAIRS }, (_, i) => pair(i));
  const off = median(pairs.map((each) => each.off));
  const ratios = pairs.map((each) => each.on / each.off - 1).toSorted((a, b) => a - b);
  const [more, least, most] = [median(ratios), ratios[0] ?? 0, ratios.at(-1) ?? 0].map(
    (ratio) => `${(ratio * 100).toFixed(1)} %`,
  );
  stdout.write(
    `${STEPS} steps: ${off.toFixed(0)} ms of CPU without the guard, ${more} more with it (median of ${PAIRS} pairs, ${least} to ${most})\n`,
  );
}
