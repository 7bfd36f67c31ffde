import {
  NEVER,
  openRuntime,
  type InboxMessage,
  type Millis,
  type RunId,
  type Runtime,
  type Worker,
} from '@pawl/runtime';
import { BurstStore, decode, finalEvent, lastOf, toErrorRecord } from '@pawl/runtime/elsewhere';
import { RuntimeError } from '@pawl/runtime/errors';
import type { ProcessDefinition } from '@pawl/sdk';
import { PauseError } from '@restatedev/restate-sdk';
import { emitWarning } from 'node:process';
import type { RunRequest, RunResult } from './messages.ts';
import type { Attempt, ResolvedOptions } from './options.ts';
import { boundedShown, burstText, entriesOf, StepReader, type Entry, type Shown, type Step } from './step.ts';

/** What was appended and is waited for by nobody goes with what follows within so long. */
const LINGER_MS = 20;
/** Of the time after which Restate takes an invocation out of the worker of which it hears nothing. */
const PULSE_SHARE = 1 / 2;
/** So long a message may be there unseen while entries come fast, and nobody looks for one. */
export const LONGEST_UNSEEN_MS = 250;
/** How often the worker in it looks what can go on. */
const POLL_MS = 200;

/** Tasks of others that are shown at once. */
const MOST_SHOWN = 1000;
/** Messages that are kept for runs which are not there (yet). */
const MOST_EARLY = 1000;

/** What the handler does next. */
export type Next =
  /** `shown`: from now on. */
  | { readonly type: 'goesOn'; readonly shown?: Shown | undefined }
  | Extract<Step, { type: 'rest' | 'mail' }>
  | { readonly type: 'ended'; readonly result: RunResult };

/** A message, and the run that it is for: the one of the invocation, or one that it started. */
export interface Mail {
  readonly to: RunId;
  readonly message: InboxMessage;
}

const GOES_ON: Next = { type: 'goesOn' };

/** What this attempt made: events that are in its journals already, or another step. */
type Given =
  | { readonly type: 'appended'; readonly isOver: boolean; readonly shown: Shown | undefined }
  | Exclude<Step, { type: 'burst' }>;

/**
 * One attempt of Restate at one run: what was recorded is loaded, and at the head of it the run goes on.
 *
 * Owns a runtime over journals in memory, from the head on. Talks to the handler: it gives what is to be recorded, and
 * is told once it is. Invariants: E1 nothing follows from a burst before Restate has it; what it gives depends on
 * the world, and what it says to be next on nothing but what was recorded.
 */
export class RunSession implements Attempt {
  readonly #runId: RunId;
  readonly #request: RunRequest;
  readonly #definition: ProcessDefinition;
  readonly #options: ResolvedOptions;
  readonly #store: BurstStore = new BurstStore(() => this.#appended());
  readonly #reader = new StepReader();
  /** From the head on. */
  #runtime: Runtime | undefined;
  #worker: Worker | undefined;
  /** A schema may take its time over the inputs, and messages and pulses go on meanwhile. */
  #opened: Promise<void> | undefined;
  /** What it says of inputs that it does not take. */
  #refused: Extract<Step, { type: 'refused' }> | undefined;
  /** A message is there, and no entry says so yet. */
  #hasMail = false;
  /** For runs that are not there yet. */
  #early: Mail[] = [];
  #outgoing: Entry[] = [];
  /** What was given last, until Restate has all of it. */
  #given: Given | undefined;
  /** Restate waits for the next entry. */
  #asked: PromiseWithResolvers<Entry> | undefined;
  #askedAt = 0;
  /** The first time behind the last burst. */
  #askedSince: number | undefined;
  /** Without any entry for so long, a pulse is one. */
  #mostMs = 0;
  /** One at a time, and not one for each entry. */
  #pulse: NodeJS.Timeout | undefined;
  #pulseAt = 0;
  #isFast = false;
  #isAtHand = false;
  /** What runs wait for from outside, as it is shown. */
  #shown = '';
  /** How often that had changed when it was looked at. */
  #asksSeen = 0;
  #failure: Error | undefined;
  #dropped: Promise<void> | undefined;
  /** All of it has ended: nothing is left to be given up. */
  #isOver = false;

  constructor(runId: RunId, request: RunRequest, definition: ProcessDefinition, options: ResolvedOptions) {
    this.#runId = runId;
    this.#request = request;
    this.#definition = definition;
    this.#options = options;
  }

  /** The entry before came within a moment: it is not worth it to look for messages beside the next one. */
  get isFast(): boolean {
    return this.#isFast;
  }

  /** The entry before was there when it was asked for: it followed by itself from what was recorded. */
  get isAtHand(): boolean {
    return this.#isAtHand;
  }

