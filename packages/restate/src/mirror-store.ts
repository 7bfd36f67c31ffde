/**
 * Owns: journals of runs on Restate, in memory, as far as they were read; and what is to be sent to these runs. Talks
 * to: whoever reads and sends. Invariants: C1 nothing is written here that Restate has not, but what is to be sent.
 */
import {
  NEVER,
  type InboxMessage,
  type JournalStore,
  type Millis,
  type QueuedStart,
  type RunId,
  type RunRecord,
} from '@pawl/runtime';
import { BurstStore, type Burst } from '@pawl/runtime/elsewhere';
import { RuntimeError } from '@pawl/runtime/errors';
import type { Mail } from './run-session.ts';

/** How a run is on Restate, beside its journal. */
export interface Invocation {
  readonly id: string;
  readonly process: string;
  /** Its key: the run that was started. */
  readonly runId: RunId;
  readonly status: string;
  readonly createdAt: Millis;
  /** When Restate tries again what failed. */
  readonly retryAt: Millis | null;
  /** Why its last attempt failed, or it ended without a result. */
  readonly failure: string | null;
}

export interface Sent {
  readonly to: Invocation;
  /** Undefined: it shall never begin. */
  readonly mail: Mail | undefined;
}

type SetBack = NonNullable<ReturnType<JournalStore['work']['setBackRun']>>;

/** An error that a worker told, in the words of the engine: its name and its message. */
const PAWL_ERROR = /[A-Z]\w*Error: [^]*/;

export class MirrorStore extends BurstStore {
  /** The invocation of a run, and of those that it started. */
  readonly #places = new Map<RunId, string>();
  /** By their ids. */
  readonly #invocations = new Map<string, Invocation>();
  /** Those that no worker has begun. */
  readonly #starts = new Map<RunId, QueuedStart>();
  /** Why those that are asked for never began. */
  readonly #refusals = new Map<RunId, string>();
  /** Why they do not move, though they are driven. */
  readonly #hindrances = new Map<RunId, string>();
  #isLoading = false;
  #sent: Sent[] = [];

