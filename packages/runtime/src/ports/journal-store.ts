import type { Circuit, CircuitNote, TrialClaim } from '../journal/circuit.ts';
import type { AnswerMessage, OfferNote } from '../journal/offer.ts';
import type { KeptNote } from '../journal/kept-result.ts';
import type { MarkReach } from '../journal/compaction.ts';
import type { Epoch, Millis, RunId, Seq } from '../journal/ids.ts';
import type { ParentRecorded } from '../journal/child-event.ts';
import type { Encoded, JournalEvent, Recorded, RunStarted } from '../journal/event.ts';
import type { RunSummary } from '../journal/run-summary.ts';
import type { WithinTransaction } from '../journal/user-db.ts';
import type { CopyStore } from './copy-store.ts';
import type { LogBatch, LogStore } from './log-store.ts';
import type { OfferStore } from './offer-store.ts';
import type { SealingStore } from './sealing-store.ts';
import type { PoolsChange, PoolsView } from './pool-store.ts';
import type { Rest, WorkStore } from './work-store.ts';

/** The sole right to append to a run. Any later owner has a higher epoch. */
export interface Lease {
  readonly epoch: Epoch;
  readonly until: Millis;
}

export interface LeaseClaim {
  /** Random, one per runtime: never a pid or a host name. */
  readonly owner: string;
  readonly now: Millis;
  readonly ttlMs: number;
}

export type LeaseAnswer =
  | { readonly status: 'acquired'; readonly lease: Lease }
  /** Another owner is alive and its time is not up. */
  | { readonly status: 'busy'; readonly until: Millis }
  | { readonly status: 'unknown' }
  /** The run needs a newer program. */
  | { readonly status: 'newer'; readonly minReader: number };

export interface NewEvent {
  readonly at: Millis;
  readonly event: JournalEvent;
}

export interface AppendRun {
  readonly runId: RunId;
  readonly epoch: Epoch;
  /** Seq of the last event the writer knows; 0 creates the run (its epoch is then 1), and so does `forkOf`. */
  readonly afterSeq: Seq;
  readonly events: readonly NewEvent[];
  /** Ids of inbox messages that these events are the record of; gone from the inbox in the same transaction. */
  readonly consumed: readonly string[];
  /** What other runs shall know of these events: applied in the same transaction, and not where the run is fenced. */
  readonly notes?: readonly StoreNote[];
  /**
   * The run is created with the events of this one up to `afterSeq`, which are not copied, and what follows from
   * them; its own events begin with RunForked. 'fenced' where the run is there, or a start of its
   * id waits, or that event of the other is not.
   */
  readonly forkOf?: RunId;
  /**
   * A run that these events are followed by: created, and owned by the same owner in epoch 1, in the
   * same transaction; messages that nobody has taken are its own then. Where its id is taken the whole is
   * 'fenced'.
   */
  readonly successor?: NewRun;
  /** Runs that these events start: created like a successor, and nothing is handed on to them. */
  readonly children?: readonly NewRun[];
  /** What was logged since the last append: kept in the same transaction, and not where the run is fenced. */
  readonly logs?: LogBatch;
  /** A run that waits for the end of this one: with that end it goes on, where it rests. */
  readonly wakes?: RunId;
  /** Where the store has tables of the user's: what is done on them in the same transaction, after all else. */
  readonly transaction?: RunTransaction;
}

/**
 * Does its work by `within`. What comes back are the events that record it, which follow those of the append. Called again where the transaction is tried again; not at
 * all where the run is fenced.
 */
export type RunTransaction = (within: WithinTransaction) => readonly NewEvent[];

/** A run that is created in the commit of another. */
export interface NewRun {
  readonly runId: RunId;
  readonly at: Millis;
  readonly event: RunStarted;
  /** Second event of one that another run started. */
  readonly parent?: ParentRecorded;
}

/**
 * Rows behind a mark, which that mark made useless: those within the reduce `key`, its earlier marks, and
 * what its source told up to the last item that is folded.
 */
export interface CompactRun extends MarkReach {
  readonly runId: RunId;
  readonly epoch: Epoch;
  /** Looked at from here on; what was compacted before need not be again. */
  readonly fromSeq: Seq;
  /** Seq of the latest mark that is committed. */
  readonly beforeSeq: Seq;
  /** Rows that are looked at in this transaction, the latest first. */
  readonly limit: number;
}

export type CompactAnswer =
  /** `beforeSeq`: where the next slice ends; as `fromSeq` when there is none. */
  | { readonly status: 'committed'; readonly removed: number; readonly beforeSeq: Seq }
  | { readonly status: 'fenced' };

export type StoreNote = CircuitNote | KeptNote | OfferNote;

