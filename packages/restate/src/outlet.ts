import { AsyncLocalStorage } from 'node:async_hooks';
import type { Http2ServerResponse } from 'node:http2';

/** So long a command waits at most for what follows it. */
const LONGEST_HOLD_MS = 10;
/** More than this is not copied to go out with something else. */
const MOST_HELD_BYTES = 64 * 1024;

/**
 * Outlets that hold something, the longest first: one timer for all, since there is one for each step else.
 *
 * Owns since when they do. Talks to those that have held it for long enough.
 */
class Holds {
  readonly #since = new Map<Outlet, number>();
  #isWaiting = false;

  add(outlet: Outlet): void {
    this.#since.set(outlet, performance.now());
    if (!this.#isWaiting) this.#lookIn(LONGEST_HOLD_MS);
  }

  delete(outlet: Outlet): void {
    this.#since.delete(outlet);
  }

  #lookIn(ms: number): void {
    this.#isWaiting = true;
    setTimeout(() => this.#look(), ms);
  }

  #look(): void {
    this.#isWaiting = false;
    for (const [outlet, since] of this.#since) {
      const left = since + LONGEST_HOLD_MS - performance.now();
      if (left > 0) return this.#lookIn(left);
      outlet.flush();
    }
  }
}

const holds = new Holds();

type Told = (error?: Error | null) => void;

const outlets = new AsyncLocalStorage<Outlet>();

/**
 * What one attempt of an invocation tells Restate, on its way out.
 *
 * Owns what is held of it. Talks to the response. The command of a step and the step's end are two messages, and Restate
 * has the less to do with them when they come as one: its log, its state and the network are gone through once. So the
 * command waits for the end, where that follows soon. Nothing depends on the command alone: what a step is the record of
 * was made possible by the entry before it.
 */
export class Outlet {
  readonly #write: (chunk: Uint8Array, told?: Told) => boolean;
  #isHolding = false;
  #held: Uint8Array[] = [];
  #bytes = 0;

  /** Takes over what is written to the response, also by the SDK. */
  constructor(response: Pick<Http2ServerResponse, 'write' | 'end'>) {
    this.#write = response.write.bind(response);
    const end = response.end.bind(response);
    const write = (chunk: Uint8Array, told: Told): boolean => this.#take(chunk, told);
    const endBehind = (...given: Parameters<typeof end>): ReturnType<typeof end> => {
      this.release();
      this.flush();
      return end(...given);
    };
    Object.assign(response, { write, end: endBehind });
  }

  /** Of the attempt in whose handler it is asked. */
  static get here(): Outlet | undefined {
    return outlets.getStore();
  }

  /** Handles a request, so that its handler finds it. */
  within(handle: () => void): void {
    outlets.run(this, handle);
  }

  /** What is written from now on waits for what follows it. */
  hold(): void {
    this.#isHolding = true;
  }

  /** What is written next takes along what waits. */
  release(): void {
    this.#isHolding = false;
  }

  #take(chunk: Uint8Array, told: Told): boolean {
    const isSmall = this.#bytes + chunk.length <= MOST_HELD_BYTES;
    if (isSmall && (this.#isHolding || this.#held.length > 0)) {
      if (this.#held.length === 0) holds.add(this);
      this.#held.push(chunk);
      this.#bytes += chunk.length;
      if (!this.#isHolding) return this.flush(told);
      told();
      return true;
    }
    this.flush();
    return this.#write(chunk, told);
  }

  /** What waits goes out now. */
  flush(told?: Told): boolean {
    const held = this.#held;
    if (held.length === 0) return true;
    holds.delete(this);
    this.#held = [];
    this.#bytes = 0;
    return this.#write(Buffer.concat(held), told);
  }
}
