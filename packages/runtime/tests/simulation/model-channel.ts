import type { Api, SimChannel } from './interpret.ts';
import { failure, type ModelScope } from './model-scope.ts';
import { guarded, ModelWaits, refusal } from './model-waits.ts';

type Result = IteratorResult<unknown, undefined>;

const DONE: Result = { done: true, value: undefined };

/** A channel of the model. Who uses it is told by the api that is handed over. */
export class ModelChannel implements SimChannel {
  readonly #capacity: number;
  readonly #scopeOf: (inner: Api | undefined) => ModelScope;
  readonly #values: unknown[] = [];
  readonly #pushes = new ModelWaits<void, unknown>();
  readonly #takers = new ModelWaits<Result>();
  #end: 'open' | 'closed' | { readonly error: unknown } = 'open';

  constructor(capacity: number, scopeOf: (inner: Api | undefined) => ModelScope) {
    this.#capacity = capacity;
    this.#scopeOf = scopeOf;
  }

  push(value: unknown, inner?: Api): Promise<void> {
    const scope = this.#scopeOf(inner);
    const refused = refusal<void>(scope);
    if (refused !== undefined) return refused;
    if (this.#end !== 'open') return guarded(Promise.reject(failure('ChannelClosedError')));
    if (this.#takers.resolve({ done: false, value }) !== undefined) return Promise.resolve();
    if (this.#values.length >= this.#capacity) return this.#pushes.wait(scope, value);
    this.#values.push(value);
    return Promise.resolve();
  }

  close(): void {
    if (this.#end !== 'open') return;
    this.#end = 'closed';
    while (this.#takers.size > 0) this.#takers.resolve(DONE);
  }

  fail(error: unknown): void {
    if (this.#end !== 'open') return;
    this.#end = { error };
    while (this.#pushes.size > 0) this.#pushes.reject(failure('ChannelClosedError'));
    while (this.#takers.size > 0) this.#takers.reject(error);
  }

  #take(scope: ModelScope): Promise<Result> {
    const refused = refusal<Result>(scope);
    if (refused !== undefined) return refused;
    if (this.#values.length > 0) {
      const value = this.#values.shift();
      const pushed = this.#pushes.resolve(undefined);
      if (pushed !== undefined) this.#values.push(pushed.payload);
      return Promise.resolve({ done: false, value });
    }
    if (this.#end === 'open') return this.#takers.wait(scope, undefined);
    return this.#end === 'closed' ? Promise.resolve(DONE) : guarded(Promise.reject(this.#end.error));
  }

  read(inner?: Api): AsyncIterable<unknown> {
    const scope = this.#scopeOf(inner);
    let isDone = false;
    return {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          if (isDone) return Promise.resolve(DONE);
          const taken = this.#take(scope);
          taken.catch(() => {
            isDone = true;
          });
          return taken;
        },
        return: () => {
          isDone = true;
          return Promise.resolve(DONE);
        },
      }),
    };
  }
}
