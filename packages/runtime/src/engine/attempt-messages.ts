import {
  CancelledError,
  durationMs,
  InvalidArgumentError,
  LimitError,
  TimeoutError,
  type TaskReceiveOptions,
} from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import { decode } from '../journal/codec.ts';
import type { Encoded } from '../journal/event.ts';
import type { Clock } from '../ports/clock.ts';
import { checkMessageName, checkReceiveOptions } from '../process/receive-call.ts';
import { unheard } from '../process/wait-list.ts';
import type { AttemptPlace, AttemptSlot } from './attempt-owner.ts';
import type { AttemptLimits } from './attempt-limits.ts';
import type { AttemptWait } from './attempt-waits.ts';

const OPTIONS: ReadonlySet<string> = new Set<keyof TaskReceiveOptions>(['schema', 'timeout']);
/** That one attempt gets: those of a call are kept in mind until it is settled. */
const MAX_MESSAGES = 10_000;

export interface MessageDeps {
  readonly clock: Clock;
  /** The message that the call took before under that name and number, if it did. */
  recordedMessage(key: CallKey, name: string, n: number): Encoded | undefined;
  awaitMessage(wait: AttemptWait): void;
  forgoMessage(wait: AttemptWait, why: 'passed' | 'ended'): void;
}

interface OpenReceive {
  readonly wait: AttemptWait;
  readonly promise: PromiseWithResolvers<unknown>;
  stage: 'waiting' | 'taken' | 'settling';
  cancelTimeout: (() => void) | undefined;
}

/**
 * What one attempt receives.
 *
 * Owns its open receive. Talks to the run's inbox, and to the slot, which the attempt gives back while no
 * message is there. Invariants: law 7, it holds no slot while it waits; what it awaits settles with the slot in
 * hand, or, given up, at once.
 */
export class AttemptMessages {
  readonly #place: AttemptPlace;
  readonly #deps: MessageDeps;
  readonly #slot: AttemptSlot;
  readonly #limits: AttemptLimits;
  /** How many were handed over, by name. */
  readonly #handed = new Map<string, number>();
  #total = 0;
  #open: OpenReceive | undefined;
  /** Why the attempt receives nothing more. */
  #over: { readonly reason: unknown } | undefined;

  constructor(place: AttemptPlace, deps: MessageDeps, slot: AttemptSlot, limits: AttemptLimits) {
    this.#place = place;
    this.#deps = deps;
    this.#slot = slot;
    this.#limits = limits;
  }

  /** @throws InvalidArgumentError, InvalidOptionError, LimitError */
  receive(name: unknown, options: TaskReceiveOptions = {}): Promise<unknown> {
    const { key } = this.#place;
    checkMessageName(name, 'task.receive');
    checkReceiveOptions(options, OPTIONS, 'task.receive');
    const timeoutMs = options.timeout === undefined ? null : durationMs(options.timeout, 'timeout');
    if (this.#open !== undefined) {
      throw new InvalidArgumentError(
        `Call ${key} waits for a message '${this.#open.wait.name}' already: it receives one at a time.`,
      );
    }
    if (this.#total >= MAX_MESSAGES) {
      throw new LimitError(
        'messages',
        `Call ${key} received ${MAX_MESSAGES} messages. Receive them in the process, or in further calls.`,
      );
    }
    const recorded =
      this.#over === undefined ? this.#deps.recordedMessage(key, name, this.#countOf(name)) : undefined;
    // To look for it may show that the run is not ours any more.
    if (this.#over !== undefined) return unheard(Promise.reject(asError(this.#over.reason)));
    if (recorded !== undefined) return Promise.resolve(this.#hand(name, recorded));
    return this.#wait(name, options.schema, timeoutMs);
  }

  #wait(name: string, schema: TaskReceiveOptions['schema'], timeoutMs: number | null): Promise<unknown> {
    const { key, attempt } = this.#place;
    const wait: AttemptWait = {
      key,
      attempt,
      name,
      schema,
      isSecret: false,
      latest: false,
      timeoutMs,
      notThere: () => this.#suspend(open, timeoutMs),
      taken: () => {
        open.stage = 'taken';
        open.cancelTimeout?.();
      },
    };
    const open: OpenReceive = {
      wait,
      promise: Promise.withResolvers<unknown>(),
      stage: 'waiting',
      cancelTimeout: undefined,
    };
    this.#open = open;
    this.#deps.awaitMessage(wait);
    return unheard(open.promise.promise);
  }

  /** Its time is counted from here, so that a message which is there goes before it. */
  #suspend(open: OpenReceive, timeoutMs: number | null): void {
    this.#limits.standStill();
    this.#slot.giveBack();
    if (timeoutMs === null) return;
    open.cancelTimeout = this.#deps.clock.after(timeoutMs, () => {
      this.#deps.forgoMessage(open.wait, 'passed');
      const { name } = open.wait;
      const error = new TimeoutError(`no message '${name}' came within ${timeoutMs} ms`);
      this.#return(open, () => open.promise.reject(error));
    });
  }

  /** Message `n` of the name it waits for is committed. */
  handed(n: number, payload: Encoded): void {
    const open = this.#open;
    if (open?.stage !== 'taken' || n !== this.#countOf(open.wait.name)) return;
    this.#return(open, () => open.promise.resolve(this.#hand(open.wait.name, payload)));
  }

  #return(open: OpenReceive, settle: () => void): void {
    open.stage = 'settling';
    const goOn = (): void => {
      this.#open = undefined;
      this.#limits.goOn();
      settle();
    };
    if (this.#slot.isHeld) goOn();
    else this.#slot.comeBack(goOn);
  }

  #hand(name: string, payload: Encoded): unknown {
    this.#handed.set(name, this.#countOf(name) + 1);
    this.#total += 1;
    return decode(payload);
  }

  #countOf(name: string): number {
    return this.#handed.get(name) ?? 0;
  }

  /** The attempt has ended, or is not wanted any more. */
  end(reason: unknown = new CancelledError('The attempt has ended.')): void {
    this.#over ??= { reason };
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    open.cancelTimeout?.();
    this.#deps.forgoMessage(open.wait, 'ended');
    // One that waits for a slot wants none; one that still has its own keeps it to its end.
    if (!this.#slot.isHeld) this.#slot.giveBack();
    open.promise.reject(asError(this.#over.reason));
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new CancelledError(String(reason));
}
