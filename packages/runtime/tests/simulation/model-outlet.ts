import type { ModelScope } from './model-scope.ts';
import { ModelWaits, refusal } from './model-waits.ts';

export type ModelEnd =
  | { readonly ok: true; readonly value?: unknown }
  | { readonly ok: false; readonly error: unknown };

type Result = IteratorResult<unknown, undefined>;

/** What consumers take from. */
export interface ModelSupply {
  next(): { readonly value: unknown } | undefined;
  close(): void;
}

const DONE: Result = { done: true, value: undefined };

/** The consumers' side of a stream of the model: what is ready, then the end, an error once. */
export class ModelOutlet {
  /** A source that is closed while it waits leaves what it reads. */
  readonly #takers = new ModelWaits<Result>(({ mayLeave }) => {
    if (mayLeave) void this.#leave();
  });
  #supply: ModelSupply | undefined;
  #end: ModelEnd | undefined;
  #isLeft = false;
  #isServing = false;
  #tellClosed: (result: Result) => void = () => undefined;
  readonly #closed = new Promise<Result>((resolve) => {
    this.#tellClosed = resolve;
  });

  attach(supply: ModelSupply): void {
    this.#supply = supply;
    this.serve();
    if (this.#isLeft) supply.close();
  }

  serve(): void {
    if (this.#isServing) return;
    this.#isServing = true;
    while (this.#takers.size > 0) {
      const supplied = this.#supply?.next();
      if (supplied === undefined) break;
      this.#takers.resolve({ done: false, value: supplied.value });
    }
    this.#isServing = false;
    this.#tellEnd();
  }

  end(end: ModelEnd): void {
    this.#end = end;
    this.serve();
    this.#tellClosed(DONE);
  }

  #tellEnd(): void {
    if (this.#end === undefined || this.#takers.size === 0) return;
    if (!this.#end.ok) {
      const { error } = this.#end;
      this.#end = { ok: true };
      this.#takers.reject(error);
    }
    while (this.#takers.size > 0) this.#takers.resolve(DONE);
  }

  #leave(): Promise<Result> {
    this.#isLeft = true;
    this.#supply?.close();
    return this.#closed;
  }

  /** For code of one scope. */
  reader(scope: ModelScope): AsyncIterableIterator<unknown, undefined> {
    const reader: AsyncIterableIterator<unknown, undefined> = {
      next: () => {
        const refused = refusal<Result>(scope);
        if (refused !== undefined) return refused;
        const supplied = this.#supply?.next();
        if (supplied !== undefined) return Promise.resolve({ done: false, value: supplied.value });
        const taken = this.#takers.wait(scope, undefined);
        this.#tellEnd();
        return taken;
      },
      return: () => this.#leave(),
      [Symbol.asyncIterator]: () => reader,
    };
    return reader;
  }
}
