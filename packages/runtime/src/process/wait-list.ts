import { CancelledError, LimitError } from '@pawl/sdk';
import { callSite, here } from './call-site.ts';
import { Queue } from './queue.ts';
import type { Scope } from './scope.ts';

/** A wait for other process code that only that can end, in words. */
export interface ChannelWait {
  readonly what: string;
  readonly site: { readonly stack?: string };
}

/** What process code that waits needs of its host. */
export interface WaitHost {
  currentScope(what?: 'asks' | 'reads'): Scope;
  /** What a call in a scope that was given up gets; undefined where it was not. */
  refusal<T>(scope: Scope): Promise<T> | undefined;
  readonly isStopped: boolean;
  /** Waits for channels. */
  readonly channelWaits: Set<ChannelWait>;
}

/** `channel 'jobs', next (file:line:column)`, for a message. */
export function describeWait({ what, site }: ChannelWait): string {
  return `${what} at ${callSite(site.stack) ?? 'an unknown place'}`;
}

interface Waiter<T, Payload> {
  readonly payload: Payload;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
  /** It waits no more. */
  readonly leave: () => void;
}

/** Waits of one kind at one place. Each holds a strand of the process, so many are a mistake. */
const MAX_WAITS = 100_000;

/**
 * Process code that waits for other process code: first come, first served.
 *
 * Owns the waits. A wait in a branch that is given up is refused and taken out, so that nothing is
 * handed to code that has lost. Talks to the scopes of those who wait.
 */
export class WaitList<T, Payload = undefined> {
  readonly #host: WaitHost;
  /** In words, where the run is stalled when nothing else is left to wait for. */
  readonly #what: string | undefined;
  readonly #onLost: (scope: Scope) => void;
  readonly #waiters = new Queue<Waiter<T, Payload>>();

  /** @param onLost a wait of this scope was taken out, since the scope was given up */
  constructor(host: WaitHost, what?: string, onLost: (scope: Scope) => void = () => undefined) {
    this.#host = host;
    this.#what = what;
    this.#onLost = onLost;
  }

  get size(): number {
    return this.#waiters.size;
  }

  /**
   * @param payload what whoever ends the wait gets
   * @throws LimitError, InvalidArgumentError outside a process
   */
  wait(payload: Payload): Promise<T> {
    const scope = this.#host.currentScope('reads');
    const refused = this.#host.refusal<T>(scope);
    if (refused !== undefined) return refused;
    if (this.size >= MAX_WAITS) {
      throw new LimitError(
        'waits',
        `${this.#what ?? 'a stream'} has ${MAX_WAITS} calls that wait already. Wait for each call before the next one.`,
      );
    }
    return unheard(new Promise<T>((resolve, reject) => this.#add(scope, payload, resolve, reject)));
  }

  #add(scope: Scope, payload: Payload, resolve: (value: T) => void, reject: (reason: unknown) => void): void {
    const { channelWaits } = this.#host;
    const wait = this.#what === undefined ? undefined : { what: this.#what, site: here() };
    if (wait !== undefined) channelWaits.add(wait);
    // P5: whoever waits here is one strand of its scope.
    scope.outstanding += 1;
    const unhook = scope.whenFenced(() => {
      if (this.#host.isStopped) return;
      this.#waiters.remove(waiter);
      waiter.leave();
      reject(new CancelledError(scope.fence?.message ?? ''));
      this.#onLost(scope);
    });
    const waiter: Waiter<T, Payload> = {
      payload,
      resolve,
      reject,
      leave: () => {
        unhook();
        scope.outstanding -= 1;
        if (wait !== undefined) channelWaits.delete(wait);
      },
    };
    this.#waiters.push(waiter);
  }

  /** Settles the wait that is first in line; undefined where nobody waits. */
  resolve(value: T): { readonly payload: Payload } | undefined {
    const waiter = this.#waiters.shift();
    waiter?.leave();
    waiter?.resolve(value);
    return waiter;
  }

  reject(reason: unknown): void {
    const waiter = this.#waiters.shift();
    waiter?.leave();
    waiter?.reject(reason);
  }
}

/** What a loser does not await must not end the program. */
export function unheard<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
