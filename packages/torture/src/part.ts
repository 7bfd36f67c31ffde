/** What `pnpm torture` is made of: parts that count what they did to Pawl, and what Pawl did wrong. */

export type Tier = 'ci' | 'night';

/** What happened how often; names are words for people. */
export type Figures = Map<string, number>;

export interface PartContext {
  /** Draws all that a part decides. The same seed is the same torture, but for what the machine's own clock decides. */
  readonly seed: number;
  /** How many rounds of its own kind it makes; what a round is, the part says. */
  readonly rounds: number;
  /** Only this round: what a failure says to repeat. */
  readonly at: number | undefined;
  readonly figures: Figures;
  /** In words: it is told with how to do the same again. */
  readonly violated: (round: number, what: string) => void;
}

export interface Part {
  readonly name: string;
  /** What is done to whom, in a few words. */
  readonly what: string;
  readonly rounds: Readonly<Record<Tier, number>>;
  /** How much of its short tier the tests do by themselves: all, where nothing is said. The rest is `rest.ts`. */
  readonly share?: number;
  /** How long it may take, in seconds; it is printed beside what it took. */
  readonly budgetSeconds: Readonly<Record<Tier, number>>;
  /** What must have happened at least, for each round: a torture in which nothing went wrong proves nothing. */
  readonly floors: Readonly<Record<string, number>>;
  /** Whether `at` may be any number: its rounds are not counted from 0. */
  readonly isAnyRoundThere?: boolean;
  /** Why it cannot be done on this machine, in words; undefined where it can. */
  readonly impossible?: () => string | undefined;
  readonly run: (context: PartContext) => Promise<void>;
}

/** The rounds of the short tier that the tests do by themselves. */
export function sharedRounds({ rounds, share = 1 }: Pick<Part, 'rounds' | 'share'>): number {
  return Math.ceil(rounds.ci * share);
}

export function count(figures: Figures, what: string, by = 1): void {
  figures.set(what, (figures.get(what) ?? 0) + by);
}

/** What was not reached, in words. */
export function missedFloors(floors: Part['floors'], figures: Figures, rounds: number): string[] {
  return Object.entries(floors).flatMap(([what, floor]) => {
    const least = Math.floor(floor * rounds);
    const met = figures.get(what) ?? 0;
    return met >= least ? [] : [`only ${met} × ${what}, of ${least} at least`];
  });
}