  /**
   * What is to be recorded next: asked at the head only, while nothing else is under way to it. No promise where it is
   * at hand.
   * @param isLookedFor whether a message would be seen meanwhile
   */
  next(isLookedFor = true): Entry | Promise<Entry> {
    // Of an entry that is large the rest goes first.
    const isDone = this.#outgoing.length === 0;
    if (isDone && this.#store.isAwaited && !this.#hasMail && this.#failure === undefined) this.#hand();
    const piece = this.#outgoing.shift();
    this.#isAtHand = piece !== undefined;
    if (piece !== undefined) return piece;
    const asked = Promise.withResolvers<Entry>();
    this.#asked = asked;
    this.#askedAt = performance.now();
    this.#askedSince ??= this.#askedAt;
    this.#mostMs = this.#options.suspendAfterMs * PULSE_SHARE;
    if (!isLookedFor) this.#mostMs = Math.min(this.#mostMs, LONGEST_UNSEEN_MS);
    this.#keepPulse();
    if (this.#failure !== undefined) this.#fail(this.#failure);
    else if (this.#hasMail) this.#propose({ type: 'mail' });
    else void this.#goOn().catch((error: unknown) => this.#fail(error));
    return asked.promise;
  }

  /** Restate gives up invocations of which it hears nothing, and a message that nobody looks for must not wait for long. */
  #keepPulse(): void {
    const dueAt = this.#askedAt + this.#mostMs;
    if (this.#pulse !== undefined && this.#pulseAt <= dueAt) return;
    clearTimeout(this.#pulse);
    this.#pulseAt = dueAt;
    this.#pulse = setTimeout(
      () => {
        this.#pulse = undefined;
        if (this.#asked === undefined) return;
        if (performance.now() - this.#askedAt >= this.#mostMs) this.#propose({ type: 'pulse' });
        else this.#keepPulse();
      },
      Math.max(1, dueAt - performance.now()),
    );
  }

  /** What Restate has now, in its order: of this attempt, or of one before it. */
  recorded(entry: Uint8Array): Next {
    if (this.#given !== undefined && this.#outgoing.length > 0) return GOES_ON;
    const step = this.#given ?? this.#reader.read(entry);
    this.#given = undefined;
    switch (step?.type) {
      case 'burst':
        this.#load(step);
        return this.#after(step);
      case 'appended':
        this.#store.keptLast();
        // A run that was waited for may have begun with it.
        if (this.#early.length > 0) this.#deliverEarly();
        return this.#after(step);
      case 'rest':
      case 'mail':
        return step;
      case 'refused':
        return { type: 'ended', result: { status: 'refused', error: step.error } };
      default:
        return GOES_ON;
    }
  }

  #after({ isOver = false, shown }: { readonly isOver?: boolean; readonly shown?: Shown | undefined }): Next {
    this.#isOver = isOver;
    return isOver ? { type: 'ended', result: this.#result() } : { type: 'goesOn', shown };
  }

  /** One is there, and is not delivered before an entry says so: which one says it depends on the time that it took. */
  mailCame(): void {
    this.#hasMail = true;
    this.#propose({ type: 'mail' });
  }

  /** The one that is there. */
  take(mail: Mail): void {
    this.#hasMail = false;
    this.deliver(mail);
  }

  deliver(mail: Mail): void {
    const { to, message } = mail;
    if (this.#store.post(to, message, Date.now()) !== 'unknown') return;
    if (this.#early.length < MOST_EARLY) this.#early.push(mail);
    else this.#warn(`A message for run ${to} is not kept: ${MOST_EARLY} wait for runs that are not there.`);
  }

  #warn(message: string): void {
    const { onWarning = (_, text) => emitWarning(text) } = this.#options.runtime;
    onWarning(this.#runId, message);
  }

  /** The attempt is over, however it ended: nothing of it acts any more. */
  drop(): Promise<void> {
    this.#dropped ??= this.#drop();
    return this.#dropped;
  }

  async #drop(): Promise<void> {
    clearTimeout(this.#pulse);
    this.#asked = undefined;
    if (!this.#isOver) this.#giveUp();
    await this.#runtime?.close();
  }

  #giveUp(): void {
    this.#failure ??= new RuntimeError('FENCED', `Restate has ended this attempt at run ${this.#runId}.`, {
      hint: 'It goes on in another one, if it has not ended',
      data: { runId: this.#runId },
    });
    this.#store.lost(this.#failure);
  }

  #load({ burst, shown }: Extract<Step, { type: 'burst' }>): void {
    this.#store.load(burst, Date.now());
    if (shown !== undefined) this.#shown = this.#askedFor();
    this.#deliverEarly();
  }

  #deliverEarly(): void {
    const early = this.#early;
    this.#early = [];
    for (const mail of early) this.deliver(mail);
  }

  async #goOn(): Promise<void> {
    // The opening waits for what it appended.
    if (this.#store.hasUntaken) this.#appended();
    await (this.#opened ??= this.#open());
    if (this.#asked === undefined) return;
    if (this.#refused !== undefined) return this.#propose(this.#refused);
    if (this.#store.hasUntaken) this.#appended();
    if (this.#worker === undefined) this.#work();
  }

  async #open(): Promise<void> {
    const { processes, runtime, standIn } = this.#options;
    const own = { processes, standIn, store: this.#store, keepLogs: false, keepPoolStats: false };
    this.#runtime = await openRuntime({ ...runtime, ...own });
    if (this.#dropped !== undefined) return this.#runtime.close();
    this.#store.open(Date.now());
    if (this.#store.getRun(this.#runId, Date.now()) !== undefined) return;
    try {
      // Its schema, where it has one, says whether they are what it takes.
      const inputs = decode(this.#request.inputs) as never;
      await this.#runtime.enqueue(this.#definition, inputs, { id: this.#runId });
    } catch (error) {
      this.#refused = { type: 'refused', error: toErrorRecord(error) };
    }
    this.#deliverEarly();
  }

  #work(): void {
    const worker = this.#runtime?.work({
      poll: POLL_MS,
      restAfter: this.#options.restAfterMs,
      untilIdle: true,
      onNote: (note) => {
        // The code and what is recorded do not go together, or something else that only a person can put right.
        if (note.type === 'setBack') this.#fail(new PauseError(note.problem));
      },
    });
    this.#worker = worker;
    worker?.done.then(
      () => this.#idle(),
      (error: unknown) => this.#fail(error),
    );
  }

  /** Nothing can go on now. */
  #idle(): void {
    this.#worker = undefined;
    if (this.#asked === undefined || this.#dropped !== undefined) return;
    if (this.#store.hasUntaken) {
      this.#flush();
      return;
    }
    const at = Date.now();
    const wakeAt = this.#wakeAt(at);
    if (wakeAt <= at) this.#work();
    else this.#propose({ type: 'rest', at, wakeAt });
  }

  #wakeAt(now: Millis): Millis {
    let earliest = NEVER;
    for (const { wakeAt } of this.#running(now)) earliest = Math.min(earliest, wakeAt ?? now);
    return earliest;
  }

  #running(now: Millis): ReturnType<BurstStore['queryRuns']> {
    return this.#store.queryRuns({ limit: Number.MAX_SAFE_INTEGER, statuses: ['running'] }, now);
  }

  #askedFor(): string {
    const waits = this.#running(Date.now())
      .filter(({ asked }) => asked.length > 0)
      .map(({ runId, asked }) => [runId, ...asked]);
    const tasks = this.#store
      .offers({ limit: MOST_SHOWN })
      .map(({ taskId, failures, opensAt }) => [taskId, failures, opensAt]);
    return waits.length + tasks.length === 0 ? '' : JSON.stringify([waits, tasks]);
  }

  /** Undefined where it is as it is shown. */
  #news(): Shown | undefined {
    const { asks } = this.#store;
    if (asks === this.#asksSeen) return undefined;
    this.#asksSeen = asks;
    const asked = this.#askedFor();
    if (asked === this.#shown) return undefined;
    this.#shown = asked;
    const waits = this.#running(Date.now()).flatMap(({ runId }) => this.#runtime?.waits(runId) ?? []);
    return boundedShown({ waits, tasks: this.#runtime?.tasks.list({ limit: MOST_SHOWN }) ?? [] });
  }

  #appended(): void {
    if (this.#asked === undefined) return;
    if (this.#store.isAwaited) this.#flush();
    else setTimeout(() => this.#flush(), LINGER_MS);
  }

  #flush(): void {
    if (this.#asked !== undefined && this.#store.hasUntaken) this.#hand();
  }

  /** What was appended. */
  #hand(): void {
    const burst = this.#store.take();
    const { isOver } = this.#store;
    const shown = this.#news();
    const since = this.#asked === undefined ? undefined : this.#askedSince;
    this.#isFast = since === undefined || performance.now() - since < LONGEST_UNSEEN_MS;
    this.#askedSince = undefined;
    this.#give({ type: 'appended', isOver, shown }, burstText(burst, isOver, shown));
  }

  #propose(step: Exclude<Step, { type: 'burst' }>): void {
    if (this.#asked !== undefined) this.#give(step, JSON.stringify(step));
    this.#isFast = false;
  }

  #give(step: Given, text: string): void {
    this.#given = step;
    this.#outgoing = entriesOf(text);
    const asked = this.#asked;
    const first = asked === undefined ? undefined : this.#outgoing.shift();
    if (first === undefined) return;
    this.#asked = undefined;
    asked?.resolve(first);
  }

  #fail(error: unknown): void {
    const failure = error instanceof Error ? error : new Error(String(error));
    this.#failure = failure;
    clearTimeout(this.#pulse);
    this.#store.lost(failure);
    this.#asked?.reject(failure);
    this.#asked = undefined;
  }

  /** As it was recorded. */
  #result(): RunResult {
    const now = Date.now();
    const record = this.#store.getRun(this.#runId, now);
    if (record === undefined)
      throw new RuntimeError('CORRUPT', `Of run ${this.#runId} Restate has an end and no beginning.`, {
        hint: 'See what it has: restate invocations list; then start it again under another id',
        data: { runId: this.#runId },
      });
    return { status: 'ended', event: finalEvent(this.#store, lastOf(this.#store, record, now)) };
  }
}
