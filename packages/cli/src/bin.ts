/** The program: bin/pawl.js imports this module, and nothing else does. */
import { writeSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

import { EXIT_CODES } from '@pawl/runtime/errors';

import { failureOf } from './failure.ts';
import { describeFailure, main } from './main.ts';
import { hookModules } from './module-hooks.ts';
import { quietWarnings } from './quiet-warnings.ts';
import type { Failure } from './render/failure.ts';
import { Screen, type Io } from './terminal.ts';

/** Exit codes above it are those of signals. */
const SIGNAL_BASE = 128;
const LONGEST_FLUSH_MS = 2000;

const argv = process.argv.slice(2);

let hasEnded = false;

const io: Io = {
  out: new Screen(process.stdout, process.env),
  err: new Screen(process.stderr, process.env),
  env: process.env,
  cwd: process.cwd(),
  now: () => Date.now(),
  readStdin: () => text(process.stdin),
  unfinished: new Set(),
  exit: (exitCode) => {
    hasEnded = true;
    process.exit(exitCode);
  },
};

quietWarnings();
hookModules();

// What user code throws outside any run ends the program; the run can be resumed. Rejections that
// nobody waits for come here too, but those of process code: the runtime tells them as warnings.
process.on('uncaughtException', crashed);
process.on('exit', () => {
  if (hasEnded) return;
  process.exitCode = EXIT_CODES.UNEXPECTED;
  // Nothing that is not synchronous goes out any more.
  writeSync(2, `${describeFailure(endedEarly(), argv, io).join('\n')}\n`);
});

function crashed(error: unknown): void {
  const failure = failureOf(error, io.cwd, true);
  io.err.lines(describeFailure({ ...failure, hints: goOn() }, argv, io));
  void leave(EXIT_CODES.UNEXPECTED);
}

function endedEarly(): Failure {
  const what = 'The program ended before its work was done';
  return {
    code: 'UNEXPECTED',
    exitCode: EXIT_CODES.UNEXPECTED,
    message: `${what}: code called process.exit, or nothing was left to wait for.`,
    where: undefined,
    facts: [],
    hints: goOn(),
    data: {},
    stack: undefined,
  };
}

function goOn(): string[] {
  return [...io.unfinished].map((command) => `go on with: ${command}`);
}

// Not awaited at the top level: a module that never finishes loading must not keep Node from saying so.
void main(argv, io).then(leave);

/**
 * User code may keep timers or sockets open: the end of the command is the end of the program. What is printed is waited
 * for, but not for ever where a signal asked for the end: a reader who does not read would keep the program from it.
 */
async function leave(exitCode: number): Promise<void> {
  const flushed = Promise.all([io.out.flushed(), io.err.flushed()]);
  const isStopped = exitCode > SIGNAL_BASE;
  await (isStopped ? Promise.race([flushed, delay(LONGEST_FLUSH_MS)]) : flushed);
  io.exit(exitCode);
}
