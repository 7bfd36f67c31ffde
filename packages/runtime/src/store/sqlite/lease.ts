/** The right to append: claimed by raising the epoch, proven by it, given back by forgetting the owner. */
import type { Database, Statement } from 'better-sqlite3';

import { EVENT_VERSION } from '../../journal/chain.ts';
import type { Epoch, Millis, RunId } from '../../journal/ids.ts';
import type { LeaseAnswer, LeaseClaim } from '../../ports/journal-store.ts';
import type { SetbackKind } from '../../journal/setback.ts';
import type { Rest, RunLease } from '../../ports/work-store.ts';
import type { Freed, Waking } from './waking.ts';

interface LeaseRow {
  readonly id: number;
  readonly epoch: number;
  readonly owner: string | null;
  readonly lease_until: number;
  readonly min_reader: number;
}

export class Leases {
  readonly #select: Statement<[RunId], LeaseRow>;
  readonly #take: Statement<[number, string, Millis, number]>;
  readonly #renew: Statement<[Millis, RunId, Epoch, string]>;
  readonly #release: Statement<[RunId, Epoch], Freed>;
  readonly #waking: Waking;

  constructor(db: Database, waking: Waking) {
    this.#waking = waking;
    this.#select = db.prepare('select id, epoch, owner, lease_until, min_reader from runs where run_id = ?');
    this.#take = db.prepare('update runs set epoch = ?, owner = ?, lease_until = ? where id = ?');
    this.#renew = db.prepare('update runs set lease_until = ? where run_id = ? and epoch = ? and owner = ?');
    // Only from the one who has it: what was freed by others stays as they left it.
    this.#release = db.prepare(
      `update runs set owner = null, lease_until = 0 where run_id = ? and epoch = ? and owner is not null
       returning id, status, process`,
    );
  }

  /** Who has to be gone before a claim can succeed. */
  rival(runId: RunId, now: Millis): { readonly owner: string; readonly until: Millis } | undefined {
    const row = this.#select.get(runId);
    const isHeld = row !== undefined && row.owner !== null && row.lease_until > now;
    return isHeld ? { owner: String(row.owner), until: row.lease_until } : undefined;
  }

  /** Inside a transaction; `deadOwner` was found gone before it began. */
  acquire(runId: RunId, claim: LeaseClaim, deadOwner: string | undefined): LeaseAnswer {
    const row = this.#select.get(runId);
    if (row === undefined) return { status: 'unknown' };
    if (row.min_reader > EVENT_VERSION) return { status: 'newer', minReader: row.min_reader };
    const isHeld = row.owner !== null && row.lease_until > claim.now && row.owner !== deadOwner;
    if (isHeld) return { status: 'busy', until: row.lease_until };
    const lease = { epoch: row.epoch + 1, until: claim.now + claim.ttlMs };
    this.#take.run(lease.epoch, claim.owner, lease.until, row.id);
    this.#waking.driven(row.id);
    return { status: 'acquired', lease };
  }

  renew(runId: RunId, epoch: Epoch, claim: LeaseClaim): boolean {
    return this.#renew.run(claim.now + claim.ttlMs, runId, epoch, claim.owner).changes === 1;
  }

  release(runId: RunId, epoch: Epoch, rest: Rest | undefined): void {
    const freed = this.#release.get(runId, epoch);
    if (freed !== undefined) this.#waking.released(freed, rest);
  }

  setBack({ runId, epoch }: RunLease, now: Millis, problem: string, kind: SetbackKind): void {
    const freed = this.#release.get(runId, epoch);
    if (freed !== undefined) this.#waking.setBack(freed, now, kind, problem);
  }
}
