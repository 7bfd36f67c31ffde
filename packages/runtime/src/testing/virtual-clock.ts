import type { Clock, TimerKind } from '../ports/clock.ts';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
  isOff: boolean;
}

/**
 * Time that stands still, and goes from one timer to the next when it is told to. It uses no real timer.
 *
 * Owns what was set. Invariants: timers fire in the order of their time, and of one time in the order in which they
 * were set; upkeep that fell due on the way happens once, before what the way leads to.
 */
export class VirtualClock implements Clock {
  readonly #start: number;
  #elapsed = 0;
  #order = 0;
  readonly #heaps: Readonly<Record<TimerKind, Heap>> = {
    due: new Heap(),
    upkeep: new Heap(),
    stall: new Heap(),
  };
  /** Called when something was set. */
  onSet: () => void = () => undefined;

  /** @param start wall time in ms since 1970 */
  constructor(start: number) {
    this.#start = start;
  }

  now(): number {
    return this.#start + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(delayMs: number, callback: () => void, kind: TimerKind = 'due'): () => void {
    this.#order += 1;
    const at = this.#elapsed + Math.max(0, delayMs);
    const timer: Timer = { at, order: this.#order, callback, isOff: false };
    const heap = this.#heaps[kind];
    heap.add(timer);
    this.onSet();
    return () => heap.turnOff(timer);
  }

  /** Timers that have not fired, without upkeep. */
  get pending(): number {
    return this.#heaps.due.size + this.#heaps.stall.size;
  }

  /** In ms of `monotonic`; undefined where nothing is due. */
  get nextAt(): number | undefined {
    return this.#heaps.due.first?.at;
  }

  get mayStall(): boolean {
    return this.#heaps.stall.size > 0;
  }

  /** Goes to the next timer and fires it. @returns false where none is due by then, and time stands still */
  step(until: number = Infinity): boolean {
    return this.#fireNext(this.#heaps.due, until);
  }

  /** What waits for something outside ctx has waited long enough. */
  stall(): boolean {
    return this.#fireNext(this.#heaps.stall, Infinity);
  }

  /** Time passes, and nothing is due before that. */
  passTo(elapsed: number): void {
    this.#elapsed = Math.max(this.#elapsed, elapsed);
    this.#upkeep();
  }

  /** All timers are forgotten. */
  clear(): void {
    for (const heap of Object.values(this.#heaps)) heap.clear();
  }

  #fireNext(heap: Heap, until: number): boolean {
    const { first } = heap;
    if (first === undefined || first.at > until) return false;
    this.passTo(first.at);
    // Upkeep may have turned it off.
    if (heap.first !== first) return true;
    heap.turnOff(first);
    first.callback();
    return true;
  }

  #upkeep(): void {
    const due: Timer[] = [];
    const { upkeep } = this.#heaps;
    for (let { first } = upkeep; first !== undefined && first.at <= this.#elapsed; { first } = upkeep) {
      upkeep.turnOff(first);
      due.push(first);
    }
    for (const { callback } of due) callback();
  }
}

/** Timers, the next one first. One that is turned off leaves when it comes to the top. */
class Heap {
  #timers: Timer[] = [];
  size = 0;

  get first(): Timer | undefined {
    while (this.#timers[0]?.isOff === true) this.#takeFirst();
    return this.#timers[0];
  }

  add(timer: Timer): void {
    this.size += 1;
    const timers = this.#timers;
    let i = timers.push(timer) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.#isBefore(i, parent)) return;
      this.#swap(i, parent);
      i = parent;
    }
  }

  turnOff(timer: Timer): void {
    if (timer.isOff) return;
    timer.isOff = true;
    this.size -= 1;
  }

  clear(): void {
    for (const timer of this.#timers) this.turnOff(timer);
    this.#timers = [];
  }

  #takeFirst(): void {
    const last = this.#timers.pop();
    if (last === undefined || this.#timers.length === 0) return;
    this.#timers[0] = last;
    let i = 0;
    for (;;) {
      let next = i;
      for (const child of [2 * i + 1, 2 * i + 2])
        if (child < this.#timers.length && this.#isBefore(child, next)) next = child;
      if (next === i) return;
      this.#swap(i, next);
      i = next;
    }
  }

  #isBefore(i: number, j: number): boolean {
    const [a, b] = [this.#at(i), this.#at(j)];
    return a.at < b.at || (a.at === b.at && a.order < b.order);
  }

  #swap(i: number, j: number): void {
    const [a, b] = [this.#at(i), this.#at(j)];
    this.#timers[i] = b;
    this.#timers[j] = a;
  }

  #at(i: number): Timer {
    // Indexes come from the length.
    return this.#timers[i] as Timer;
  }
}
