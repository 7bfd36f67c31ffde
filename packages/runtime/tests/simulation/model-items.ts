import { failure, type ModelScope } from './model-scope.ts';
import { guarded, refusal } from './model-waits.ts';

type Result = IteratorResult<unknown, undefined>;

interface Waiter {
  readonly scope: ModelScope;
  readonly resolve: (result: Result) => void;
  readonly reject: (reason: unknown) => void;
}

const DONE: Result = { done: true, value: undefined };

/** Items of a source, or of a task that tells, between their delivery and the process of the model. */
export class ModelItems {
  readonly #scope: ModelScope;
  readonly #tellLeft: (consumed: number) => void;
  readonly #items: unknown[] = [];
  #waiters: Waiter[] = [];
  #taken = 0;
  #end: 'open' | 'ended' | 'left' | { readonly error: unknown } = 'open';

  /** @param tellLeft the process stopped reading: that is recorded */
  constructor(scope: ModelScope, tellLeft: (consumed: number) => void) {
    this.#scope = scope;
    this.#tellLeft = tellLeft;
  }

  item(item: unknown): void {
    if (this.#end === 'open') this.#push(item);
  }

  #push(item: unknown): void {
    for (let waiter = this.#waiters.shift(); waiter !== undefined; waiter = this.#waiters.shift()) {
      if (waiter.scope.isFenced) {
        waiter.reject(failure('CancelledError'));
        continue;
      }
      this.#taken += 1;
      waiter.resolve({ done: false, value: item });
      return;
    }
    this.#items.push(item);
  }

  /** @param last what follows all items */
  end(...last: readonly unknown[]): void {
    if (this.#end !== 'open') return;
    this.#end = 'ended';
    for (const item of last) this.#push(item);
    for (const waiter of this.#waiters.splice(0)) waiter.resolve(DONE);
  }

  fail(error: unknown): void {
    if (this.#end !== 'open') return;
    this.#end = this.#waiters.length === 0 ? { error } : 'ended';
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }

  reader(): AsyncIterable<unknown> {
    return { [Symbol.asyncIterator]: () => ({ next: () => this.#next(), return: () => this.#leave() }) };
  }

  #next(): Promise<Result> {
    const refused = refusal<Result>(this.#scope);
    if (refused !== undefined) return refused;
    if (this.#items.length > 0) {
      this.#taken += 1;
      return Promise.resolve({ done: false, value: this.#items.shift() });
    }
    if (this.#end === 'open')
      return guarded(
        new Promise((resolve, reject) => {
          this.#waiters.push({ scope: this.#scope, resolve, reject });
        }),
      );
    if (typeof this.#end === 'string') return Promise.resolve(DONE);
    const { error } = this.#end;
    this.#end = 'ended';
    return guarded(Promise.reject(error));
  }

  #leave(): Promise<Result> {
    if (this.#scope.isFenced) return Promise.resolve(DONE);
    if (this.#end === 'open') this.#tellLeft(this.#taken);
    this.#end = 'left';
    this.#items.length = 0;
    for (const waiter of this.#waiters.splice(0)) waiter.resolve(DONE);
    return Promise.resolve(DONE);
  }
}
