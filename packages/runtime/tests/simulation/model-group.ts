import type { Api, GroupOptions, Thunk } from './interpret.ts';
import { failure, ModelScope, priorityOf, segmentOf, type Asked } from './model-scope.ts';
import type { ListMode } from './program.ts';

export type GroupMode = ListMode | 'map' | 'mapSettled';
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
export interface GroupWorld {
  readonly groups: Map<string, OpenModelGroup>;
  readonly asked: Asked[];
  readonly onSignal: (group: OpenModelGroup) => void;
  closed(key: string): void;
}

/** A parallel call of the model that is open. */
export interface OpenModelGroup {
  readonly key: string;
  readonly isClosed: boolean;
  readonly isDecided: boolean;
  readonly isFenced: boolean;
  readonly isDetached: boolean;
  retune(concurrency: number): void;
  interrupt(how: 'aborted' | 'timedOut'): void;
}

/** What settles at once decides by itself. */
const DECIDES: Readonly<Partial<Record<GroupMode, 'fulfilled' | 'rejected' | 'both'>>> = {
  all: 'rejected',
  map: 'rejected',
  forkJoin: 'rejected',
  any: 'fulfilled',
  race: 'both',
};

const isOutside = (outcome: GroupOutcome): boolean => outcome === 'aborted' || outcome === 'timedOut';

/** One parallel call of the model. */
export class ModelGroup implements OpenModelGroup {
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
  #decision: { readonly outcome: GroupOutcome; readonly winner: number | null } | undefined;
  #isClosed = false;
  /** Some had to wait until they could begin: then it is told how many had. */
  #isBounded = false;

  constructor(model: GroupWorld, scope: ModelScope, plan: Plan, apiOf: (scope: ModelScope) => Api) {
    this.key = plan.key;
    this.#model = model;
    this.#scope = scope;
    this.#inside = new ModelScope(plan.key, scope, priorityOf(plan.options.priority, scope.priority));
    this.#plan = plan;
    this.#apiOf = apiOf;
    this.#branches = plan.thunks.map(() => ({ is: 'idle' }));
  }

  /** Nothing of it goes on any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  get isDecided(): boolean {
    return this.#decision !== undefined;
  }

  get isFenced(): boolean {
    return this.#inside.isFenced;
  }

  /** The end of the run waits for it. */
  get isDetached(): boolean {
    return this.#inside.isDetached && !this.#isClosed && !this.isFenced;
  }

