import {
  InvalidArgumentError,
  LimitError,
  UnserializableError,
  type SourceContext,
  type SourceItem,
} from '@pawl/sdk';
import { decode } from '../journal/codec.ts';
import { toErrorRecord } from '../journal/error-record.ts';
import { assert } from '../journal/invariant.ts';
import { levelled } from '../journal/log-line.ts';
import type { Report } from '../kernel/input.ts';
import type { OpenSourceCall } from '../process/open-call.ts';
import { encodePayload } from '../process/payload.ts';
import type { AttemptPlace } from './attempt-owner.ts';
import type { AttemptDeps } from './attempt.ts';
import type { StreamWindow } from './stream-window.ts';
import { asTask } from './task-code.ts';

type Items = AsyncIterator<SourceItem, unknown, undefined> | Iterator<SourceItem, unknown, undefined>;

/**
 * One opening of a source, and the pulling of its items.
 *
 * Owns its abort signal and the iterator. Talks to the run by `report` and once by `gone`, when it ended or
 * was given up on.
 * Invariants: the next item is pulled only where the window has room; each item is told before the end;
 * what comes after an abort is dropped, and the iterator is closed.
 */
export class SourceAttempt {
  readonly #place: AttemptPlace;
  readonly #source: OpenSourceCall;
  readonly #window: StreamWindow;
  readonly #deps: AttemptDeps;
  readonly #report: (report: Report) => void;
  readonly #gone: () => void;
  readonly #controller = new AbortController();
  #items: Items | undefined;
  #closing: Promise<void> | undefined;
  #cancelGrace: () => void = () => undefined;
  #isGone = false;

  constructor(
    place: AttemptPlace,
    source: OpenSourceCall,
    window: StreamWindow,
    deps: AttemptDeps,
    report: (report: Report) => void,
    gone: () => void,
  ) {
    this.#place = place;
    this.#source = source;
    this.#window = window;
    this.#deps = deps;
    this.#report = report;
    this.#gone = gone;
  }

  start(): void {
    const { key, attempt } = this.#place;
    const { within, warn } = this.#deps;
    const run = (): Promise<void> => asTask(warn, () => this.#run());
    const running = within === undefined ? run() : within(this.#place, run);
    running.then(
      () => this.#ended({ type: 'SourceEnded', key, attempt }),
      (error: unknown) => this.#ended(this.#failed(error)),
    );
  }

  /** Its items are not wanted any more. */
  abort(reason: string): void {
    if (this.#isGone || this.#controller.signal.aborted) return;
    this.#controller.abort(new DOMException(reason, 'AbortError'));
    this.#window.close();
    this.#cancelGrace = this.#deps.clock.after(this.#deps.graceMs, () => this.#leave());
    void this.#close();
  }

  async #run(): Promise<void> {
    const { open, cursor } = this.#source;
    const { signal } = this.#controller;
    const isOurs = this.#deps.isOurs();
    signal.throwIfAborted();
    assert(isOurs, 'S2', 'a run that is left aborts its sources');
    const behind = cursor === undefined ? undefined : decode(cursor);
    const items = this.#iterator(await open(behind, this.#context()));
    this.#items = items;
    try {
      for (;;) {
        await this.#window.room();
        signal.throwIfAborted();
        const next = await this.#next(items);
        signal.throwIfAborted();
        if (next === undefined) return;
        this.#give(next);
      }
    } finally {
      await this.#close();
    }
  }

  /** Undefined at the end. What has ended or thrown by itself needs no closing. */
  async #next(items: Items): Promise<SourceItem | undefined> {
    try {
      const next = await items.next();
      if (next.done !== true) return next.value;
    } catch (error) {
      this.#items = undefined;
      throw error;
    }
    this.#items = undefined;
    return undefined;
  }

  #iterator(given: unknown): Items {
    const iterable = Object(given) as Partial<AsyncIterable<SourceItem> & Iterable<SourceItem>>;
    const items = iterable[Symbol.asyncIterator]?.() ?? iterable[Symbol.iterator]?.();
    if (items !== undefined && typeof given === 'object') return items;
    throw new InvalidArgumentError(
      `Source ${this.#name} must give an async iterable of { item, cursor }, such as an async generator does.`,
    );
  }

  #give(value: SourceItem): void {
    if (typeof value !== 'object' || value === null || !('item' in value) || value.cursor === undefined) {
      throw new InvalidArgumentError(
        `Source ${this.#name} must yield { item, cursor }; without a cursor nobody knows where to go on after a crash.`,
      );
    }
    const { payloadBytes } = this.#deps;
    const item = encodePayload(`An item of source ${this.#name}`, value.item, payloadBytes);
    const cursor = encodePayload(`A cursor of source ${this.#name}`, value.cursor, payloadBytes);
    const { key, attempt } = this.#place;
    this.#window.add();
    this.#report({ type: 'ItemProduced', key, attempt, item, cursor });
  }

  get #name(): string {
    return `'${this.#source.name}' (${this.#place.key})`;
  }

  #close(): Promise<void> {
    if (this.#items !== undefined) this.#closing ??= this.#returnItems(this.#items);
    return this.#closing ?? Promise.resolve();
  }

  /** How it ends is known already: what its closing throws changes nothing. */
  async #returnItems(items: Items): Promise<void> {
    try {
      await items.return?.();
    } catch {
      // See above.
    }
  }

  #context(): SourceContext {
    const { runId, key, attempt, idempotencyKey } = this.#place;
    return {
      signal: this.#controller.signal,
      attempt,
      runId,
      key,
      idempotencyKey,
      log: levelled((level, values) =>
        this.#deps.log(this.#place, this.#source.name, { level, values, cut: (text) => text }),
      ),
    };
  }

  #failed(error: unknown): Report {
    const { key, attempt } = this.#place;
    return {
      type: 'AttemptErred',
      key,
      attempt,
      error: toErrorRecord(error),
      cause: 'error',
      retryable: this.#isRetryable(error),
      draw: this.#deps.entropy.random(),
    };
  }

  #isRetryable(error: unknown): boolean {
    const { shouldRetry } = this.#source;
    // Anything can be thrown: to look at a revoked proxy throws, as the user's function may.
    try {
      // It would give the same again.
      if (
        error instanceof UnserializableError ||
        error instanceof LimitError ||
        error instanceof InvalidArgumentError
      )
        return false;
      return shouldRetry === undefined || shouldRetry(error, this.#place.attempt);
    } catch {
      return false;
    }
  }

  #ended(report: Report): void {
    const { key, attempt } = this.#place;
    if (!this.#isGone)
      this.#report(this.#controller.signal.aborted ? { type: 'AttemptStopped', key, attempt } : report);
    this.#leave();
  }

  #leave(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#cancelGrace();
    this.#window.close();
    this.#gone();
  }
}
