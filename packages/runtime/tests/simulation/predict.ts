import type { Manner, TaskOptions } from './interpret.ts';
import { Model, type Ended, type Outcome, type PendingCall } from './model.ts';
import type { Asked } from './model-scope.ts';
import { answerLine } from './journal-lines.ts';
import { ModelSlots, type ModelAttempt } from './model-slots.ts';
import type { PersonsAnswer, Program } from './program.ts';
import { text } from './text.ts';

/** What a world without faults is known to do. */
export interface World {
  readonly seed: string;
  readonly startedAt: number;
  /** What every draw for jitter gives. */
  readonly draw: number;
  /** Attempts that may run at once. */
  readonly slots: number;
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
  running: ModelAttempt | undefined;
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
  /** Timers that start, and attempts that are aborted, with the next commit. */
  #timers: (() => void)[] = [];
  #aborts: ModelAttempt[] = [];
  readonly #slots: ModelSlots;
  readonly #pools = new Map<string, ModelSlots>();
  #elapsed = 0;
  #order = 0;
  #isTied = false;
  #isOver = false;

  constructor({ seed, startedAt, draw, slots }: World) {
    this.#slots = new ModelSlots(slots);
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
      onLeft: (key) => {
        this.#reports.push(() =>
          this.#model.watches.isLeft(key) ? { type: 'scopeAborted', key } : undefined,
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
      if (this.#isQuiet) this.#commit();
      // What was aborted has left its slot to others.
      while (this.#isQuiet && this.#allSlots().some((slots) => slots.canGrant(this.#now))) this.#commit();
      if (this.#isQuiet) this.#passTime();
      const outcome = this.#next();
      if (outcome === undefined) {
        this.#checkEnd();
        continue;
      }
      this.#lines.push(outcomeLine(outcome));
      this.#settled(outcome);
      this.#model.now = this.#now;
      const wasDecided = 'key' in outcome && this.#model.groups.get(outcome.key)?.isDecided !== false;
      const problem = this.#model.deliver(outcome);
      if (problem !== undefined) throw new RangeError(`the model is wrong: ${problem}`);
      // Behind a decision an interruption gives up at once what went on; an open group is closed first.
      if (outcome.type === 'scopeAborted' || outcome.type === 'scopeTimedOut') {
        if (wasDecided) this.#cancels.push(...this.#model.within(outcome.key));
      }
      await this.#finishTurn();
    }
    const { ended } = this.#model;
    if (ended === undefined) throw new RangeError('the model ended without a result');
    return { lines: this.#lines, ended, logs: this.#model.logs, isTied: this.#isTied };
  }

  get #isQuiet(): boolean {
    return this.#cancels.length === 0 && this.#reports.length === 0;
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
    if (!this.#isQuiet || this.#model.ended === undefined || this.#model.hasDetached) return;
    this.#model.root.raise('outside');
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
        this.#work.set(key, { call, scheduledAt: this.#now, attempts: 0, running: undefined, failures: 0 });
        this.#enqueue(call, true);
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
      case 'wait': {
        const { name, timeout, send } = asked;
        this.#timers.push(() => {
          if (timeout !== undefined)
            this.#after(timeout, () => (this.#isOpen(key) ? { type: 'waitTimedOut', key } : undefined));
          this.#after(send.ms, () => {
            const taker = this.#model.waitFor(name);
            return taker === undefined ? undefined : { type: 'received', key: taker, value: send.value };
          });
        });
        return;
      }
      case 'question': {
        const { timeout, answers } = asked;
        this.#timers.push(() => {
          if (timeout !== undefined) this.#after(timeout, () => this.#unanswered(key));
          for (const answer of answers) this.#after(answer.ms, () => this.#answered(key, answer));
        });
        return;
      }
      case 'external':
        this.#offered(asked);
        return;
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
        if (asked.givesUp) this.#cancels.push(...this.#model.within(key));
    }
  }

  #unanswered(key: string): Outcome | undefined {
    const outcome = this.#model.questions.get(key)?.atTimeout;
    return this.#isOpen(key) && outcome !== undefined
      ? { type: 'decided', key, outcome, by: 'timeout' }
      : undefined;
  }

  #answered(key: string, answer: PersonsAnswer): Outcome | undefined {
    const question = this.#model.questions.get(key);
    if (question === undefined || !this.#isOpen(key) || !question.counts(answer.by)) return undefined;
    this.#lines.push(answerLine(key, answer));
    question.add(answer);
    const { verdict: outcome } = question;
    return outcome === undefined ? undefined : { type: 'decided', key, outcome, by: 'answer' };
  }

  #offered({ key, args, options }: Extract<Asked, { do: 'external' }>): void {
    const { retry, timeout = Infinity } = options;
    const offeredAt = this.#now;
    let failures = 0;
    const answer = (): Outcome | undefined => {
      if (!this.#isOpen(key)) return undefined;
      if (failures >= args.failures)
        return args.isGivenUp ? { type: 'cancelled', key } : { type: 'succeeded', key, value: args.value };
      failures += 1;
      const delay = this.#delay(retry, failures);
      const isFinal =
        retry === undefined || failures >= retry.attempts || this.#now + delay >= offeredAt + timeout;
      if (isFinal) return { type: 'failed', key, cause: 'error', failures, message: `fail ${args.id}` };
      this.#timers.push(() => this.#after(delay + args.ms, answer));
      return undefined;
    };
    this.#timers.push(() => {
      if (options.timeout !== undefined)
        this.#after(options.timeout, () =>
          this.#isOpen(key) ? { type: 'failed', key, cause: 'timeout', failures, message: '' } : undefined,
        );
      this.#after(args.ms, answer);
    });
  }

  /** How long the next try is waited for. */
  #delay(retry: TaskOptions['retry'], failures: number): number {
    if (retry === undefined) return 0;
    const full = Math.min(retry.maxDelay ?? 300_000, retry.delay * retry.factor ** (failures - 1));
    return Math.round(full * (1 - retry.jitter * this.#draw));
  }

  #isOpen(key: string): boolean {
    return this.#model.pending.has(key) && !this.#cancels.includes(key);
  }

  #after(ms: number, report: Report): void {
    this.#at(ms, () => this.#reports.push(report));
  }

  #at(ms: number, fire: () => void): void {
    this.#order += 1;
    this.#due.push({ at: this.#elapsed + ms, order: this.#order, fire });
  }

  /** An attempt that runs beyond the end of its call is aborted with the commit of that. */
  #settled(outcome: Outcome): void {
    const work = 'key' in outcome ? this.#work.get(outcome.key) : undefined;
    if (work?.running === undefined) return;
    this.#aborts.push(work.running);
    work.running = undefined;
  }

  /** What was recorded since the last commit takes effect now. */
  #commit(): void {
    const timers = this.#timers;
    const aborts = this.#aborts;
    this.#timers = [];
    this.#aborts = [];
    const granted = this.#allSlots().map(
      (slots) => [slots, slots.grant(this.#now, (key) => this.#isOpen(key))] as const,
    );
    for (const key of this.#allSlots().flatMap((slots) => slots.refuse()))
      this.#reports.push(() => this.#refused(key));
    for (const start of timers) start();
    const started = granted
      .flatMap(([slots, places]) => places.map(({ key, cost }) => this.#startAttempt(key, slots, cost)))
      .filter((attempt) => attempt !== undefined);
    for (const attempt of started) {
      const { timeout } = optionsOf(this.#work.get(attempt.key)?.call);
      if (timeout !== undefined) this.#after(timeout, () => this.#timedOut(attempt));
    }
    for (const attempt of started) {
      const ms = this.#work.get(attempt.key)?.call.task?.args.ms ?? 0;
      if (ms > 0) this.#at(ms, () => this.#finish(attempt));
      else this.#finish(attempt);
    }
    for (const attempt of aborts) if (!attempt.isDeaf) attempt.slots.leave(attempt);
  }

  /** Those of the pools in the order in which they were declared. */
  #allSlots(): ModelSlots[] {
    for (const [name, { maxConcurrent, queueSize, overflow, order }] of this.#model.pools) {
      if (this.#pools.has(name)) continue;
      const refuses = overflow === 'reject';
      const passes = order === 'backfill';
      this.#pools.set(name, new ModelSlots(maxConcurrent, { queueSize, refuses, passes }));
    }
    return [this.#slots, ...this.#pools.values()];
  }

  #enqueue({ key, task }: PendingCall, isFirst: boolean): void {
    const { pool, cost = 1 } = task?.options ?? {};
    this.#allSlots();
    const slots = pool === undefined ? this.#slots : this.#pools.get(pool);
    if (slots === undefined) throw new RangeError(`the model has no pool '${pool}'`);
    slots.queue({ key, priority: task?.priority ?? 0, cost, isFirst, since: this.#now });
  }

  #refused(key: string): Outcome | undefined {
    if (!this.#isOpen(key)) return undefined;
    return { type: 'failed', key, cause: 'queueFull', failures: 0, message: '' };
  }

  #startAttempt(key: string, slots: ModelSlots, cost: number): ModelAttempt | undefined {
    const work = this.#work.get(key);
    if (work === undefined) return undefined;
    work.attempts += 1;
    const isDeaf = work.call.task?.args.deaf ?? false;
    work.running = { key, number: work.attempts, isDeaf, slots, cost, isGone: false };
    return work.running;
  }

  #finish(attempt: ModelAttempt): void {
    attempt.slots.leave(attempt);
    this.#reports.push(() => this.#finished(attempt));
  }

  #finished(attempt: ModelAttempt): Outcome | undefined {
    const { key, number } = attempt;
    const work = this.#work.get(key);
    const args = work?.call.task?.args;
    if (work === undefined || args === undefined || !this.#isOpen(key) || work.running !== attempt)
      return undefined;
    work.running = undefined;
    if (number <= args.failures) return this.#erred(key, work, 'error');
    return { type: 'succeeded', key, value: args.value };
  }

  #timedOut(attempt: ModelAttempt): Outcome | undefined {
    const { key } = attempt;
    const work = this.#work.get(key);
    if (!attempt.isDeaf) attempt.slots.leave(attempt);
    if (work === undefined || !this.#isOpen(key) || work.running !== attempt) return undefined;
    work.running = undefined;
    return this.#erred(key, work, 'timeout');
  }

  #erred(key: string, work: Work, cause: 'error' | 'timeout'): Outcome | undefined {
    const { retry, deadline } = optionsOf(work.call);
    work.failures += 1;
    const { failures } = work;
    const message = cause === 'error' ? `fail ${work.call.task?.args.id}` : '';
    const delay = this.#delay(retry, failures);
    const isFinal =
      retry === undefined ||
      failures >= retry.attempts ||
      (cause === 'error' && retry.shouldRetry !== undefined);
    const isLate = deadline !== undefined && this.#now + delay >= work.scheduledAt + deadline;
    if (isFinal || isLate) return { type: 'failed', key, cause, failures, message };
    this.#timers.push(() =>
      this.#after(delay, () => {
        if (this.#isOpen(key)) this.#enqueue(work.call, false);
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
    case 'item':
    case 'ended':
    case 'sourceFailed':
      throw new RangeError('when items come nobody can foretell');
    case 'received':
      return `SignalReceived ${outcome.key} ${text(outcome.value)}`;
    case 'decided':
      return `BreakpointClosed ${outcome.key} ${outcome.outcome} by ${outcome.by}`;
    case 'waitTimedOut':
      return `SignalTimedOut ${outcome.key}`;
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
