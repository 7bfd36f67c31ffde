import type { StreamSource } from '@pawl/sdk';
import { namedKey, ordinalKey, type CallKey } from '../../journal/call-key.ts';
import type { Decided } from '../../kernel/state.ts';
import type { Scope } from '../scope.ts';
import type { GroupHost, OpenGroup } from './group-host.ts';
import type { Supply } from './outlet.ts';
import { Source, type Pulled, type SourceHost } from './source.ts';
import type { ResolvedMergeOptions } from './stream-options.ts';
import type { StreamListener } from './stream.ts';
import { Turns, type FeedStatus } from './turns.ts';
import { Verdict, type End } from './verdict.ts';

export interface MergePlan {
  readonly sources: readonly StreamSource<unknown>[];
  /** Of a record of sources, undefined for a list. */
  readonly names: readonly string[] | undefined;
  readonly options: ResolvedMergeOptions;
  readonly inUserContext: <R>(fn: () => R) => R;
}

/** What a source gives next. */
type Slot = { readonly value: unknown } | { readonly error: unknown };

/** One of the sources, at most one item ahead. */
interface Feed {
  readonly source: Source;
  readonly index: number;
  readonly key: string;
  slot: Slot | undefined;
  hasEnded: boolean;
  /** It decides, and its turn goes to nobody while that is held for its place. */
  failure: End | undefined;
  readonly status: FeedStatus;
}

/**
 * Several sources as one.
 *
 * Owns a feed for each source. Talks to its host, its sources and its listener.
 * Invariants: at most one item of each source is pulled and not handed over; after the decision
 * nothing is pulled.
 */
export class Merge implements OpenGroup, Supply<unknown> {
  readonly key: CallKey;
  readonly scope: Scope;
  /** It gates nothing: each source has one pull under way. */
  readonly concurrency: number = Infinity;
  readonly wantedConcurrency: number = Infinity;
  readonly isDetached: boolean = false;
  readonly #plan: MergePlan;
  readonly #host: GroupHost;
  readonly #listener: StreamListener;
  readonly #verdict: Verdict;
  readonly #feeds: readonly Feed[];
  readonly #turns: Turns | undefined;
  #active: number;
  /** Of 'concat': the source whose turn it is. */
  #first = 0;
  #isPulling = false;
  #isLeft = false;

