import { emitWarning } from 'node:process';

/** What a listener of the program throws is its own affair: it ends no run, and is told as a warning of Node's. */
export function safely<Args extends readonly unknown[]>(
  tell: (...args: Args) => void,
): (...args: Args) => void {
  return (...args) => {
    try {
      tell(...args);
    } catch (error) {
      emitWarning(
        error instanceof Error ? error : 'A listener of the runtime threw something that is no error',
      );
    }
  };
}
