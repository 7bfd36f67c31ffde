import { ShellError, type ShellResult, type ShellSpec } from '@pawl/sdk';
import type { Clock } from '../../ports/clock.ts';
import { killGroupOnAbort } from './process-group.ts';

const DEFAULT_OUTPUT_BYTES = 64 * 1024;

/** The end of a stream, within a bound. */
class Tail {
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #size = 0;
  truncated = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size > 2 * this.#limit + 65_536) this.#trim();
  }

  #trim(): void {
    const all = Buffer.concat(this.#chunks);
    const kept = all.subarray(Math.max(0, all.length - this.#limit));
    if (kept.length < all.length) this.truncated = true;
    this.#chunks = [kept];
    this.#size = kept.length;
  }

  text(): string {
    this.#trim();
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}

/**
 * Runs a command in a process group of its own; an abort ends the whole group: SIGTERM, and SIGKILL
 * two seconds later.
 * @throws ShellError when the command cannot be started, or ends otherwise than the spec accepts
 */
export async function runShell(spec: ShellSpec, signal: AbortSignal, clock: Clock): Promise<ShellResult> {
  const { command, okExitCodes = [0], maxOutputBytes = DEFAULT_OUTPUT_BYTES } = spec;
  const title = typeof command === 'string' ? command : command.join(' ');
  // A third of the program's start, and many programs run no command.
  const { execa } = await import('execa');
  signal.throwIfAborted();
  const startedAt = clock.monotonic();
  const [file = '', ...args] = typeof command === 'string' ? [command] : command;
  const child = execa(file, args, {
    ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
    // What a command prints is recorded, and one that lists its environment must not record the key of all secrets.
    env: { PAWL_SECRET_KEY: undefined, PAWL_SECRET_KEY_COMMAND: undefined, ...spec.env },
    ...(spec.input === undefined ? { stdin: 'ignore' as const } : { input: spec.input }),
    shell: typeof command === 'string',
    detached: true,
    cleanup: false,
    buffer: false,
    reject: false,
    encoding: 'buffer',
  });
  const stdout = new Tail(maxOutputBytes);
  const stderr = new Tail(maxOutputBytes);
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  const cancelKill = killGroupOnAbort(child.pid, signal, clock);
  try {
    const result = await child;
    const output = { stdout: stdout.text(), stderr: stderr.text() };
    const exitCode = result.exitCode ?? null;
    if (exitCode === null || !okExitCodes.includes(exitCode)) {
      const how =
        result.signal !== undefined
          ? `was ended by ${result.signal}`
          : exitCode === null
            ? `could not be started: ${result.originalMessage ?? result.shortMessage ?? 'unknown reason'}`
            : `ended with exit code ${exitCode}`;
      throw new ShellError(`'${title}' ${how}`, { exitCode, signal: result.signal ?? null, ...output });
    }
    const durationMs = Math.round(clock.monotonic() - startedAt);
    return { exitCode, ...output, truncated: stdout.truncated || stderr.truncated, durationMs };
  } finally {
    cancelKill();
  }
}
