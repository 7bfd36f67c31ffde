/** Owns: what workers look for, in memory. Talks to: the store whose runs these are. */
import { RuntimeError } from '../../errors.ts';
import type { RunStarted } from '../../journal/event.ts';
import type { Millis, RunId } from '../../journal/ids.ts';
import type { RunSummary } from '../../journal/run-summary.ts';
import { setbackMs, type SetbackKind } from '../../journal/setback.ts';
import type { AppendRun, InboxMessage, LeaseClaim } from '../../ports/journal-store.ts';
import type {
  EnqueueAnswer,
  Firing,
  NewStart,
  QueuedStart,
  Rest,
  RunLease,
  ScheduleRecord,
  SetBackRun,
  WorkStore,
} from '../../ports/work-store.ts';
import { MAX_QUEUED, MAX_SCHEDULES } from '../queue-limits.ts';

/** A run as its store tells of it. */
export interface WorkedRun {
  readonly summary: RunSummary;
  readonly epoch: number;
  readonly owner: string | null;
  readonly until: Millis;
}

export interface MemoryRuns {
  get(runId: RunId): WorkedRun | undefined;
  all(): Iterable<WorkedRun>;
  own(runId: RunId, owner: string | null, until: Millis, epoch: number): void;
  append(batch: readonly AppendRun[], claim: LeaseClaim): readonly ('committed' | 'fenced')[];
  /** Messages that nobody has taken. */
  mail(runId: RunId): readonly string[];
  isDead(owner: string): boolean;
}

interface Waking {
  readonly at: Millis;
  readonly setbacks: number;
  readonly problem: string | null;
}

interface Start extends QueuedStart {
  readonly n: number;
  readonly setbacks: number;
  /** What was sent to it, by id. */
  readonly mail: ReadonlyMap<string, string>;
}

/** Opaque; a copy of all. */
export interface WorkFacts {
  readonly waking: ReadonlyMap<RunId, Waking>;
  readonly starts: ReadonlyMap<RunId, Start>;
  readonly keys: ReadonlyMap<RunId, readonly string[]>;
  readonly schedules: ReadonlyMap<string, ScheduleRecord>;
}

const AT_ONCE: Waking = { at: 0, setbacks: 0, problem: null };
const MAX_DUE = 100;
const NO_MAIL: ReadonlyMap<string, string> = new Map();

type Names = readonly string[] | undefined;

export class MemoryWork implements WorkStore {
  readonly #runs: MemoryRuns;
  readonly #waking: Map<RunId, Waking>;
  readonly #starts: Map<RunId, Start>;
  readonly #keys: Map<RunId, readonly string[]>;
  readonly #schedules: Map<string, ScheduleRecord>;
  #n = 0;

