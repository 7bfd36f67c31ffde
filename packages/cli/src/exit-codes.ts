import { EXIT_CODES, isRuntimeError } from '@pawl/runtime/errors';
import { isPawlError } from '@pawl/sdk';

/** Frozen: scripts rely on them. 128 + n stands for the signal n. */
export const DONE = 0;

/** Of the signals that stop a run gracefully. */
export const SIGNAL_EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

export type StopSignal = keyof typeof SIGNAL_EXIT_CODES;

export function exitCodeOf(error: unknown): number {
  if (isRuntimeError(error)) return error.exitCode;
  if (!isPawlError(error)) return EXIT_CODES.UNEXPECTED;
  switch (error.code) {
    case 'NON_DETERMINISM':
      return EXIT_CODES.NON_DETERMINISM;
    case 'RUN_LOCKED':
      return EXIT_CODES.BUSY;
    default:
      // Bad input, a bad option, a value that cannot be recorded: nothing was done.
      return EXIT_CODES.REFUSED;
  }
}
