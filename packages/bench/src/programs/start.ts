/** How long a program takes until it has done something: from its start as another program sees it. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { env, execArgv, execPath } from 'node:process';
import { fileURLToPath } from 'node:url';

import { openRuntime } from '@pawl/runtime';

import { benchFolder } from '../bench-folder.ts';
import { BenchFailure } from '../failure.ts';
import type { Order } from '../order.ts';
import type { Sample } from '../sample.ts';
import { ownModule } from '../spawn.ts';
import { sequence } from './work.ts';

/** The CLI as it was built, beside this package. */
const PAWL = fileURLToPath(new URL('../../../cli/dist/bin.js', import.meta.url));

/** The way in of the installed command, which says its version by itself; here it would run the sources for all else. */
const PAWL_COMMAND = fileURLToPath(new URL('../../../cli/bin/pawl.js', import.meta.url));

/** Milliseconds since 1970, with fractions: two programs can compare it. */
export function instant(): number {
  return performance.timeOrigin + performance.now();
}

export async function startTimes(asked: Order): Promise<Sample> {
  const path = join(benchFolder(), 'listed.db');
  const runtime = await openRuntime({ path });
  for (let i = 0; i < asked.steps; i += 1) await runtime.start(sequence, 3).result();
  await runtime.close();
  // As the installed command does. The first time fills it.
  const cached = { NODE_COMPILE_CACHE: join(benchFolder(), 'compiled') };
  const pawl = (...args: string[]): number => run([PAWL, ...args], cached).ms;
  pawl('list', '--db', path);
  const bareMs = run(['--eval', '0'], {}).ms;
  const versionMs = run([PAWL_COMMAND, '--version'], cached).ms;
  const listMs = pawl('list', '--db', path);
  const startedAt = instant();
  const { output } = run([...execArgv, fileURLToPath(ownModule('./programs/first-step-main'))], {});
  const { at, rssBytes } = JSON.parse(output) as { readonly at: number; readonly rssBytes: number };
  return {
    ms: at - startedAt,
    steps: 1,
    rssBytes,
    diskBytes: null,
    walBytes: null,
    durability: 'SQLite WAL, synchronous=FULL',
    note: `from spawn to a durable step; list of ${asked.steps} runs`,
    counts: { bareMs, versionMs, listMs },
  };
}

function run(
  args: readonly string[],
  more: Readonly<Record<string, string>>,
): { ms: number; output: string } {
  const startedAt = performance.now();
  const { status, stdout, stderr } = spawnSync(execPath, args, {
    encoding: 'utf8',
    env: { ...env, ...more },
  });
  const ms = performance.now() - startedAt;
  if (status !== 0)
    throw new BenchFailure('PROGRAM', `node ${args.join(' ')} ended with ${status}: ${stderr}`);
  return { ms, output: stdout };
}
