/** A key of 32 bytes as people write it, and as a command prints it. What it prints is told to nobody. */
import { spawnSync } from 'node:child_process';
import process from 'node:process';

const HEX = /^[0-9a-f]{64}$/i;
const KEY_BYTES = 32;
const MOST_OUTPUT = 4096;

/** Base64 of it; undefined where it is none. */
export function keyOf(given: unknown): string | undefined {
  const text = typeof given === 'string' ? given.trim() : '';
  const bytes = Buffer.from(text, HEX.test(text) ? 'hex' : 'base64');
  const isKey = bytes.length === KEY_BYTES && (HEX.test(text) || bytes.toString('base64') === text);
  return isKey ? bytes.toString('base64') : undefined;
}

export type Printed =
  | { readonly status: 'printed'; readonly key: string }
  /** Ends a sentence that says whose command it is. */
  | { readonly status: 'failed'; readonly why: string };

export interface KeyCommand {
  /** A program, or a line for a shell. */
  readonly command: string;
  readonly args: readonly string[];
  readonly shell: boolean;
}

/** Meanwhile this program does nothing else. It may be a part of a key, or say where one is: no output is told. */
export function printKey(
  { command, args, shell }: KeyCommand,
  env: NodeJS.ProcessEnv,
  timeout: number,
): Printed {
  const { error, pid, status, signal, stdout } = spawnSync(command, [...args], {
    shell,
    // A group of its own: what it started ends with it.
    detached: true,
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
    encoding: 'utf8',
    timeout,
    killSignal: 'SIGKILL',
    maxBuffer: MOST_OUTPUT,
  } as Parameters<typeof spawnSync>[2] & { readonly encoding: 'utf8' });
  const code = error === undefined ? undefined : Reflect.get(error, 'code');
  if (error !== undefined || signal !== null) killGroup(pid);
  if (code === 'ETIMEDOUT') return failure(`took more than ${timeout / 1000} s`);
  if (code === 'ENOBUFS') return failure('prints more than a key');
  if (error !== undefined) return failure(`cannot be run (${String(code ?? 'unknown')})`);
  if (signal !== null) return failure(`was ended by ${signal}`);
  if (status !== 0) return failure(`ended with exit code ${String(status)}`);
  const key = keyOf(stdout);
  return key === undefined
    ? failure('prints no key: 32 bytes in base64 or hex, and nothing else')
    : { status: 'printed', key };
}

function failure(why: string): Printed {
  return { status: 'failed', why };
}

function killGroup(pid: number): void {
  try {
    if (pid > 0) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
