import { formatWithOptions } from 'node:util';
import type { LogLevel } from '@pawl/sdk';

/** What was logged, as console.log would write it, without colours. Never throws: what is logged may be anything. */
export function logText(values: readonly unknown[]): string {
  try {
    return formatWithOptions({ colors: false, depth: 4, breakLength: 100 }, ...values);
  } catch {
    return '[what was logged has no text]';
  }
}

/** @param most characters */
export function cutText(text: string, most: number): string {
  if (text.length <= most) return text;
  const left = (text.length - most).toLocaleString('en');
  return `${text.slice(0, most).toWellFormed()}… (${left} more characters)`;
}

/** What a task logs: its values without what is secret, and what cuts that out of a text that is made of them. */
export interface SaidByTask {
  readonly level: LogLevel;
  readonly values: readonly unknown[];
  cut(text: string): string;
}
