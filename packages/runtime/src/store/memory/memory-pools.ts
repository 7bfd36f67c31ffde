import type { Millis } from '../../journal/ids.ts';
import type { LeaseClaim } from '../../ports/journal-store.ts';
import type { PoolsChange, PoolsView } from '../../ports/pool-store.ts';
import { parseLease, parsePool, poolText, textOf, type PoolText } from '../pool-text.ts';

interface LeaseText {
  readonly pool: string;
  readonly owner: string;
  readonly text: string;
  readonly until: Millis;
}

/** Opaque; part of a snapshot. */
export interface PoolTexts {
  readonly pools: ReadonlyMap<string, PoolText>;
  readonly leases: readonly LeaseText[];
}

/** Owns: pools and their leases, as texts, so that nothing that goes in or comes out is shared. */
export class MemoryPools {
  readonly #pools: Map<string, PoolText>;
  #leases: readonly LeaseText[];
  readonly #isDead: (owner: string) => boolean;

  constructor(from: PoolTexts | undefined, isDead: (owner: string) => boolean) {
    this.#pools = new Map(from?.pools);
    this.#leases = from?.leases ?? [];
    this.#isDead = isDead;
  }

  texts(): PoolTexts {
    return { pools: new Map(this.#pools), leases: this.#leases };
  }

  read(now: Millis): PoolsView {
    return {
      pools: [...this.#pools].map(([name, text]) => parsePool(name, text)),
      leases: this.#counting(now).map(({ pool, owner, text, until }) => parseLease(pool, owner, text, until)),
    };
  }

  change(claim: LeaseClaim, decide: (view: PoolsView) => PoolsChange, countFrom: Millis): void {
    const { owner, now, ttlMs } = claim;
    const { pools, leases, released } = decide(this.read(countFrom));
    for (const record of pools) this.#pools.set(record.name, poolText(record));
    const replaced = new Set([...released, ...leases.map(({ pool }) => pool)]);
    this.#leases = [
      ...this.#counting(countFrom).filter((lease) => lease.owner !== owner || !replaced.has(lease.pool)),
      ...leases.map(({ pool, ...fields }) => ({ pool, owner, text: textOf(fields), until: now + ttlMs })),
    ];
  }

  #counting(now: Millis): readonly LeaseText[] {
    return this.#leases.filter(({ owner, until }) => until > now && !this.#isDead(owner));
  }
}
