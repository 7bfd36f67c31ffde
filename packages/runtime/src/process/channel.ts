import {
  ChannelClosedError,
  InvalidArgumentError,
  InvalidOptionError,
  type Channel,
  type ChannelOptions,
} from '@pawl/sdk';
import { unreachable } from '../journal/invariant.ts';
import { Queue } from './queue.ts';
import { unheard, WaitList, type WaitHost } from './wait-list.ts';

type State =
  | { readonly status: 'open' }
  | { readonly status: 'closed' }
  | { readonly status: 'failed'; readonly error: unknown };

const DEFAULT_CAPACITY = 16;

/** @throws InvalidArgumentError, InvalidOptionError */
export function createChannel<T>(host: WaitHost, name: unknown, options: unknown = {}): Channel<T> {
  if (typeof name !== 'string' || name === '' || name.length > 200 || !name.isWellFormed())
    throw new InvalidArgumentError(
      'ctx.channel takes a name as its first argument: 1 to 200 characters, well-formed Unicode.',
    );
  if (typeof options !== 'object' || options === null)
    throw new InvalidOptionError('options', options, 'an object');
  for (const option of Object.keys(options)) {
    if (option !== 'capacity')
      throw new InvalidOptionError(
        option,
        Reflect.get(options, option),
        'left out: a channel takes capacity',
      );
  }
  const { capacity = DEFAULT_CAPACITY }: ChannelOptions = options;
  if (!Number.isInteger(capacity) || capacity < 1)
    throw new InvalidOptionError('capacity', capacity, 'an integer >= 1: channels are bounded');
  // Outside its process there is nobody to hand anything to.
  host.currentScope();
  return new ProcessChannel<T>(host, name, capacity);
}

/**
 * Hands values from one strand of a process to another, without a row: what is delivered decides who
 * pushes and who takes.
 *
 * Owns the values that wait and those who wait. Invariants: values wait only while nobody waits to
 * take one; a push waits only while there is no room.
 */
class ProcessChannel<T> implements Channel<T> {
  readonly name: string;
  readonly #host: WaitHost;
  readonly #capacity: number;
  readonly #values = new Queue<{ readonly value: T }>();
  readonly #pushes: WaitList<void, T>;
  readonly #takers: WaitList<IteratorResult<T, undefined>>;
  #state: State = { status: 'open' };

  constructor(host: WaitHost, name: string, capacity: number) {
    this.name = name;
    this.#host = host;
    this.#capacity = capacity;
    this.#pushes = new WaitList(host, `push to channel '${name}', which is full,`);
    this.#takers = new WaitList(host, `wait for an item of channel '${name}'`);
  }

  get size(): number {
    return this.#values.size;
  }

  push(value: T): Promise<void> {
    const refused = this.#host.refusal<void>(this.#host.currentScope());
    if (refused !== undefined) return refused;
    if (this.#state.status !== 'open') return unheard(Promise.reject(this.#closedError()));
    if (this.#takers.resolve({ done: false, value }) !== undefined) return Promise.resolve();
    if (this.#values.size >= this.#capacity) return this.#pushes.wait(value);
    this.#values.push({ value });
    return Promise.resolve();
  }

  close(): void {
    if (this.#state.status !== 'open') return;
    this.#state = { status: 'closed' };
    while (this.#takers.size > 0) this.#takers.resolve({ done: true, value: undefined });
  }

  fail(error: unknown): void {
    if (this.#state.status !== 'open') return;
    this.#state = { status: 'failed', error };
    while (this.#pushes.size > 0) this.#pushes.reject(this.#closedError());
    while (this.#takers.size > 0) this.#takers.reject(error);
  }

  #closedError(): ChannelClosedError {
    const { status } = this.#state;
    return new ChannelClosedError(
      `Channel '${this.name}' ${status === 'failed' ? 'has failed' : 'is closed'}: it takes no more values.`,
      status === 'failed' ? { cause: this.#state.error } : undefined,
    );
  }

  #take(): Promise<IteratorResult<T, undefined>> {
    const refused = this.#host.refusal<IteratorResult<T, undefined>>(this.#host.currentScope());
    if (refused !== undefined) return refused;
    const taken = this.#values.shift();
    if (taken !== undefined) {
      const pushed = this.#pushes.resolve(undefined);
      if (pushed !== undefined) this.#values.push({ value: pushed.payload });
      return Promise.resolve({ done: false, value: taken.value });
    }
    switch (this.#state.status) {
      case 'open':
        return this.#takers.wait(undefined);
      case 'closed':
        return Promise.resolve({ done: true, value: undefined });
      case 'failed':
        return unheard(Promise.reject(this.#state.error));
      default:
        return unreachable(this.#state);
    }
  }

  /** One consumer. Leaving it leaves the channel to the others; an error is told to each once. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined, undefined> {
    let isDone = false;
    const end = { done: true, value: undefined } as const;
    const iterator: AsyncIterableIterator<T, undefined, undefined> = {
      next: () => {
        if (isDone) return Promise.resolve(end);
        const taken = this.#take();
        taken.catch(() => (isDone = true));
        return taken;
      },
      return: () => {
        isDone = true;
        return Promise.resolve(end);
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }
}
