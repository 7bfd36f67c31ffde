import { CancelledError, TimeoutError } from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import type { Recorded } from '../journal/event.ts';
import type { RunId } from '../journal/ids.ts';
import { wantsNotice } from '../kernel/people.ts';
import type { Clock } from '../ports/clock.ts';
import type { JournalStore } from '../ports/journal-store.ts';
import { toErrorRecord } from '../journal/error-record.ts';
import type { RunDriver } from './run-driver.ts';

/** What the journal says of a wait for people, and the signal that ends the telling. */
export type TellOutside = (
  told: { readonly runId: RunId; readonly process: string; readonly events: readonly Recorded[] },
  signal: AbortSignal,
) => Promise<void>;

export interface NoticeDeps {
  readonly store: JournalStore;
  readonly clock: Clock;
  readonly tell: TellOutside;
  readonly warn: (message: string) => void;
}

/** At once, of one run. */
const MOST_AT_ONCE = 4;
/** One that does not come back in this time has failed. */
const TIMEOUT_MS = 30_000;
/** Before the second try, and before the third and last. */
const PAUSES_MS = [1000, 10_000] as const;
const FOR_PEOPLE: ReadonlySet<string> = new Set(['BreakpointOpened', 'SignalAwaited', 'OutcomeAsked']);

/**
 * Tells somebody outside of each wait for people.
 *
 * Owns what is to be told and what is being told. Talks to the run by reports. Invariant: a wait is told of after
 * the commit of its own row, and that it was told is recorded after the telling. A crash between the two tells it once
 * more: who is told twice can see that it is the same wait, and who is not told at all would never know.
 */
export class RunNotices {
  readonly #run: RunDriver;
  readonly #deps: NoticeDeps;
  readonly #queue = new Set<CallKey>();
  readonly #telling = new Map<CallKey, AbortController>();
  readonly #failed = new Set<CallKey>();
  #hasLooked = false;
  #isStopped = false;

  constructor(run: RunDriver, deps: NoticeDeps) {
    this.#run = run;
    this.#deps = deps;
  }

  /** Whether everybody was told, as far as that is possible. */
  get isIdle(): boolean {
    return this.#queue.size + this.#telling.size === 0;
  }

  saw({ event }: Recorded): void {
    if ('key' in event && FOR_PEOPLE.has(event.type)) this.#queue.add(event.key);
  }

  /** What was seen is committed; and at the head of a replay, what is left from before. */
  release(): void {
    if (!this.#hasLooked) for (const key of this.#run.state.pending) this.#queue.add(key);
    this.#hasLooked = true;
    this.#next();
  }

  #next(): void {
    for (const key of this.#queue) {
      if (this.#telling.size >= MOST_AT_ONCE || this.#isStopped) return;
      this.#queue.delete(key);
      const isNew = !this.#telling.has(key) && !this.#failed.has(key);
      // Answered by a message that was there before, or told of by an earlier program.
      if (isNew && wantsNotice(this.#run.state, key) && this.#run.isOurs()) void this.#tell(key);
    }
  }

  async #tell(key: CallKey): Promise<void> {
    const controller = new AbortController();
    this.#telling.set(key, controller);
    try {
      const isTold = await this.#try(key, controller);
      this.#telling.delete(key);
      if (this.#isStopped) return;
      if (isTold) this.#run.report({ type: 'NoticeGiven', key });
      else this.#failed.add(key);
    } catch (error) {
      // The journal cannot be read.
      this.#telling.delete(key);
      this.#run.fail(error);
      return;
    }
    this.#next();
    // Nothing else may make the turn in which it is seen that all were told.
    this.#run.ask(() => undefined);
  }

  /** @returns whether it was told */
  async #try(key: CallKey, controller: AbortController): Promise<boolean> {
    const { tell, warn, clock } = this.#deps;
    const { runId, identity, state } = this.#run;
    const events = this.#factsOf(key);
    for (const pauseMs of [...PAUSES_MS, null]) {
      const attempt = new AbortController();
      const stop = (): void => attempt.abort(new CancelledError('the run was stopped'));
      controller.signal.addEventListener('abort', stop);
      const clear = clock.after(TIMEOUT_MS, () =>
        attempt.abort(new TimeoutError(`it took more than ${TIMEOUT_MS} ms`)),
      );
      try {
        await untilAborted(
          tell({ runId, process: identity.process, events }, attempt.signal),
          attempt.signal,
        );
        return true;
      } catch (error) {
        if (this.#isStopped || !wantsNotice(state, key)) return false;
        const { message } = toErrorRecord(error);
        if (pauseMs === null)
          warn(
            `nobody was told that call ${key} waits for people: ${message}; it is tried again when the run is resumed`,
          );
        else await this.#pause(pauseMs, controller.signal);
        if (this.#isStopped || !wantsNotice(state, key)) return false;
      } finally {
        clear();
        controller.signal.removeEventListener('abort', stop);
      }
    }
    return false;
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const clear = this.#deps.clock.after(ms, resolve);
      signal.addEventListener(
        'abort',
        () => {
          clear();
          resolve();
        },
        { once: true },
      );
    });
  }

  /** The row of the call, and for an attempt without an end what is asked of it. */
  #factsOf(key: CallKey): readonly Recorded[] {
    const { runId, state } = this.#run;
    const call = state.calls.get(key);
    const rows = call === undefined ? [] : this.#deps.store.read(runId, call.seq - 1, 1);
    if (call?.kind !== 'task') return rows;
    const asked = { type: 'OutcomeAsked', key, attempt: call.attempts } as const;
    return [...rows, { seq: state.seq, at: state.lastAt, event: asked }];
  }

  /** What is not told by now is told when the run is resumed. */
  stop(): void {
    this.#isStopped = true;
    this.#queue.clear();
    for (const controller of this.#telling.values()) controller.abort();
  }
}

/** Rejects with the signal's reason; whoever is told may not listen to the signal. */
function untilAborted(told: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    told.then(resolve, reject);
  });
}
