/**
 * Owns: journals in memory that are kept elsewhere, burst by burst. Talks to: whoever keeps them, by what it takes.
 *
 * 1. What was appended is taken in its order, once, and is kept when that is said (E1: nothing follows from it before).
 * 2. A store that has loaded what was taken of another has the same runs; only leases, and what no event holds, are gone.
 */
import { RuntimeError } from '../../errors.ts';
import type { Recorded, RunStarted } from '../../journal/event.ts';
import type { ParentRecorded } from '../../journal/child-event.ts';
import type { Millis, RunId, Seq } from '../../journal/ids.ts';
import { recordedOf, rowOf, type JournalRow } from '../../journal/journal-text.ts';
import type { AppendRun, LeaseClaim, NewRun, StoreNote } from '../../ports/journal-store.ts';
import { MemoryStore } from './memory-store.ts';

/** A run that the events of another create: RunStarted, and ParentRecorded where it has a parent. */
interface BornRun {
  readonly runId: RunId;
  readonly rows: readonly BurstRow[];
}

/** As in the journal's table, but for the payload, which is JSON within JSON and no text of it. */
interface BurstRow extends Omit<JournalRow, 'payload'> {
  readonly payload: unknown;
}

interface BurstRun {
  readonly runId: RunId;
  readonly afterSeq: Seq;
  readonly rows: readonly BurstRow[];
  /** Ids of messages that these events are the record of. */
  readonly consumed: readonly string[];
  readonly notes?: readonly StoreNote[];
  readonly successor?: BornRun;
  readonly children?: readonly BornRun[];
}

/** What was appended between two times that something was taken, as it is parsed. */
export type Burst = readonly BurstRun[];

/** Whoever loads has all leases until `open`. */
const LOADER = 'loader';
const FIRST_EPOCH = 1;

export class BurstStore extends MemoryStore {
  readonly #appended: () => void;
  /** JSON each: what is appended may be changed by who appended it. */
  #untaken: string[] = [];
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
      this.#untaken.push(...committed.map(runText));
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

  /** What was appended since the last time: the JSON of a `Burst`. */
  take(): string {
    const taken = this.#untaken;
    this.#untaken = [];
    this.#underWay = this.#next;
    this.#next = Promise.withResolvers<void>();
    this.#next.promise.catch(() => undefined);
    this.#isAwaited = false;
    return `[${taken.join(',')}]`;
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
      throw new RuntimeError(
        'CORRUPT',
        `A burst of run ${run.runId} does not follow event ${run.afterSeq}.`,
        {
          hint: 'See what is kept of it where its journal is (on Restate: restate invocations list); then start it again under another id',
          data: { runId: run.runId },
        },
      );
    }
  }

  /** All is loaded: what has not ended can be driven. */
  open(now: Millis): void {
    for (const { runId } of this.queryRuns({ limit: Number.MAX_SAFE_INTEGER, statuses: ['running'] }, now))
      this.releaseLease(runId, FIRST_EPOCH);
  }
}

/** The JSON of a `BurstRun`: payloads are JSON already. */
function runText({ runId, afterSeq, events, consumed, notes, successor, children }: AppendRun): string {
  const rows = events.map(({ at, event }, i) => rowText({ seq: afterSeq + i + 1, at, event }));
  const more = [
    notes === undefined ? '' : `,"notes":${JSON.stringify(notes)}`,
    successor === undefined ? '' : `,"successor":${bornText(successor)}`,
    children === undefined ? '' : `,"children":[${children.map(bornText).join(',')}]`,
  ].join('');
  const id = JSON.stringify(runId);
  return `{"runId":${id},"afterSeq":${afterSeq},"consumed":${JSON.stringify(consumed)},"rows":[${rows.join(',')}]${more}}`;
}

function rowText(fact: Recorded): string {
  const { seq, at, type, version, payload } = rowOf(fact);
  return `{"seq":${seq},"at":${at},"type":"${type}","version":${version},"payload":${payload}}`;
}

function bornText({ runId, at, event, parent }: NewRun): string {
  const events = parent === undefined ? [event] : [event, parent];
  const rows = events.map((fact, i) => rowText({ seq: i + 1, at, event: fact }));
  return `{"runId":${JSON.stringify(runId)},"rows":[${rows.join(',')}]}`;
}

function appendRun({ runId, afterSeq, rows, consumed, notes, successor, children }: BurstRun): AppendRun {
  return {
    runId,
    epoch: FIRST_EPOCH,
    afterSeq,
    events: rows.map(factOf),
    consumed,
    ...(notes === undefined ? {} : { notes }),
    ...(successor === undefined ? {} : { successor: newRun(successor) }),
    ...(children === undefined ? {} : { children: children.map(newRun) }),
  };
}

function factOf({ payload, ...row }: BurstRow): Recorded {
  return recordedOf({ ...row, payload: JSON.stringify(payload) });
}

function newRun({ runId, rows }: BornRun): NewRun {
  const [first, second] = rows.map(factOf);
  // As it was taken: a run begins with RunStarted, and what may follow says whose it is.
  const event = first?.event as RunStarted;
  const parent = second?.event as ParentRecorded | undefined;
  return { runId, at: first?.at ?? 0, event, ...(parent === undefined ? {} : { parent }) };
}
