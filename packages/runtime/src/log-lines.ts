import type { LogEntry } from './engine/engine.ts';
import { reviveError, type ErrorRecord } from './journal/error-record.ts';
import { isTerminal, type JournalEvent, type Recorded } from './journal/event.ts';
import type { RunId } from './journal/ids.ts';

/** A logger as pino makes it: first the fields of a line, then its text. */
export interface Logger {
  /** Where it has none, nobody is told of what is logged at that level. */
  debug?(fields: object, message?: string): void;
  info(fields: object, message?: string): void;
  warn(fields: object, message?: string): void;
  error(fields: object, message?: string): void;
}

interface Line {
  readonly level: Exclude<keyof Logger, 'debug'>;
  readonly message: string;
  readonly fields: object;
}

/**
 * What happens in a runtime as lines of a log. All of it is committed before it is told.
 *
 * Owns the names of tasks whose calls are open, and ends that are not told yet. Talks to the logger. What user code logs stands in the fields `data`
 * and `err`, so that it can be taken for nothing that we say.
 */
export class LogLines {
  readonly #logger: Logger;
  readonly #tasks = new Map<RunId, Map<string, string>>();
  readonly #ends = new Map<RunId, Line>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  log({ runId, process, key, task, attempt, level, values }: LogEntry): void {
    const { message, ...said } = spoken(values);
    const place = key === null ? {} : { task, attempt, key };
    this.#logger[level]?.({ runId, process, ...place, ...said }, message);
  }

  warn(runId: RunId, message: string): void {
    this.#logger.warn({ runId }, message);
  }

  committed(runId: RunId, events: readonly Recorded[], process: string): void {
    for (const { event } of events) {
      const line = lineOf(event);
      const task = this.#taskOf(runId, event);
      if (line === undefined) continue;
      const place = 'key' in event ? { ...(task === undefined ? {} : { task }), key: event.key } : {};
      const told = { ...line, fields: { runId, process, ...place, ...line.fields } };
      // What the process logged last is told after the commit, and stands before the end.
      if (isTerminal(event)) this.#ends.set(runId, told);
      else this.#write(told);
    }
  }

  left(runId: RunId): void {
    const end = this.#ends.get(runId);
    this.#ends.delete(runId);
    this.#tasks.delete(runId);
    if (end !== undefined) this.#write(end);
  }

  #write({ level, fields, message }: Line): void {
    this.#logger[level](fields, message);
  }

  #taskOf(runId: RunId, event: JournalEvent): string | undefined {
    if (event.type === 'TaskScheduled') {
      const tasks = this.#tasks.get(runId) ?? new Map<string, string>();
      this.#tasks.set(runId, tasks.set(event.key, event.task));
      return event.task;
    }
    const tasks = 'key' in event ? this.#tasks.get(runId) : undefined;
    if (tasks === undefined || !('key' in event)) return undefined;
    const task = tasks.get(event.key);
    if (event.type === 'TaskSucceeded' || event.type === 'TaskFailed' || event.type === 'TaskCancelled')
      tasks.delete(event.key);
    return task;
  }
}

function lineOf(event: JournalEvent): Line | undefined {
  switch (event.type) {
    case 'RunStarted':
      return { level: 'info', message: 'run started', fields: {} };
    case 'RunSucceeded':
      return { level: 'info', message: 'run succeeded', fields: {} };
    case 'RunFailed':
      return { level: 'error', message: 'run failed', fields: thrown(event.error) };
    case 'RunCancelled':
      return { level: 'warn', message: 'run cancelled', fields: { reason: event.reason } };
    case 'RunContinued':
      return { level: 'info', message: 'run continued', fields: { nextRunId: event.nextRunId } };
    case 'AttemptFailed': {
      const { attempt, delayMs, error } = event;
      return { level: 'warn', message: 'attempt failed', fields: { attempt, delayMs, ...thrown(error) } };
    }
    case 'TaskFailed': {
      const { failures, cause, error } = event;
      return { level: 'warn', message: 'task failed', fields: { failures, cause, ...thrown(error) } };
    }
    case 'OutcomeAsked':
      return { level: 'warn', message: 'attempt has an unknown end', fields: { attempt: event.attempt } };
    default:
      return undefined;
  }
}

/** Where pino, and what reads its lines, look for an error. */
function thrown(error: ErrorRecord): object {
  return { err: reviveError(error) };
}

/** Texts make the message; an error and all else stand in fields of their own. */
function spoken(values: readonly unknown[]): { message: string; data?: unknown; err?: unknown } {
  const texts = values.filter((value) => !isData(value));
  const [error] = values.filter((value) => value instanceof Error);
  const data = values.filter((value) => isData(value) && value !== error);
  return {
    message: texts.map(String).join(' '),
    ...(data.length === 0 ? {} : { data: data.length === 1 ? data[0] : data }),
    ...(error === undefined ? {} : { err: error }),
  };
}

function isData(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
