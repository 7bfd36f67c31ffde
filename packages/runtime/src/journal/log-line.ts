/** What was logged in a run, as it is kept beside its journal: no history, and no replay reads it. */
import type { Log, LogLevel } from '@pawl/sdk';
import type { CallKey } from './call-key.ts';
import type { Millis, Seq } from './ids.ts';

/** The least first. */
export const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

export interface LoggedLine {
  readonly at: Millis;
  /** The run's last event when it was logged. */
  readonly seq: Seq;
  readonly level: LogLevel;
  /** The task call that logged, null for the process itself. */
  readonly key: CallKey | null;
  /** The task, or source, of that call, and its attempt; null for the process itself. */
  readonly task: string | null;
  readonly attempt: number | null;
  /** As `console.log` would write it, without colours; it can be of several lines. */
  readonly text: string;
  /** So many lines of the run right before it are left out: too many were logged. */
  readonly leftOut: number;
}

/** A line that is kept. */
export interface LogLine extends LoggedLine {
  /** Its place among all that the run logged, from 1; those that are left out have had theirs. */
  readonly n: number;
}

export function isLevel(value: unknown): value is LogLevel {
  return LOG_LEVELS.some((level) => level === value);
}

export function levelled(tell: (level: LogLevel, values: readonly unknown[]) => void): Log {
  const at =
    (level: LogLevel) =>
    (...values: readonly unknown[]): void =>
      tell(level, values);
  return Object.assign(at('info'), {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  });
}
