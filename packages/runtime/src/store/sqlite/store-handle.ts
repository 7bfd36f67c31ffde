/**
 * Owns: one user's view of a journal file, and the owners that it claimed runs for.
 * Talks to: the connection that all users of the file in this process share.
 */
import { statSync } from 'node:fs';

import { EVENT_VERSION } from '../../journal/chain.ts';
import type { Circuit, TrialClaim } from '../../journal/circuit.ts';
import type { Encoded, Recorded } from '../../journal/event.ts';
import type { Epoch, Millis, RunId, Seq } from '../../journal/ids.ts';
import { assert } from '../../journal/invariant.ts';
import type { LogLine } from '../../journal/log-line.ts';
import type { Offer, OfferChange } from '../../journal/offer.ts';
import type {
  AppendRun,
  CompactAnswer,
  CompactRun,
  InboxMessage,
  JournalStore,
  LeaseAnswer,
  LeaseClaim,
  RunCounts,
  Driver,
  RunsFound,
  RunRecord,
} from '../../ports/journal-store.ts';
import type { OfferQuery } from '../../ports/offer-store.ts';
import type { PoolsChange, PoolsView } from '../../ports/pool-store.ts';
import type { Rest } from '../../ports/work-store.ts';
import { statesOf } from '../run-states.ts';
import { SqliteCopies } from './copies.ts';
import { SqliteSealing } from './sealing-desk.ts';
import { storageError } from './failure.ts';
import type { JournalFile } from './journal-file.ts';
import { SqliteWork } from './work.ts';
import { SCHEMA_VERSION } from './migrations/list.ts';

const NOBODY: ReadonlySet<string> = new Set();
/** What a removed row leaves in the log, roughly: its zeroed place in the table and in the index. */
const REMOVED_BYTES = 512;

type Work<T> = Parameters<typeof JournalFile.prototype.read<T>>[0];

export class StoreHandle implements JournalStore {
  readonly work: SqliteWork;
  readonly copies: SqliteCopies;
  readonly sealing: SqliteSealing;
  readonly hasTables = true;
  readonly #file: JournalFile;
  readonly #readOnly: boolean;
  readonly #onClose: () => void;
  readonly #owners = new Set<string>();
  #ownWrites = 0;
  #isClosed = false;

  constructor(file: JournalFile, readOnly: boolean, onClose: () => void) {
    this.#file = file;
    this.#readOnly = readOnly;
    this.#onClose = onClose;
    this.work = new SqliteWork({
      read: (work) => this.#read(work),
      write: (work) => this.#write(work),
      hold: (owner) => this.#hold(owner),
      isOwnerDead: (owner) => this.#file.isOwnerDead(owner),
      needKey: () => this.#file.sealing.needKey(),
    });
    const access = {
      read: <T>(work: Work<T>): T => this.#read(work),
      write: <T>(work: Work<T>): T => this.#write(work),
    };
    this.copies = new SqliteCopies(file, access);
    this.sealing = new SqliteSealing(file, access);
  }

  append(batch: readonly AppendRun[], claim: LeaseClaim): readonly ('committed' | 'fenced')[] {
    this.sealing.needKey();
    this.#hold(claim.owner);
    const { answers, bytes, hasMail } = this.#write(({ append }) => append.run(batch, claim));
    // As with a post: who began a start has to look what was sent to it.
    if (hasMail) this.#ownWrites -= 1;
    this.#file.statements.append.committed();
    this.#file.grew(batch.length, bytes);
    return answers;
  }

  compact(run: CompactRun, claim: LeaseClaim): CompactAnswer {
    const answer = this.#write(({ compact }) => compact.run(run, claim));
    if (answer.status === 'committed') this.#file.grew(1, answer.removed * REMOVED_BYTES);
    return answer;
  }

  read(runId: RunId, afterSeq: Seq, limit: number): readonly Recorded[] {
    return this.#read(({ read }) => read.page(runId, afterSeq, limit));
  }

  logs(runId: RunId, after: number, limit: number): readonly LogLine[] {
    return this.#read(({ logs }) => logs.page(runId, after, limit));
  }

  forksOf(runId: RunId): readonly RunId[] {
    return this.#read(({ forks }) => forks.of(runId));
  }

  acquireLease(runId: RunId, claim: LeaseClaim): LeaseAnswer {
    // Whoever drives a run reads and writes values.
    this.sealing.needKey();
    // Asked before the transaction: looking at another owner's file takes a moment.
    const rival = this.#read(({ leases }) => leases.rival(runId, claim.now));
    const isFree = rival === undefined || this.#file.isOwnerDead(rival.owner);
    if (!isFree) return { status: 'busy', until: rival.until };
    this.#hold(claim.owner);
    return this.#write(({ leases }) => leases.acquire(runId, claim, rival?.owner));
  }

  renewLease(runId: RunId, epoch: Epoch, claim: LeaseClaim): boolean {
    return this.#write(({ leases }) => leases.renew(runId, epoch, claim));
  }

  releaseLease(runId: RunId, epoch: Epoch, rest?: Rest): void {
    this.#write(({ leases }) => leases.release(runId, epoch, rest));
  }

  post(runId: RunId, message: InboxMessage, now: Millis): 'posted' | 'duplicate' | 'unknown' | 'closed' {
    this.sealing.needKey();
    const answer = this.#write(({ inbox }) => inbox.post(runId, message, now));
    // For the mark a post is foreign: the loop that owns the run has to look, also where it shares the store.
    this.#ownWrites -= 1;
    return answer;
  }

  takeInbox(runId: RunId): readonly InboxMessage[] {
    return this.#read(({ inbox }) => inbox.take(runId));
  }

