/** A command as the executor of external tasks: the description goes in as JSON, the answer comes out as JSON. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';

import { CannotRespondError } from '@pawl/runtime';
import type { CommandExecutor, ExecutorContext, ExecutorTask } from '@pawl/sdk';

import type { Io } from './terminal.ts';

/** Of stderr the end is kept. */
const MAX_STDERR = 64 * 1024;
/** More than a journal takes. */
const MAX_STDOUT = 64 * 1024 * 1024;
/** Between the request to end and the force. */
const KILL_AFTER_MS = 2000;
/** What an environment takes on every system. */
const MAX_SCHEMA = 32 * 1024;

/** `TypeError: no`, `Error [ERR_X]: no`, `java.io.IOException: no`, `error: no`. */
const ERROR_LINE = /^(Uncaught )?([\w$.]*(Error|Exception)|error|fatal)( \[\w+\])?: /;
/** Where no line says so. */
const LAST_LINES = 3;
const MAX_SAID = 1000;
/** A shell's word for a program that may not be run, and for one that is not there. */
const NOT_RUN: readonly unknown[] = [126, 127];

/** Why a command gave no answer; `details` are recorded with the failure. */
class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly details: { readonly exitCode: number | null; readonly stderr: string };

  constructor(message: string, exitCode: number | null, stderr: string) {
    super(message);
    this.details = { exitCode, stderr };
  }
}

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs the command for one task; rejects with what it printed on stderr where it fails.
 * @throws CannotRespondError where there is no such program, or it may not be run
 */
export async function runCommand(
  { command, cwd, env }: Pick<CommandExecutor, 'command' | 'cwd' | 'env'>,
  task: ExecutorTask,
  { signal, attempt }: ExecutorContext,
  io: Io,
): Promise<unknown> {
  const [program = '', ...args] = typeof command === 'string' ? [command] : command;
  const child = started(program, args, {
    cwd: cwd ?? io.cwd,
    // Whoever does the work has no business with secrets that are none of it.
    env: {
      ...io.env,
      PAWL_SECRET_KEY: undefined,
      PAWL_SECRET_KEY_COMMAND: undefined,
      ...env,
      ...taskEnv(task, attempt),
    },
    shell: typeof command === 'string',
    // A group of its own: what the command starts ends with it.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const { code, signal: killedBy, stdout, stderr } = await ended(child, program, task, signal);
  signal.throwIfAborted();
  if (NOT_RUN.includes(code)) throw cannotStart(program, `${lastSaid(stderr)} (exit code ${code})`.trim());
  if (code !== 0) {
    const said = lastSaid(stderr);
    const how = killedBy === null ? `exit code ${code}` : `ended by ${killedBy}`;
    throw new CommandFailure(said === '' ? `the command failed: ${how}` : `${said} (${how})`, code, stderr);
  }
  if (stdout.trim() === '') return null;
  try {
    return JSON.parse(stdout) as unknown;
  } catch {
    const start = stdout.trim().slice(0, 80);
    throw new CommandFailure(`the command printed no JSON on stdout: ${start}`, code, stderr);
  }
}

/** The error that ended it, as most languages print it among other lines; else the end of what it said. */
function lastSaid(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const error = lines.findLast((line) => ERROR_LINE.test(line));
  return (error ?? lines.slice(-LAST_LINES).join('; ')).slice(0, MAX_SAID);
}

/** Of a program that is not there Node tells later, of a folder that is none at once. */
function started(program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  try {
    return spawn(program, args, options);
  } catch (error) {
    throw cannotStart(program, error instanceof Error ? error.message : String(error));
  }
}

function cannotStart(program: string, why: string): CannotRespondError {
  return new CannotRespondError(`The command '${program}' cannot be run: ${why}. No task was failed.`, {
    hint: 'see that the program is there, in PATH or by its path, and may be run; then do it again',
  });
}

function taskEnv(
  { id, runId, key, task, kind, outputSchema }: ExecutorTask,
  attempt: number,
): Record<string, string> {
  const schema = outputSchema === null ? '' : JSON.stringify(outputSchema);
  return {
    PAWL_TASK: id,
    PAWL_TASK_NAME: task,
    PAWL_TASK_KIND: kind,
    PAWL_RUN: runId,
    PAWL_CALL: key,
    PAWL_ATTEMPT: String(attempt),
    ...(schema === '' || schema.length > MAX_SCHEMA ? {} : { PAWL_OUTPUT_SCHEMA: schema }),
  };
}

function ended(
  child: ChildProcess,
  program: string,
  task: ExecutorTask,
  signal: AbortSignal,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    const stopWatching = killOnAbort(child, signal);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (stdout.length > MAX_STDOUT) kill(child, 'SIGKILL');
    });
    child.stderr
      ?.setEncoding('utf8')
      .on('data', (text: string) => (stderr = (stderr + text).slice(-MAX_STDERR)));
    // A command that does not read is no failure of it.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(`${JSON.stringify(task.description)}\n`);
    child.on('error', (error) => {
      stopWatching();
      reject(cannotStart(program, error.message));
    });
    child.on('close', (code, by) => {
      stopWatching();
      resolve({ code, signal: by, stdout, stderr });
    });
  });
}

function killOnAbort(child: ChildProcess, signal: AbortSignal): () => void {
  let force: NodeJS.Timeout | undefined;
  const end = (): void => {
    kill(child, 'SIGTERM');
    force = setTimeout(() => kill(child, 'SIGKILL'), KILL_AFTER_MS);
  };
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
  return () => {
    signal.removeEventListener('abort', end);
    clearTimeout(force);
  };
}

function kill({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // The group is gone.
  }
}
