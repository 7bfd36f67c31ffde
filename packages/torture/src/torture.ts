/** Runs parts, and says of each what it counted, what was violated, and how to do it again. */
import { cpuUsage } from 'node:process';

import { missedFloors, type Figures, type Part, type Tier } from './part.ts';

export interface Asked {
  readonly tier: Tier;
  readonly seed: number;
  readonly at: number | undefined;
  /** How many rounds instead of those of the tier. */
  readonly rounds: number | undefined;
}

export interface Outcome {
  readonly part: string;
  readonly rounds: number;
  readonly figures: Figures;
  readonly violations: readonly string[];
  /** Floors that were not reached. */
  readonly missed: readonly string[];
  /** Why nothing was done. */
  readonly skipped: string | undefined;
  readonly seconds: number;
  readonly processorSeconds: number;
}

/** Violations that are told one by one. */
const MOST_TOLD = 20;

export async function tortureBy(part: Part, { tier, seed, at, rounds: asked }: Asked): Promise<Outcome> {
  const rounds = asked ?? part.rounds[tier];
  const figures: Figures = new Map();
  const violations: string[] = [];
  const skipped = part.impossible?.();
  const start = performance.now();
  const before = cpuUsage();
  let count = 0;
  const violated = (round: number, what: string): void => {
    count += 1;
    if (count > MOST_TOLD) return;
    violations.push(`round ${round}: ${what}\n    again: ${againBy(part, { seed, round, rounds })}`);
  };
  if (skipped === undefined) await part.run({ seed, rounds, at, figures, violated });
  if (count > MOST_TOLD) violations.push(`and ${count - MOST_TOLD} more`);
  const { user, system } = cpuUsage(before);
  return {
    part: part.name,
    rounds,
    figures,
    violations,
    missed: skipped !== undefined || at !== undefined ? [] : missedFloors(part.floors, figures, rounds),
    skipped,
    seconds: (performance.now() - start) / 1000,
    processorSeconds: (user + system) / 1e6,
  };
}

/** With how many rounds there were: of fewer, the round may not be one, or be another. */
function againBy(
  { name }: Part,
  { seed, round, rounds }: Readonly<Record<'seed' | 'round' | 'rounds', number>>,
): string {
  return `pnpm torture --only ${name} --seed ${seed} --rounds ${rounds} --at ${round}`;
}

/** Why there is no such round, in words. */
export function noRound(part: Part, { tier, at, rounds = part.rounds[tier] }: Asked): string | undefined {
  if (at === undefined || at < rounds || part.isAnyRoundThere === true) return undefined;
  return `${part.name} has ${rounds} rounds, from 0 to ${rounds - 1}; more with --rounds, or --tier night`;
}

/** For people, a line each. */
export function reportOf(
  { part, rounds, figures, violations, missed, skipped, seconds, processorSeconds }: Outcome,
  budgetSeconds: number,
): string {
  if (skipped !== undefined) return `${part}: skipped, since ${skipped}`;
  const within = seconds <= budgetSeconds ? 'of' : 'over its budget of';
  const lines = [
    `${part}: ${rounds} rounds in ${seconds.toFixed(1)} s ${within} ${budgetSeconds} s (${processorSeconds.toFixed(1)} s of processor time in this program), ${violations.length === 0 ? 'nothing violated' : `${violations.length} VIOLATED`}`,
    ...[...figures].map(([what, count]) => `  ${String(count).padStart(8)}  ${what}`),
    ...missed.map((what) => `  NOT ENOUGH: ${what}`),
    ...violations.map((what) => `  VIOLATED: ${what}`),
  ];
  return lines.join('\n');
}

/** As docs/guarantees.md counts: part, rounds, what happened how often. */
export function rowOf({ part, rounds, figures, violations, missed, skipped, seconds }: Outcome): string {
  const wrong = violations.length + missed.length;
  const met = [...figures].map(([what, count]) => `${count.toLocaleString('en-US')} ${what}`).join(', ');
  const how = wrong === 0 ? '' : ` (${wrong} WRONG)`;
  return `| \`${part}\` | ${rounds.toLocaleString('en-US')} | ${skipped === undefined ? `${met}; ${Math.round(seconds)} s${how}` : `skipped: ${skipped}`} |`;
}