  isPosted(runId: RunId, messageId: string): boolean {
    return this.#read(({ inbox }) => inbox.knows(runId, messageId));
  }

  keepKey(runId: RunId, fresh: string): ReturnType<JournalStore['keepKey']> {
    return this.#write(({ keys }) => keys.keep(runId, fresh));
  }

  keyOf(runId: RunId): string | undefined {
    return this.#read(({ keys }) => keys.of(runId));
  }

  offers(query: OfferQuery): readonly Offer[] {
    return this.#read(({ offers }) => offers.page(query));
  }

  offer(taskId: string): Offer | undefined {
    return this.#read(({ offers }) => offers.one(taskId));
  }

  changeOffer(
    taskId: string,
    decide: (offer: Offer) => OfferChange,
    now: Millis,
  ): 'changed' | 'duplicate' | 'unknown' {
    this.sealing.needKey();
    const answer = this.#write(({ offers }) => offers.change(taskId, decide, now));
    // An answer is a message, see `post`.
    this.#ownWrites -= 1;
    return answer;
  }

  knowsMessage(runId: RunId, messageId: string): boolean {
    return this.#read(({ offers }) => offers.knowsMessage(runId, messageId));
  }

  circuit(name: string): Circuit | undefined {
    return this.#read(({ shared }) => shared.circuit(name));
  }

  claimTrial(claim: TrialClaim): Circuit | undefined {
    return this.#write(({ shared }) => shared.claim(claim));
  }

  keptResult(place: string, now: Millis, ttlMs: number): Encoded | undefined {
    return this.#read(({ shared }) => shared.kept(place, now, ttlMs));
  }

  changeMark(): number {
    this.#checkOpen();
    return this.#file.dataVersion() + this.#file.writes - this.#ownWrites;
  }

  readPools(now: Millis): PoolsView {
    const view = this.#read(({ pools }) => pools.view(now, NOBODY));
    // Each look opens a file, and an owner has a lease for each of its pools.
    const owners = new Set(view.leases.map(({ owner }) => owner));
    const dead = new Set([...owners].filter((owner) => this.#file.isOwnerDead(owner)));
    return { ...view, leases: view.leases.filter(({ owner }) => !dead.has(owner)) };
  }

  changePools(
    claim: LeaseClaim,
    decide: (view: PoolsView) => PoolsChange,
    countFrom: Millis = claim.now,
  ): void {
    this.#hold(claim.owner);
    // Asked before the transaction, as for a run.
    const owners = new Set(this.#read(({ pools }) => pools.ownersBeside(claim.owner, countFrom)));
    const dead: ReadonlySet<string> = new Set([...owners].filter((owner) => this.#file.isOwnerDead(owner)));
    this.#write(({ pools }) => pools.change(claim, dead, decide, countFrom));
  }

  stateOf(runId: RunId): Readonly<Record<string, Encoded>> {
    return statesOf(
      runId,
      this.#read(({ states }) => states.of(runId)),
    );
  }

  getRun(runId: RunId, now: Millis): RunRecord | undefined {
    return this.#read(({ query }) => query.get(runId, now));
  }

  queryRuns(...given: Parameters<JournalStore['queryRuns']>): readonly RunRecord[] {
    return this.#read(({ query }) => query.page(...given));
  }

  drivers(now: Millis): readonly Driver[] {
    return this.#file.drivers(
      this.#read(({ query }) => query.owners()),
      now,
    );
  }

  searchRuns(...given: Parameters<JournalStore['searchRuns']>): RunsFound {
    return this.#read(({ query }) => query.search(...given));
  }

  countRuns(): RunCounts {
    return this.#read(({ query }) => query.counts());
  }

  verify(
    ...[runId, { whole = false } = {}]: Parameters<JournalStore['verify']>
  ): ReturnType<JournalStore['verify']> {
    return this.#read(({ verify }) => (runId === undefined ? verify.all(whole) : verify.run(runId)));
  }

  describe(): Readonly<Record<string, string | number>> {
    const { db, path, durability } = this.#file;
    const pragma = (name: string): string => String(db.pragma(name, { simple: true }));
    return this.#read(({ query }) => ({
      store: 'sqlite',
      path,
      sqlite: String(db.prepare('select sqlite_version()').pluck().get()),
      schema: SCHEMA_VERSION,
      fileSchema: Number(pragma('user_version')),
      eventVersion: EVENT_VERSION,
      access: this.#readOnly ? 'read only' : 'read and write',
      // Of a connection that only reads, the pragma says nothing about who writes.
      ...(this.#file.readOnly ? {} : { durability, synchronous: pragma('synchronous') }),
      journalMode: pragma('journal_mode'),
      databaseBytes: sizeOf(path),
      logBytes: sizeOf(`${path}-wal`),
      runs: query.count(),
      ...(this.#file.sealing.isOn ? { encryption: this.#file.sealing.isLocked ? 'locked' : 'on' } : {}),
    }));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const owner of this.#owners) this.#file.dropOwner(owner);
    this.#onClose();
  }

  #read<T>(work: Work<T>): T {
    this.#checkOpen();
    return this.#file.read(work);
  }

  #write<T>(work: Work<T>): T {
    this.#checkOpen();
    assert(!this.#readOnly, 'C1', 'a journal that was opened to be read is written to');
    const result = this.#file.write(work);
    this.#ownWrites += 1;
    return result;
  }

  #hold(owner: string): void {
    this.#checkOpen();
    if (this.#readOnly || this.#owners.has(owner)) return;
    this.#file.holdOwner(owner);
    this.#owners.add(owner);
  }

  #checkOpen(): void {
    if (this.#isClosed) throw storageError(this.#file.path, 'is closed', 'Open it again.');
  }
}

/** Sizes are asked of the folder; the files themselves are never opened here. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
