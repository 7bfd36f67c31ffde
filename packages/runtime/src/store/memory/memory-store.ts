/**
 * Owns: journals in memory. Talks to: nobody.
 *
 * It keeps rows as text like the real store and parses them at each read, so that an alias between
 * the engine's objects and the journal cannot hide. Simulations run on it, so it is fast.
 *
 * 1. A row, once kept, is never changed. Stores share arrays of rows; a run sees the first `count`.
 * 2. Who appends to a shared array that has grown beyond its own count copies it first.
 * 3. Nothing is applied before the whole batch is stored text (S1).
 */
import { EVENT_VERSION } from '../../journal/chain.ts';
import type { Circuit, TrialClaim } from '../../journal/circuit.ts';
import type { Encoded, Recorded } from '../../journal/event.ts';
import type { Epoch, Millis, RunId, Seq } from '../../journal/ids.ts';
import type { Offer, OfferChange } from '../../journal/offer.ts';
import { broken } from '../../journal/invariant.ts';
import { storeEvent, type StoredEvent } from '../../journal/stored-event.ts';
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
  RunQuery,
  RunSearch,
  RunsFound,
  RunRecord,
} from '../../ports/journal-store.ts';
import type { Rest } from '../../ports/work-store.ts';
import { addToSummary, summarize } from '../../views/run-summary.ts';
import type { OfferQuery } from '../../ports/offer-store.ts';
import type { PoolsChange, PoolsView } from '../../ports/pool-store.ts';
import { newRunsOf } from '../new-runs.ts';
import { onePage } from '../page-size.ts';
import {
  compacted,
  countByStatus,
  forkStart,
  handedOn,
  indexAfter,
  recordedIn,
  statesAfter,
  summaryAt,
  verify,
  without,
  type Run,
} from './rows.ts';
import type { MemoryFaults } from './memory-faults.ts';
import { MemoryLogs } from './memory-logs.ts';
import { MemoryPools } from './memory-pools.ts';
import type { MemorySnapshot } from './memory-snapshot.ts';
import { MemoryWork, restingUntil } from './memory-work.ts';
import { Shared } from './shared.ts';
import { statesOf, type StateTexts } from '../run-states.ts';
import { driversOf, foundIn, runsOf } from './search.ts';

export class MemoryStore implements JournalStore {
  readonly work: MemoryWork;
  readonly hasTables = false;
  readonly #runs: Map<RunId, Run>;
  readonly #faults: MemoryFaults;
  readonly #deadOwners = new Set<string>();
  readonly #shared: Shared;
  readonly #pools: MemoryPools;
  readonly #logs: MemoryLogs;
  /** Given out while their runs go on; a prefix is of a time when they did. */
  readonly #keys: Map<RunId, string>;
  readonly logs: JournalStore['logs'] = (...asked) => this.#logs.page(...asked);
  readonly circuit: JournalStore['circuit'] = (name) => this.#shared.circuit(name);
  readonly keptResult: JournalStore['keptResult'] = (...asked) => this.#shared.kept(...asked);
  readonly isPosted = (runId: RunId, id: string): boolean => this.#runs.get(runId)?.inbox.has(id) === true;
  #mark = 0;

