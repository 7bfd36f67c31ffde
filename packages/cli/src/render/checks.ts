import { clean } from './clean.ts';
import { padEnd, wrap } from './columns.ts';
import type { Theme } from './theme.ts';

/** One thing that was looked at. */
export interface Check {
  readonly name: string;
  readonly level: 'ok' | 'note' | 'problem';
  readonly text: string;
  readonly hint?: string;
  /** Of a problem. */
  readonly exitCode?: number;
}

const SIGNS = {
  ok: { sign: '✓', paint: 'good' },
  note: { sign: '!', paint: 'attention' },
  problem: { sign: '✗', paint: 'bad' },
} as const;

/** What `pawl doctor` prints. */
export function renderChecks(checks: readonly Check[], width: number, theme: Theme): string[] {
  const names = Math.max(0, ...checks.map(({ name }) => name.length));
  const indent = ' '.repeat(names + 4);
  return checks.flatMap(({ name, level, text, hint }) => {
    const { sign, paint } = SIGNS[level];
    const [first = '', ...rest] = wrap(clean(text), Math.max(16, width - indent.length));
    return [
      `${theme[paint](sign)} ${theme.dim(padEnd(name, names))}  ${first}`,
      ...rest.map((line) => indent + line),
      ...(hint === undefined ? [] : [`${indent}${theme.dim('→')} ${clean(hint)}`]),
    ];
  });
}
