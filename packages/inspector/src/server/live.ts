/** Tells pages that the journal has changed, so that they ask again for what they show. */
import type { JournalReader } from '@pawl/runtime';
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';

const LOOK_MS = 250;
/** So that what lies between does not take the line for dead. */
const BEAT_MS = 15_000;
export const MOST_STREAMS = 64;

/**
 * Owns one look at the journal, whoever many pages there are: a number that SQLite keeps, which costs no writer
 * anything and holds no transaction.
 */
export class Live {
  readonly #reader: JournalReader;
  readonly #closing: AbortSignal;
  readonly #woken = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #mark = 0;
  open = 0;

  constructor(reader: JournalReader, closing: AbortSignal) {
    this.#reader = reader;
    this.#closing = closing;
    // The journal is closed behind it: it is not looked at once more.
    closing.addEventListener('abort', () => this.#stop(), { once: true });
  }

  stream(c: Context): Response {
    this.open += 1;
    this.#start();
    return streamSSE(c, async (stream) => {
      let seen = -1;
      stream.onAbort(() => this.#wake());
      let beatAt = performance.now() + BEAT_MS;
      try {
        while (!stream.aborted && !this.#closing.aborted) {
          if (seen !== this.#mark) {
            seen = this.#mark;
            await stream.writeSSE({ event: 'change', data: String(seen) });
          } else if (performance.now() >= beatAt) {
            beatAt = performance.now() + BEAT_MS;
            await stream.writeSSE({ event: 'beat', data: '' });
          }
          await this.#next();
        }
      } finally {
        this.open -= 1;
        if (this.open === 0) this.#stop();
      }
    });
  }

  #next(): Promise<void> {
    return new Promise((resolve) => this.#woken.add(resolve));
  }

  #start(): void {
    this.#timer ??= setInterval(() => {
      this.#mark = this.#reader.changeMark();
      this.#wake();
    }, LOOK_MS);
    this.#timer.unref();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#woken) wake();
    this.#woken.clear();
  }
}
