import { failure, type ModelScope } from './model-scope.ts';

interface Wait<T, Payload> {
  readonly payload: Payload;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
  readonly leave: () => void;
}

/** What a use of ctx gets in a scope that was given up: an error, once; undefined where it was not. */
export function refusal<T>(scope: ModelScope): Promise<T> | undefined {
  if (!scope.isFenced) return undefined;
  if (scope.refused) return new Promise(() => undefined);
  scope.refused = true;
  return guarded(Promise.reject<T>(failure('CancelledError')));
}

/** Whoever does not await it must not end the program. */
export function guarded<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** Process code that waits for other process code, first come first served; who is given up waits no more. */
export class ModelWaits<T, Payload = undefined> {
  #waits: Wait<T, Payload>[] = [];

  readonly #onLost: (scope: ModelScope) => void;

  /** @param onLost a wait of this scope was given up */
  constructor(onLost: (scope: ModelScope) => void = () => undefined) {
    this.#onLost = onLost;
  }

  get size(): number {
    return this.#waits.length;
  }

  wait(scope: ModelScope, payload: Payload): Promise<T> {
    return (
      refusal<T>(scope) ??
      guarded(
        new Promise<T>((resolve, reject) => {
          const leave = scope.whenFenced(() => {
            this.#waits = this.#waits.filter((other) => other !== wait);
            reject(failure('CancelledError'));
            this.#onLost(scope);
          });
          const wait: Wait<T, Payload> = { payload, resolve, reject, leave };
          this.#waits.push(wait);
        }),
      )
    );
  }

  #first(): Wait<T, Payload> | undefined {
    const first = this.#waits.shift();
    first?.leave();
    return first;
  }

  resolve(value: T): Wait<T, Payload> | undefined {
    const first = this.#first();
    first?.resolve(value);
    return first;
  }

  reject(reason: unknown): void {
    this.#first()?.reject(reason);
  }
}
