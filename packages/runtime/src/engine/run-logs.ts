import type { CallKey } from '../journal/call-key.ts';
import type { LoggedLine } from '../journal/log-line.ts';
import type { LogBatch } from '../ports/log-store.ts';
import { Fifo } from './fifo.ts';
import type { Limits } from './limits.ts';

/** So many characters wait for a commit; what is older goes. */
const MOST_WAITING = 4 * 1024 * 1024;

/** A line that waits, until another takes its place. */
interface Waiting {
  readonly line: LoggedLine;
  isOut: boolean;
}

interface OfCall {
  readonly lines: Fifo<Waiting>;
  count: number;
}

/**
 * What a run logged since its last commit.
 *
 * Owns these lines. Talks to nobody: they are written with the run's next commit, whatever that is made for, or in one of
 * their own when they have waited for two looks. Invariant E3: however much is logged at once, only so much is kept.
 */
export class RunLogs {
  readonly #limits: Pick<Limits, 'logLines' | 'logLinesPerCall'>;
  #waiting: Waiting[] = [];
  readonly #ofCall = new Map<CallKey, OfCall>();
  #count = 0;
  #chars = 0;
  /** Before it nothing is left that would be written. */
  #first = 0;
  #looks = 0;
  #isClosed = false;

  constructor(limits: Pick<Limits, 'logLines' | 'logLinesPerCall'>) {
    this.#limits = limits;
  }

  add(line: LoggedLine): void {
    if (this.#isClosed) return;
    const { logLines, logLinesPerCall } = this.#limits;
    const waiting = { line, isOut: false };
    this.#waiting.push(waiting);
    this.#count += 1;
    this.#chars += line.text.length;
    if (line.key !== null) this.#addToCall(line.key, waiting, logLinesPerCall);
    while (this.#count > logLines || (this.#chars > MOST_WAITING && this.#count > 1)) this.#dropFirst();
    if (this.#waiting.length > 2 * logLines) this.#fold();
  }

  /** Comes again and again. @returns whether they have waited long enough */
  look(): boolean {
    if (this.#count === 0) return false;
    this.#looks += 1;
    return this.isDue;
  }

  /** They are worth a commit of their own. */
  get isDue(): boolean {
    return this.#looks > 1;
  }

  /** For the next commit; undefined where nothing was logged. */
  get batch(): LogBatch | undefined {
    if (this.#count === 0) return undefined;
    this.#fold();
    const { logLines: mostOfRun, logLinesPerCall: mostOfCall } = this.#limits;
    return { lines: this.#waiting.map(({ line }) => line), mostOfRun, mostOfCall };
  }

  /** What the process said of events that will not be committed has never been. */
  forgoProcess(): void {
    const lines = this.batch?.lines.filter(({ key }) => key !== null) ?? [];
    this.committed();
    for (const line of lines) this.add(line);
  }

  committed(): void {
    if (this.#count === 0) return;
    this.#waiting = [];
    this.#ofCall.clear();
    this.#count = 0;
    this.#chars = 0;
    this.#first = 0;
    this.#looks = 0;
  }

  /** The run is left; attempts that were given up on may still log. */
  close(): void {
    this.committed();
    this.#isClosed = true;
  }

  #addToCall(key: CallKey, waiting: Waiting, most: number): void {
    const call = this.#ofCall.get(key) ?? { lines: new Fifo<Waiting>(), count: 0 };
    this.#ofCall.set(key, call);
    call.lines.push(waiting);
    call.count += 1;
    while (call.count > most) {
      const oldest = call.lines.shift();
      if (oldest !== undefined) this.#drop(oldest);
    }
  }

  #dropFirst(): void {
    for (;;) {
      const waiting = this.#waiting[this.#first];
      this.#first += 1;
      if (waiting === undefined || waiting.isOut) continue;
      this.#drop(waiting);
      return;
    }
  }

  #drop(waiting: Waiting): void {
    if (waiting.isOut) return;
    waiting.isOut = true;
    const { key, text } = waiting.line;
    const call = key === null ? undefined : this.#ofCall.get(key);
    if (call !== undefined) call.count -= 1;
    this.#count -= 1;
    this.#chars -= text.length;
  }

  /** Lines that are out become a number of the next one that is not. */
  #fold(): void {
    const kept: Waiting[] = [];
    let leftOut = 0;
    for (const { line, isOut } of this.#waiting) {
      leftOut += line.leftOut;
      if (isOut) leftOut += 1;
      else {
        kept.push({ line: leftOut === line.leftOut ? line : { ...line, leftOut }, isOut: false });
        leftOut = 0;
      }
    }
    this.#waiting = kept;
    this.#first = 0;
    this.#ofCall.clear();
    for (const waiting of kept) {
      const { key } = waiting.line;
      if (key !== null) this.#addToCall(key, waiting, Infinity);
    }
  }
}
