import type { CallKey } from '../../journal/call-key.ts';
import type { FoldedSource } from '../../journal/fold-event.ts';
import type { Scope } from '../scope.ts';
import type { ReducePlan } from './reduce-plan.ts';
import type { Pulled } from './reduce-source.ts';

/**
 * The source of one reduce, pulled one item at a time.
 *
 * Owns the scope that its code runs in, where ctx is refused. Talks to the reduce.
 */
export class Supply {
  readonly #plan: ReducePlan;
  readonly #runIn: (scope: Scope, fn: () => unknown) => unknown;
  readonly #failed: (error: unknown) => void;
  readonly #scope: Scope;
  #state: 'open' | 'pulling' | 'ended' | 'failed' = 'open';

  constructor(
    key: CallKey,
    around: Scope,
    plan: ReducePlan,
    runIn: (scope: Scope, fn: () => unknown) => unknown,
    failed: (error: unknown) => void,
  ) {
    this.#plan = plan;
    this.#runIn = runIn;
    this.#failed = failed;
    this.#scope = around.child(key, plan.options.defaults);
    this.#scope.refusal = `ctx was used in the source of reduce (${key}): its items are pulled again when the run resumes. Use ctx in 'each', or in the step.`;
  }

  get state(): 'open' | 'pulling' | 'ended' | 'failed' {
    return this.#state;
  }

  /** @param take gets the next item, now or later; `later` follows one that came later, or the end */
  pull(take: (item: unknown) => void, later: () => void): void {
    const pulled = this.#inside(() => this.#plan.source.next());
    if (!(pulled instanceof Promise)) {
      if (pulled !== undefined) this.#taken(pulled, take);
      return;
    }
    this.#state = 'pulling';
    pulled.then((answer) => this.#taken(answer, take)).then(later, (error: unknown) => this.#fail(error));
  }

  #taken(pulled: Pulled, take: (item: unknown) => void): void {
    this.#state = pulled.done ? 'ended' : 'open';
    if (!pulled.done) take(pulled.item);
  }

  /** Goes past items that are folded. @param then how many there were */
  skip(count: number, stood: FoldedSource | null, then: (skipped: number) => void): void {
    const skipped = this.#inside(() => this.#plan.source.skip(count, stood));
    if (typeof skipped === 'number') then(skipped);
    else skipped?.then(then, (error: unknown) => this.#fail(error));
  }

  close(): void {
    if (this.#state !== 'ended' && this.#state !== 'failed') {
      this.#state = 'ended';
      this.#inside(() => this.#plan.source.close());
    }
    this.#plan.source.release();
  }

  #inside<T>(fn: () => T): T | undefined {
    try {
      return this.#plan.inUserContext(() => this.#runIn(this.#scope, fn)) as T;
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  #fail(error: unknown): void {
    this.#state = 'failed';
    this.#failed(error);
  }
}
