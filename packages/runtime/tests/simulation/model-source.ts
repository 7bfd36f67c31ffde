import type { Api, StreamSource } from './interpret.ts';
import type { ModelScope } from './model-scope.ts';

export type ModelPulled =
  | { readonly is: 'item'; readonly item: number }
  | { readonly is: 'end' }
  | { readonly is: 'failed'; readonly error: unknown };

/** Rounds of microtasks that a `finally` gets for what waits for nothing of ctx. */
const ROUNDS = 500;

/** What a stream of the model takes its items from: a list at once, a generator in a scope of its own. */
export class ModelSource {
  readonly scope: ModelScope;
  readonly #source: StreamSource;
  readonly #api: Api;
  readonly #whenSettled: (scope: ModelScope, callback: () => void) => () => void;
  #list: readonly number[] | undefined;
  #generator: AsyncGenerator<number> | undefined;
  #taken = 0;
  #is: 'open' | 'pulling' | 'over' = 'open';

  constructor(
    scope: ModelScope,
    source: StreamSource,
    api: Api,
    whenSettled: (scope: ModelScope, callback: () => void) => () => void,
  ) {
    this.scope = scope;
    scope.leaver = scope.parent?.parent;
    this.#source = source;
    this.#api = api;
    this.#whenSettled = whenSettled;
  }

  get isOpen(): boolean {
    return this.#is === 'open';
  }

  pull(tell: (pulled: ModelPulled) => void): void {
    if (this.#list === undefined && this.#generator === undefined) {
      if (typeof this.#source === 'function') this.#generator = this.#source(this.#api);
      else this.#list = this.#source;
    }
    if (this.#list !== undefined) {
      const item = this.#list[this.#taken];
      this.#taken += 1;
      if (item === undefined) this.#is = 'over';
      tell(item === undefined ? { is: 'end' } : { is: 'item', item });
      return;
    }
    this.#is = 'pulling';
    const told = (pulled: ModelPulled): void => {
      if (this.#is !== 'pulling') return;
      this.#is = pulled.is === 'item' ? 'open' : 'over';
      tell(pulled);
    };
    new Promise<IteratorResult<number> | undefined>((resolve) => {
      resolve(this.#generator?.next());
    }).then(
      (result) =>
        told(
          result === undefined || result.done === true ? { is: 'end' } : { is: 'item', item: result.value },
        ),
      (error: unknown) => told({ is: 'failed', error }),
    );
  }

  /** Lets its `finally` run; what in it waits for ctx has lost, and is waited for until it is cancelled. */
  close(callback: () => void): void {
    const wasOver = this.#is === 'over';
    this.#is = 'over';
    if (wasOver || this.#generator === undefined) {
      callback();
      return;
    }
    let isThrough = false;
    let forget: (() => void) | undefined;
    const through = (): void => {
      if (isThrough) return;
      isThrough = true;
      forget?.();
      callback();
    };
    Promise.resolve(this.#generator.return(undefined)).then(through, through);
    const later = (goOn: () => void, rounds = ROUNDS): void => {
      if (isThrough) return;
      if (rounds === 0) goOn();
      else void Promise.resolve().then(() => later(goOn, rounds - 1));
    };
    later(() => {
      forget = this.#whenSettled(this.scope, () => later(through));
    });
  }
}