export type InboxMessage =
  | AnswerMessage
  /** `force`: with what the run's scopes registered for their end. */
  | {
      readonly kind: 'cancel';
      readonly id: string;
      readonly reason: string;
      readonly force?: true;
    }
  | { readonly kind: 'signal'; readonly id: string; readonly name: string; readonly payload: Encoded }
  /** A person answers the question of a call. */
  | {
      readonly kind: 'answer';
      readonly id: string;
      /** Whose call it is: one that follows it may have another question under the same key. */
      readonly runId: RunId;
      readonly key: string;
      readonly by: string;
      readonly approved: boolean;
      readonly option: string | null;
      readonly feedback: string | null;
      readonly response: Encoded;
    }
  /** A person says what became of an attempt. */
  | {
      readonly kind: 'resolve';
      readonly id: string;
      /** Whose call it is, as with an answer. Older programs do not say it: then it is for whichever run has it. */
      readonly runId?: RunId;
      readonly key: string;
      readonly as:
        | { readonly status: 'done'; readonly output: Encoded }
        | { readonly status: 'failed'; readonly message: string }
        | { readonly status: 'retry' };
    };

export interface RunRecord extends RunSummary {
  /** Who owns the lease, null when it was released; `ownerAlive` is false when that owner is provably gone or its time is up. */
  readonly owner: string | null;
  readonly ownerAlive: boolean;
  /** When a run goes on by itself that was put down; null where it is driven, has ended, or can go on now. */
  readonly wakeAt: Millis | null;
  /** Somebody asked it to give up, and whoever drives it has not recorded that yet. */
  readonly isCancelAsked: boolean;
}

export interface RunQuery {
  /** Newest first, in the order in which they were created. */
  readonly limit: number;
  /** Only runs that come after this one in that order (keyset paging); none where it does not exist. */
  readonly before?: RunId;
  readonly statuses?: readonly RunSummary['status'][];
  /**
   * Only runs that say of themselves (`ctx.setState`) what stands here: by name, the values that will do. A value of
   * more than 200 characters of JSON is not found.
   */
  readonly where?: Readonly<Record<string, readonly Encoded[]>>;
}

/** Runs by what no index has in order: so many are looked at, and not all. */
export interface RunSearch extends RunQuery {
  readonly process?: string;
  /** Started at this time or later. */
  readonly startedFrom?: Millis;
  readonly startedBefore?: Millis;
  /** A part of the id or of the name of the process; letters A to Z in either case. */
  readonly text?: string;
  /** Runs of the statuses and of what they say of themselves that are looked at, at most. */
  readonly lookAt: number;
}

export interface RunsFound<Run = RunRecord> {
  readonly runs: readonly Run[];
  /** Where the search goes on (`before`); null where there is nothing more. */
  readonly next: RunId | null;
  readonly lookedAt: number;
}

/** A program that drives runs, or did: a runtime that has taken a lease. */
export interface Driver {
  readonly owner: string;
  /** 'gone': it was killed, or ended without giving back what it had; 'silent': its leases ran out. */
  readonly state: 'alive' | 'silent' | 'gone';
  /** Runs whose leases it has. */
  readonly runs: number;
  /** Of these: when the last event was recorded, and how long nobody else may take them. Null where it has none. */
  readonly lastEventAt: Millis | null;
  readonly leasedUntil: Millis | null;
  /** Since when it is there; null where that is not known any more. */
  readonly since: Millis | null;
}

export type RunCounts = Readonly<Partial<Record<RunSummary['status'], number>>>;

export interface RunDamage {
  /** Empty where it is not the damage of one run. */
  readonly runId: RunId;
  /** 0 where it is not the damage of one event. */
  readonly seq: Seq;
  readonly problem: string;
}

/**
 * Where journals live. Synchronous: every write is one transaction without an await inside.
 * Owns the rows; knows nothing of processes.
 *
 * Throws RuntimeError: BUSY (try again), CORRUPT or NEWER (of one run, or the file), STORAGE (the
 * store is of no use any more: every later call throws the same), REFUSED (a value too large).
 */