  constructor() {
    super(() => undefined);
    const { work } = this;
    work.setBackRun = (runId) => this.#setBackOf(runId);
    work.setBackRuns = (limit) =>
      [...this.#places.keys()].flatMap((id) => this.#setBackOf(id) ?? []).slice(0, limit);
    work.queuedStart = (runId) => this.#starts.get(runId);
    work.queuedStarts = (limit) => [...this.#starts.values()].slice(0, limit);
    work.removeStart = (runId) => this.#removeStart(runId);
    work.enqueue = refused;
    work.putSchedule = refused;
  }

  invocationOf(runId: RunId): Invocation | undefined {
    return this.#invocations.get(this.#places.get(runId) ?? '');
  }

  /** It, and those that it started, as far as they were read. */
  runsOf({ id }: Invocation): readonly RunId[] {
    return [...this.#places].flatMap(([runId, place]) => (place === id ? [runId] : []));
  }

  /** @param problem undefined where it moves */
  hindered(runId: RunId, problem: string | undefined): void {
    if (problem === undefined) this.#hindrances.delete(runId);
    else this.#hindrances.set(runId, problem);
  }

  /** What was sent since the last time. */
  takeSent(): readonly Sent[] {
    const sent = this.#sent;
    this.#sent = [];
    return sent;
  }

  /** How it is by now. */
  know(invocation: Invocation): void {
    this.#places.set(invocation.runId, invocation.id);
    this.#invocations.set(invocation.id, invocation);
  }

  /** No worker has begun it. */
  waits(start: QueuedStart): void {
    this.#starts.set(start.runId, start);
  }

  /** It never begins. */
  refuse(runId: RunId, why: string): void {
    this.#starts.delete(runId);
    this.#refusals.set(runId, why);
  }

  loadFrom(invocation: Invocation, burst: Burst): void {
    this.#starts.delete(invocation.runId);
    for (const { runId, successor, children = [] } of burst)
      for (const id of [runId, successor?.runId, ...children.map((child) => child.runId)])
        if (id !== undefined) this.#places.set(id, invocation.id);
    this.#isLoading = true;
    try {
      this.load(burst, Date.now());
    } finally {
      this.#isLoading = false;
    }
  }

  /** False where the run that it is for is not there yet. */
  received({ to, message }: Mail): boolean {
    return super.post(to, message, Date.now()) !== 'unknown';
  }

  override post(runId: RunId, message: InboxMessage, now: Millis = 0): ReturnType<BurstStore['post']> {
    if (this.getRun(runId, now)?.status === 'cancelled') return 'closed';
    const posted = this.#starts.has(runId) ? 'posted' : super.post(runId, message, now);
    const to = this.invocationOf(runId);
    if (posted === 'posted' && to !== undefined) this.#sent.push({ to, mail: { to: runId, message } });
    return posted;
  }

  override append(...given: Parameters<BurstStore['append']>): ReturnType<BurstStore['append']> {
    return this.#isLoading ? super.append(...given) : refused();
  }

  /** No worker there could open what is sealed here. */
  override keepKey(): never {
    throw new RuntimeError('REFUSED', 'Secrets have no place on Restate: no worker there has the key.', {
      hint: 'Send what a task can look up by itself: pawl docs scale-out',
    });
  }

  /** Restate drives what goes on, and nobody else. */
  override acquireLease(): ReturnType<BurstStore['acquireLease']> {
    return { status: 'busy', until: NEVER };
  }

  override changeOffer(
    ...[taskId, decide, now]: Parameters<BurstStore['changeOffer']>
  ): ReturnType<BurstStore['changeOffer']> {
    const answerOnly: typeof decide = (offer) => {
      const change = decide(offer);
      if (change.type === 'keep' || change.type === 'answer') return change;
      throw new RuntimeError('REFUSED', 'Nobody claims a task on Restate: its first answer counts.', {
        hint: `Answer it: pawl task complete ${taskId} --value <json>`,
      });
    };
    return super.changeOffer(taskId, answerOnly, now);
  }

  override getRun(runId: RunId, now: Millis): RunRecord | undefined {
    const refusal = this.#refusals.get(runId);
    if (refusal !== undefined)
      throw new RuntimeError('REFUSED', `Run ${runId} never began: ${refusal}`, { data: { runId } });
    const record = super.getRun(runId, now);
    return record === undefined ? undefined : this.#shown(record);
  }

  override queryRuns(...given: Parameters<BurstStore['queryRuns']>): readonly RunRecord[] {
    return super.queryRuns(...given).map((record) => this.#shown(record));
  }

  override searchRuns(...given: Parameters<BurstStore['searchRuns']>): ReturnType<BurstStore['searchRuns']> {
    const found = super.searchRuns(...given);
    return { ...found, runs: found.runs.map((record) => this.#shown(record)) };
  }

  override drivers(): [] {
    return [];
  }

  #removeStart(runId: RunId): boolean {
    const to = this.invocationOf(runId);
    if (to === undefined || !this.#starts.delete(runId)) return false;
    this.#sent.push({ to, mail: undefined });
    return true;
  }

  /** Restate drives it, but where it cannot. One whose invocation was killed has no end in its journal, and never goes on. */
  #shown(record: RunRecord): RunRecord {
    if (record.status !== 'running') return record;
    const invocation = this.invocationOf(record.runId);
    if (invocation?.status === 'completed')
      return { ...record, status: 'cancelled', asked: [], owner: null, ownerAlive: false };
    const setBack = this.#setBackOf(record.runId);
    if (setBack === undefined) return record;
    return { ...record, owner: null, ownerAlive: false, wakeAt: setBack.at === NEVER ? null : setBack.at };
  }

  #setBackOf(runId: RunId): SetBack | undefined {
    const invocation = this.invocationOf(runId);
    const record = super.getRun(runId, 0);
    if (invocation === undefined || record?.status !== 'running') return undefined;
    const { status, retryAt, failure } = invocation;
    const place = { runId, process: record.process, setbacks: 1 };
    if (status !== 'paused' && status !== 'backing-off') {
      const hindrance = this.#hindrances.get(runId);
      return hindrance === undefined ? undefined : { ...place, at: invocation.createdAt, problem: hindrance };
    }
    const problem = PAWL_ERROR.exec(failure ?? '')?.[0] ?? failure ?? `its invocation is ${status}`;
    return { ...place, at: retryAt ?? NEVER, problem };
  }
}

function refused(): never {
  throw new RuntimeError(
    'REFUSED',
    'On Restate nothing but answers and messages comes from outside: forks, starts of a queue and schedules are not there.',
    {
      hint: 'What is there: pawl docs scale-out',
    },
  );
}
