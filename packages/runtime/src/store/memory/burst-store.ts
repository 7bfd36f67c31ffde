/**
 * Owns: journals in memory that are kept elsewhere, burst by burst. Talks to: whoever keeps them, by what it takes.
 *
 * 1. What was appended is taken in its order, once, and is kept when that is said (E1: nothing follows from it before).
 * 2. A store that has loaded what was taken of another has the same runs; only leases, and what no event holds, are gone.
 */
import { RuntimeError } from '../../errors.ts';
import type { CallKey } from '../../journal/call-key.ts';
import type { Recorded, RunStarted } from '../../journal/event.ts';
import type { ParentRecorded } from '../../journal/child-event.ts';
import type { Millis, RunId, Seq } from '../../journal/ids.ts';
import { recordedOf } from '../../journal/journal-text.ts';
import type { AppendRun, LeaseClaim, NewRun, StoreNote } from '../../ports/journal-store.ts';
import { MemoryStore } from './memory-store.ts';
import { indexAfter, type Row } from './rows.ts';

/** A run that the events of another create: RunStarted, and ParentRecorded where it has a parent. */
interface BornRun {
  readonly runId: RunId;
  readonly rows: readonly BurstRow[];
}

/**
 * What a row of the journal's table has and what is before it does not say: when it was, null for the time of the row
 * before it; its type; its payload, which is JSON within JSON and no text of it; and its version, where that is not the
 * first. Rows follow each other without a gap.
 */
type BurstRow = readonly [at: Millis | null, type: string, payload: unknown, version?: number];

interface BurstRun {
  readonly runId: RunId;
  readonly afterSeq: Seq;
  readonly rows: readonly BurstRow[];
  /** Ids of messages that these events are the record of. */
  readonly consumed?: readonly string[];
  readonly notes?: readonly StoreNote[];
  readonly successor?: BornRun;
  readonly children?: readonly BornRun[];
}

/** What was appended between two times that something was taken, as it is parsed. */
export type Burst = readonly BurstRun[];

/** Whoever loads has all leases until `open`. */
const LOADER = 'loader';
const FIRST_EPOCH = 1;
const FIRST_VERSION = 1;

export class BurstStore extends MemoryStore {
  readonly #appended: () => void;
  /** JSON each: what is appended may be changed by who appended it. */
  #untaken: string[] = [];
  /** Whoever waits until what was taken is kept, and until what is untaken is. */
  #underWay: PromiseWithResolvers<void> | undefined;
  #next: PromiseWithResolvers<void> | undefined;
  #lost: Error | undefined;
  /** Runs that have not ended. */
  readonly #open = new Set<RunId>();
  /** Of these, those that wait for somebody outside, and by which calls. */
  readonly #asked = new Map<RunId, readonly CallKey[]>();
  #asks = 0;

  /** @param appended told of each append, and when something begins to wait until it is kept */
  constructor(appended: () => void) {
    super();
    this.#appended = appended;
  }

  readonly kept = (): Promise<void> => {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    const { promise } = (this.#next ??= Promise.withResolvers());
    // Whoever is told may take at once what is waited for.
    this.#appended();
    return promise;
  };

  override append(batch: readonly AppendRun[], claim: LeaseClaim): readonly ('committed' | 'fenced')[] {
    const answers = super.append(batch, claim);
    let isMore = false;
    for (const [i, each] of batch.entries()) {
      if (answers[i] !== 'committed') continue;
      this.#noteChange(each);
      if (claim.owner === LOADER) continue;
      this.#untaken.push(this.#textOf(each));
      isMore = true;
    }
    if (isMore) this.#appended();
    return answers;
  }

  #noteChange(each: AppendRun): void {
    const { runId, notes, successor, children = [] } = each;
    if (notes !== undefined) this.#asks += 1;
    this.#noteState(runId);
    if (successor !== undefined) this.#noteState(successor.runId);
    for (const child of children) this.#noteState(child.runId);
  }

  #noteState(runId: RunId): void {
    const summary = this.runOf(runId)?.summary;
    const isOpen = summary?.status === 'running';
    if (isOpen) this.#open.add(runId);
    else this.#open.delete(runId);
    const asked = isOpen && summary.asked.length > 0 ? summary.asked : undefined;
    if (asked === this.#asked.get(runId)) return;
    if (asked === undefined) this.#asked.delete(runId);
    else this.#asked.set(runId, asked);
    this.#asks += 1;
  }

