/** The real command line, each use a program of its own, over processes that leave a line for each start of a task. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { env, execPath } from 'node:process';

import { openJournal, type Recorded } from '@pawl/runtime';

const CLI = join(import.meta.dirname, '../../cli');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

const isBuilt = env['PAWL_BUILT'] === '1' && existsSync(join(CLI, 'dist/bin.js'));

/** How Node is told to take the sources of our packages: what was just built starts in half the time. */
export const SOURCES: readonly string[] = isBuilt ? [] : ['--conditions=source'];

/** @param more what its environment has beside what every program needs */
export function startPawl(
  cwd: string,
  args: readonly string[],
  more: NodeJS.ProcessEnv = {},
): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const child = spawn(execPath, [join(CLI, isBuilt ? 'dist/bin.js' : 'bin/pawl.js'), ...args], {
    cwd,
    env: {
      PATH: env['PATH'],
      NODE_COMPILE_CACHE: env['NODE_COMPILE_CACHE'] ?? join(cwd, '../compiled'),
      ...more,
    },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, ended };
}

/** A start of a task, as its ledger has it. */
export interface Start {
  readonly key: string;
  readonly attempt: number;
}

/** A last line that is cut off was not synced. */
export function startsIn(ledger: string): readonly Start[] {
  return readFileSync(ledger, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Start);
}

/** Of a run; none where there is no such run yet. @throws TypeError where `verify` finds damage */
export function eventsIn(cwd: string, id: string): readonly Recorded[] {
  const path = join(cwd, '.pawl/journal.db');
  if (!existsSync(path)) return [];
  using journal = openJournal({ path });
  const { damage } = journal.verify();
  if (damage.length > 0) throw new TypeError(`verify finds ${JSON.stringify(damage[0])}`);
  return journal.list({ limit: 100 }).some(({ runId }) => runId === id) ? [...journal.events(id)] : [];
}

export function outputIn(stdout: string): unknown {
  try {
    return (JSON.parse(stdout) as { readonly output?: unknown }).output;
  } catch {
    return stdout;
  }
}