  constructor(
    key: CallKey,
    scope: Scope,
    plan: MergePlan,
    host: GroupHost & SourceHost,
    listener: StreamListener,
  ) {
    const { sources, names, options, inUserContext } = plan;
    this.key = key;
    this.scope = scope;
    this.#plan = plan;
    this.#host = host;
    this.#listener = listener;
    const { defaults } = scope;
    const verdict = {
      mode: 'merge',
      signal: options.signal,
      defaults,
      isNamed: names !== undefined,
    } as const;
    this.#verdict = new Verdict(host, this, verdict, (end) => this.#finish(end));
    this.#active = sources.length;
    this.#turns = options.mode === 'zip' ? undefined : new Turns(options.mode);
    this.#feeds = sources.map((source, index) => {
      const name = names?.[index];
      const path = name === undefined ? ordinalKey(key, index) : namedKey(key, name);
      const inside = this.#verdict.inside.child(path, defaults);
      return feedOf(new Source(host, inside, source, inUserContext), index, name ?? String(index));
    });
  }

  get activeCount(): number {
    return this.#verdict.isTaken ? 0 : this.#active;
  }

  get isOpen(): boolean {
    return !this.#verdict.isTaken;
  }

  open(aborted: boolean): void {
    this.scope.outstanding -= 1;
    for (const { source } of this.#feeds) this.#host.addScope(source.scope);
    if (aborted) {
      this.interrupt('aborted', 'the signal was aborted before the call');
      return;
    }
    for (const feed of this.#feeds) this.#pull(feed);
    this.#checkEnd();
  }

  isIdle(): boolean {
    return false;
  }

  beginOutOfOrder(): void {
    // All its branches are there from the start.
  }

  /** The journal's head is reached. */
  goLive(): void {
    this.listen();
  }

  listen(): void {
    this.#verdict.listen();
  }

  unlisten(): void {
    this.#verdict.unlisten();
  }

  interrupt(outcome: 'aborted' | 'timedOut', reason: string): void {
    this.#verdict.interrupt(outcome, reason);
  }

  takeHeld(wanted: Decided | undefined): boolean {
    return this.#verdict.takeHeld(wanted);
  }

  get waitsFor(): 'decider' | undefined {
    return this.#verdict.waitsFor;
  }

  giveWay(wanted: Decided): void {
    this.#verdict.takeHeld(wanted, true);
  }

  retune(): void {
    // Nothing of a merge depends on a concurrency.
  }

  next(): { readonly value: unknown } | undefined {
    return this.#turns === undefined ? this.#nextOfAll() : this.#nextInTurn(this.#turns);
  }

  #nextInTurn(turns: Turns): { readonly value: unknown } | undefined {
    const index = turns.take(this.#feeds);
    const feed = index === undefined ? undefined : this.#feeds[index];
    if (feed === undefined) return undefined;
    const value = this.#itemOf(feed);
    this.#advance([feed]);
    return { value };
  }

  #itemOf({ slot, key, index }: Feed): unknown {
    const place = { key, index };
    if (slot === undefined) return undefined;
    if ('error' in slot) return { type: 'ERROR', ...place, error: slot.error };
    return this.#plan.options.isEnveloped
      ? { type: 'ITEM', ...place, value: slot.value }
      : { ...place, value: slot.value };
  }

  #nextOfAll(): { readonly value: unknown } | undefined {
    if (this.#feeds.length === 0 || this.#feeds.some(({ status }) => status !== 'ready')) return undefined;
    const values = this.#feeds.map(({ slot }) =>
      slot !== undefined && 'value' in slot ? slot.value : undefined,
    );
    const { names } = this.#plan;
    const value =
      names === undefined ? values : Object.fromEntries(names.map((name, index) => [name, values[index]]));
    this.#advance(this.#feeds);
    return { value };
  }

  /** Their items were handed over. */
  #advance(feeds: readonly Feed[]): void {
    for (const feed of feeds) feed.slot = undefined;
    for (const feed of feeds) this.#pull(feed);
    this.#checkEnd();
  }

  #pull(feed: Feed): void {
    if (this.#plan.options.mode === 'concat') this.#pullFirst();
    else if (this.#canPull(feed)) feed.source.pull((pulled) => this.#pulled(feed, pulled));
  }

  /** Of 'concat': the next source is pulled once all before it have ended. */
  #pullFirst(): void {
    // A source that has nothing is told within the pull: a call for each would exhaust the stack.
    if (this.#isPulling) return;
    this.#isPulling = true;
    for (;;) {
      const feed = this.#feeds[this.#first];
      if (feed === undefined) break;
      if (feed.hasEnded) this.#first += 1;
      // A consumer that waits takes an item within the pull: then this is the next pull, too.
      else if (this.#canPull(feed)) feed.source.pull((pulled) => this.#pulled(feed, pulled));
      else break;
    }
    this.#isPulling = false;
  }

  #canPull({ slot, source }: Feed): boolean {
    return !this.#verdict.isTaken && slot === undefined && source.isOpen;
  }

  #pulled(feed: Feed, pulled: Pulled): void {
    if (pulled.kind === 'failed' && !this.#plan.options.isEnveloped) {
      feed.failure = pulled;
      this.#verdict.propose({ outcome: 'rejected', winner: feed.index }, pulled);
      return;
    }
    if (pulled.kind === 'item') feed.slot = { value: pulled.item };
    else {
      feed.hasEnded = true;
      this.#active -= 1;
    }
    if (pulled.kind === 'failed') feed.slot = { error: pulled.error };
    this.#listener.serve();
    this.#checkEnd();
    if (feed.hasEnded) this.#pull(feed);
  }

  /** All sources have ended, or one of those that are zipped, and what they gave was handed over. */
  #checkEnd(): void {
    const isOver =
      this.#turns === undefined
        ? this.#active < this.#feeds.length || this.#feeds.length === 0
        : this.#active === 0 && this.#feeds.every(({ slot }) => slot === undefined);
    if (isOver) this.#verdict.propose({ outcome: 'fulfilled', winner: null }, { kind: 'done' });
  }

  /** The consumer leaves. */
  close(): void {
    this.#isLeft = true;
    if (this.#verdict.isTaken) this.#dropItems();
    else this.#verdict.propose({ outcome: 'fulfilled', winner: null }, { kind: 'done' });
  }

  #dropItems(): void {
    for (const feed of this.#feeds) feed.slot = undefined;
  }

  #finish(end: End): void {
    const decider = this.#feeds.find(({ failure }) => failure === end);
    if (decider !== undefined) decider.hasEnded = true;
    if (this.#isLeft) this.#dropItems();
    let left = this.#feeds.length;
    const told = (): void => {
      left -= 1;
      if (left === 0) this.#listener.end(end);
    };
    if (left === 0) this.#listener.end(end);
    for (const { source } of this.#feeds) {
      source.close(() => {
        this.#host.removeScope(source.scope.path);
        told();
      });
    }
    // What is ready does not wait for sources that take their time to close.
    if (decider !== undefined) this.#listener.serve();
  }
}

function feedOf(source: Source, index: number, key: string): Feed {
  return {
    source,
    index,
    key,
    slot: undefined,
    hasEnded: false,
    failure: undefined,
    get status() {
      if (this.slot !== undefined) return 'ready';
      return this.hasEnded ? 'ended' : 'waiting';
    },
  };
}
