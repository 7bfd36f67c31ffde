import { DONE, SIGNAL_EXIT_CODES, type StopSignal } from './exit-codes.ts';

const SIGNALS = Object.keys(SIGNAL_EXIT_CODES) as readonly StopSignal[];

/** Signals that end a command which only looks. */
export interface StopSignals {
  readonly aborted: AbortSignal;
  /** Of the one that came; 0 where none did. */
  exitCode(): number;
  /** From here on they end the program as they would. */
  release(): void;
}

export function listenForStop(): StopSignals {
  const controller = new AbortController();
  let exitCode: number = DONE;
  const handlers = SIGNALS.map((signal) => {
    const handler = (): void => {
      exitCode = SIGNAL_EXIT_CODES[signal];
      controller.abort();
    };
    process.once(signal, handler);
    return { signal, handler };
  });
  return {
    aborted: controller.signal,
    exitCode: () => exitCode,
    release: () => {
      for (const { signal, handler } of handlers) process.off(signal, handler);
    },
  };
}
