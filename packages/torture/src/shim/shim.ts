/** The library that stands between a program and the kernel's file calls; see shim.c. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';

/** Why it cannot be had here; undefined where it can. */
export function shimProblem(): string | undefined {
  if (process.platform !== 'linux') return `it stands in for calls of Linux, and this is ${process.platform}`;
  const compiler = spawnSync('cc', ['--version'], { stdio: 'ignore' });
  return compiler.status === 0 ? undefined : 'there is no C compiler (cc) to make the shim';
}

/** @returns the path of the library in that folder */
export function compileShim(folder: string): string {
  const library = join(folder, 'shim.so');
  const source = join(import.meta.dirname, 'shim.c');
  const flags = ['-shared', '-fPIC', '-O1', '-Wall', '-Werror', '-o', library, source, '-ldl', '-lpthread'];
  const { status, stderr } = spawnSync('cc', flags, { encoding: 'utf8' });
  if (status !== 0) throw new TypeError(`the shim cannot be compiled: ${stderr}`);
  return library;
}

/** What a program needs in its environment to be watched. */
export function shimEnvironment(library: string, root: string, log?: string): NodeJS.ProcessEnv {
  return { LD_PRELOAD: library, SHIM_ROOT: root, ...(log === undefined ? {} : { SHIM_LOG: log }) };
}

/** Kinds of calls, as bits. */
export const CALLS = { write: 1, sync: 2, truncate: 4, unlink: 8, open: 16, lock: 32, map: 64 } as const;

const ACTIONS = { nothing: 0, kill: 1, 'short and kill': 2, once: 3, 'for ever': 4, short: 5 } as const;

export interface Fault {
  /** Bits of `CALLS`. */
  readonly calls: number;
  /** Which of these calls, from 1. */
  readonly at: number;
  readonly action: keyof typeof ACTIONS;
  readonly error: keyof typeof constants.errno;
}

export const NO_FAULT: Fault = { calls: 127, at: 0, action: 'nothing', error: 'EIO' };

/** In a program that is watched: what is to fail from now on. Counting begins anew. */
export function arm({ calls, at, action, error }: Fault): void {
  const name = ['arm', calls, at, ACTIONS[action], constants.errno[error]].join('/');
  readFileSync(`/pawl-shim/${name}`);
}

/** Calls of the armed kinds since then, and how many of them failed. */
export function counted(): { readonly seen: number; readonly fired: number } {
  const [seen = 0, fired = 0] = readFileSync('/pawl-shim/count', 'utf8').split(' ').map(Number);
  return { seen, fired };
}
