import { formatWithOptions } from 'node:util';

import type { LogEntry } from '@pawl/runtime';

import { cleanLines } from './clean.ts';
import type { Theme } from './theme.ts';

/** What was logged, as console.log would write it, without colours. */
export function logText(values: readonly unknown[]): string {
  return formatWithOptions({ colors: false, depth: 4, breakLength: 100 }, ...values);
}

/** As `--json` tells it. */
export function logDocument({ values, ...place }: LogEntry): object {
  return { ...place, message: logText(values) };
}

/** Each line begins with a sign and the task's name, so that none can be taken for one of ours. */
export function logLines(values: readonly unknown[], task: string | undefined, theme: Theme): string[] {
  const prefix = task === undefined ? theme.dim('›') : theme.dim(`› ${task}:`);
  return cleanLines(logText(values)).map((line) => `${prefix} ${line}`);
}
