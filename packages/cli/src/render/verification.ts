import { clean } from './clean.ts';
import { wrap } from './columns.ts';
import { count } from './run.ts';
import type { Theme } from './theme.ts';

export interface Verification {
  readonly runs: number;
  readonly events: number;
  readonly damage: readonly { readonly runId: string; readonly seq: number; readonly problem: string }[];
  readonly passedOver: readonly string[];
}

/** What `pawl verify` prints. */
export function renderVerification(
  { runs, events, damage, passedOver }: Verification,
  width: number,
  theme: Theme,
): string[] {
  const looked = `${count(events, 'event')} of ${count(runs, 'run')}`;
  const rest = passedOver.length === 0 ? [] : wrap(laterOn(passedOver), width - 2).map((line) => `  ${line}`);
  if (damage.length === 0) return [`${theme.good('✓')} ${looked}: every checksum is right`, ...rest];
  return [
    `${theme.bad('✗')} ${looked}: ${count(damage.length, 'problem')}`,
    ...damage.flatMap(({ runId, seq, problem }) =>
      wrap(`${clean(runId)} at seq ${seq}: ${clean(problem)}`, width - 2).map((line) => `  ${line}`),
    ),
    ...rest,
  ];
}

function laterOn(tables: readonly string[]): string {
  return `Programs drive runs just now. Once they have stopped, pawl verify looks at the pages of ${tables.join(' and ')} as a whole, too.`;
}
