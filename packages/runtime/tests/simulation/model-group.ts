import type { Api, GroupOptions, Thunk } from './interpret.ts';
import { failure, ModelScope, priorityOf, segmentOf, type Asked } from './model-scope.ts';

export type GroupMode = 'all' | 'map' | 'allSettled' | 'any' | 'race';
export type GroupOutcome = 'fulfilled' | 'rejected' | 'aborted' | 'timedOut';

type Branch =
  | { is: 'idle' }
  | { is: 'running' }
  | { is: 'fulfilled'; value: unknown }
  | { is: 'rejected'; reason: unknown };

interface Plan {
  readonly key: string;
  readonly mode: GroupMode;
  readonly thunks: readonly Thunk[];
  readonly names: readonly string[] | undefined;
  readonly options: GroupOptions;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/** What a group needs of the model. */
interface GroupWorld {
  readonly groups: Map<string, ModelGroup>;
  readonly asked: Asked[];
  readonly onSignal: (group: ModelGroup) => void;
}

/** One parallel call of the model. */
export class ModelGroup {
  readonly key: string;
  readonly #model: GroupWorld;
  readonly #scope: ModelScope;
  /** Around all branches: a decision fences the settled ones too, for what they left behind. */
  readonly #inside: ModelScope;
  readonly #plan: Plan;
  readonly #apiOf: (scope: ModelScope) => Api;
  readonly #branches: Branch[];
  readonly #settledOrder: number[] = [];
  #concurrency = Infinity;
  #isClosed = false;

  constructor(model: GroupWorld, scope: ModelScope, plan: Plan, apiOf: (scope: ModelScope) => Api) {
    this.key = plan.key;
    this.#model = model;
    this.#scope = scope;
    this.#inside = new ModelScope(plan.key, scope, priorityOf(plan.options.priority, scope.priority));
    this.#plan = plan;
    this.#apiOf = apiOf;
    this.#branches = plan.thunks.map(() => ({ is: 'idle' }));
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get isFenced(): boolean {
    return this.#scope.isFenced;
  }

  open(concurrency: number, aborted: boolean): void {
    this.#concurrency = concurrency;
    if (aborted) this.interrupt('aborted');
    else if (this.#branches.length === 0)
      this.#close(this.#plan.mode === 'any' ? 'rejected' : 'fulfilled', null);
    else this.#invoke();
    const { signal } = this.#plan.options;
    if (signal === undefined || aborted || this.#isClosed) return;
    const tell = (): void => {
      if (!this.#isClosed) this.#model.onSignal(this);
    };
    if (signal.aborted) tell();
    else signal.addEventListener('abort', tell);
  }

  retune(concurrency: number): void {
    this.#concurrency = concurrency;
    this.#invoke();
  }

  interrupt(how: 'aborted' | 'timedOut'): void {
    this.#close(how, null);
  }

  #count(is: Branch['is']): number {
    return this.#branches.filter((branch) => branch.is === is).length;
  }

  /** Invokes as many thunks, in order, as may be under way; a chunk only once the one before has settled. */
  #invoke(): void {
    const chunk = this.#plan.options.batchSize ?? Infinity;
    for (const [index, branch] of this.#branches.entries()) {
      if (branch.is !== 'idle') continue;
      if (this.#isClosed || this.#scope.isFenced || this.#count('running') >= this.#concurrency) return;
      if (index % chunk === 0 && this.#branches.slice(0, index).some((before) => before.is === 'running'))
        return;
      this.#invokeOne(index);
    }
  }

  #invokeOne(index: number): void {
    const name = this.#plan.names?.[index];
    const path = `${this.key}/${name === undefined ? index : segmentOf(name)}`;
    const scope = new ModelScope(path, this.#inside, this.#inside.priority);
    this.#branches[index] = { is: 'running' };
    new Promise((resolve) => {
      resolve(this.#plan.thunks[index]?.(this.#apiOf(scope)));
    }).then(
      (value) => this.#settled(index, { is: 'fulfilled', value }),
      (reason: unknown) => this.#settled(index, { is: 'rejected', reason }),
    );
  }

  #settled(index: number, branch: Extract<Branch, { is: 'fulfilled' | 'rejected' }>): void {
    if (this.#isClosed) return;
    this.#branches[index] = branch;
    this.#settledOrder.push(index);
    const decides = {
      all: 'rejected',
      map: 'rejected',
      any: 'fulfilled',
      race: branch.is,
      allSettled: 'never',
    }[this.#plan.mode];
    if (branch.is === decides) this.#close(branch.is, index);
    else if (this.#settledOrder.length === this.#branches.length)
      this.#close(this.#plan.mode === 'any' ? 'rejected' : 'fulfilled', null);
    else if (this.#scope.isFenced && this.#count('running') === 0) this.#close('aborted', null);
    else this.#invoke();
  }

  #close(outcome: GroupOutcome, winner: number | null): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#model.groups.delete(this.key);
    this.#inside.fenced = true;
    // Who is given up decides nothing that is recorded.
    if (!this.#scope.isFenced) {
      this.#model.asked.push({
        do: 'close',
        key: this.key,
        line: `ScopeClosed ${this.key} ${outcome} by ${winner}`,
      });
    }
    this.#answer(outcome, winner);
  }

  #answer(outcome: GroupOutcome, winner: number | null): void {
    const { mode, resolve, reject } = this.#plan;
    const interrupted = failure(outcome === 'timedOut' ? 'TimeoutError' : 'CancelledError');
    const first = winner === null ? undefined : this.#branches[winner];
    if (mode === 'allSettled') resolve(this.#entries(interrupted));
    else if (outcome === 'aborted' || outcome === 'timedOut') reject(interrupted);
    else if (first?.is === 'fulfilled') resolve(first.value);
    else if (first?.is === 'rejected') reject(first.reason);
    else if (mode === 'any')
      reject(
        new AggregateError(
          this.#branches.map((branch) => (branch.is === 'rejected' ? branch.reason : undefined)),
        ),
      );
    else resolve(this.#branches.map((branch) => (branch.is === 'fulfilled' ? branch.value : undefined)));
  }

  #entries(interrupted: Error): unknown[] {
    const entries = this.#branches.map((branch, index) => {
      const place = { index, key: this.#plan.names?.[index] ?? String(index) };
      if (branch.is === 'fulfilled') return { status: 'fulfilled', value: branch.value, ...place };
      const reason = branch.is === 'rejected' ? branch.reason : interrupted;
      return { status: 'rejected', reason, started: branch.is !== 'idle', ...place };
    });
    if (this.#plan.options.preserveOrder !== false) return entries;
    const rest = entries.keys().filter((index) => !this.#settledOrder.includes(index));
    return [...this.#settledOrder, ...rest].map((index) => entries[index]);
  }
}
