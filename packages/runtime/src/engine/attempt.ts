import {
  checkAgainst,
  checkCost,
  durationMs,
  InvalidArgumentError,
  TimeoutError,
  type CheckResult,
  type Cost,
  type LogLevel,
  type PollSettings,
  type TaskContext,
  type TaskReceiveOptions,
} from '@pawl/sdk';
import type { Encoded } from '../journal/event.ts';
import { toErrorRecord } from '../journal/error-record.ts';
import { assert } from '../journal/invariant.ts';
import type { Report } from '../kernel/input.ts';
import { buildContextOf } from './build-context.ts';
import { checkedAnswer } from './checked-answer.ts';
import type { Clock } from '../ports/clock.ts';
import type { Entropy } from '../ports/entropy.ts';
import type { TelemetrySink } from '../ports/telemetry.ts';
import { encodePayload } from '../process/payload.ts';
import type { OpenTask } from '../process/open-call.ts';
import type { AttemptOwner, AttemptPlace, AttemptSlot, LiveAttempt } from './attempt-owner.ts';
import { AttemptContext, type ContextSource } from './attempt-context.ts';
import { AttemptLimits } from './attempt-limits.ts';
import { AttemptMessages, type MessageDeps } from './attempt-messages.ts';
import { AttemptProgress, isGenerator, type ProgressDeps } from './attempt-progress.ts';
import type { Executors } from './executors/executors.ts';
import type { Work } from './executors/work.ts';
import { pollUntil } from './executors/poll.ts';
import { decode, isPlain } from '../journal/codec.ts';
import type { SaidByTask } from './log-text.ts';
import { Redaction } from './redaction.ts';
import { isRetryable } from './retryable.ts';
import type { StreamWindow } from './stream-window.ts';
import { asTask } from './task-code.ts';
import { Timers } from './timers.ts';

export interface AttemptDeps extends ProgressDeps, MessageDeps {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly executors: Executors;
  /** How long an aborted attempt may go on before it counts as gone. */
  readonly graceMs: number;
  /** False when the run was left, such as for a lost lease. */
  isOurs(): boolean;
  /** Decodes the input of a task, with the values that its secrets stand for. */
  reveal(args: Encoded): { readonly value: unknown; readonly redaction: Redaction };
  /** Does the work where whoever measures finds it; undefined where nobody does. */
  readonly within: TelemetrySink['within'] | undefined;
  warn(message: string): void;
  log(place: AttemptPlace, task: string, said: SaidByTask): void;
}

/**
 * One invocation of a task.
 *
 * Owns its abort signal and its timers. Talks to its owner.
 * Invariants: nothing of it starts before its start is committed; its timers end with it; nothing that it tells
 * holds a text of its secrets.
 */
export class Attempt implements LiveAttempt, Work, ContextSource {
  readonly place: AttemptPlace;
  readonly #task: OpenTask;
  readonly #deps: AttemptDeps;
  readonly #slot: AttemptSlot;
  readonly #owner: AttemptOwner;
  readonly #window: StreamWindow | undefined;
  // Most attempts need none of these, and there are many attempts: each is made where it is needed.
  #controller: AbortController | undefined;
  #progress: AttemptProgress | undefined;
  #messages: AttemptMessages | undefined;
  #limits: AttemptLimits | undefined;
  #timers: Timers | undefined;
  #context: AttemptContext | undefined;
  #redaction = Redaction.NONE;
  #aborted: 'no' | 'stopped' | 'timedOut' = 'no';
  /** It has ended, or was given up on: what it still asks for is refused. */
  #isOver = false;
  #isGone = false;
  #isCheck = false;

  constructor(
    place: AttemptPlace,
    task: OpenTask,
    deps: AttemptDeps,
    slot: AttemptSlot,
    /** Where the process reads what it tells. */
    window: StreamWindow | undefined,
    owner: AttemptOwner,
  ) {
    this.place = place;
    this.#task = task;
    this.#deps = deps;
    this.#slot = slot;
    this.#window = window;
    this.#owner = owner;
  }