  /** No run goes on, and none will begin. */
  get isOver(): boolean {
    return this.#open.size === 0 && this.work.queuedStarts(1).length === 0;
  }

  /** How often it has changed what runs wait for from outside: messages, answers, work that others do. */
  get asks(): number {
    return this.#asks;
  }

  /** Something waits until all that was appended is kept. */
  get isAwaited(): boolean {
    return this.#next !== undefined;
  }

  get hasUntaken(): boolean {
    return this.#untaken.length > 0;
  }

  /** What was appended since the last time: the JSON of a `Burst`. */
  take(): string {
    const taken = this.#untaken;
    this.#untaken = [];
    this.#underWay = this.#next;
    this.#next = undefined;
    return `[${taken.join(',')}]`;
  }

  /** What was taken last is kept. */
  keptLast(): void {
    this.#underWay?.resolve();
    this.#underWay = undefined;
  }

  /** Nothing more is, from what was taken last on. */
  lost(error: Error): void {
    this.#lost = error;
    this.#underWay?.reject(error);
    this.#next?.reject(error);
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

  /** The JSON of a `BurstRun`, of rows that are text already. */
  #textOf({ runId, afterSeq, events, consumed, notes, successor, children }: AppendRun): string {
    let text = `{"runId":${JSON.stringify(runId)},"afterSeq":${afterSeq},"rows":[${this.#rowsText(runId, afterSeq, events.length)}]`;
    if (consumed.length > 0) text += `,"consumed":${JSON.stringify(consumed)}`;
    if (notes !== undefined) text += `,"notes":${JSON.stringify(notes)}`;
    if (successor !== undefined) text += `,"successor":${this.#bornText(successor)}`;
    if (children !== undefined)
      text += `,"children":[${children.map((child) => this.#bornText(child)).join(',')}]`;
    return `${text}}`;
  }

  #bornText({ runId, parent }: NewRun): string {
    const rows = this.#rowsText(runId, 0, parent === undefined ? 1 : 2);
    return `{"runId":${JSON.stringify(runId)},"rows":[${rows}]}`;
  }

  #rowsText(runId: RunId, afterSeq: Seq, count: number): string {
    const run = this.runOf(runId);
    if (run === undefined) return '';
    const from = indexAfter(run, afterSeq);
    let text = '';
    let before: Millis | undefined;
    for (let i = from; i < from + count; i += 1) {
      const row = run.rows[i];
      if (row === undefined) break;
      text += text === '' ? rowText(row, before) : `,${rowText(row, before)}`;
      before = row.at;
    }
    return text;
  }

  /** All is loaded: what has not ended can be driven. */
  open(now: Millis): void {
    for (const { runId } of this.queryRuns({ limit: Number.MAX_SAFE_INTEGER, statuses: ['running'] }, now))
      this.releaseLease(runId, FIRST_EPOCH);
  }
}

function rowText({ at, type, version, payload }: Row, before: Millis | undefined): string {
  const time = at === before ? 'null' : at;
  return version === FIRST_VERSION
    ? `[${time},"${type}",${payload}]`
    : `[${time},"${type}",${payload},${version}]`;
}

function appendRun({
  runId,
  afterSeq,
  rows,
  consumed = [],
  notes,
  successor,
  children,
}: BurstRun): AppendRun {
  return {
    runId,
    epoch: FIRST_EPOCH,
    afterSeq,
    events: factsOf(rows, afterSeq),
    consumed,
    ...(notes === undefined ? {} : { notes }),
    ...(successor === undefined ? {} : { successor: newRun(successor) }),
    ...(children === undefined ? {} : { children: children.map(newRun) }),
  };
}

function factsOf(rows: readonly BurstRow[], afterSeq: Seq): Recorded[] {
  let last: Millis = 0;
  return rows.map(([at, type, payload, version = FIRST_VERSION], i) => {
    last = at ?? last;
    return recordedOf({ seq: afterSeq + 1 + i, at: last, type, version, payload: JSON.stringify(payload) });
  });
}

function newRun({ runId, rows }: BornRun): NewRun {
  const [first, second] = factsOf(rows, 0);
  // As it was taken: a run begins with RunStarted, and what may follow says whose it is.
  const event = first?.event as RunStarted;
  const parent = second?.event as ParentRecorded | undefined;
  return { runId, at: first?.at ?? 0, event, ...(parent === undefined ? {} : { parent }) };
}
