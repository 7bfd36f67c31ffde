import type { Verdict } from './replay-runs.ts';

/** Runs that are named of each kind of answer. */
const NAMED = 3;
/** Kinds of answers that are told: a change rarely breaks runs in more ways. */
const MOST_KINDS = 20;

type Class = Verdict['class'];

/** Runs that gave the same answer. */
export interface Kind {
  readonly first: Verdict;
  readonly ids: string[];
  runs: number;
}

/**
 * What replays came to, by kind.
 *
 * Owns no more than a number of kinds, however many runs there are. Talks to nobody.
 */
export class ReplayTally {
  readonly #kinds = new Map<string, Kind>();
  readonly #counts: Record<Class, number> = {
    same: 0,
    'needs-new-work': 0,
    diverges: 0,
    'not-replayed': 0,
    skipped: 0,
  };
  /** Runs whose kind was one too many. */
  #untold = 0;
  events = 0;

  add(verdict: Verdict): void {
    this.#counts[verdict.class] += 1;
    if ('events' in verdict) this.events += verdict.events;
    if (verdict.class === 'skipped') return;
    const name = `${verdict.class} ${verdict.run.process} ${whatOf(verdict)}`;
    const kind = this.#kinds.get(name);
    if (kind !== undefined) {
      kind.runs += 1;
      if (kind.ids.length < NAMED) kind.ids.push(verdict.run.runId);
    } else if (this.#kinds.size < MOST_KINDS) {
      this.#kinds.set(name, { first: verdict, ids: [verdict.run.runId], runs: 1 });
    } else this.#untold += 1;
  }

  get counts(): Readonly<Record<Class, number>> {
    return this.#counts;
  }

  get replayed(): number {
    return this.#counts.same + this.#counts['needs-new-work'] + this.#counts.diverges;
  }

  get untold(): number {
    return this.#untold;
  }

  of(wanted: Class): readonly Kind[] {
    return [...this.#kinds.values()].filter(({ first }) => first.class === wanted);
  }
}

/** What runs of one kind have in common. */
function whatOf(verdict: Verdict): string {
  switch (verdict.class) {
    case 'needs-new-work':
      return `${verdict.asks.what} ${verdict.asks.key} ${verdict.asks.where ?? ''}`;
    case 'diverges':
    case 'not-replayed': {
      const { code, message, facts } = verdict.failure;
      // Runs came to the same place by other ways, with other inputs.
      const shared = facts.filter(([label]) => label !== 'at' && label !== 'difference');
      return `${code} ${message} ${JSON.stringify(shared)}`.replaceAll(verdict.run.runId, '');
    }
    default:
      return '';
  }
}
