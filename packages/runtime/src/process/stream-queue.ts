import { InvalidArgumentError, type ItemStream } from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import type { Encoded, ItemRecorded } from '../journal/event.ts';
import type { Seq } from '../journal/ids.ts';
import { leavingAfter } from '../kernel/divergence.ts';
import { closedStream } from '../kernel/state.ts';
import { callSite, here } from './call-site.ts';
import type { ProcessHost } from './host.ts';
import type { OpenStream } from './open-call.ts';
import { ownStream, type SourceItems, type TakenItem } from './own-stream.ts';
import { closeKey } from './place.ts';
import type { Scope } from './scope.ts';
import { unheard, WaitList } from './wait-list.ts';

type Result<Item> = IteratorResult<Item, undefined>;

interface Queued<Item> {
  readonly item: Item;
  /** Undefined for what follows the recorded items. */
  readonly taken: TakenItem | undefined;
}

type Phase =
  | { readonly status: 'open' }
  /** Nothing more comes; what is queued is handed over first. */
  | { readonly status: 'ended' }
  /** The same, and then the error, once. */
  | { readonly status: 'failed'; readonly error: unknown }
  /** The process stopped reading. */
  | { readonly status: 'left' };

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * Items of a stream between their delivery and the process taking them.
 *
 * Owns the queue and who waits for an item. Talks to the host.
 * Invariants: P1 what comes in comes by `deliver`; taking is derived from it and not recorded; below the head
 * the end of reading counts where it is recorded; a fenced branch takes nothing (law 5).
 */
export class StreamQueue<Item> implements OpenStream, SourceItems {
  readonly buffer: number;
  readonly #host: ProcessHost;
  /** The scope that opened it. */
  readonly scope: Scope;
  readonly #toItem: (recorded: ItemRecorded) => Item;
  #items: Queued<Item>[] = [];
  readonly #waiters: WaitList<Result<Item>>;
  #phase: Phase = { status: 'open' };
  /** Undefined while the call waits for its place in the journal. */
  #key: CallKey | undefined;
  #taken = 0;
  #last: TakenItem | undefined;
  /** Where a reduce reads it, and nobody else may. */
  #claimedIn: Scope | undefined;
  /** The process asked to stop reading, and it is not time yet. */
  #leaving: PromiseWithResolvers<IteratorReturnResult<undefined>> | undefined;

  constructor(host: ProcessHost, scope: Scope, buffer: number, toItem: (recorded: ItemRecorded) => Item) {
    this.#host = host;
    this.scope = scope;
    this.buffer = buffer;
    this.#toItem = toItem;
    // A source that is closed while it waits leaves what it reads.
    this.#waiters = new WaitList(host, undefined, ({ mayLeave }) => mayLeave && void this.#leave());
  }

  get queued(): number {
    return this.#items.length;
  }

  get isLeft(): boolean {
    return this.#phase.status === 'left';
  }

  /** What process code gets: it can read, and stop. */
  get reader(): ItemStream<Item> {
    const reader: ItemStream<Item> = {
      next: () => (this.isClaimed ? readElsewhere() : this.next()),
      return: () => (this.isClaimed ? readElsewhere() : this.leave()),
      [Symbol.asyncIterator]: () => reader,
      [Symbol.asyncDispose]: async () => void (await reader.return()),
    };
    return ownStream(reader);
  }

  get key(): CallKey | undefined {
    return this.#key;
  }

  get taken(): number {
    return this.#taken;
  }

  get last(): TakenItem | undefined {
    return this.#last;
  }

  /** A branch that has lost keeps it from nobody. */
  get isClaimed(): boolean {
    return this.#claimedIn !== undefined && this.#claimedIn.fence === undefined;
  }

  claim(scope: Scope): boolean {
    const isFresh = this.#taken === 0 && this.#waiters.size === 0 && this.#leaving === undefined;
    if (this.isClaimed || !isFresh || this.isLeft) return false;
    this.#claimedIn = scope;
    return true;
  }

  release(): void {
    this.#claimedIn = undefined;
  }

  skipTo(taken: number, { seq, attempt, cursor }: TakenItem): void {
    this.#taken = taken;
    this.#last = { seq, attempt, cursor };
  }