  constructor(runs: MemoryRuns, from: WorkFacts | undefined) {
    this.#runs = runs;
    this.#waking = new Map(from?.waking);
    this.#starts = new Map(from?.starts);
    this.#keys = new Map(from?.keys);
    this.#schedules = new Map(from?.schedules);
    for (const { n } of this.#starts.values()) this.#n = Math.max(this.#n, n);
  }

  facts(): WorkFacts {
    return {
      waking: new Map(this.#waking),
      starts: new Map(this.#starts),
      keys: new Map(this.#keys),
      schedules: new Map(this.#schedules),
    };
  }

  /** When a run goes on that nobody drives. */
  wakeAt(runId: RunId): Millis {
    return (this.#waking.get(runId) ?? AT_ONCE).at;
  }

  released(runId: RunId, rest: Rest | undefined): void {
    if (rest === undefined) {
      this.#waking.set(runId, AT_ONCE);
      return;
    }
    const hasMail = this.#runs.mail(runId).some((id) => !rest.known.has(id));
    const hasEnded = rest.awaited.some((id) => this.#runs.get(id)?.summary.status !== 'running');
    this.#waking.set(runId, { ...AT_ONCE, at: hasMail || hasEnded ? 0 : rest.wakeAt });
  }

  ended(runId: RunId, successor: RunId | undefined): void {
    const keys = this.#keys.get(runId) ?? [];
    this.#keys.delete(runId);
    this.#waking.delete(runId);
    if (successor !== undefined) this.#keys.set(successor, keys);
    else for (const key of keys) if (key.startsWith('limit ')) this.#free(key.slice('limit '.length));
  }

  reap(claim: LeaseClaim): number {
    let reaped = 0;
    for (const run of Array.from(this.#runs.all())) {
      const { owner, until, epoch, summary } = run;
      if (owner === null || owner === claim.owner) continue;
      if (!this.#runs.isDead(owner) && until > claim.now) continue;
      this.#runs.own(summary.runId, null, 0, epoch);
      this.#setBackRun(summary, claim.now, 'crash', 'the program that drove it died');
      reaped += 1;
    }
    return reaped;
  }

  #setBackRun(run: RunSummary, now: Millis, kind: SetbackKind, problem: string): void {
    if (run.status !== 'running') return;
    const setbacks = (this.#waking.get(run.runId)?.setbacks ?? 0) + 1;
    this.#waking.set(run.runId, { at: now + setbackMs(setbacks, kind), setbacks, problem });
  }

  takeDue(claim: LeaseClaim, limit: number, processes: Names): readonly RunLease[] {
    const due = [...this.#runs.all()]
      .filter(({ summary, owner }) => summary.status === 'running' && owner === null)
      .filter(({ summary }) => processes?.includes(summary.process) ?? true)
      .filter(({ summary }) => this.wakeAt(summary.runId) <= claim.now)
      .toSorted((a, b) => this.wakeAt(a.summary.runId) - this.wakeAt(b.summary.runId));
    return due.slice(0, limit).map(({ summary: { runId }, epoch }) => {
      this.#runs.own(runId, claim.owner, claim.now + claim.ttlMs, epoch + 1);
      return { runId, epoch: epoch + 1 };
    });
  }

  wake(runId: RunId, now: Millis): void {
    const waking = this.#waking.get(runId);
    if (waking !== undefined && waking.at > now) this.#waking.set(runId, { ...waking, at: now });
  }

  setBack({ runId, epoch }: RunLease, now: Millis, problem: string, kind: SetbackKind): void {
    const run = this.#runs.get(runId);
    if (run?.epoch !== epoch || run.owner === null) return;
    this.#runs.own(runId, null, 0, epoch);
    this.#setBackRun(run.summary, now, kind, problem);
  }

  setBackRuns(limit: number): readonly SetBackRun[] {
    const rows = [...this.#waking].flatMap(([runId, { at, setbacks, problem }]) => {
      const run = this.#runs.get(runId);
      if (problem === null || run?.owner !== null) return [];
      return [{ runId, process: run.summary.process, at, setbacks, problem }];
    });
    return rows.toSorted((a, b) => a.at - b.at).slice(0, limit);
  }

  setBackRun(runId: RunId): SetBackRun | undefined {
    return this.setBackRuns(Infinity).find((run) => run.runId === runId);
  }

  enqueue(start: NewStart, now: Millis): EnqueueAnswer {
    const known = this.#runs.get(start.runId)?.summary ?? this.#starts.get(start.runId);
    if (known !== undefined) {
      const { process, inputsHash } = known;
      const isSame = process === start.process && inputsHash === start.inputsHash;
      return isSame ? { status: 'duplicate' } : { status: 'other', process, inputsHash };
    }
    const single = start.singleton === null ? undefined : this.#single(start.singleton);
    if (single !== undefined) return { status: 'exists', runId: single };
    const waiting = [...this.#starts.values()].find(
      ({ debounce }) => start.debounce !== null && debounce?.key === start.debounce.key,
    );
    if (waiting !== undefined) {
      const { module, codeHash, inputs, inputsHash, priority } = start;
      const at = Math.min(start.at, waiting.debounce?.latestAt ?? start.at);
      const changed = { module, codeHash, inputs, inputsHash, priority, at, setbacks: 0, problem: null };
      this.#starts.set(waiting.runId, { ...waiting, ...structuredClone(changed) });
      return { status: 'debounced', runId: waiting.runId };
    }
    if (this.#starts.size >= MAX_QUEUED) throw new RuntimeError('REFUSED', 'too many starts wait');
    this.#n += 1;
    const fresh = {
      queuedAt: now,
      isHeld: false,
      problem: null,
      isWhole: true,
      n: this.#n,
      setbacks: 0,
      mail: NO_MAIL,
    };
    this.#starts.set(start.runId, { ...structuredClone(start), ...fresh });
    return { status: 'queued' };
  }

  /** To a start that waits. */
  post(runId: RunId, message: InboxMessage): 'posted' | 'duplicate' | 'unknown' {
    const start = this.#starts.get(runId);
    if (start === undefined) return 'unknown';
    if (start.mail.has(message.id)) return 'duplicate';
    const mail = new Map(start.mail).set(message.id, JSON.stringify(message));
    this.#starts.set(runId, { ...start, mail });
    return 'posted';
  }

  isQueued(runId: RunId): boolean {
    return this.#starts.has(runId);
  }

  /** The start of this id, where one waits, is a run now, and has its keys. @returns what was sent to it */
  became(runId: RunId): ReadonlyMap<string, string> {
    const start = this.#starts.get(runId);
    if (start === undefined) return NO_MAIL;
    const { limit, singleton } = start;
    const keys = [
      ...(limit === null ? [] : [`limit ${limit.key}`]),
      ...(singleton === null ? [] : [`singleton ${singleton}`]),
    ];
    this.#keys.set(runId, keys);
    this.#starts.delete(runId);
    return start.mail;
  }

  #single(key: string): RunId | undefined {
    for (const { runId, singleton } of this.#starts.values()) if (singleton === key) return runId;
    for (const [runId, keys] of this.#keys) if (keys.includes(`singleton ${key}`)) return runId;
    return undefined;
  }

  readyStarts(now: Millis, limit: number, processes: Names): readonly QueuedStart[] {
    return [...this.#starts.values()]
      .filter(({ isHeld, at, process }) => !isHeld && at <= now && (processes?.includes(process) ?? true))
      .toSorted((a, b) => b.priority - a.priority || a.at - b.at || a.n - b.n)
      .slice(0, limit)
      .map(startOf);
  }

  begin(start: QueuedStart, event: RunStarted, claim: LeaseClaim): 'begun' | 'held' | 'gone' {
    const { runId, limit } = start;
    const known = this.#starts.get(runId);
    const isAsRead =
      known?.isHeld === false && known.at === start.at && known.inputsHash === start.inputsHash;
    if (known === undefined || !isAsRead) return 'gone';
    if (this.#runs.get(runId) !== undefined) {
      this.removeStart(runId);
      return 'gone';
    }
    const key = limit === null ? undefined : `limit ${limit.key}`;
    const holders = [...this.#keys.values()].filter((keys) => key !== undefined && keys.includes(key));
    if (limit !== null && holders.length >= limit.count) {
      this.#starts.set(runId, { ...known, isHeld: true });
      return 'held';
    }
    const events = [{ at: claim.now, event }];
    this.#runs.append([{ runId, epoch: 1, afterSeq: 0, events, consumed: [] }], claim);
    return 'begun';
  }

  setBackStart(start: QueuedStart, now: Millis, problem: string): void {
    const known = this.#starts.get(start.runId);
    if (known?.at !== start.at) return;
    const setbacks = known.setbacks + 1;
    this.#starts.set(start.runId, { ...known, at: now + setbackMs(setbacks, 'code'), setbacks, problem });
    if (!known.isHeld && known.limit !== null) this.#free(known.limit.key);
  }

  /** The next one of the key has a place. */
  #free(key: string): void {
    const [next] = [...this.#starts.values()]
      .filter(({ isHeld, limit }) => isHeld && limit?.key === key)
      .toSorted((a, b) => b.priority - a.priority || a.at - b.at || a.n - b.n);
    if (next !== undefined) this.#starts.set(next.runId, { ...next, isHeld: false });
  }

  queuedStart(runId: RunId): QueuedStart | undefined {
    const start = this.#starts.get(runId);
    return start === undefined ? undefined : startOf(start);
  }

  queuedStarts(limit: number): readonly QueuedStart[] {
    return [...this.#starts.values()]
      .toSorted((a, b) => a.n - b.n)
      .slice(0, limit)
      .map(startOf);
  }

  removeStart(runId: RunId): boolean {
    const start = this.#starts.get(runId);
    this.#starts.delete(runId);
    if (start?.isHeld === false && start.limit !== null) this.#free(start.limit.key);
    return start !== undefined;
  }

  putSchedule(schedule: ScheduleRecord, replace: boolean): boolean {
    if (this.#schedules.has(schedule.name) && !replace) return false;
    if (this.#schedules.size >= MAX_SCHEDULES) throw new RuntimeError('REFUSED', 'too many schedules');
    this.#schedules.set(schedule.name, structuredClone(schedule));
    return true;
  }

  schedules(): readonly ScheduleRecord[] {
    return [...this.#schedules.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  dueSchedules(now: Millis): readonly ScheduleRecord[] {
    return [...this.#schedules.values()]
      .filter(({ isPaused, nextAt }) => !isPaused && nextAt <= now)
      .toSorted((a, b) => a.nextAt - b.nextAt)
      .slice(0, MAX_DUE);
  }

  fire(
    { name, expectedAt, nextAt, lastAt, starts }: Firing,
    now: Millis,
  ): readonly EnqueueAnswer[] | undefined {
    const schedule = this.#schedules.get(name);
    if (schedule?.nextAt !== expectedAt || schedule.isPaused) return undefined;
    this.#schedules.set(name, { ...schedule, nextAt, lastAt });
    return starts.map((start) => this.enqueue(start, now));
  }

  pauseSchedule(name: string, isPaused: boolean, nextAt: Millis | undefined): boolean {
    const schedule = this.#schedules.get(name);
    if (schedule === undefined) return false;
    this.#schedules.set(name, { ...schedule, isPaused, nextAt: nextAt ?? schedule.nextAt });
    return true;
  }

  removeSchedule(name: string): boolean {
    return this.#schedules.delete(name);
  }
}

function startOf({ n: _, setbacks: __, mail: ___, ...start }: Start): QueuedStart {
  return structuredClone(start);
}

/** Where a run rests that has not ended and that nobody drives; null where it can go on now. */
export function restingUntil(run: WorkedRun, at: Millis, now: Millis): Millis | null {
  return run.summary.status === 'running' && run.owner === null && at > now ? at : null;
}
