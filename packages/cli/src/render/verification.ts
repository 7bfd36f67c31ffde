import { clean } from './clean.ts';
import { wrap } from './columns.ts';
import { count } from './run.ts';
import type { Theme } from './theme.ts';

export interface Verification {
  readonly runs: number;
  readonly events: number;
  readonly damage: readonly { readonly runId: string; readonly seq: number; readonly problem: string }[];
  readonly isWhole: boolean;
}

const REST =
  'Programs drive runs just now, so SQLite did not look at every page of the file. It does once they have stopped, or, while the log grows: pawl verify --whole';

/** What `pawl verify` prints of a run, or of all. */
export function renderVerification(
  { runs, events, damage, isWhole }: Verification,
  runId: string | undefined,
  width: number,
  theme: Theme,
): string[] {
  const looked = `${count(events, 'event')} of ${count(runs, 'run')}`;
  const rest = isWhole || runId !== undefined ? [] : wrap(REST, width - 2).map((line) => `  ${line}`);
  if (damage.length === 0) return [`${theme.good('✓')} ${looked}: every checksum is right`, ...rest];
  return [
    `${theme.bad('✗')} ${looked}: ${count(damage.length, 'problem')}`,
    ...damage.flatMap(({ runId: id, seq, problem }) =>
      wrap(`${clean(id)} at seq ${seq}: ${clean(problem)}`, width - 2).map((line) => `  ${line}`),
    ),
    ...rest,
  ];
}