export interface JournalStore extends OfferStore, LogStore {
  /** What workers look for. */
  readonly work: WorkStore;
  /** Undefined where the store has no file. */
  readonly copies?: CopyStore;
  /** Undefined where the store has no file. */
  readonly sealing?: SealingStore;
  /** Whether an append can take a transaction on tables of the user's. */
  readonly hasTables: boolean;
  /**
   * ONE transaction over all runs. A run whose epoch, owner or afterSeq does not match is left out
   * ('fenced') and its neighbours commit; so is one whose lease was released. A committed append
   * also extends the lease. When it throws, nothing of the batch is known to be stored.
   */
  append(batch: readonly AppendRun[], claim: LeaseClaim): readonly ('committed' | 'fenced')[];
  /**
   * Undefined where what was appended is kept when `append` returns. Else it settles once all that was appended by
   * now is kept, and nothing follows from it before; it rejects where it never will be.
   */
  readonly kept?: () => Promise<void>;
  /**
   * ONE transaction, fenced like an append: a stretch of useless rows becomes one row `Compacted`, all
   * others stay as they are. From the end backwards, so that what is left of it is a run's history after
   * each slice. A row is never removed before the mark that stands for it is committed.
   */
  compact(run: CompactRun, claim: LeaseClaim): CompactAnswer;
  /**
   * Up to `limit` events after `afterSeq`, oldest first, their checksums verified: fewer where they are large, none only
   * where there are none. The first one can be a `Compacted` that stands for `afterSeq` too, where that was removed since
   * it was read.
   */
  read(runId: RunId, afterSeq: Seq, limit: number): readonly Recorded[];
  /** Busy also for the owner itself: it has the lease already. */
  acquireLease(runId: RunId, claim: LeaseClaim): LeaseAnswer;
  /** False when the lease was lost. */
  renewLease(runId: RunId, epoch: Epoch, claim: LeaseClaim): boolean;
  /** A release of a lost lease does nothing. @param rest default: it can go on at once */
  releaseLease(runId: RunId, epoch: Epoch, rest?: Rest): void;
  /** A message is known by its id as long as its run is, also after it was consumed. */
  post(runId: RunId, message: InboxMessage, now: Millis): 'posted' | 'duplicate' | 'unknown' | 'closed';
  /** Messages of a run in the order of their arrival; they stay until an append consumes them. */
  takeInbox(runId: RunId): readonly InboxMessage[];
  /** Whether a message of this id was posted to the run, consumed or not. */
  isPosted(runId: RunId, messageId: string): boolean;
  /**
   * What the key of a run's secrets is kept as: `fresh`, where the run has none yet. It goes with what follows the
   * run, and is gone with the commit of the run's end: from then on nobody can open what was sealed with it.
   */
  keepKey(
    runId: RunId,
    fresh: string,
  ): { readonly status: 'kept'; readonly key: string } | { readonly status: 'unknown' | 'closed' };
  keyOf(runId: RunId): string | undefined;
  /** What attempts in all runs made of a circuit; undefined where none told anything yet. */
  circuit(name: string): Circuit | undefined;
  /** Takes a place as a trial, where there is one; the circuit as it is then, undefined where others were faster. */
  claimTrial(claim: TrialClaim): Circuit | undefined;
  /** A result that was kept at most `ttlMs` ago under a note's `place`. */
  keptResult(place: string, now: Millis, ttlMs: number): Encoded | undefined;
  /** Changes whenever another connection may have written; cheap enough to ask often. */
  changeMark(): number;
  /** Every pool that was declared, and the leases that count at this time. */
  readPools(now: Millis): PoolsView;
  /**
   * ONE transaction: what `decide` makes of the pools as they are. It may be called again with a newer
   * view, and must do nothing else. Leases that do not count any more are gone afterwards; those that are
   * made last as long as the claim says.
   * @param countFrom leases that end later count (default: the claim's time)
   */
  changePools(claim: LeaseClaim, decide: (view: PoolsView) => PoolsChange, countFrom?: Millis): void;
  /** What the run says of itself (`StateSet`): the fold of its events, written in their transaction. */
  stateOf(runId: RunId): Readonly<Record<string, Encoded>>;
  /** Runs that share events with this one, the oldest first, up to 1,000. */
  forksOf(runId: RunId): readonly RunId[];
  getRun(runId: RunId, now: Millis): RunRecord | undefined;
  /**
   * @param leftOut told of each run whose own row is damaged: the others are found without it
   * @throws RuntimeError CORRUPT where nobody is to be told
   */
  queryRuns(query: RunQuery, now: Millis, leftOut?: (damage: RunDamage) => void): readonly RunRecord[];
  /** Those that drive most first. One that has never had a lease is not known. */
  drivers(now: Millis): readonly Driver[];
  /** @param leftOut as of `queryRuns` */
  searchRuns(search: RunSearch, now: Millis, leftOut?: (damage: RunDamage) => void): RunsFound;
  /** Runs by their status; one that none has is left out. Reads an index, and no row of a run. */
  countRuns(): RunCounts;
  /**
   * Checks every stored event of a run (or of all) against its checksum chain and its summary. `whole`: every page of the
   * file, too, beside programs that drive runs; without it only where there are none.
   */
  verify(
    runId?: RunId,
    options?: { readonly whole?: boolean | undefined },
  ): {
    readonly runs: number;
    readonly events: number;
    readonly damage: readonly RunDamage[];
    /** Whether every page was looked at, free ones and those of users' tables included: never for one run. */
    readonly isWhole: boolean;
  };
  /** For `doctor`: named facts about the store. */
  describe(): Readonly<Record<string, string | number>>;
  /** Gives up its owners' leases. Throws STORAGE where tidying up failed: nothing acknowledged is lost. */
  close(): void;
}
