/**
 * Every error of Pawl that process code can see. Each carries a stable `code`; compare that (or use
 * `isPawlError`) where two copies of this module may be loaded, since `instanceof` then fails.
 */
export type PawlErrorCode =
  | 'INVALID_OPTION'
  | 'INVALID_ARGUMENT'
  | 'EMPTY_GROUP'
  | 'CANCELLED'
  | 'TIMEOUT'
  | 'VALIDATION'
  | 'UNSERIALIZABLE'
  | 'LIMIT'
  | 'NON_DETERMINISM'
  | 'RUN_LOCKED'
  | 'SHELL'
  | 'QUEUE_FULL'
  | 'CIRCUIT_OPEN'
  | 'INVALID_COST'
  | 'CHANNEL_CLOSED'
  | 'WORKER_LOST'
  | 'SOURCE_FAILED'
  | 'TASK_FAILED'
  | 'CHILD_FAILED'
  | 'EXIT_FAILED'
  | 'RUN_HALTED';

export abstract class PawlError extends Error {
  abstract readonly code: PawlErrorCode;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

function show(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 60 ? `${value.slice(0, 60)}…` : value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return Object.is(value, -0) ? '-0' : String(value);
}

/** An option has a value that it cannot have. Nothing was recorded. */
export class InvalidOptionError extends PawlError {
  readonly code = 'INVALID_OPTION';
  readonly option: string;

  constructor(option: string, value: unknown, expected: string) {
    super(`Option '${option}' must be ${expected}; it is ${show(value)}.`);
    this.option = option;
  }
}

/** An argument of a `ctx` call is not what the call takes. Nothing was recorded. */
export class InvalidArgumentError extends PawlError {
  readonly code = 'INVALID_ARGUMENT';
}

/** `race` of nothing can never settle. */
export class EmptyGroupError extends PawlError {
  readonly code = 'EMPTY_GROUP';

  constructor(mode: string) {
    super(`parallel.${mode} of an empty list would never settle; give it at least one thunk.`);
  }
}

/** The call was given up: its group was decided, its signal aborted, its run cancelled or ended. */
export class CancelledError extends PawlError {
  readonly code = 'CANCELLED';
}

/** A deadline passed before the work was done. */
export class TimeoutError extends PawlError {
  readonly code = 'TIMEOUT';
}

export interface ValidationIssue {
  /** Where in the value, `$` is the value itself: `$.items[3].name`. */
  readonly path: string;
  readonly message: string;
}

/** A value does not match its schema, or a definition has problems: all of them are in `issues`. */
export class ValidationError extends PawlError {
  readonly code = 'VALIDATION';
  readonly issues: readonly ValidationIssue[];

  constructor(
    what: string,
    issues: readonly ValidationIssue[],
    verdict: string = 'does not match its schema',
  ) {
    const list = issues.map((issue) => `\n  ${issue.path}: ${issue.message}`).join('');
    super(`${what} ${verdict}:${list}`);
    this.issues = issues;
  }
}

/** A value that the journal cannot hold without loss, with its place. */
export class UnserializableError extends PawlError {
  readonly code = 'UNSERIALIZABLE';
  readonly path: string;

  constructor(what: string, path: string, reason: string) {
    super(`${what} cannot be recorded: ${path} ${reason}.`);
    this.path = path;
  }
}

/** A limit was reached; the message names the limit, its value and how to raise it. */
export class LimitError extends PawlError {
  readonly code = 'LIMIT';
  readonly limit: string;

  constructor(limit: string, message: string) {
    super(message);
    this.limit = limit;
  }
}

/** A task failed for good: its last error is the `cause`, whose message this error repeats. */
export class TaskError extends PawlError {
  readonly code = 'TASK_FAILED';
  readonly task: string;
  /** The call key, as `pawl show` prints it. */
  readonly key: string;
  /** Attempts that failed, the last one included. */
  readonly attempts: number;

  constructor(message: string, details: { task: string; key: string; attempts: number; cause: unknown }) {
    super(message, { cause: details.cause });
    this.task = details.task;
    this.key = details.key;
    this.attempts = details.attempts;
  }
}

/** A source failed for good: its last error is the `cause`, whose message this error repeats. */
export class SourceError extends PawlError {
  readonly code = 'SOURCE_FAILED';
  readonly source: string;
  /** The call key, as `pawl show` prints it. */
  readonly key: string;
  /** Attempts that failed since the last item, the last one included. */
  readonly attempts: number;

  constructor(message: string, details: { source: string; key: string; attempts: number; cause: unknown }) {
    super(message, { cause: details.cause });
    this.source = details.source;
    this.key = details.key;
    this.attempts = details.attempts;
  }
}

/**
 * A run that was started by `ctx.run` did not succeed, or could not be started under its id: what it threw is the
 * `cause`; a CancelledError where it was cancelled.
 */
export class ChildError extends PawlError {
  readonly code = 'CHILD_FAILED';
  readonly runId: string;
  readonly process: string;
  /** The call key in the run that started it, as `pawl show` prints it. */
  readonly key: string;

  constructor(message: string, details: { runId: string; process: string; key: string; cause: unknown }) {
    super(message, { cause: details.cause });
    this.runId = details.runId;
    this.process = details.process;
    this.key = details.key;
  }
}

/**
 * Tasks that a `ctx.scope` runs when it ends failed: all of them are in `errors`, in the order in which they ran, and
 * the others ran all the same. What ended the scope is the `cause`; none where it had a result.
 */
export class ExitError extends PawlError {
  readonly code = 'EXIT_FAILED';
  readonly errors: readonly unknown[];
  /** The key of the scope, as `pawl show` prints it. */
  readonly key: string;

