import { clean } from './clean.ts';
import { wrap } from './columns.ts';
import { count } from './run.ts';
import type { Theme } from './theme.ts';

export interface Verification {
  readonly runs: number;
  readonly events: number;
  readonly damage: readonly { readonly runId: string; readonly seq: number; readonly problem: string }[];
}

/** What `pawl verify` prints. */
export function renderVerification(
  { runs, events, damage }: Verification,
  width: number,
  theme: Theme,
): string[] {
  const looked = `${count(events, 'event')} of ${count(runs, 'run')}`;
  if (damage.length === 0) return [`${theme.good('✓')} ${looked}: every checksum is right`];
  return [
    `${theme.bad('✗')} ${looked}: ${count(damage.length, 'problem')}`,
    ...damage.flatMap(({ runId, seq, problem }) =>
      wrap(`${clean(runId)} at seq ${seq}: ${clean(problem)}`, width - 2).map((line) => `  ${line}`),
    ),
  ];
}
