import { CancelledError } from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import type { Encoded } from '../journal/event.ts';
import type { Report } from '../kernel/input.ts';
import { encodePayload } from '../process/payload.ts';
import type { AttemptPlace } from './attempt-owner.ts';
import type { StreamWindow } from './stream-window.ts';

/** What is told only to whoever looks on; more is a warning. */
const MAX_OBSERVED = 65_536;

export interface ProgressDeps {
  readonly payloadBytes: number;
  progress(key: CallKey, attempt: number, value: Encoded): void;
  warn(message: string): void;
}

/**
 * What one attempt of a task tells while it runs.
 *
 * Talks to whoever looks on, and by `report` to the process where that reads it.
 * Invariant: nothing is told after the attempt has ended, timed out or was given up.
 */
export class AttemptProgress {
  readonly #place: AttemptPlace;
  readonly #task: string;
  readonly #deps: ProgressDeps;
  /** Undefined where the process does not read it. */
  readonly #window: StreamWindow | undefined;
  readonly #report: (report: Report) => void;
  #isOver = false;
  #hasWarned = false;

  constructor(
    place: AttemptPlace,
    task: string,
    deps: ProgressDeps,
    window: StreamWindow | undefined,
    report: (report: Report) => void,
  ) {
    this.#place = place;
    this.#task = task;
    this.#deps = deps;
    this.#window = window;
    this.#report = report;
  }

  /** @throws UnserializableError, LimitError, where the process reads it */
  tell(value: unknown): Promise<void> {
    const { key, attempt } = this.#place;
    if (this.#isOver) return Promise.resolve();
    const item = this.#encode(value);
    if (item === undefined) return Promise.resolve();
    this.#window?.add();
    this.#deps.progress(key, attempt, item);
    if (this.#window === undefined) return Promise.resolve();
    this.#report({ type: 'ItemProduced', key, attempt, item, cursor: null });
    return this.#window.room();
  }

  /** Undefined: it is warned of instead, once, since what nobody reads must not fail a task. */
  #encode(value: unknown): Encoded | undefined {
    const what = `Progress of task '${this.#task}' (${this.#place.key})`;
    if (this.#window !== undefined) return encodePayload(what, value, this.#deps.payloadBytes);
    try {
      return encodePayload(what, value, Math.min(MAX_OBSERVED, this.#deps.payloadBytes));
    } catch (error) {
      if (!this.#hasWarned)
        this.#deps.warn(error instanceof Error ? error.message : `${what} cannot be told.`);
      this.#hasWarned = true;
      return undefined;
    }
  }

  /** Tells what a generator yields. @returns what it returns, the output of the task */
  async drain(generator: AsyncGenerator): Promise<unknown> {
    for (;;) {
      const next = await generator.next();
      if (next.done === true) return next.value;
      try {
        await this.tell(next.value);
        // Nobody goes on with what was given up.
        if (this.#isOver) throw new CancelledError('The attempt was given up while it told its progress.');
      } catch (error) {
        await generator.return(undefined);
        throw error;
      }
    }
  }

  end(): void {
    this.#isOver = true;
    this.#window?.close();
  }
}

export function isGenerator(value: unknown): value is AsyncGenerator {
  return typeof value === 'object' && Object.prototype.toString.call(value) === '[object AsyncGenerator]';
}
