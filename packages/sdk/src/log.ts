/** How much it matters. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Tells what happens: values as `console.log` takes them, one line a call. Called as it is, it tells at level 'info'. */
export interface Log {
  (...values: readonly unknown[]): void;
  readonly debug: (...values: readonly unknown[]) => void;
  readonly info: (...values: readonly unknown[]) => void;
  readonly warn: (...values: readonly unknown[]) => void;
  readonly error: (...values: readonly unknown[]) => void;
}