  /** Where the source goes on: behind the last item that came, or that is not needed any more. */
  get cursor(): Encoded | undefined {
    return (this.#items.at(-1)?.taken ?? this.#last)?.cursor;
  }

  /** The call has its key. */
  opened(key: CallKey): void {
    this.#key = key;
    // Only who waits for an item is a strand: one that comes while nobody waits wakes no code.
    this.scope.outstanding -= 1;
    if (this.#leaving !== undefined) this.#tryLeave(key);
  }

  item(recorded: ItemRecorded, seq: Seq): void {
    if (this.#phase.status !== 'open') return;
    const { attempt, cursor } = recorded;
    this.#push({ item: this.#toItem(recorded), taken: { seq, attempt, cursor } });
  }

  /** @param last follows all items */
  end(last?: { readonly item: Item }): void {
    if (this.#phase.status !== 'open') return;
    this.#phase = { status: 'ended' };
    if (last !== undefined) this.#push({ item: last.item, taken: undefined });
    this.#tellDone();
    if (this.#leaving !== undefined) this.#drop();
  }

  fail(error: unknown): void {
    if (this.#phase.status !== 'open') return;
    this.#phase = this.#waiters.size === 0 ? { status: 'failed', error } : { status: 'ended' };
    while (this.#waiters.size > 0) this.#waiters.reject(error);
    if (this.#leaving !== undefined) this.#drop();
  }

  #push(queued: Queued<Item>): void {
    if (this.#waiters.resolve({ done: false, value: queued.item }) === undefined) this.#items.push(queued);
    else this.#noteTaken(queued.taken);
  }

  #tellDone(): void {
    while (this.#waiters.size > 0) this.#waiters.resolve(DONE);
  }

  next(): Promise<Result<Item>> {
    const refused = this.#host.refusal<Result<Item>>(this.#host.currentScope('reads'));
    if (refused !== undefined) return refused;
    const queued = this.#items.shift();
    if (queued !== undefined) {
      this.#noteTaken(queued.taken);
      return Promise.resolve({ done: false, value: queued.item });
    }
    switch (this.#phase.status) {
      case 'failed': {
        const { error } = this.#phase;
        this.#phase = { status: 'ended' };
        return unheard(Promise.reject(error));
      }
      case 'ended':
      case 'left':
        return Promise.resolve(DONE);
      default:
        return this.#waiters.wait(undefined);
    }
  }

  #noteTaken(taken: TakenItem | undefined): void {
    this.#taken += 1;
    this.#last = taken;
    if (this.#key !== undefined && this.#phase.status === 'open') this.#host.port.itemTaken(this.#key);
  }

  leave(): Promise<IteratorReturnResult<undefined>> {
    // What has lost decides nothing for others that read on.
    return this.#host.currentScope('reads').mayLeave ? this.#leave() : Promise.resolve(DONE);
  }

  #leave(): Promise<IteratorReturnResult<undefined>> {
    if (this.#phase.status !== 'open') {
      this.#drop();
      return Promise.resolve(DONE);
    }
    this.#leaving ??= Promise.withResolvers();
    const { promise } = this.#leaving;
    if (this.#key !== undefined) this.#tryLeave(this.#key);
    return promise;
  }

  /** Live it counts at once; below the head where it is recorded: until then others may have read on. */
  #tryLeave(key: CallKey): void {
    const host = this.#host;
    const isRecorded = !host.live && closedStream(host.port.recorded(key)) !== undefined;
    if (host.live || this.scope.fence !== undefined || host.isDue(key, isRecorded)) this.takeHeld(undefined);
  }

  takeHeld(recorded: number | undefined): boolean {
    const key = this.#key;
    if (this.#leaving === undefined || this.#phase.status !== 'open' || key === undefined) return false;
    if (this.scope.fence === undefined && !this.#close(key, recorded)) return false;
    this.#drop();
    return true;
  }

  /** @returns whether the journal has it so */
  #close(key: CallKey, wanted: number | undefined): boolean {
    const host = this.#host;
    const consumed = this.#taken;
    const closed = host.live ? undefined : closedStream(host.port.recorded(key));
    if (consumed !== (wanted ?? closed?.consumed ?? consumed)) {
      const what = leavingAfter(consumed);
      const where = callSite(here().stack);
      host.admission.contradiction ??= {
        key,
        asked: { fingerprint: what, what },
        where,
        seq: closed?.seq ?? 0,
      };
      return false;
    }
    host.admission.noteIssued(closeKey(key));
    host.command({ type: 'CloseStream', key, consumed });
    // Nothing more is delivered to a source; a task is cancelled, which is.
    if (host.openCalls.get(key)?.task === undefined) {
      host.openCalls.delete(key);
      host.settleWatch.settled(key);
    }
    if (!host.inTurn) {
      host.foreign.noteCall();
      host.port.changed();
    }
    return true;
  }

  /** Nobody reads it any more. */
  #drop(): void {
    this.#phase = { status: 'left' };
    this.#items = [];
    this.#tellDone();
    this.#leaving?.resolve(DONE);
  }
}

function readElsewhere(): Promise<never> {
  return unheard(
    Promise.reject(
      new InvalidArgumentError(
        'The source is read by a ctx.reduce, and by nobody else until that is settled.',
      ),
    ),
  );
}
