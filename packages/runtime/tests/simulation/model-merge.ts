import type { Api, MergeOptions, StreamSource } from './interpret.ts';
import type { GroupOutcome, OpenModelGroup } from './model-group.ts';
import type { ModelOutlet, ModelEnd, ModelSupply } from './model-outlet.ts';
import { failure, ModelScope, segmentOf } from './model-scope.ts';
import { ModelSource, type ModelPulled } from './model-source.ts';
import type { StreamWorld } from './model-stream.ts';
import type { MergeMode } from './program.ts';

export interface ModelMergePlan {
  readonly key: string;
  readonly mode: MergeMode;
  readonly sources: readonly StreamSource[];
  readonly names: readonly string[] | undefined;
  readonly options: MergeOptions;
  readonly outlet: ModelOutlet;
}

interface Feed {
  readonly source: ModelSource;
  readonly place: { readonly key: string; readonly index: number };
  /** At most one item ahead. */
  slot: { readonly value: unknown } | { readonly error: unknown } | undefined;
  hasEnded: boolean;
}

const isOver = ({ slot, hasEnded }: Feed): boolean => slot === undefined && hasEnded;

/** Several sources as one, of the model. */
export class ModelMerge implements OpenModelGroup, ModelSupply {
  readonly key: string;
  readonly isDetached = false;
  isDecided = false;
  readonly #model: StreamWorld;
  readonly #scope: ModelScope;
  readonly #inside: ModelScope;
  readonly #plan: ModelMergePlan;
  readonly #feeds: readonly Feed[];
  readonly #unhook: () => void;
  /** Who had the last turn, and of 'raceRobin' who had one in this round. */
  #last = -1;
  readonly #had = new Set<number>();
  #isPulling = false;
  #isLeft = false;

