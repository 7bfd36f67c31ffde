import type { Api, MapFunction, StreamOptions, StreamSource } from './interpret.ts';
import type { StreamMode } from './program.ts';
import type { GroupOutcome, GroupWorld, OpenModelGroup } from './model-group.ts';
import type { ModelEnd, ModelSupply } from './model-outlet.ts';
import { failure, ModelScope, priorityOf, segmentOf } from './model-scope.ts';
import { ModelSource } from './model-source.ts';

export interface ModelStreamPlan {
  readonly key: string;
  readonly mode: StreamMode;
  readonly source: StreamSource;
  readonly fn: MapFunction;
  readonly options: StreamOptions;
  readonly concurrency: number;
  readonly buffer: number;
  readonly listener: { readonly serve: () => void; readonly end: (end: ModelEnd) => void };
}

export interface StreamWorld extends GroupWorld {
  whenSettled(scope: ModelScope, callback: () => void): () => void;
  closed(key: string): void;
}

/** Work on the items of a source, of the model. */
export class ModelStream implements OpenModelGroup, ModelSupply {
  readonly key: string;
  readonly isDetached = false;
  isDecided = false;
  readonly #model: StreamWorld;
  readonly #scope: ModelScope;
  readonly #inside: ModelScope;
  readonly #plan: ModelStreamPlan;
  readonly #apiOf: (scope: ModelScope) => Api;
  readonly #source: ModelSource;
  readonly #unhook: () => void;
  #concurrency: number;
  #running = 0;
  #pulled = 0;
  /** By index: what settled and was not taken. Null = nothing of it is handed over. */
  readonly #settled = new Map<number, { readonly value: unknown } | null>();
  /** Indexes before it were taken. Only where results keep their order. */
  #next = 0;
  readonly #reasons: unknown[] = [];
  #sourceEnd: ModelEnd | undefined;
  #isPulling = false;
  #isLeft = false;

  constructor(
    model: StreamWorld,
    scope: ModelScope,
    plan: ModelStreamPlan,
    apiOf: (scope: ModelScope) => Api,
  ) {
    this.key = plan.key;
    this.#model = model;
    this.#scope = scope;
    this.#plan = plan;
    this.#apiOf = apiOf;
    this.#concurrency = plan.concurrency;
    this.#inside = new ModelScope(plan.key, scope, priorityOf(plan.options.priority, scope.priority));
    const inSource = new ModelScope(`${plan.key}/src`, this.#inside, this.#inside.priority);
    this.#source = new ModelSource(inSource, plan.source, apiOf(inSource), (within, callback) =>
      model.whenSettled(within, callback),
    );
    this.#unhook = scope.whenFenced(() => this.interrupt('aborted'));
  }

  get isClosed(): boolean {
    return this.isDecided;
  }

  get isFenced(): boolean {
    return this.#inside.isFenced;
  }

  open(aborted: boolean): void {
    if (aborted) this.interrupt('aborted');
    else this.#goOn();
    const { signal } = this.#plan.options;
    if (signal === undefined || aborted || this.isDecided) return;
    const tell = (): void => {
      if (!this.isDecided) this.#model.onSignal(this);
    };
    if (signal.aborted) tell();
    else signal.addEventListener('abort', tell);
  }

  retune(concurrency: number): void {
    this.#concurrency = concurrency;
    this.#goOn();
  }

  interrupt(how: 'aborted' | 'timedOut'): void {
    const error = failure(how === 'timedOut' ? 'TimeoutError' : 'CancelledError');
    this.#close(how, null, { ok: false, error });
  }

  next(): { readonly value: unknown } | undefined {
    const index = this.#ready();
    const result = index === undefined ? undefined : this.#settled.get(index);
    if (index === undefined || result === undefined || result === null) return undefined;
    this.#settled.delete(index);
    this.#goOn();
    return result;
  }

  /** The consumer leaves. */
  close(): void {
    this.#isLeft = true;
    if (this.isDecided) this.#settled.clear();
    else this.#close('fulfilled', null, { ok: true });
  }

