import type { Manner, TaskOptions } from './interpret.ts';
import { Model, type Ended, type Outcome, type PendingCall } from './model.ts';
import type { Asked } from './model-scope.ts';
import type { Program } from './program.ts';
import { text } from './text.ts';

/** What a world without faults is known to do. */
export interface World {
  readonly seed: string;
  readonly startedAt: number;
  /** What every draw for jitter gives. */
  readonly draw: number;
}

export interface Prediction {
  /** Everything decisive, in order, as the journal must tell it. */
  readonly lines: readonly string[];
  readonly ended: Ended;
  readonly logs: readonly number[];
  /** Two things fell due at the same moment, so that which comes first is the clock's matter. */
  readonly isTied: boolean;
}

interface Due {
  readonly at: number;
  readonly order: number;
  readonly fire: () => void;
}

interface Work {
  readonly call: PendingCall;
  readonly scheduledAt: number;
  attempts: number;
  /** The attempt that runs, 0 for none. */
  running: number;
  failures: number;
}

type Report = () => Outcome | undefined;

/** Runs a program on the model in virtual time: what falls due first settles first, ties by start. */
export async function predict(program: Program, manner: Manner, world: World): Promise<Prediction> {
  return new Foretelling(world).run(program, manner);
}

class Foretelling {
  readonly #model: Model;
  readonly #start: number;
  readonly #draw: number;
  readonly #lines: string[] = [];
  readonly #due: Due[] = [];
  readonly #reports: Report[] = [];
  readonly #cancels: string[] = [];
  readonly #work = new Map<string, Work>();
  /** Timers that start with the next commit, then attempts that do. */
  #timers: (() => void)[] = [];
  #attempts: string[] = [];
  #elapsed = 0;
  #order = 0;
  #isTied = false;
  #isOver = false;

