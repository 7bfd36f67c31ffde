import type { TypedStep, WorkflowScope } from './workflow.ts';
import type { Item } from './workflow-plan.ts';
import type { StepEnd } from './workflow-result.ts';

interface Entry {
  readonly end: StepEnd;
  readonly order: number;
}

/**
 * How the steps of one run ended.
 *
 * Owns the ends and who waits for them. Talks to nobody.
 * Invariants: a step ends once; a scope shows what had ended when it was made, and never more: what code
 * sees must not depend on how long it keeps it.
 */
export class Ledger {
  readonly #entries = new Map<string, Entry>();
  readonly #waiting = new Map<string, (() => void)[]>();
  /** Every id and alias, with the id that it stands for. */
  readonly ids: Map<string, string>;

  constructor(ids: ReadonlyMap<string, string>) {
    this.ids = new Map(ids);
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  get(id: string): StepEnd | undefined {
    return this.#entries.get(id)?.end;
  }

  /** False when it had ended before. */
  end(id: string, end: StepEnd): boolean {
    if (this.#entries.has(id)) return false;
    this.#entries.set(id, { end, order: this.#entries.size });
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    for (const wake of waiting ?? []) wake();
    return true;
  }

  /** Undefined: all have ended already. */
  whenEnded(ids: readonly string[]): Promise<void> | undefined {
    const open = ids.filter((id) => !this.#entries.has(id));
    if (open.length === 0) return undefined;
    return new Promise((resolve) => {
      let left = open.length;
      const wake = (): void => {
        left -= 1;
        if (left === 0) resolve();
      };
      for (const id of open) {
        const waiting = this.#waiting.get(id);
        if (waiting === undefined) this.#waiting.set(id, [wake]);
        else waiting.push(wake);
      }
    });
  }

  scope(inputs: unknown, item: Item | undefined): WorkflowScope<never> {
    const until = this.#entries.size;
    const view = <T>(pick: (end: StepEnd) => T | undefined): Readonly<Record<string, T>> =>
      this.#view(until, pick);
    const results = view(({ value }) => value);
    return Object.freeze({
      // The inputs are those that the process was started with, as its schema gives them.
      inputs: inputs as never,
      results,
      errors: view(({ status, error }) => (status === 'failed' || status === 'timedOut' ? error : undefined)),
      statuses: view(({ status }) => status),
      item: item?.item,
      index: item?.index,
      // What the step says of its type is what the task or function it holds returned.
      result: <Output>(step: TypedStep<Output>) => results[step.id] as Output | undefined,
    });
  }

  /** By id, without a copy: 10,000 steps that each look at one result must not cost 10,000 squared. */
  #view<T>(until: number, pick: (end: StepEnd) => T | undefined): Readonly<Record<string, T>> {
    const read = (name: string | symbol): T | undefined => {
      const entry = typeof name === 'string' ? this.#entries.get(this.ids.get(name) ?? name) : undefined;
      return entry === undefined || entry.order >= until ? undefined : pick(entry.end);
    };
    const seen = (): string[] =>
      [...this.#entries].flatMap(([id, { end, order }]) =>
        order < until && pick(end) !== undefined ? [id] : [],
      );
    // Own and configurable, as the rules for proxies ask of what their target does not have.
    const describe = (name: string | symbol): PropertyDescriptor | undefined => {
      const value = read(name);
      return value === undefined
        ? undefined
        : { value, enumerable: true, configurable: true, writable: false };
    };
    return new Proxy<Record<string, T>>(Object.create(null) as Record<string, T>, {
      get: (_, name) => read(name),
      has: (_, name) => read(name) !== undefined,
      ownKeys: seen,
      getOwnPropertyDescriptor: (_, name) => describe(name),
      set: refuse,
      defineProperty: refuse,
      deleteProperty: refuse,
      preventExtensions: refuse,
      setPrototypeOf: refuse,
    });
  }
}

/** Of a view nothing can be changed. */
function refuse(): boolean {
  return false;
}
