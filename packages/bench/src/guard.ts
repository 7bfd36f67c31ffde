/** What the guard of `openRuntime({ guard })` costs where the process is right: CPU time of a process of 1,000 steps. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuUsage, stdout } from 'node:process';
import { openRuntime } from '@pawl/runtime';
import { defineTask, type Context } from '@pawl/sdk';

const STEPS = 1000;
const WARM_UP = 10;
const PAIRS = 40;

const step = defineTask({ name: 'step', run: (n: number) => n + 1 });

async function steps(_: null, ctx: Context): Promise<number> {
  let n = 0;
  while (n < STEPS) n = await ctx.task(step, n);
  return n;
}

/** @returns ms of CPU, of all threads, user and system */
async function cpuMs(guard: 'off' | 'warn'): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'pawl-guard-'));
  const before = cpuUsage();
  const runtime = await openRuntime({ path: join(folder, 'journal.db'), durability: 'normal', guard });
  await runtime.start(steps, null).result();
  await runtime.close();
  const { user, system } = cpuUsage(before);
  rmSync(folder, { recursive: true });
  return (user + system) / 1000;
}

/** One after the other, and each first as often as the other: what the machine does besides hits both. */
async function pair(i: number): Promise<{ readonly off: number; readonly on: number }> {
  if (i % 2 === 0) {
    const off = await cpuMs('off');
    return { off, on: await cpuMs('warn') };
  }
  const on = await cpuMs('warn');
  return { off: await cpuMs('off'), on };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

for (let i = 0; i < WARM_UP; i += 1) await pair(i);
const pairs = [];
for (let i = 0; i < PAIRS; i += 1) pairs.push(await pair(i));
const off = median(pairs.map((each) => each.off));
const more = median(pairs.map((each) => each.on / each.off)) - 1;
stdout.write(
  `${STEPS} steps: ${off.toFixed(1)} ms of CPU without the guard, ${(more * 100).toFixed(1)} % more with it (medians of ${PAIRS} pairs)\n`,
);
