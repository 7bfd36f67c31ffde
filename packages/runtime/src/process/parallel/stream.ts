import { EmptyGroupError, type StreamSource, type Thunk } from '@pawl/sdk';
import { namedKey, ordinalKey, sourceKey, type CallKey } from '../../journal/call-key.ts';
import type { Decided } from '../../kernel/state.ts';
import type { Scope } from '../scope.ts';
import { startBranch, withPlace, type Outcome } from './branch.ts';
import type { GroupHost, OpenGroup } from './group-host.ts';
import type { Supply } from './outlet.ts';
import { inWords } from '../../journal/in-words.ts';
import { Results } from './results.ts';
import { Source, type Pulled, type SourceHost } from './source.ts';
import { hasConsumer, type ResolvedStreamOptions, type StreamMode } from './stream-options.ts';
import { Verdict, type End } from './verdict.ts';

export interface StreamPlan {
  readonly mode: StreamMode;
  readonly source: StreamSource<unknown>;
  /** What is run for an item. Throws where the item is nothing that can be run. */
  readonly thunkOf: (item: unknown, index: number) => Thunk;
  /** The name of an item's branch, undefined = its index. Throws where there can be none. */
  readonly nameOf: (item: unknown, index: number) => string | undefined;
  readonly options: ResolvedStreamOptions;
  /** Runs code in the async context of the call, wherever it is called from. */
  readonly inUserContext: <R>(fn: () => R) => R;
}

/** Who is told of it. */
export interface StreamListener {
  /** A result is ready. */
  serve(): void;
  end(end: End): void;
}

/** Of failures that `streamAny` tells. */
const MAX_REASONS = 1000;

const FULFILLED: Decided = { outcome: 'fulfilled', winner: null };
const REJECTED: Decided = { outcome: 'rejected', winner: null };

/**
 * Work on the items of a source.
 *
 * Owns its branches that run, and results that wait. Talks to its host, its source and its listener.
 * Invariants: it pulls only while fewer than `concurrency` branches run and fewer than concurrency +
 * buffer run or wait, whoever causes it; nothing of a branch is kept once its result is taken; no
 * thunk is invoked after the decision.
 */
export class Stream implements OpenGroup, Supply<unknown> {
  readonly key: CallKey;
  readonly scope: Scope;
  readonly isDetached: boolean = false;
  readonly #plan: StreamPlan;
  readonly #host: GroupHost;
  readonly #listener: StreamListener;
  readonly #verdict: Verdict;
  readonly #source: Source;
  readonly #results: Results;
  readonly #running = new Set<Scope>();
  readonly #reasons: unknown[] = [];
  /** Branches that hold a slot: those that run, and one that decides. */
  #active = 0;
  #pulled = 0;
  #concurrency = 0;
  #buffer = 0;
  #ended: Exclude<Pulled, { kind: 'item' }> | undefined;
  #isPumping = false;
  #isLeft = false;