  constructor({ seed, startedAt, draw }: World) {
    this.#start = startedAt;
    this.#draw = draw;
    this.#model = new Model({
      seed,
      now: startedAt,
      onSignal: (group) => {
        this.#reports.push(() =>
          group.isClosed || group.isFenced ? undefined : { type: 'scopeAborted', key: group.key },
        );
      },
    });
  }

  get #now(): number {
    return this.#start + this.#elapsed;
  }

  async run(program: Program, manner: Manner): Promise<Prediction> {
    this.#model.start(program, manner);
    await this.#finishTurn();
    while (!this.#isOver) {
      if (this.#cancels.length === 0 && this.#reports.length === 0) this.#commit();
      if (this.#cancels.length === 0 && this.#reports.length === 0) this.#passTime();
      const outcome = this.#next();
      if (outcome === undefined) {
        this.#checkEnd();
        continue;
      }
      this.#lines.push(outcomeLine(outcome));
      this.#model.now = this.#now;
      const problem = this.#model.deliver(outcome);
      if (problem !== undefined) throw new RangeError(`the model is wrong: ${problem}`);
      await this.#finishTurn();
    }
    const { ended } = this.#model;
    if (ended === undefined) throw new RangeError('the model ended without a result');
    return { lines: this.#lines, ended, logs: this.#model.logs, isTied: this.#isTied };
  }

  /** Cancelled calls come before all that was reported. */
  #next(): Outcome | undefined {
    for (const key of this.#cancels.splice(0, 1))
      return this.#model.pending.has(key) ? { type: 'cancelled', key } : undefined;
    return this.#reports.shift()?.();
  }

  async #finishTurn(): Promise<void> {
    await this.#model.drain();
    for (const asked of this.#model.take()) this.#record(asked);
    this.#checkEnd();
  }

  /** The end waits for what was reported before it. */
  #checkEnd(): void {
    if (this.#cancels.length > 0 || this.#reports.length > 0 || this.#model.ended === undefined) return;
    this.#model.root.fenced = true;
    if (this.#model.pending.size === 0) {
      this.#isOver = true;
      return;
    }
    if (this.#lines.some((line) => line.startsWith('ScopeClosed  '))) return;
    this.#lines.push(`ScopeClosed  ${this.#model.ended.ok ? 'fulfilled' : 'rejected'} by null`);
    this.#cancels.push(...this.#model.within(''));
  }

  #record(asked: Asked): void {
    const { key } = asked;
    this.#lines.push(asked.line);
    switch (asked.do) {
      case 'task': {
        const call = this.#model.pending.get(key);
        if (call === undefined) return;
        this.#work.set(key, { call, scheduledAt: this.#now, attempts: 0, running: 0, failures: 0 });
        this.#attempts.push(key);
        const { deadline } = optionsOf(call);
        if (deadline !== undefined)
          this.#timers.push(() => this.#after(deadline, () => this.#deadlinePassed(key)));
        return;
      }
      case 'timer': {
        const ms = asked.dueAt === undefined ? asked.ms : Math.max(0, asked.dueAt - this.#now);
        this.#timers.push(() =>
          this.#after(ms, () => (this.#isOpen(key) ? { type: 'fired', key } : undefined)),
        );
        return;
      }
      case 'open': {
        const { timeout } = asked;
        if (timeout === undefined || asked.aborted) return;
        this.#timers.push(() =>
          this.#after(timeout, () => {
            const group = this.#model.groups.get(key);
            return group === undefined || group.isFenced ? undefined : { type: 'scopeTimedOut', key };
          }),
        );
        return;
      }
      case 'close':
        this.#cancels.push(...this.#model.within(key));
    }
  }

  #isOpen(key: string): boolean {
    return this.#model.pending.has(key) && !this.#cancels.includes(key);
  }

  #after(ms: number, report: Report): void {
    this.#order += 1;
    this.#due.push({ at: this.#elapsed + ms, order: this.#order, fire: () => this.#reports.push(report) });
  }

  /** What was recorded since the last commit takes effect now. */
  #commit(): void {
    const timers = this.#timers;
    const attempts = this.#attempts;
    this.#timers = [];
    this.#attempts = [];
    for (const start of timers) start();
    const started = attempts
      .filter((key) => this.#isOpen(key))
      .map((key) => ({ key, attempt: this.#startAttempt(key) }));
    for (const { key, attempt } of started) {
      const { timeout } = optionsOf(this.#work.get(key)?.call);
      if (timeout !== undefined) this.#after(timeout, () => this.#erred(key, attempt, 'timeout'));
    }
    for (const { key, attempt } of started) {
      const ms = this.#work.get(key)?.call.task?.args.ms ?? 0;
      if (ms > 0) this.#after(ms, () => this.#finished(key, attempt));
      else this.#reports.push(() => this.#finished(key, attempt));
    }
  }

  #startAttempt(key: string): number {
    const work = this.#work.get(key);
    if (work === undefined) return 0;
    work.attempts += 1;
    work.running = work.attempts;
    return work.attempts;
  }

  #finished(key: string, attempt: number): Outcome | undefined {
    const work = this.#work.get(key);
    const args = work?.call.task?.args;
    if (work === undefined || args === undefined || !this.#isOpen(key) || work.running !== attempt)
      return undefined;
    if (attempt <= args.failures) return this.#erred(key, attempt, 'error');
    return { type: 'succeeded', key, value: args.value };
  }

  #erred(key: string, attempt: number, cause: 'error' | 'timeout'): Outcome | undefined {
    const work = this.#work.get(key);
    if (work === undefined || !this.#isOpen(key) || work.running !== attempt) return undefined;
    const { retry, deadline } = optionsOf(work.call);
    work.failures += 1;
    const { failures } = work;
    const message = cause === 'error' ? `fail ${work.call.task?.args.id}` : '';
    const full =
      retry === undefined
        ? 0
        : Math.min(retry.maxDelay ?? 300_000, retry.delay * retry.factor ** (failures - 1));
    const delay = Math.round(full * (1 - (retry?.jitter ?? 0) * this.#draw));
    const isFinal =
      retry === undefined ||
      failures >= retry.attempts ||
      (cause === 'error' && retry.shouldRetry !== undefined);
    const isLate = deadline !== undefined && this.#now + delay >= work.scheduledAt + deadline;
    if (isFinal || isLate) return { type: 'failed', key, cause, failures, message };
    work.running = 0;
    this.#timers.push(() =>
      this.#after(delay, () => {
        if (this.#isOpen(key)) this.#attempts.push(key);
        return undefined;
      }),
    );
    return undefined;
  }

  #deadlinePassed(key: string): Outcome | undefined {
    if (!this.#isOpen(key)) return undefined;
    return {
      type: 'failed',
      key,
      cause: 'timeout',
      failures: this.#work.get(key)?.failures ?? 0,
      message: '',
    };
  }

  #passTime(): void {
    this.#due.sort((a, b) => a.at - b.at || a.order - b.order);
    const next = this.#due.shift();
    if (next === undefined) throw new RangeError('the model waits for nothing');
    if (this.#due[0]?.at === next.at) this.#isTied = true;
    this.#elapsed = next.at;
    next.fire();
  }
}

function optionsOf(call: PendingCall | undefined): TaskOptions {
  return call?.task?.options ?? {};
}

export function outcomeLine(outcome: Outcome): string {
  switch (outcome.type) {
    case 'succeeded':
      return `TaskSucceeded ${outcome.key} ${text(outcome.value)}`;
    case 'failed':
      return `TaskFailed ${outcome.key} ${outcome.cause} ${outcome.failures} ${outcome.message}`;
    case 'cancelled':
      return `TaskCancelled ${outcome.key}`;
    case 'fired':
      return `TimerFired ${outcome.key}`;
    case 'scopeAborted':
      return `ScopeAborted ${outcome.key}`;
    case 'scopeTimedOut':
      return `ScopeTimedOut ${outcome.key}`;
    case 'cancelRequested':
      return 'CancelRequested';
  }
}