  #report(report: Report): void {
    this.#owner.report(this.#task.hasSecrets ? this.#redaction.report(report) : report);
  }

  get what(): string {
    return `task '${this.#task.definition.name}' (${this.place.key})`;
  }

  get context(): TaskContext {
    return (this.#context ??= new AttemptContext(this));
  }

  get signal(): AbortSignal {
    return this.#signal;
  }

  get #signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  get #telling(): AttemptProgress {
    const { definition, hasSecrets } = this.#task;
    const deps = hasSecrets ? this.#redacting(this.#deps) : this.#deps;
    if (this.#progress === undefined) {
      const report = (told: Report): void => this.#report(told);
      this.#progress = new AttemptProgress(this.place, definition.name, deps, this.#window, report);
      if (this.#isOver || this.#aborted !== 'no') this.#progress.end();
    }
    return this.#progress;
  }

  get #limited(): AttemptLimits {
    this.#limits ??= new AttemptLimits(this.#deps.clock);
    return this.#limits;
  }

  get #receiving(): AttemptMessages {
    if (this.#messages === undefined) {
      this.#messages = new AttemptMessages(this.place, this.#deps, this.#slot, this.#limited);
      if (this.#aborted !== 'no') this.#messages.end(this.#signal.reason);
      else if (this.#isOver) this.#messages.end();
    }
    return this.#messages;
  }

  #redacting({ payloadBytes, progress, warn }: ProgressDeps): ProgressDeps {
    return {
      payloadBytes,
      progress: (key, attempt, value) => progress(key, attempt, this.#redaction.value(value)),
      warn: (message) => warn(this.#redaction.text(message)),
    };
  }

  #reveal(args: Encoded): unknown {
    const { value, redaction } = this.#deps.reveal(args);
    this.#redaction = redaction;
    return value;
  }

  start(): void {
    const { timeoutMs, definition } = this.#task;
    const { poll, heartbeatTimeout } = definition.settings;
    if (timeoutMs !== null) this.#limit('timeout', timeoutMs, `timed out after ${timeoutMs} ms`);
    if (poll !== undefined) {
      const pollMs = durationMs(poll.timeout, 'poll.timeout');
      this.#limit('poll', pollMs, `had no good result after ${pollMs} ms`);
    }
    if (heartbeatTimeout !== undefined) this.#awaitHeartbeat();
    const { within } = this.#deps;
    const live = (): Promise<void> => this.#asTask(() => this.#live());
    if (within === undefined) void live();
    else void within(this.place, live);
  }

  /** Asks the outside world what became of an earlier attempt, instead of another one. */
  startCheck(): void {
    const { key } = this.place;
    this.#isCheck = true;
    this.#asTask(() => this.#check())
      .then((result) => checkedAnswer(result, this.#deps.payloadBytes))
      .then(
        (answer) => this.#checked({ type: 'OutcomeResolved', key, by: 'check', answer }),
        () => this.#checked({ type: 'CheckErred', key }),
      );
  }

  abort(reason: string): void {
    if (this.#aborted === 'no') this.#aborted = 'stopped';
    this.#endProgress();
    if (this.#isGone || this.#signal.aborted) return;
    this.#limits?.clear();
    this.#controller?.abort(new DOMException(reason, 'AbortError'));
    this.#messages?.end(this.#signal.reason);
    this.#timers ??= new Timers(this.#deps.clock);
    this.#timers.set('grace', this.#deps.graceMs, () => this.#goAway());
  }

  /** It ends with its program. */
  leave(reason: string): void {
    this.abort(reason);
  }

  hand(n: number, payload: Encoded): void {
    this.#messages?.handed(n, payload);
  }

  #asTask<T>(work: () => T): T {
    return asTask((message) => this.#deps.warn(this.#redaction.text(message)), work);
  }

  async #live(): Promise<void> {
    const { definition } = this.#task;
    let report: Report;
    try {
      // Not before whoever starts it is done with its neighbours.
      const args = await this.#args();
      const { poll } = definition.settings;
      let value = await (poll === undefined ? this.#tryOnce(args) : this.#poll(args, poll));
      if (isGenerator(value)) value = await this.#drained(value);
      if (definition.output !== undefined)
        value = await checkAgainst(definition.output, value, `The output of ${this.what}`);
      report = this.#succeeded(value);
    } catch (error) {
      report = this.#failed(error, 'error');
    }
    this.#ended(report);
  }

  #succeeded(value: unknown): Report {
    const { key, attempt } = this.place;
    const { payloadBytes } = this.#deps;
    const output = isPlain(value, payloadBytes)
      ? value
      : encodePayload(`The output of ${this.what}`, value, payloadBytes);
    return { type: 'AttemptSucceeded', key, attempt, output };
  }

  #tryOnce(args: unknown): unknown {
    this.checkWanted();
    const { definition } = this.#task;
    const given = buildContextOf(definition, this.context);
    return this.#deps.executors.run(definition.build(args as never, given), this);
  }

  #poll(args: unknown, poll: PollSettings): Promise<unknown> {
    const tryOnce = async (): Promise<unknown> => this.#drained(await this.#tryOnce(args));
    return pollUntil(this.what, tryOnce, poll, this.#signal, this.#deps.clock);
  }

  /** What a generator returns, and else the value itself. */
  #drained(value: unknown): unknown {
    return isGenerator(value) ? this.#telling.drain(value) : value;
  }

  /** A promise only where a schema has to look at it. */
  #args(): unknown {
    const { definition, args } = this.#task;
    const value = this.#task.hasSecrets ? this.#reveal(args) : decode(args);
    return definition.input === undefined
      ? value
      : checkAgainst(definition.input, value, `The input of task '${definition.name}'`);
  }

  async #check(): Promise<CheckResult<unknown>> {
    const { check } = this.#task.definition;
    if (check === undefined) throw new InvalidArgumentError('no check is defined');
    const args = await this.#args();
    this.checkWanted();
    // `check` takes what `run` takes; the definition's signature says so.
    return (await check(args as never, this.context)) as CheckResult<unknown>;
  }

  /**
   * Right before user code is called: another attempt of the same commit may have held the event loop
   * for longer than the lease, and what was aborted before it began need not begin.
   */
  checkWanted(): void {
    const isOurs = this.#deps.isOurs();
    this.#controller?.signal.throwIfAborted();
    assert(isOurs, 'S2', 'a run that is left aborts its attempts');
  }

  log(level: LogLevel, values: readonly unknown[]): void {
    this.#deps.log(this.place, this.#task.definition.name, {
      level,
      values: values.map((value) => this.#redaction.logged(value)),
      cut: (text) => this.#redaction.text(text),
    });
  }

  progress(value: unknown): Promise<void> {
    return this.#telling.tell(value);
  }

  heartbeat(): void {
    if (this.#aborted === 'no' && !this.#isGone) this.#awaitHeartbeat();
  }

  reconcile(actualCost: Cost): void {
    if (this.#slot.reconcile(checkCost(actualCost))) return;
    this.#deps.warn(`Call ${this.place.key} reconciles its cost, and holds nothing any more.`);
  }

  receive(name: string, options: TaskReceiveOptions | undefined): Promise<unknown> {
    // A check looks what became of work, and does none: no message is for it.
    if (this.#isCheck)
      throw new InvalidArgumentError('task.receive is for the task itself, not for its check.');
    return this.#receiving.receive(name, options);
  }

  #awaitHeartbeat(): void {
    const { heartbeatTimeout } = this.#task.definition.settings;
    if (heartbeatTimeout === undefined) return;
    const ms = durationMs(heartbeatTimeout, 'heartbeatTimeout');
    this.#limit('heartbeat', ms, `gave no heartbeat for ${ms} ms`);
  }

  #limit(name: string, ms: number, how: string): void {
    this.#limited.set(name, ms, () => this.#timedOut(how));
  }

  #timedOut(how: string): void {
    if (this.#aborted !== 'no' || this.#isGone) return;
    this.#aborted = 'timedOut';
    const error = new TimeoutError(how);
    this.#report(this.#failed(error, 'timeout'));
    this.abort(error.message);
  }

  #failed(error: unknown, cause: 'error' | 'timeout'): Report {
    const { key, attempt } = this.place;
    return {
      type: 'AttemptErred',
      key,
      attempt,
      error: toErrorRecord(error),
      cause,
      retryable: isRetryable(error, this.#task, attempt, this.#deps.warn),
      draw: this.#deps.entropy.random(),
    };
  }

  #ended(report: Report): void {
    this.#clear();
    const { key, attempt } = this.place;
    const stopped = this.#aborted !== 'no' && report.type === 'AttemptErred';
    this.#report(stopped ? { type: 'AttemptStopped', key, attempt } : report);
    this.#goAway();
  }

  /** One that was stopped tells nothing: the next program asks again. */
  #checked(report: Report): void {
    this.#clear();
    if (this.#aborted === 'no') this.#report(report);
    this.#goAway();
  }

  #goAway(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#clear();
    this.#owner.gone(this, this.#slot);
  }

  #endProgress(): void {
    if (this.#progress === undefined) this.#window?.close();
    else this.#progress.end();
  }

  #clear(): void {
    this.#isOver = true;
    this.#timers?.clearAll();
    this.#limits?.clear();
    this.#endProgress();
    this.#messages?.end();
  }
}
