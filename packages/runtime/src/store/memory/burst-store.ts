/**
 * Owns: journals in memory that are kept elsewhere, burst by burst. Talks to: whoever keeps them, by what it takes.
 *
 * 1. What was appended is taken in its order, once, and is kept when that is said (E1: nothing follows from it before).
 * 2. A store that has loaded what was taken of another has the same runs; only leases, and what no event holds, are gone.
 */
import { RuntimeError } from '../../errors.ts';
import type { RunStarted } from '../../journal/event.ts';
import type { ParentRecorded } from '../../journal/child-event.ts';
import type { Millis, RunId, Seq } from '../../journal/ids.ts';
import { recordedOf, rowOf, type JournalRow } from '../../journal/journal-text.ts';
import type { AppendRun, LeaseClaim, NewRun, StoreNote } from '../../ports/journal-store.ts';
import { MemoryStore } from './memory-store.ts';

/** A run that the events of another create: RunStarted, and ParentRecorded where it has a parent. */
interface BornRun {
  readonly runId: RunId;
  readonly rows: readonly JournalRow[];
}

interface BurstRun {
  readonly runId: RunId;
  readonly afterSeq: Seq;
  readonly rows: readonly JournalRow[];
  /** Ids of messages that these events are the record of. */
  readonly consumed: readonly string[];
  readonly notes?: readonly StoreNote[];
  readonly successor?: BornRun;
  readonly children?: readonly BornRun[];
}

/** What was appended between two times that something was taken: plain JSON, in the format of the journal's rows. */
export type Burst = readonly BurstRun[];

/** Whoever loads has all leases until `open`. */
const LOADER = 'loader';
const FIRST_EPOCH = 1;

export class BurstStore extends MemoryStore {
  readonly #appended: () => void;
  #untaken: BurstRun[] = [];
  /** Of what was taken and is not known to be kept. */
  #underWay = Promise.withResolvers<void>();
  #next = Promise.withResolvers<void>();
  #isAwaited = false;

  /** @param appended told of each append, and when something begins to wait until it is kept */
  constructor(appended: () => void) {
    super();
    this.#appended = appended;
    for (const { promise } of [this.#underWay, this.#next]) promise.catch(() => undefined);
  }

  readonly kept = (): Promise<void> => {
    const { promise } = this.#next;
    this.#isAwaited = true;
    // Whoever is told may take at once what is waited for.
    this.#appended();
    return promise;
  };

  override append(batch: readonly AppendRun[], claim: LeaseClaim): readonly ('committed' | 'fenced')[] {
    const answers = super.append(batch, claim);
    const committed = batch.filter((_, i) => answers[i] === 'committed');
    if (claim.owner !== LOADER && committed.length > 0) {
      this.#untaken.push(...committed.map(burstRun));
      this.#appended();
    }
    return answers;
  }

  /** Something waits until all that was appended is kept. */
  get isAwaited(): boolean {
    return this.#isAwaited;
  }

  get hasUntaken(): boolean {
    return this.#untaken.length > 0;
  }

  /** What was appended since the last time. */
  take(): Burst {
    const taken = this.#untaken;
    this.#untaken = [];
    this.#underWay = this.#next;
    this.#next = Promise.withResolvers<void>();
    this.#next.promise.catch(() => undefined);
    this.#isAwaited = false;
    return taken;
  }

  /** What was taken last is kept. */
  keptLast(): void {
    this.#underWay.resolve();
  }

  /** Nothing more is, from what was taken last on. */
  lost(error: Error): void {
    this.#underWay.reject(error);
    this.#next.reject(error);
  }

  /** What was taken of another store, in that order. @throws RuntimeError CORRUPT */
  load(burst: Burst, now: Millis): void {
    const claim = { owner: LOADER, now, ttlMs: Number.MAX_SAFE_INTEGER - now };
    for (const run of burst) {
      if (this.append([appendRun(run)], claim)[0] === 'committed') continue;
      throw new RuntimeError('CORRUPT', `A burst of run ${run.runId} does not follow event ${run.afterSeq}.`);
    }
  }

  /** All is loaded: what has not ended can be driven. */
  open(now: Millis): void {
    for (const { runId } of this.queryRuns({ limit: Number.MAX_SAFE_INTEGER, statuses: ['running'] }, now))
      this.releaseLease(runId, FIRST_EPOCH);
  }
}

function burstRun({ runId, afterSeq, events, consumed, notes, successor, children }: AppendRun): BurstRun {
  return {
    runId,
    afterSeq,
    rows: events.map(({ at, event }, i) => rowOf({ seq: afterSeq + i + 1, at, event })),
    consumed: [...consumed],
    ...(notes === undefined ? {} : { notes }),
    ...(successor === undefined ? {} : { successor: bornRun(successor) }),
    ...(children === undefined ? {} : { children: children.map(bornRun) }),
  };
}

function bornRun({ runId, at, event, parent }: NewRun): BornRun {
  const events = parent === undefined ? [event] : [event, parent];
  return { runId, rows: events.map((fact, i) => rowOf({ seq: i + 1, at, event: fact })) };
}

function appendRun({ runId, afterSeq, rows, consumed, notes, successor, children }: BurstRun): AppendRun {
  return {
    runId,
    epoch: FIRST_EPOCH,
    afterSeq,
    events: rows.map(recordedOf),
    consumed,
    ...(notes === undefined ? {} : { notes }),
    ...(successor === undefined ? {} : { successor: newRun(successor) }),
    ...(children === undefined ? {} : { children: children.map(newRun) }),
  };
}

function newRun({ runId, rows }: BornRun): NewRun {
  const [first, second] = rows.map(recordedOf);
  // As it was taken: a run begins with RunStarted, and what may follow says whose it is.
  const event = first?.event as RunStarted;
  const parent = second?.event as ParentRecorded | undefined;
  return { runId, at: first?.at ?? 0, event, ...(parent === undefined ? {} : { parent }) };
}
