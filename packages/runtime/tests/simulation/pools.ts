/** A pool of the simulation. All programs that name it mean the same: they share it where they share a journal. */
export interface PoolSpec {
  readonly maxConcurrent: number;
  /** Calls that may wait in order of priority; others wait before the queue, or are refused. */
  readonly queueSize?: number;
  readonly overflow?: 'reject';
  readonly order?: 'backfill';
}

export const POOLS = {
  single: { maxConcurrent: 1 },
  queued: { maxConcurrent: 2, queueSize: 2 },
  wide: { maxConcurrent: 3, order: 'backfill' },
  strict: { maxConcurrent: 3 },
  narrow: { maxConcurrent: 1, queueSize: 1, overflow: 'reject' },
  shut: { maxConcurrent: 2, queueSize: 0, overflow: 'reject' },
} as const satisfies Readonly<Record<string, PoolSpec>>;

export type PoolName = keyof typeof POOLS;

export function poolSpec(name: PoolName): PoolSpec {
  return POOLS[name];
}

/** Those in which who is refused depends on time. */
export const REFUSING: readonly PoolName[] = ['narrow', 'shut'];
export const PATIENT: readonly PoolName[] = ['single', 'queued', 'wide', 'strict'];

/** What the attempts of one program hold, seen from the tasks. */
export class PoolWatch {
  readonly #extra: number;
  readonly #report: (problem: string) => void;
  readonly #held = new Map<string, number>();

  /** @param extra slots that a pool may have by now beyond what its spec says */
  constructor(extra: number, report: (problem: string) => void) {
    this.#extra = extra;
    this.#report = report;
  }

  enter(name: PoolName, cost: number): void {
    const held = (this.#held.get(name) ?? 0) + cost;
    this.#held.set(name, held);
    const limit = POOLS[name].maxConcurrent + this.#extra;
    if (held > limit) this.#report(`attempts hold ${held} of the ${limit} slots of pool '${name}'`);
  }

  leave(name: PoolName, cost: number): void {
    this.#held.set(name, (this.#held.get(name) ?? 0) - cost);
  }
}
