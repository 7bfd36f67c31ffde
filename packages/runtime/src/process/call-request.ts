import type { CancelledError } from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import type { Asked, Request } from './admission.ts';
import type { Scope } from './scope.ts';

/** A use of `ctx` whose promise is made when it asks for its key. */
export interface NewRequest<T> extends Request {
  /** What settles its promise. */
  promised(resolve: (value: T) => void, reject: (reason: unknown) => void): void;
}

/** Makes the command of a call under its key. */
type Issue<T> = (key: CallKey, resolve: (value: T) => void, reject: (reason: unknown) => void) => void;

/** Any use of `ctx` but for tasks, of which there are many. */
export class CallRequest<T> implements NewRequest<T> {
  readonly scope: Scope;
  readonly name: string | undefined;
  readonly asked: Asked;
  site?: { readonly stack?: string };
  readonly #issue: Issue<T>;
  #resolve: (value: T) => void = nobody;
  #reject: (reason: unknown) => void = nobody;

  constructor(scope: Scope, name: string | undefined, asked: Asked, issue: Issue<T>) {
    this.scope = scope;
    this.name = name;
    this.asked = asked;
    this.#issue = issue;
  }

  promised(resolve: (value: T) => void, reject: (reason: unknown) => void): void {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  issue(key: CallKey): void {
    this.#issue(key, this.#resolve, this.#reject);
  }

  refuse(reason: CancelledError): void {
    this.#reject(reason);
  }
}

/** Before there is a promise. */
export function nobody(): void {}
