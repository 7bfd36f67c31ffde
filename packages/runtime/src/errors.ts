/**
 * Operating errors: what happened, where, and the command to type next. One closed table gives each
 * code its exit code; the exit codes are frozen.
 */
export const EXIT_CODES = {
  UNEXPECTED: 1,
  USAGE: 2,
  RUN_FAILED: 3,
  NOT_FOUND: 4,
  BUSY: 5,
  FENCED: 6,
  NON_DETERMINISM: 7,
  STALLED: 7,
  CORRUPT: 8,
  NEWER: 9,
  STORAGE: 10,
  REFUSED: 11,
  SEALED: 11,
  CANCELLED: 12,
  WAITING: 13,
  STOPPED: 130,
} as const;

export type RuntimeErrorCode = keyof typeof EXIT_CODES;

export class RuntimeError extends Error {
  override readonly name = 'RuntimeError';
  readonly code: RuntimeErrorCode;
  /** What to do next, a command where there is one. */
  readonly hint: string | undefined;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(
    code: RuntimeErrorCode,
    message: string,
    details: { hint?: string; data?: Readonly<Record<string, unknown>>; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.data = details.data ?? {};
  }

  get exitCode(): number {
    return EXIT_CODES[this.code];
  }
}

/** Also where it is from another copy of this module, as of a package that was loaded from another place. */
export function isRuntimeError(error: unknown): error is RuntimeError {
  if (error instanceof RuntimeError) return true;
  return (
    error instanceof Error &&
    error.name === 'RuntimeError' &&
    'code' in error &&
    String(error.code) in EXIT_CODES
  );
}

/**
 * Whoever responds cannot do tasks at all, whatever the task: its program is not there, or may not be run. A responder
 * gives the task back and stops, and `finished` rejects with this.
 */
export class CannotRespondError extends RuntimeError {
  constructor(message: string, details: { hint?: string; cause?: unknown } = {}) {
    super('REFUSED', message, details);
  }
}