  constructor(
    key: CallKey,
    scope: Scope,
    plan: StreamPlan,
    host: GroupHost & SourceHost,
    listener: StreamListener,
  ) {
    const { mode, options } = plan;
    this.key = key;
    this.scope = scope;
    this.#plan = plan;
    this.#host = host;
    this.#listener = listener;
    this.#results = new Results(options.preserveOrder);
    const isNamed = options.keyBy !== undefined;
    this.#verdict = new Verdict(
      host,
      this,
      { mode, signal: options.signal, defaults: options.defaults, isNamed },
      (end) => this.#finish(end),
    );
    const inside = this.#verdict.inside.child(sourceKey(key), options.defaults);
    this.#source = new Source(host, inside, plan.source, plan.inUserContext);
  }

  get concurrency(): number {
    return this.#concurrency;
  }

  get wantedConcurrency(): number {
    return this.#plan.options.concurrency;
  }

  get isOpen(): boolean {
    return !this.#verdict.isTaken;
  }

  /** As recorded, or as the code has it. */
  open(concurrency: number, buffer: number, aborted: boolean): void {
    // A consumer is a strand while it waits; a stream that nobody waits for is none.
    if (hasConsumer(this.#plan.mode)) this.scope.outstanding -= 1;
    this.#concurrency = concurrency;
    this.#buffer = buffer;
    this.#host.addScope(this.#source.scope);
    if (aborted) this.interrupt('aborted', 'the signal was aborted before the call');
    else this.#pump();
  }

  isIdle(): boolean {
    return false;
  }

  beginOutOfOrder(): void {
    // A source gives its items in one order.
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

  retune(concurrency: number): void {
    this.#concurrency = concurrency;
    this.#pump();
  }

  /** The consumer takes a result: there is room for another. */
  next(): { readonly value: unknown } | undefined {
    const result = this.#results.take();
    if (result !== undefined) {
      this.#pump();
      this.#checkEnd();
    }
    return result;
  }

  /** The consumer leaves. */
  close(): void {
    this.#isLeft = true;
    if (this.#verdict.isTaken) this.#results.clear();
    else this.#verdict.propose(FULFILLED, { kind: 'done' });
  }

  get #hasRoom(): boolean {
    return (
      this.#active < this.#concurrency && this.#active + this.#results.size < this.#concurrency + this.#buffer
    );
  }

  #pump(): void {
    // User code runs in it, and may take a result meanwhile.
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (!this.#verdict.isTaken && this.scope.fence === undefined && this.#source.isOpen && this.#hasRoom)
      this.#source.pull((pulled) => this.#took(pulled));
    this.#isPumping = false;
  }

  #took(pulled: Pulled): void {
    if (pulled.kind === 'item') {
      try {
        this.#start(pulled.item);
      } catch (error) {
        this.#ended = { kind: 'failed', error };
        this.#source.close(() => undefined);
      }
    } else {
      this.#ended = pulled;
    }
    this.#checkEnd();
    this.#pump();
  }

  #start(item: unknown): void {
    const index = this.#pulled;
    const { thunkOf, nameOf, options, inUserContext } = this.#plan;
    const thunk = thunkOf(item, index);
    const name = this.#source.run(() => nameOf(item, index));
    // `keyBy` is code of the process, and may have ended it.
    if (this.#verdict.isTaken) return;
    const path = name === undefined ? ordinalKey(this.key, index) : namedKey(this.key, name);
    const scope = this.#verdict.inside.child(path, options.defaults);
    this.#pulled += 1;
    this.#active += 1;
    this.#running.add(scope);
    this.#host.addScope(scope);
    startBranch(
      scope,
      () => inUserContext(() => this.#host.runIn(scope, thunk)),
      (_, outcome) => this.#settled(scope, { index, key: name ?? String(index) }, outcome),
    );
  }

  #settled(scope: Scope, place: Place, outcome: Outcome): void {
    scope.finish();
    this.#running.delete(scope);
    this.#host.removeScope(scope.path);
    if (this.#verdict.isTaken || this.#decides(place, outcome)) return;
    this.#active -= 1;
    this.#results.add(place.index, resultOf(this.#plan.mode, place, outcome));
    this.#listener.serve();
    this.#checkEnd();
    this.#pump();
  }

  /** Whether this branch decides. Taken now, held, or not as recorded: its slot goes to nobody. */
  #decides({ index, key }: Place, outcome: Outcome): boolean {
    const { mode } = this.#plan;
    const isFulfilled = outcome.status === 'fulfilled';
    if (mode === 'streamAny' && !isFulfilled && this.#reasons.length < MAX_REASONS)
      this.#reasons.push(withPlace(outcome.reason, index, key));
    const isDeciding =
      mode === 'raceFrom' || (mode === 'streamAny' && isFulfilled) || (mode === 'streamAll' && !isFulfilled);
    if (!isDeciding) return false;
    this.#verdict.propose(
      { outcome: outcome.status, winner: index },
      isFulfilled ? { kind: 'done', value: outcome.value } : { kind: 'failed', error: outcome.reason },
    );
    return true;
  }

  /** The source is at its end, and all that came of it has been taken. */
  #checkEnd(): void {
    const ended = this.#ended;
    if (ended === undefined || this.#active > 0 || this.#results.size > 0) return;
    if (ended.kind === 'failed') this.#verdict.propose(REJECTED, ended);
    else if (hasConsumer(this.#plan.mode)) this.#verdict.propose(FULFILLED, { kind: 'done' });
    else this.#verdict.propose(REJECTED, { kind: 'failed', error: this.#nothing() });
  }

  /** What a call for one value rejects with that found none. */
  #nothing(): Error {
    if (this.#plan.mode === 'raceFrom') return new EmptyGroupError('raceFrom');
    return new AggregateError(
      this.#reasons,
      this.#pulled === 0
        ? 'parallel.streamAny of an empty source'
        : `all ${this.#pulled} branches of parallel.streamAny failed: ${this.#reasons.map(inWords).join('; ')}`,
    );
  }

  #finish(end: End): void {
    if (!hasConsumer(this.#plan.mode)) this.scope.outstanding -= 1;
    if (this.#isLeft) this.#results.clear();
    this.#results.dropEarly();
    for (const { path } of this.#running) this.#host.removeScope(path);
    this.#running.clear();
    this.#source.close(() => {
      this.#host.removeScope(this.#source.scope.path);
      this.#listener.end(end);
    });
  }
}

interface Place {
  readonly index: number;
  /** Name of the branch, or its index as text. */
  readonly key: string;
}

/** What of a branch goes to the consumer, undefined where nothing does. */
function resultOf(mode: StreamMode, place: Place, outcome: Outcome): { readonly value: unknown } | undefined {
  if (mode === 'stream')
    return { value: { ...outcome, ...place, ...(outcome.status === 'rejected' ? { started: true } : {}) } };
  return outcome.status === 'fulfilled' && hasConsumer(mode) ? { value: outcome.value } : undefined;
}
