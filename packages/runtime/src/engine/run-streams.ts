import type { CallKey } from '../journal/call-key.ts';
import type { AttemptPlace } from './attempt-owner.ts';
import type { AttemptDeps } from './attempt.ts';
import { SourceAttempt } from './source-attempt.ts';
import { StreamWindow } from './stream-window.ts';
import type { RunDriver } from './run-driver.ts';

/**
 * What of one run gives items: sources that are open, and the windows of these and of tasks whose progress
 * the process reads.
 *
 * Owns the sources' attempts; they hold no slot. Talks to the run by reports.
 * Invariant E1: a window opens only once it is committed what was taken.
 */
export class RunStreams {
  readonly #run: RunDriver;
  readonly #deps: AttemptDeps;
  readonly #limit: number;
  readonly #ready = new Set<CallKey>();
  readonly #current = new Map<CallKey, SourceAttempt>();
  readonly #windows = new Map<CallKey, StreamWindow>();
  /** Items taken since the last commit. */
  readonly #taken = new Map<CallKey, number>();
  #running = 0;

  /** @param limit items that may wait to be taken, of each stream */
  constructor(run: RunDriver, deps: AttemptDeps, limit: number) {
    this.#run = run;
    this.#deps = deps;
    this.#limit = limit;
  }

  /** Sources that have neither ended nor been given up on. */
  get running(): number {
    return this.#running;
  }

  /** Of these, those that do not wait for the process. */
  get working(): number {
    let working = this.#running;
    for (const key of this.#current.keys()) working -= Number(this.isFull(key));
    return working;
  }

  has(key: CallKey): boolean {
    return this.#run.state.calls.get(key)?.kind === 'stream';
  }

  /** The source starts at the end of the turn. */
  enqueue(key: CallKey): void {
    this.#ready.add(key);
  }

  takeReady(): readonly CallKey[] {
    if (this.#ready.size === 0) return [];
    const ready = [...this.#ready];
    this.#ready.clear();
    return ready;
  }

  start(place: AttemptPlace): void {
    const { key } = place;
    const source = this.#run.host.openCalls.get(key)?.source;
    const window = this.openWindow(key);
    if (source === undefined || window === undefined) return;
    const made: SourceAttempt = new SourceAttempt(
      place,
      source,
      window,
      this.#deps,
      (report) => this.#run.report(report),
      () => {
        this.#running -= 1;
        if (this.#current.get(key) === made) this.#current.delete(key);
        this.#run.slotFreed();
      },
    );
    this.#running += 1;
    this.#current.set(key, made);
    made.start();
  }

  /** For a new attempt of a call whose items the process takes; undefined where it takes none. */
  openWindow(key: CallKey): StreamWindow | undefined {
    const stream = this.#run.host.openCalls.get(key)?.stream;
    if (stream === undefined || stream.isLeft) return undefined;
    const window = new StreamWindow(stream.buffer, this.#limit, stream.queued, (closed) => {
      if (this.#windows.get(key) === closed) this.#windows.delete(key);
    });
    this.#windows.get(key)?.close();
    this.#windows.set(key, window);
    return window;
  }

  /** Whether a source waits for the process to take what it has told. */
  isFull(key: CallKey): boolean {
    return this.#windows.get(key)?.isFull ?? false;
  }

  /** @returns whether somebody who makes items may wait for it */
  noteTaken(key: CallKey): boolean {
    if (!this.#windows.has(key)) return false;
    this.#taken.set(key, (this.#taken.get(key) ?? 0) + 1);
    return true;
  }

  /** The commit is done. */
  release(): void {
    if (this.#taken.size === 0) return;
    for (const [key, count] of this.#taken) this.#windows.get(key)?.taken(count);
    this.#taken.clear();
  }

  /** Whether a source is settled, or given up, that has not ended. */
  isClosing(isAsked: (key: CallKey) => boolean): boolean {
    return this.#current.keys().some((key) => isAsked(key) && !this.#run.state.pending.has(key));
  }

  abort(key: CallKey, reason: string): void {
    this.#current.get(key)?.abort(reason);
  }

  abortAll(reason: string): void {
    this.#ready.clear();
    for (const source of this.#current.values()) source.abort(reason);
  }
}