  constructor(
    model: StreamWorld,
    scope: ModelScope,
    plan: ModelMergePlan,
    apiOf: (scope: ModelScope) => Api,
  ) {
    this.key = plan.key;
    this.#model = model;
    this.#scope = scope;
    this.#plan = plan;
    this.#inside = new ModelScope(plan.key, scope, scope.priority);
    this.#unhook = scope.whenFenced(() => this.interrupt('aborted'));
    this.#feeds = plan.sources.map((source, index): Feed => {
      const name = plan.names?.[index];
      const path = `${plan.key}/${name === undefined ? index : segmentOf(name)}`;
      const inside = new ModelScope(path, this.#inside, scope.priority);
      return {
        source: new ModelSource(inside, source, apiOf(inside), (within, callback) =>
          model.whenSettled(within, callback),
        ),
        place: { key: name ?? String(index), index },
        slot: undefined,
        hasEnded: false,
      };
    });
  }

  get isClosed(): boolean {
    return this.isDecided;
  }

  get isFenced(): boolean {
    return this.#inside.isFenced;
  }

  open(aborted: boolean): void {
    if (aborted) this.interrupt('aborted');
    else {
      for (const feed of this.#feeds) this.#pull(feed);
      this.#checkEnd();
    }
    const { signal } = this.#plan.options;
    if (signal === undefined || aborted || this.isDecided) return;
    const tell = (): void => {
      if (!this.isDecided) this.#model.onSignal(this);
    };
    if (signal.aborted) tell();
    else signal.addEventListener('abort', tell);
  }

  retune(): void {
    throw new RangeError('a merge has no concurrency');
  }

  interrupt(how: 'aborted' | 'timedOut'): void {
    const error = failure(how === 'timedOut' ? 'TimeoutError' : 'CancelledError');
    this.#close(how, null, { ok: false, error });
  }

  next(): { readonly value: unknown } | undefined {
    if (this.#plan.mode === 'zip') return this.#allAtOnce();
    const feed = this.#whoseTurn();
    if (feed?.slot === undefined) return undefined;
    this.#last = feed.place.index;
    this.#had.add(feed.place.index);
    const value = this.#told(feed.slot, feed.place);
    this.#handedOver([feed]);
    return { value };
  }

  #told(slot: NonNullable<Feed['slot']>, place: Feed['place']): unknown {
    if ('error' in slot) return { type: 'ERROR', ...place, error: slot.error };
    const { value } = slot;
    return this.#plan.options.onError === 'envelope'
      ? { type: 'ITEM', ...place, value }
      : { ...place, value };
  }

  #allAtOnce(): { readonly value: unknown } | undefined {
    if (this.#feeds.length === 0) return undefined;
    const values: unknown[] = [];
    for (const { slot } of this.#feeds) {
      if (slot === undefined) return undefined;
      values.push('value' in slot ? slot.value : undefined);
    }
    const { names } = this.#plan;
    this.#handedOver(this.#feeds);
    return {
      value: names === undefined ? values : Object.fromEntries(names.map((name, i) => [name, values[i]])),
    };
  }

  /** In a circle, beginning behind who had the last turn. */
  #whoseTurn(): Feed | undefined {
    const circle = [...this.#feeds.slice(this.#last + 1), ...this.#feeds.slice(0, this.#last + 1)];
    switch (this.#plan.mode) {
      case 'race':
        return circle.find(({ slot }) => slot !== undefined);
      case 'roundRobin':
        return circle.find((feed) => !isOver(feed));
      case 'raceRobin':
        if (this.#feeds.every((feed) => isOver(feed) || this.#had.has(feed.place.index))) this.#had.clear();
        return circle.find(({ slot, place }) => slot !== undefined && !this.#had.has(place.index));
      default:
        return this.#feeds.find((feed) => !isOver(feed));
    }
  }

  #handedOver(feeds: readonly Feed[]): void {
    for (const feed of feeds) feed.slot = undefined;
    for (const feed of feeds) this.#pull(feed);
    this.#checkEnd();
  }

  #pull(feed: Feed): void {
    if (this.#plan.mode !== 'concat') {
      this.#pullOne(feed);
      return;
    }
    if (this.#isPulling) return;
    this.#isPulling = true;
    for (const first of this.#feeds) {
      if (!first.hasEnded) this.#pullOne(first);
      if (!first.hasEnded) break;
    }
    this.#isPulling = false;
  }

  /** Until there is one that nobody took yet. */
  #pullOne(feed: Feed): void {
    while (!this.isDecided && feed.slot === undefined && feed.source.isOpen)
      feed.source.pull((pulled) => this.#pulled(feed, pulled));
  }

  #pulled(feed: Feed, pulled: ModelPulled): void {
    feed.hasEnded = pulled.is !== 'item';
    if (pulled.is === 'item') feed.slot = { value: pulled.item };
    if (pulled.is === 'failed') {
      const { error } = pulled;
      if (this.#plan.options.onError === 'envelope') feed.slot = { error };
      else this.#close('rejected', feed.place.index, { ok: false, error });
    }
    this.#plan.outlet.serve();
    this.#checkEnd();
    if (feed.hasEnded) this.#pull(feed);
  }

  #checkEnd(): void {
    const { mode } = this.#plan;
    const ends = mode === 'zip' ? this.#feeds.some(({ hasEnded }) => hasEnded) : this.#feeds.every(isOver);
    if (ends || this.#feeds.length === 0) this.#close('fulfilled', null, { ok: true });
  }

  /** The consumer leaves. */
  close(): void {
    this.#isLeft = true;
    if (this.isDecided) for (const feed of this.#feeds) feed.slot = undefined;
    else this.#close('fulfilled', null, { ok: true });
  }

  #close(outcome: GroupOutcome, winner: number | null, end: ModelEnd): void {
    if (this.isDecided) return;
    this.isDecided = true;
    this.#unhook();
    const isRecorded = !this.#scope.isFenced;
    if (isRecorded) {
      const line = `ScopeClosed ${this.key} ${outcome} by ${winner}`;
      this.#model.asked.push({ do: 'close', key: this.key, line, givesUp: true });
    }
    const isOutside = outcome === 'aborted' || outcome === 'timedOut';
    this.#inside.raise(isRecorded && isOutside ? 'outside' : 'decided');
    this.#model.closed(this.key);
    if (this.#isLeft) for (const feed of this.#feeds) feed.slot = undefined;
    const { outlet } = this.#plan;
    let open = this.#feeds.length;
    if (open === 0) outlet.end(end);
    for (const { source } of this.#feeds) {
      source.close(() => {
        open -= 1;
        if (open === 0) outlet.end(end);
      });
    }
  }
}
