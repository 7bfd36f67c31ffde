import type { LogLevel } from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import type { Recorded } from '../journal/event.ts';
import type { LoggedLine } from '../journal/log-line.ts';
import type { Seq } from '../journal/ids.ts';
import { decide } from '../kernel/decide.ts';
import { evolve } from '../kernel/evolve.ts';
import { closedGroups, forgetSettled } from '../kernel/forget.ts';
import type { Command, Effect, Report } from '../kernel/input.ts';
import type { RunState } from '../kernel/state.ts';
import type { Clock } from '../ports/clock.ts';
import type { AppendRun, NewRun, StoreNote } from '../ports/journal-store.ts';
import type { Limits } from './limits.ts';
import { cutText } from './log-text.ts';
import { RunLogs } from './run-logs.ts';

export interface Decided {
  readonly recorded: readonly Recorded[];
  readonly effects: readonly Effect[];
}

type LoggedPlace = Pick<LoggedLine, 'key' | 'task' | 'attempt'>;

const PROCESS: LoggedPlace = { key: null, task: null, attempt: null };

/**
 * The end of a run's journal that is decided and not committed yet.
 *
 * Owns the run's state and the buffer. Talks to nobody.
 * Invariants: K3 the state is the fold of all events, buffered ones included, but for settled calls of
 * closed groups, which it forgets; time never goes back.
 */
export class RunJournal {
  readonly state: RunState;
  /** What is logged meanwhile; its commits are those of the events. */
  readonly logs: RunLogs;
  readonly #clock: Clock;
  readonly #limits: Limits;
  #buffer: Recorded[] = [];
  #consumed: string[] = [];
  #notes: StoreNote[] = [];
  #children: NewRun[] = [];
  #committedSeq: Seq;
  /** Groups whose calls are to be forgotten once all of them are settled. */
  readonly #closed = new Set<CallKey>();

  constructor(state: RunState, clock: Clock, limits: Limits) {
    this.state = state;
    this.logs = new RunLogs(limits);
    this.#clock = clock;
    this.#limits = limits;
    this.#committedSeq = state.seq;
  }

  get uncommitted(): number {
    return this.#buffer.length;
  }

  /** Whether a commit is worth its while. */
  get hasMore(): boolean {
    return this.#buffer.length > 0 || this.logs.isDue;
  }

  /** @param place of the task call that logged; undefined: the process */
  log(level: LogLevel, text: string, place: LoggedPlace = PROCESS): void {
    const { seq } = this.state;
    const cut = cutText(text, this.#limits.logLineBytes);
    this.logs.add({ at: this.#clock.now(), seq, level, ...place, text: cut, leftOut: 0 });
  }

  /** Decides an input, and applies what follows. */
  decide(input: Command | Report): Decided {
    const decided = this.foresee(input);
    this.accept(decided);
    // Below the head every recorded call is compared; from here on those of closed groups are not needed.
    if (input.type === 'HeadReached') for (const key of closedGroups(this.state)) this.#closed.add(key);
    return decided;
  }

  /** What an input comes to, while it may still turn out not to have been. */
  foresee(input: Command | Report): Decided {
    const at = Math.max(this.#clock.now(), this.state.lastAt);
    const { events, effects } = decide(this.state, input, at);
    const recorded: Recorded[] = [];
    let { seq } = this.state;
    for (const event of events) recorded.push({ seq: (seq += 1), at, event });
    return { recorded, effects };
  }

  /** It has been. */
  accept({ recorded }: Decided): void {
    for (const fact of recorded) {
      evolve(this.state, fact);
      this.#buffer.push(fact);
    }
  }

  /** The message is deleted with the commit of what follows from it. */
  consume(messageId: string): void {
    this.#consumed.push(messageId);
  }

  /** What other runs shall know of events that are not committed yet. */
  get notes(): readonly StoreNote[] {
    return this.#notes;
  }

  note(note: StoreNote): void {
    this.#notes.push(note);
  }

  /** A run that the next commit creates. */
  bear(child: NewRun): void {
    this.#children.push(child);
  }

  batch(
    runId: string,
    epoch: number,
    { successor, transaction }: { readonly [K in 'successor' | 'transaction']: AppendRun[K] | undefined },
  ): AppendRun {
    const { phase, parent } = this.state;
    const isEnd = phase.status === 'ended' && successor === undefined;
    const logs = this.logs.batch;
    return {
      runId,
      epoch,
      afterSeq: this.#committedSeq,
      events: this.#buffer,
      consumed: this.#consumed,
      ...(this.#notes.length === 0 ? {} : { notes: this.#notes }),
      ...(this.#children.length === 0 ? {} : { children: this.#children }),
      ...(logs === undefined ? {} : { logs }),
      ...(successor === undefined ? {} : { successor }),
      ...(transaction === undefined ? {} : { transaction }),
      ...(isEnd && parent !== undefined ? { wakes: parent.parentRunId } : {}),
    };
  }

  /** For a run that is left; undefined where nothing is to be kept. */
  lastLogs(runId: string, epoch: number): AppendRun | undefined {
    if (this.#buffer.length > 0) this.logs.forgoProcess();
    const logs = this.logs.batch;
    if (logs === undefined || this.#committedSeq === 0) return undefined;
    return { runId, epoch, afterSeq: this.#committedSeq, events: [], consumed: [], logs };
  }

  #forget(): void {
    for (const key of this.#closed) if (forgetSettled(this.state, key)) this.#closed.delete(key);
  }

  /** Gives what is committed now. */
  committed(): readonly Recorded[] {
    const events = this.#buffer;
    this.#buffer = [];
    this.#consumed = [];
    this.#notes = [];
    this.#children = [];
    this.logs.committed();
    this.#committedSeq = this.state.seq;
    for (const { event } of events) if (event.type === 'ScopeClosed') this.#closed.add(event.key);
    this.#forget();
    return events;
  }
}
