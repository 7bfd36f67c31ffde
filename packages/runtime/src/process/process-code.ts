import { AsyncLocalStorage } from 'node:async_hooks';
import type { ProcessHost } from './host.ts';
import type { Scope } from './scope.ts';

/** Whose code runs, and in which scope. */
export interface ProcessCode {
  readonly host: ProcessHost;
  readonly scope: Scope;
}

const code = new AsyncLocalStorage<ProcessCode>();

/** Undefined where what runs now is no code of a process: a task, or anything else of the program. */
export function codeHere(): ProcessCode | undefined {
  return code.getStore();
}

/** Runs a function as code of that scope; so is what it causes later. */
export function runAs<T, Given extends unknown[]>(
  host: ProcessHost,
  scope: Scope,
  fn: (...given: Given) => T,
  ...given: Given
): T {
  return code.run({ host, scope }, fn, ...given);
}

/** For what a call of process code makes us call that is none itself: listeners, schemas, builders of tasks. */
export function outsideProcess<T>(fn: () => T): T {
  return code.exit(fn);
}

/** Warns of the run whose code runs now. */
export function warnOfHere(): ((message: string) => void) | undefined {
  const host = codeHere()?.host;
  return host === undefined ? undefined : (message) => outsideProcess(() => host.port.warn(message));
}
