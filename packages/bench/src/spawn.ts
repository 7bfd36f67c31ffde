import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { env, execArgv, execPath } from 'node:process';
import { fileURLToPath } from 'node:url';

import { BenchFailure } from './failure.ts';
import type { Order } from './order.ts';
import { parseResult, type Sample, type Skipped } from './sample.ts';

/** What is run: of ours, or a peer. */
export interface Command {
  /** In messages. */
  readonly who: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Beside the environment of this program. */
  readonly env: Readonly<Record<string, string>>;
}

/** From sources and from what was built, the modules have other names. */
const OWN_ENDING = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

/** A module of this package, from `src/` or from `dist/`. @param name without its ending */
export function ownModule(name: string): URL {
  return new URL(`${name}${OWN_ENDING}`, import.meta.url);
}

export function programOf(order: Order): Command {
  const args = [...execArgv, fileURLToPath(ownModule('./program')), JSON.stringify(order)];
  return { who: `program ${order.program}`, args, cwd: '.', env: {} };
}

/** In a folder of its own, which is removed. Takes at most `limitMs`. @throws BenchFailure */
export async function measureIn(
  parent: string,
  command: Command,
  limitMs: number,
): Promise<Sample | Skipped> {
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'run-'));
  // A database server of a peer may have to run as another user.
  chmodSync(folder, 0o755);
  folders.add(folder);
  try {
    return await measureWithin(folder, command, limitMs);
  } finally {
    removeFolder(folder);
  }
}

/** @param folder what the program gets as BENCH_DIR @throws BenchFailure */
export async function measureWithin(
  folder: string,
  command: Command,
  limitMs: number,
): Promise<Sample | Skipped> {
  const output = await outputOf(folder, command, limitMs);
  return output === undefined
    ? { skipped: `took more than ${limitMs / 1000} s` }
    : parseResult(output, command.who);
}

/** Undefined where the time was over. @throws BenchFailure */
export async function outputOf(
  folder: string,
  command: Command,
  limitMs: number,
): Promise<string | undefined> {
  const child = start(folder, command);
  const output: string[] = [];
  const complaints: string[] = [];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => output.push(text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => complaints.push(text));
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    killGroup(child);
  }, limitMs);
  const status = await exitOf(child);
  clearTimeout(timer);
  // What it started and did not end.
  killGroup(child);
  if (isLate) return undefined;
  if (status === 0) return output.join('');
  const told = complaints.join('').trim().split('\n').slice(-20).join('\n');
  throw new BenchFailure('PROGRAM', `${command.who} ended with ${status ?? child.signalCode}:\n${told}`);
}

const running = new Set<ChildProcess>();
const folders = new Set<string>();

function removeFolder(folder: string): void {
  // What was ended a moment ago may still be at its files.
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  folders.delete(folder);
}

/** In a group of its own, so that all that it starts can be ended with it. */
export function start(folder: string, command: Command): ChildProcess {
  const child = spawn(execPath, command.args, {
    cwd: command.cwd,
    detached: true,
    env: { ...env, ...command.env, BENCH_DIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

export function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve(status));
  });
}

/** Whatever is left of the group of a program, and nothing where nothing is. */
export function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nobody is left.
  }
}

/** Programs run in groups of their own, so that Ctrl-C does not reach them. */
export function endWithParent(): void {
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      for (const child of running) killGroup(child);
      for (const folder of folders) removeFolder(folder);
      process.exit(status);
    });
  }
}
