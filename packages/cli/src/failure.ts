import { isRuntimeError, type RuntimeError } from '@pawl/runtime/errors';
import { isPawlError, NonDeterminismError, ValidationError } from '@pawl/sdk';
import { CommanderError } from 'commander';

import { exitCodeOf } from './exit-codes.ts';
import { OWN_FOLDERS } from './own-folders.ts';
import type { Failure } from './render/failure.ts';
import { relativeTo, sourcePlace } from './render/source-place.ts';

/** How an error is told. A stack is for crashes, and for whoever asks. */
export function failureOf(error: unknown, cwd: string, isDebug: boolean): Failure {
  const stack = isDebug && error instanceof Error ? fullStack(error) : undefined;
  if (isRuntimeError(error)) return runtimeFailure(error, cwd, stack);
  if (error instanceof NonDeterminismError && error.report !== undefined)
    return divergence(error, cwd, stack);
  if (error instanceof CommanderError) return usageFailure(error);
  if (isPawlError(error)) {
    return {
      code: error.code === 'RUN_LOCKED' ? 'BUSY' : error.code,
      exitCode: exitCodeOf(error),
      message: error.message,
      where: undefined,
      facts: [],
      hints: [],
      data: error instanceof ValidationError ? { issues: error.issues } : {},
      stack,
    };
  }
  return crash(error, cwd);
}

function runtimeFailure(error: RuntimeError, cwd: string, stack: string | undefined): Failure {
  const { code, exitCode, message, hint, data, cause } = error;
  const told = typeof data['where'] === 'string' ? data['where'] : undefined;
  const thrown = code === 'RUN_FAILED' && cause instanceof Error ? innermost(cause).stack : undefined;
  return {
    code,
    exitCode,
    message,
    where: told === undefined ? sourcePlace(thrown, cwd, OWN_FOLDERS) : relativeTo(cwd, told),
    facts: [],
    hints: hint === undefined ? [] : [hint],
    data,
    stack: code === 'UNEXPECTED' ? fullStack(error) : stack,
  };
}

function innermost(error: Error): Error {
  let inner = error;
  for (let depth = 0; depth < 16 && inner.cause instanceof Error; depth += 1) inner = inner.cause;
  return inner;
}

function divergence(error: NonDeterminismError, cwd: string, stack: string | undefined): Failure {
  const { report } = error;
  if (report === undefined) return crash(error, cwd);
  const { runId, seq, key, recorded, asked, difference, where, lastCall, likelyCause, remedies } = report;
  return {
    code: 'NON_DETERMINISM',
    exitCode: exitCodeOf(error),
    message: `The process asks for something else than run ${runId} has recorded. Nothing was run or written.`,
    where: undefined,
    facts: [
      ['at', `seq ${seq}, ${key === '' ? 'the process itself' : `call ${key}`}`],
      ['recorded', recorded],
      ['asked', asked ?? 'nothing: the call was not made again'],
      ...(difference === null ? [] : [['difference', difference] as const]),
      ...(where === null ? [] : [['source', relativeTo(cwd, where)] as const]),
      ...(lastCall === null ? [] : [['last call', relativeTo(cwd, lastCall)] as const]),
      ['likely cause', likelyCause],
    ],
    hints: remedies,
    data: { ...report },
    stack,
  };
}

/** What the parser of arguments says: its message may hold a suggestion on a second line. */
function usageFailure(error: CommanderError): Failure {
  const [message = '', suggestion] = (error.code === 'commander.help' ? 'Name a command' : error.message)
    .replace(/^error: /, '')
    .split('\n');
  const sentence = message.charAt(0).toUpperCase() + message.slice(1);
  return {
    code: 'USAGE',
    exitCode: 2,
    message: /[.?!]$/.test(sentence) ? sentence : `${sentence}.`,
    where: undefined,
    facts: [],
    hints: suggestion === undefined ? [] : [suggestion.replace(/^\((.*)\)$/, '$1')],
    data: {},
    stack: undefined,
  };
}

function crash(error: unknown, cwd: string): Failure {
  const isError = error instanceof Error;
  return {
    code: 'UNEXPECTED',
    exitCode: exitCodeOf(error),
    message: isError
      ? `${error.name}: ${error.message}`
      : `Something was thrown that is no error: ${String(error)}`,
    where: isError ? sourcePlace(error.stack, cwd, OWN_FOLDERS) : undefined,
    facts: [],
    hints: [],
    data: {},
    stack: isError ? fullStack(error) : undefined,
  };
}

/** With its causes. */
function fullStack(error: Error): string {
  const own = error.stack ?? `${error.name}: ${error.message}`;
  return error.cause instanceof Error ? `${own}\ncaused by ${fullStack(error.cause)}` : own;
}