  get #isInOrder(): boolean {
    return this.#plan.options.preserveOrder === true;
  }

  #ready(): number | undefined {
    if (!this.#isInOrder) return this.#settled.keys().next().value;
    for (; this.#settled.has(this.#next); this.#next += 1) {
      if (this.#settled.get(this.#next) === null) {
        this.#settled.delete(this.#next);
        continue;
      }
      this.#next += 1;
      return this.#next - 1;
    }
    return undefined;
  }

  /** Pulls as far as there is room, and sees the end. */
  #goOn(): void {
    if (!this.#isPulling) {
      this.#isPulling = true;
      while (this.#canPull) this.#source.pull((pulled) => this.#took(pulled));
      this.#isPulling = false;
    }
    if (this.#sourceEnd === undefined || this.#running > 0 || this.#waitingCount > 0) return;
    const { mode } = this.#plan;
    if (!this.#sourceEnd.ok) this.#close('rejected', null, this.#sourceEnd);
    else if (mode === 'raceFrom')
      this.#close('rejected', null, { ok: false, error: failure('EmptyGroupError') });
    else if (mode === 'streamAny')
      this.#close('rejected', null, { ok: false, error: new AggregateError(this.#reasons) });
    else this.#close('fulfilled', null, { ok: true });
  }

  /** Those that are only skipped wait for nobody, unless they stand behind one that has not settled. */
  get #waitingCount(): number {
    if (!this.#isInOrder) return this.#settled.size;
    let count = this.#settled.size;
    for (let index = this.#next; this.#settled.has(index); index += 1)
      if (this.#settled.get(index) === null) count -= 1;
    return count;
  }

  get #canPull(): boolean {
    const { buffer } = this.#plan;
    return (
      !this.isDecided &&
      !this.#scope.isFenced &&
      this.#source.isOpen &&
      this.#running < this.#concurrency &&
      this.#running + this.#waitingCount < this.#concurrency + buffer
    );
  }

  #took(pulled: Parameters<Parameters<ModelSource['pull']>[0]>[0]): void {
    if (pulled.is === 'item') this.#start(pulled.item);
    else this.#sourceEnd = pulled.is === 'end' ? { ok: true } : { ok: false, error: pulled.error };
    this.#goOn();
  }

  #start(item: number): void {
    const index = this.#pulled;
    const name = this.#plan.options.keyBy?.(item);
    this.#pulled += 1;
    this.#running += 1;
    const path = `${this.key}/${name === undefined ? index : segmentOf(name)}`;
    const scope = new ModelScope(path, this.#inside, this.#inside.priority);
    const place = { index, key: name ?? String(index) };
    new Promise((resolve) => {
      resolve(this.#plan.fn(item, index, this.#apiOf(scope)));
    }).then(
      (value) => this.#branchSettled(place, { status: 'fulfilled', value }),
      (reason: unknown) => this.#branchSettled(place, { status: 'rejected', reason }),
    );
  }

  #branchSettled(
    place: { readonly index: number; readonly key: string },
    outcome: { status: 'fulfilled'; value: unknown } | { status: 'rejected'; reason: unknown },
  ): void {
    if (this.isDecided) return;
    const { mode, listener } = this.#plan;
    const { index } = place;
    const isValue = outcome.status === 'fulfilled';
    if (mode === 'streamAny' && !isValue) this.#reasons.push(outcome.reason);
    if (mode === 'raceFrom' || (mode === 'streamAny' && isValue) || (mode === 'streamAll' && !isValue)) {
      const end: ModelEnd = isValue
        ? { ok: true, value: outcome.value }
        : { ok: false, error: outcome.reason };
      this.#close(outcome.status, index, end);
      return;
    }
    this.#running -= 1;
    const isHandedOver = mode === 'stream' || (isValue && mode !== 'streamAny');
    const started = isValue ? {} : { started: true };
    const value = mode === 'stream' ? { ...outcome, ...place, ...started } : isValue && outcome.value;
    if (isHandedOver) this.#settled.set(index, { value });
    else if (this.#isInOrder) this.#settled.set(index, null);
    listener.serve();
    this.#goOn();
  }

  #close(outcome: GroupOutcome, winner: number | null, end: ModelEnd): void {
    if (this.isDecided) return;
    this.isDecided = true;
    this.#unhook();
    const isRecorded = !this.#scope.isFenced;
    if (isRecorded) {
      this.#model.asked.push({
        do: 'close',
        key: this.key,
        line: `ScopeClosed ${this.key} ${outcome} by ${winner}`,
        givesUp: true,
      });
    }
    const isOutside = outcome === 'aborted' || outcome === 'timedOut';
    this.#inside.raise(isRecorded && isOutside ? 'outside' : 'decided');
    this.#model.closed(this.key);
    if (this.#isLeft) this.#settled.clear();
    // What waits for one that will not come any more.
    if (this.#isInOrder) this.#dropEarly();
    this.#source.close(() => this.#plan.listener.end(end));
  }

  #dropEarly(): void {
    let end = this.#next;
    while (this.#settled.has(end)) end += 1;
    for (const index of this.#settled.keys()) if (index > end) this.#settled.delete(index);
  }
}
