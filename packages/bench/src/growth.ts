/** The growth tables: whether a step costs the same however much is there already. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import type { Tier } from './cases.ts';
import { BenchFailure } from './failure.ts';
import { numberText } from './number-text.ts';
import { order, type Order } from './order.ts';
import { outputOf, programOf } from './spawn.ts';
import { spreadOf } from './spread.ts';
import { tableOf } from './tables.ts';

type Row = Readonly<Record<string, number>>;

interface Growth {
  readonly title: string;
  /** Each in a program of its own; its rows stand below each other. */
  readonly orders: readonly Order[];
}

export interface GrowthOptions {
  readonly tier: Tier;
  readonly rounds: number;
  readonly folder: string;
  readonly durability: Order['durability'];
  /** Of a map; 0: its default. */
  readonly concurrency: number;
  readonly onStep: (what: string) => void;
}

export const GROWTHS = ['map', 'steps', 'runs'] as const;
export type GrowthName = (typeof GROWTHS)[number];

const LIMIT_MS = 3_600_000;

function growthOf(name: GrowthName, { tier, durability, concurrency }: GrowthOptions): Growth {
  switch (name) {
    case 'map': {
      const sizes = tier === 'quick' ? [1000] : [1000, 10_000, 100_000];
      const orders = sizes.map((size) => order('growMap', size, { durability, concurrency }));
      const width = concurrency === 0 ? 'default concurrency' : `concurrency ${concurrency}`;
      return { title: `One parallel.map of so many tasks, ${width}, durability ${durability}`, orders };
    }
    case 'steps': {
      const steps = { quick: 10_000, standard: 100_000, full: 1_000_000 }[tier];
      return {
        title: `A step in a run that has so many already, durability ${durability}`,
        orders: [order('growSteps', steps, { durability })],
      };
    }
    default: {
      const runs = { quick: 1000, standard: 10_000, full: 100_000 }[tier];
      return {
        title: `A file that holds so many runs already, durability ${durability}`,
        orders: [order('growRuns', runs, { durability })],
      };
    }
  }
}

/** A table, the median of all rounds in each place. @throws BenchFailure */
export async function measureGrowth(name: GrowthName, options: GrowthOptions): Promise<string> {
  const { title, orders } = growthOf(name, options);
  const rows: Row[] = [];
  for (const each of orders) {
    const tries: Row[][] = [];
    for (let n = 1; n <= options.rounds; n += 1) {
      options.onStep(`${title}: ${numberText(each.steps)}, round ${n} of ${options.rounds}`);
      tries.push(await rowsOf(each, options.folder));
    }
    rows.push(...mediansOf(tries));
  }
  const head = Object.keys(rows[0] ?? {});
  const cells = rows.map((row) => head.map((column) => numberText(row[column] ?? Number.NaN)));
  const table = tableOf(
    head,
    head.map(() => 'right'),
    cells,
  );
  return `${title}, median of ${options.rounds}\n${table}`;
}

async function rowsOf(each: Order, parent: string): Promise<Row[]> {
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'growth-'));
  try {
    const output = await outputOf(folder, programOf(each), LIMIT_MS);
    if (output === undefined) throw new BenchFailure('PROGRAM', `program ${each.program} did not end`);
    // Our own program printed it.
    return JSON.parse(output) as Row[];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function mediansOf(tries: readonly Row[][]): Row[] {
  const [first = []] = tries;
  return first.map((row, place) => {
    const medians: Record<string, number> = {};
    for (const column of Object.keys(row)) {
      const values = tries.flatMap((rows) => rows[place]?.[column] ?? []);
      medians[column] = spreadOf(values)?.median ?? Number.NaN;
    }
    return medians;
  });
}