  open(concurrency: number, aborted: boolean): void {
    this.#concurrency = concurrency;
    if (aborted) this.interrupt('aborted');
    else if (this.#branches.length === 0) this.#decideAtEnd();
    else this.#invoke();
    this.#isBounded = !aborted && this.#count('idle') > 0;
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
    const decision = this.#decision;
    if (decision === undefined) {
      this.#close(how, null);
      return;
    }
    if (this.#isClosed) return;
    this.#inside.raise('outside');
    this.#leave();
    if (this.#plan.options.losers === 'drain') this.#answer(decision.outcome, decision.winner, how);
  }

  #count(is: Branch['is']): number {
    return this.#branches.filter((branch) => branch.is === is).length;
  }

  /** Invokes as many thunks, in order, as may be under way; a chunk only once the one before has settled. */
  #invoke(): void {
    const chunk = this.#plan.options.batchSize ?? Infinity;
    for (const [index, branch] of this.#branches.entries()) {
      if (branch.is !== 'idle') continue;
      if (this.isDecided || this.#scope.isFenced || this.#count('running') >= this.#concurrency) return;
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
    if (this.isDecided) {
      this.#endWhenQuiet();
      return;
    }
    const { minSuccessful = Infinity, toleratedFailures = Infinity } = this.#plan.options.completion ?? {};
    const decides = DECIDES[this.#plan.mode];
    if (decides === 'both' || branch.is === decides) this.#close(branch.is, index);
    else if (this.#settledOrder.length === this.#branches.length) this.#decideAtEnd();
    else if (this.#count('fulfilled') >= minSuccessful || this.#count('rejected') > toleratedFailures)
      this.#decideAtEnd();
    else if (this.#scope.isFenced && this.#count('running') === 0) this.#close('aborted', null);
    else this.#invoke();
  }

  /** It is over without one that decides. */
  #decideAtEnd(): void {
    const { mode, options } = this.#plan;
    const fails = mode === 'any' || (mode === 'some' && this.#count('fulfilled') < (options.min ?? 0));
    this.#close(fails ? 'rejected' : 'fulfilled', null);
  }

  #close(outcome: GroupOutcome, winner: number | null): void {
    if (this.isDecided) return;
    this.#decision = { outcome, winner };
    const { losers = 'cancel' } = this.#plan.options;
    // Who is given up decides nothing that is recorded.
    const isRecorded = !this.#scope.isFenced;
    const givesUp = losers === 'cancel' || isOutside(outcome);
    if (isRecorded) {
      const { minSuccessful, toleratedFailures } = this.#plan.options.completion ?? {};
      // Then all have settled, whatever they waited for.
      const isByAll =
        winner === null && !isOutside(outcome) && (minSuccessful ?? toleratedFailures) === undefined;
      const isSaid = this.#isBounded && !isByAll;
      const begun = isSaid ? `, ${this.#branches.length - this.#count('idle')} begun` : '';
      this.#model.asked.push({
        do: 'close',
        key: this.key,
        line: `ScopeClosed ${this.key} ${outcome} by ${winner}${begun}`,
        givesUp,
      });
    }
    if (!isRecorded || givesUp) {
      this.#inside.raise(isRecorded && isOutside(outcome) ? 'outside' : 'decided');
      this.#leave();
      this.#answer(outcome, winner, outcome);
      return;
    }
    if (losers === 'detach') {
      this.#inside.isDetached = true;
      this.#answer(outcome, winner, outcome);
    }
    this.#endWhenQuiet();
  }

  #leave(): void {
    this.#isClosed = true;
    this.#model.closed(this.key);
  }

  /** The losers that went on have all settled. */
  #endWhenQuiet(): void {
    if (this.#count('running') > 0 || this.#decision === undefined) return;
    this.#leave();
    const { outcome, winner } = this.#decision;
    if (this.#plan.options.losers === 'drain') this.#answer(outcome, winner, outcome);
  }

  /** @param how what gave up those that have not settled */
  #answer(outcome: GroupOutcome, winner: number | null, how: GroupOutcome): void {
    const { mode, resolve, reject } = this.#plan;
    const interrupted = failure(how === 'timedOut' ? 'TimeoutError' : 'CancelledError');
    const first = winner === null ? undefined : this.#branches[winner];
    if (mode === 'allSettled' || mode === 'mapSettled') resolve(this.#entries(interrupted));
    else if (mode === 'forkJoinSettled')
      resolve(Object.fromEntries(this.#entries(interrupted).map((entry) => [entry.key, entry])));
    else if (isOutside(outcome)) reject(interrupted);
    else if (first?.is === 'fulfilled') resolve(first.value);
    else if (first?.is === 'rejected') reject(first.reason);
    else if (outcome === 'rejected')
      reject(
        new AggregateError(
          this.#branches.flatMap((branch) => (branch.is === 'rejected' ? [branch.reason] : [])),
        ),
      );
    else resolve(this.#values());
  }

  #values(): unknown {
    const { mode, names, options } = this.#plan;
    const valueOf = (index: number): unknown => {
      const branch = this.#branches[index];
      return branch?.is === 'fulfilled' ? branch.value : undefined;
    };
    const indexes = [...this.#branches.keys()];
    if (mode === 'forkJoin')
      return Object.fromEntries(indexes.map((index) => [names?.[index], valueOf(index)]));
    if (mode !== 'some') return indexes.map(valueOf);
    const order = options.preserveOrder === true ? indexes : this.#settledOrder;
    return order.filter((index) => this.#branches[index]?.is === 'fulfilled').map(valueOf);
  }

  #entries(interrupted: Error): { readonly key: string }[] {
    const entryOf = (branch: Branch, index: number): { readonly key: string } => {
      const place = { index, key: this.#plan.names?.[index] ?? String(index) };
      if (branch.is === 'fulfilled') return { status: 'fulfilled', value: branch.value, ...place } as never;
      const reason = branch.is === 'rejected' ? branch.reason : interrupted;
      return { status: 'rejected', reason, started: branch.is !== 'idle', ...place } as never;
    };
    const rest = this.#branches.keys().filter((index) => !this.#settledOrder.includes(index));
    const order =
      this.#plan.options.preserveOrder === false
        ? [...this.#settledOrder, ...rest]
        : [...this.#branches.keys()];
    return order.flatMap((index) => {
      const branch = this.#branches[index];
      return branch === undefined ? [] : [entryOf(branch, index)];
    });
  }
}