  constructor(message: string, details: { key: string; errors: readonly unknown[]; cause?: unknown }) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.errors = details.errors;
    this.key = details.key;
  }
}

/** A process ended its run on purpose, without success: `ctx.halt` of `@pawl/sdk/babysitter`. */
export class RunHaltedError extends PawlError {
  readonly code = 'RUN_HALTED';
  readonly reason: string;
  /** What the process said beside it. */
  readonly payload: unknown;

  constructor(reason: string, payload?: unknown) {
    super(`Run halted: ${reason}`);
    this.reason = reason;
    this.payload = payload;
  }
}

/** A command ended with an exit code that the task does not accept, or by a signal. */
export class ShellError extends PawlError {
  readonly code = 'SHELL';
  /** Null when a signal ended the command. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** What the command printed, each bounded to the task's `maxOutputBytes`. */
  readonly stdout: string;
  readonly stderr: string;

  constructor(
    message: string,
    details: { exitCode: number | null; signal: string | null; stdout: string; stderr: string },
  ) {
    super(message);
    this.exitCode = details.exitCode;
    this.signal = details.signal;
    this.stdout = details.stdout;
    this.stderr = details.stderr;
  }
}

/** The queue of a pool whose `overflow` is 'reject' was full. No attempt was made. */
export class QueueFullError extends PawlError {
  readonly code = 'QUEUE_FULL';
}

/** The circuit of the task was open: it failed too often a short time ago. No attempt was made. */
export class CircuitOpenError extends PawlError {
  readonly code = 'CIRCUIT_OPEN';
}

/**
 * A task costs more than its pool, or a pool around that, can ever give, or of something it does not have. Of a pool that the
 * run has declared nothing was recorded; of one that it only names the call was, and this is its outcome.
 */
export class InvalidCostError extends PawlError {
  readonly code = 'INVALID_COST';
}

/** Something was pushed to a channel that is closed. */
export class ChannelClosedError extends PawlError {
  readonly code = 'CHANNEL_CLOSED';
}

/** The thread or process that ran an attempt ended before it answered. Retried like any failure. */
export class WorkerLostError extends PawlError {
  readonly code = 'WORKER_LOST';
}

/** Where a process and its journal part. */
export interface DivergenceReport {
  readonly runId: string;
  readonly seq: number;
  readonly key: string;
  readonly recorded: string;
  readonly asked: string | null;
  readonly difference: string | null;
  /** file:line:column of the call that was made last, where the recorded one was not made again and this is known. */
  readonly lastCall: string | null;
  /** file:line:column of the call. */
  readonly where: string | null;
  readonly likelyCause: string;
  /** What to do, as commands. */
  readonly remedies: readonly string[];
}

/** The process asked for something else than its journal holds. The run is left as it was. */
export class NonDeterminismError extends PawlError {
  readonly code = 'NON_DETERMINISM';
  readonly report: DivergenceReport | undefined;

  constructor(message: string, report?: DivergenceReport) {
    super(message);
    this.report = report;
  }
}

/** Another owner holds the run's lease. */
export class RunLockedError extends PawlError {
  readonly code = 'RUN_LOCKED';
}

type AnyPawlError =
  | InvalidOptionError
  | InvalidArgumentError
  | EmptyGroupError
  | CancelledError
  | TimeoutError
  | ValidationError
  | UnserializableError
  | LimitError
  | TaskError
  | SourceError
  | ChildError
  | ExitError
  | ShellError
  | QueueFullError
  | CircuitOpenError
  | InvalidCostError
  | ChannelClosedError
  | WorkerLostError
  | NonDeterminismError
  | RunLockedError
  | RunHaltedError;

/** What an error from elsewhere is known by, beside its code: others have codes such as 'TIMEOUT' too. */
const NAMES: { readonly [Code in PawlErrorCode]: string } = {
  INVALID_OPTION: 'InvalidOptionError',
  INVALID_ARGUMENT: 'InvalidArgumentError',
  EMPTY_GROUP: 'EmptyGroupError',
  CANCELLED: 'CancelledError',
  TIMEOUT: 'TimeoutError',
  VALIDATION: 'ValidationError',
  UNSERIALIZABLE: 'UnserializableError',
  LIMIT: 'LimitError',
  NON_DETERMINISM: 'NonDeterminismError',
  RUN_LOCKED: 'RunLockedError',
  SHELL: 'ShellError',
  QUEUE_FULL: 'QueueFullError',
  CIRCUIT_OPEN: 'CircuitOpenError',
  INVALID_COST: 'InvalidCostError',
  CHANNEL_CLOSED: 'ChannelClosedError',
  WORKER_LOST: 'WorkerLostError',
  SOURCE_FAILED: 'SourceError',
  TASK_FAILED: 'TaskError',
  CHILD_FAILED: 'ChildError',
  EXIT_FAILED: 'ExitError',
  RUN_HALTED: 'RunHaltedError',
};

/**
 * True for an error of Pawl, or for one with this code: also where it is from another copy of this
 * module, or came out of the journal, as the `cause` of a TaskError does.
 */
export function isPawlError<Code extends PawlErrorCode = PawlErrorCode>(
  error: unknown,
  code?: Code,
): error is Extract<AnyPawlError, { readonly code: Code }> {
  if (!(error instanceof Error) || !('code' in error)) return false;
  if (code !== undefined && error.code !== code) return false;
  return (
    error instanceof PawlError ||
    Object.entries(NAMES).some(([known, name]) => known === error.code && name === error.name)
  );
}