  constructor(options: { readonly faults?: MemoryFaults; readonly from?: MemorySnapshot } = {}) {
    this.#faults = options.faults ?? {};
    this.#runs = new Map(options.from?.runs);
    this.#keys = new Map(options.from?.keys);
    this.work = new MemoryWork(this.#asRuns(), options.from?.work);
    this.#shared = new Shared(options.from?.shared);
    this.#logs = new MemoryLogs(options.from?.logs);
    this.#pools = new MemoryPools(options.from?.pools, (owner) => this.#deadOwners.has(owner));
  }

  static from(snapshot: MemorySnapshot, faults: MemoryFaults = {}): MemoryStore {
    return new MemoryStore({ from: snapshot, faults });
  }

  /** Everything as it is now, leases included. Cheap: rows are shared. */
  snapshot(): MemorySnapshot {
    const pools = this.#pools.texts();
    const shared = [...this.#shared.steps];
    const [logs, work] = [this.#logs.snapshot(), this.work.facts()];
    return { runs: new Map(this.#runs), shared, pools, keys: new Map(this.#keys), logs, work };
  }

  #asRuns(): ConstructorParameters<typeof MemoryWork>[0] {
    return {
      get: (runId) => this.#runs.get(runId),
      all: () => this.#runs.values(),
      append: (batch, claim) => this.append(batch, claim),
      own: (runId, owner, until, epoch) => {
        const run = this.#runs.get(runId);
        if (run !== undefined) this.#runs.set(runId, { ...run, owner, until, epoch });
      },
      mail: (runId) => this.takeInbox(runId).map(({ id }) => id),
      isDead: (owner) => this.#deadOwners.has(owner),
    };
  }

  /** A store that holds the first `seq` events of one run, and what runs shared by then; the lease is free. */
  prefix(runId: RunId, seq: Seq, faults: MemoryFaults = {}): MemoryStore {
    const run = this.#runs.get(runId);
    if (run === undefined || seq === 0) return new MemoryStore({ faults });
    const count = indexAfter(run, seq);
    const last = run.rows[count - 1];
    if (last?.seq !== seq) broken('J1', `run ${runId} has no event ${seq}`);
    const summary = summaryAt(runId, run.rows, count);
    const { states } = last;
    // What was sent is not there, and so nothing is answered or claimed.
    const shared = this.#shared.steps.slice(0, last.shared).filter(({ kind }) => kind !== 'offerChanged');
    const start: Run = { ...run, count, summary, states, owner: null, until: 0, inbox: new Map() };
    return MemoryStore.from({ runs: new Map([[runId, start]]), shared, keys: this.#keys }, faults);
  }

  /** An owner's process is provably gone: its leases need not be waited out. */
  ownerDied(owner: string): void {
    this.#deadOwners.add(owner);
  }

  append(batch: readonly AppendRun[], claim: LeaseClaim): readonly ('committed' | 'fenced')[] {
    this.#faults.beforeAppend?.(batch);
    const stored = batch.map((each) => each.events.map(({ event }) => storeEvent(event)));
    const answers = batch.map((each, i) => {
      const created = newRunsOf(each);
      if (created.some(({ runId }) => this.#runs.has(runId))) return 'fenced';
      const answer = this.#appendRun(each, stored[i] ?? [], claim);
      if (answer === 'fenced') return answer;
      if (each.logs !== undefined) this.#logs.keep(each.runId, each.logs);
      for (const run of created) {
        const events = run.events.map(({ event }) => storeEvent(event));
        this.#appendRun(run, events, claim);
      }
      if (each.successor !== undefined) this.#passOn(each.runId, each.successor.runId);
      if (this.#runs.get(each.runId)?.summary.status !== 'running') {
        this.work.ended(each.runId, each.successor?.runId);
        if (each.wakes !== undefined) this.work.wake(each.wakes, claim.now);
      }
      return answer;
    });
    this.#faults.afterAppend?.(batch);
    return answers;
  }

  #passOn(from: RunId, to: RunId): void {
    const [before, next] = [this.#runs.get(from), this.#runs.get(to)];
    if (before === undefined || next === undefined) return;
    const [left, followed] = handedOn(before, next);
    this.#runs.set(from, left).set(to, followed);
    const key = this.#keys.get(from);
    if (key !== undefined) this.#keys.set(to, key);
  }

  #appendRun(each: AppendRun, stored: readonly StoredEvent[], claim: LeaseClaim): 'committed' | 'fenced' {
    const { runId, epoch, afterSeq, events, consumed, notes = [], forkOf } = each;
    const known = this.#runs.get(runId);
    const run = forkOf === undefined ? known : forkStart(this.#runs.get(forkOf), runId, afterSeq);
    if (forkOf !== undefined) {
      if (known !== undefined || run === undefined || this.work.isQueued(runId)) return 'fenced';
      const key = this.#keys.get(forkOf);
      if (key !== undefined) this.#keys.set(runId, key);
    } else if (afterSeq === 0) {
      if (run !== undefined) return 'fenced';
      if (!(events.length > 0 && epoch === 1))
        broken('S1', `run ${runId} is created by its first event, in epoch 1`);
    } else if (run?.epoch !== epoch || run.owner !== claim.owner || run.summary.lastSeq !== afterSeq) {
      return 'fenced';
    }
    const rows =
      run === undefined ? [] : run.rows.length === run.count ? run.rows : run.rows.slice(0, run.count);
    let summary = run === undefined ? undefined : { ...run.summary };
    let states: StateTexts = run?.states ?? new Map();
    let seq = afterSeq;
    for (const { type, version, payload } of stored) {
      const { at, event } = events[seq - afterSeq] as (typeof events)[number];
      seq += 1;
      if (event.type === 'Compacted') broken('J1', `event ${seq} of run ${runId} stands for removed ones`);
      if (summary === undefined) summary = summarize(runId, undefined, { seq, at, event });
      else addToSummary(summary, { seq, at, event });
      for (const note of notes) if (note.seq === seq) this.#shared.note(note);
      states = statesAfter(states, event);
      rows.push({ type, version, payload, seq, at, states, shared: this.#shared.steps.length });
    }
    if (summary !== undefined) {
      const inbox = without(run?.inbox ?? this.work.became(runId), consumed);
      if (run === undefined) this.#mark += inbox.size;
      // With the end of a run its lease is given back.
      const isOver = summary.status !== 'running';
      const owner = isOver ? null : claim.owner;
      const until = isOver ? 0 : claim.now + claim.ttlMs;
      const after: Run = { rows, count: rows.length, summary, states, epoch, owner, until, inbox };
      this.#runs.set(runId, run?.forkOf === undefined ? after : { ...after, forkOf: run.forkOf });
    }
    return 'committed';
  }

  protected runOf(runId: RunId): Run | undefined {
    return this.#runs.get(runId);
  }

  read(runId: RunId, afterSeq: Seq, limit: number): readonly Recorded[] {
    const run = this.#runs.get(runId);
    if (run === undefined) return [];
    const from = indexAfter(run, afterSeq);
    const rows = run.rows.slice(from, Math.min(run.count, from + limit));
    return onePage(rows).map((row) => recordedIn(runId, row));
  }

  compact(each: CompactRun, claim: LeaseClaim): CompactAnswer {
    const { runId, epoch, beforeSeq } = each;
    const run = this.#runs.get(runId);
    if (run?.epoch !== epoch || run.owner !== claim.owner || run.summary.lastSeq < beforeSeq)
      return { status: 'fenced' };
    const { rows, ...answer } = compacted(run, each);
    this.#runs.set(runId, { ...run, rows, count: rows.length });
    return { status: 'committed', ...answer };
  }

  forksOf(runId: RunId): readonly RunId[] {
    const forks = [...this.#runs.values()].filter(({ forkOf }) => forkOf === runId);
    return forks.map(({ summary }) => summary.runId);
  }

  acquireLease(runId: RunId, claim: LeaseClaim): LeaseAnswer {
    const run = this.#runs.get(runId);
    if (run === undefined) return { status: 'unknown' };
    if (this.#isAlive(run, claim.now)) return { status: 'busy', until: run.until };
    const lease = { epoch: run.epoch + 1, until: claim.now + claim.ttlMs };
    this.#runs.set(runId, { ...run, ...lease, owner: claim.owner });
    this.#mark += 1;
    return { status: 'acquired', lease };
  }

  renewLease(runId: RunId, epoch: Epoch, claim: LeaseClaim): boolean {
    const run = this.#runs.get(runId);
    if (run?.epoch !== epoch || run.owner !== claim.owner) return false;
    this.#runs.set(runId, { ...run, until: claim.now + claim.ttlMs });
    return true;
  }

  releaseLease(runId: RunId, epoch: Epoch, rest?: Rest): void {
    const run = this.#runs.get(runId);
    if (run?.epoch !== epoch || run.owner === null) return;
    this.#runs.set(runId, { ...run, owner: null, until: 0 });
    this.work.released(runId, rest);
  }

  post(runId: RunId, message: InboxMessage, now: Millis = 0): ReturnType<JournalStore['post']> {
    const run = this.#runs.get(runId);
    if (run === undefined) return this.work.post(runId, message);
    if (run.inbox.has(message.id)) return 'duplicate';
    if (run.summary.status !== 'running') return 'closed';
    this.#runs.set(runId, { ...run, inbox: new Map(run.inbox).set(message.id, JSON.stringify(message)) });
    this.work.wake(runId, now);
    this.#mark += 1;
    return 'posted';
  }

  takeInbox(runId: RunId): readonly InboxMessage[] {
    const texts = [...(this.#runs.get(runId)?.inbox.values() ?? [])];
    return texts.flatMap((text) => (text === null ? [] : [JSON.parse(text) as InboxMessage]));
  }

  keepKey(runId: RunId, fresh: string): ReturnType<JournalStore['keepKey']> {
    const run = this.#runs.get(runId)?.summary;
    const isOpen = run === undefined ? this.work.isQueued(runId) : run.status === 'running';
    if (!isOpen) return { status: run === undefined ? 'unknown' : 'closed' };
    const key = this.#keys.get(runId) ?? fresh;
    this.#keys.set(runId, key);
    return { status: 'kept', key };
  }

  keyOf(runId: RunId): string | undefined {
    return this.#runs.get(runId)?.summary.status === 'running' ? this.#keys.get(runId) : undefined;
  }

  offers(query: OfferQuery): readonly Offer[] {
    return this.#shared.offers(query);
  }

  offer(taskId: string): Offer | undefined {
    return this.#shared.offer(taskId);
  }

  changeOffer(
    taskId: string,
    decide: (offer: Offer) => OfferChange,
    now: Millis,
  ): 'changed' | 'duplicate' | 'unknown' {
    const offer = this.#shared.offer(taskId);
    if (offer === undefined) return 'unknown';
    const change = decide(offer);
    if (change.type === 'keep') return 'changed';
    if (change.type === 'answer') {
      const posted = this.post(offer.runId, change.message, now);
      if (posted === 'duplicate') return posted;
      if (posted !== 'posted') broken('S1', `an answer to ${taskId} is ${posted}`);
    }
    this.#shared.changeOffer(offer, change);
    this.#mark += 1;
    return 'changed';
  }

  knowsMessage(runId: RunId, messageId: string): boolean {
    return this.#runs.get(runId)?.inbox.has(messageId) ?? false;
  }

  claimTrial(claim: TrialClaim): Circuit | undefined {
    return this.#shared.claim(claim);
  }

  changeMark(): number {
    return this.#mark;
  }

  readPools(now: Millis): PoolsView {
    return this.#pools.read(now);
  }

  changePools(
    claim: LeaseClaim,
    decide: (view: PoolsView) => PoolsChange,
    countFrom: Millis = claim.now,
  ): void {
    this.#pools.change(claim, decide, countFrom);
    this.#mark += 1;
  }

  stateOf(runId: RunId): Readonly<Record<string, Encoded>> {
    return statesOf(runId, this.#runs.get(runId)?.states ?? []);
  }

  getRun(runId: RunId, now: Millis): RunRecord | undefined {
    const run = this.#runs.get(runId);
    return run === undefined ? undefined : this.#record(run, now);
  }

  queryRuns(query: RunQuery, now: Millis): readonly RunRecord[] {
    return runsOf(this.#runs, query)
      .slice(0, query.limit)
      .map((run) => this.#record(run, now));
  }

  drivers(now: Millis): readonly Driver[] {
    return driversOf(this.#runs, (run) => this.#isAlive(run, now), now);
  }

  searchRuns(search: RunSearch, now: Millis): RunsFound {
    return foundIn(runsOf(this.#runs, search), search, (run) => this.#record(run, now));
  }

  countRuns(): RunCounts {
    return countByStatus(this.#runs.values());
  }

  verify(runId?: RunId): ReturnType<JournalStore['verify']> {
    return verify(this.#runs, runId);
  }

  describe(): Readonly<Record<string, string | number>> {
    return { store: 'memory', runs: this.#runs.size, eventVersion: EVENT_VERSION };
  }

  close(): void {}

  #record(run: Run, now: Millis): RunRecord {
    const { summary, owner } = run;
    const { runId, status, asked } = summary;
    return {
      ...summary,
      asked: [...asked],
      owner,
      ownerAlive: this.#isAlive(run, now),
      wakeAt: restingUntil(run, this.work.wakeAt(runId), now),
      isCancelAsked: status === 'running' && this.takeInbox(runId).some(({ kind }) => kind === 'cancel'),
    };
  }

  #isAlive({ owner, until }: Run, now: Millis): boolean {
    return owner !== null && until > now && !this.#deadOwners.has(owner);
  }
}
