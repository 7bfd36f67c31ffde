import type { ModelScope } from './model-scope.ts';
import { guarded, ModelWaits, refusal } from './model-waits.ts';

type Result = IteratorResult<unknown, undefined>;

const DONE: Result = { done: true, value: undefined };

/** Items of a source, or of a task that tells, between their delivery and the process of the model. */
export class ModelItems {
  readonly #scope: ModelScope;
  readonly #tellLeft: (consumed: number) => void;
  readonly #items: unknown[] = [];
  /** A source that is closed while it waits leaves what it reads. */
  readonly #waits = new ModelWaits<Result>(({ mayLeave }) => {
    if (mayLeave) void this.#leave();
  });
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
    if (this.#waits.resolve({ done: false, value: item }) === undefined) this.#items.push(item);
    else this.#taken += 1;
  }

  /** @param last what follows all items */
  end(...last: readonly unknown[]): void {
    if (this.#end !== 'open') return;
    this.#end = 'ended';
    for (const item of last) this.#push(item);
    while (this.#waits.size > 0) this.#waits.resolve(DONE);
  }

  fail(error: unknown): void {
    if (this.#end !== 'open') return;
    this.#end = this.#waits.size === 0 ? { error } : 'ended';
    while (this.#waits.size > 0) this.#waits.reject(error);
  }

  reader(): AsyncIterable<unknown> {
    return {
      [Symbol.asyncIterator]: () => ({
        next: () => this.#next(),
        return: () => (this.#scope.mayLeave ? this.#leave() : Promise.resolve(DONE)),
      }),
    };
  }

  #next(): Promise<Result> {
    const refused = refusal<Result>(this.#scope);
    if (refused !== undefined) return refused;
    if (this.#items.length > 0) {
      this.#taken += 1;
      return Promise.resolve({ done: false, value: this.#items.shift() });
    }
    if (this.#end === 'open') return this.#waits.wait(this.#scope, undefined);
    if (typeof this.#end === 'string') return Promise.resolve(DONE);
    const { error } = this.#end;
    this.#end = 'ended';
    return guarded(Promise.reject(error));
  }

  #leave(): Promise<Result> {
    if (this.#end === 'open' && !this.#scope.isFenced) this.#tellLeft(this.#taken);
    this.#end = 'left';
    this.#items.length = 0;
    while (this.#waits.size > 0) this.#waits.resolve(DONE);
    return Promise.resolve(DONE);
  }
}
