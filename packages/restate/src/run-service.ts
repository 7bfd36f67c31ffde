import { NEVER } from '@pawl/runtime';
import type { RunId } from '@pawl/runtime';
import type { Entry, Shown } from './step.ts';
import type { ProcessDefinition } from '@pawl/sdk';
import {
  CancelledError,
  TerminalError,
  RestatePromise,
  serde,
  workflow,
  type DurablePromise,
  type WorkflowContext,
  type WorkflowDefinition,
  type WorkflowSharedContext,
} from '@restatedev/restate-sdk';
import { piece, told } from './large-result.ts';
import type { RunRequest, Told } from './messages.ts';
import { inputsHash } from './one-run.ts';
import type { ResolvedOptions } from './options.ts';
import { Outlet } from './outlet.ts';
import { LONGEST_UNSEEN_MS, RunSession, type Mail, type Next } from './run-session.ts';

/** Restate's longest sleep is none of ours: it is asked for again. */
const LONGEST_SLEEP_MS = 30 * 24 * 3600 * 1000;

/**
 * The promise of the next message keeps something of each entry that is recorded while it waits, the entry included (1 KB),
 * and is asked for anew after so many. Restate then has a message in the journal once for each time that it was asked for.
 * It is part of what was recorded: another number is a journal that does not fit.
 */
const MOST_ENTRIES = 1024;
/** With so many at once, what is short is the time of Restate and of the worker, and not that of a step. */
const MANY_RUNS = 8;

const NOTHING: Shown = { waits: [], tasks: [] };
const AS_BYTES = { serde: serde.binary };

export type Compared = 'same' | 'other' | 'notBegun';

/** What a message to a run came to. */
export type Posted = 'posted' | 'closed';

// No interface: Restate's clients take records.
// oxlint-disable-next-line typescript/consistent-type-definitions
export type RunHandlers = {
  run(ctx: WorkflowContext, request: RunRequest): Promise<Told>;
  post(ctx: WorkflowSharedContext, mail: Mail): Promise<Posted>;
  shown(ctx: WorkflowSharedContext): Promise<Shown>;
  /** Whether its inputs are these. */
  compare(ctx: WorkflowSharedContext, request: RunRequest): Promise<Compared>;
  /** Of how it ended, where that is larger than a message. */
  piece(ctx: WorkflowSharedContext, n: number): Promise<string>;
};

export type RunWorkflow = WorkflowDefinition<string, RunHandlers>;

/** A process as a workflow of Restate: one invocation for each run, with the run's id as its key. */
export function runService(definition: ProcessDefinition, options: ResolvedOptions): RunWorkflow {
  return workflow({
    name: definition.name,
    options: { inactivityTimeout: options.suspendAfterMs },
    handlers: {
      run: (ctx: WorkflowContext, request: RunRequest) => drive(ctx, request, definition, options),
      post,
      shown: async (ctx: WorkflowSharedContext) => (await ctx.get<Shown>('shown')) ?? NOTHING,
      compare,
      piece,
    },
  });
}

async function drive(
  ctx: WorkflowContext,
  request: RunRequest,
  definition: ProcessDefinition,
  options: ResolvedOptions,
): Promise<Told> {
  ctx.set('inputs', inputsHash(request.inputs));
  const session = new RunSession(ctx.key, request, definition, options);
  options.attempts.add(session);
  ctx.request().attemptCompletedSignal.addEventListener('abort', () => {
    void session.drop().finally(() => options.attempts.delete(session));
  });
  const inbox = new Inbox(ctx, session);
  const outlet = Outlet.here;
  for (;;) {
    const looks = inbox.looksBeside(session.isFast);
    // What is at hand goes out with what asks for it (decision 26).
    if (session.isAtHand || options.attempts.size >= MANY_RUNS) outlet?.hold();
    const entry = ctx.run('burst', () => given(session, looks, outlet), AS_BYTES);
    const recorded = await inbox.beside(entry, looks);
    // Below the head nothing was given.
    outlet?.release();
    const next = session.recorded(recorded);
    switch (next.type) {
      case 'goesOn':
        if (next.shown !== undefined) ctx.set('shown', next.shown);
        break;
      case 'mail':
        await inbox.take();
        break;
      case 'rest':
        // That nothing goes on was found without what came meanwhile.
        if (!inbox.wasCancelled) await rest(ctx, inbox, next);
        break;
      case 'ended':
        ctx.set('over', true);
        return await told(ctx, next.result);
    }
  }
}

/** What comes next of the run: it goes out with what is held until then. */
async function given(session: RunSession, looks: boolean, outlet: Outlet | undefined): Promise<Entry> {
  try {
    return await session.next(looks);
  } finally {
    outlet?.release();
  }
}

async function rest(
  ctx: WorkflowContext,
  inbox: Inbox,
  { at, wakeAt }: Extract<Next, { type: 'rest' }>,
): Promise<void> {
  const ms = Math.min(wakeAt - at, LONGEST_SLEEP_MS);
  await inbox.orElse(wakeAt === NEVER ? [] : [ctx.sleep(ms).map(() => ({ slept: true }))]);
}

/**
 * The messages of a run: durable promises of its workflow, numbered from 0.
 *
 * Owns which is next. Talks to the session. A cancel of the invocation, by Restate's own means, is one of them.
 * Invariant: what the handler asks Restate for depends on what was recorded, and not on when a message came: one that is
 * there is taken behind an entry that says so, or in a rest.
 */
class Inbox {
  readonly #ctx: WorkflowContext;
  readonly #session: RunSession;
  #count = 0;
  #next: RestatePromise<Mail>;
  /** Since the next one was asked for. */
  #entries = 0;
  #lookedAt = 0;
  /** While the last entry was waited for: in Restate's order, and so the same whoever waits. */
  wasCancelled = false;

  constructor(ctx: WorkflowContext, session: RunSession) {
    this.#ctx = ctx;
    this.#session = session;
    this.#next = this.#ask();
  }

  #ask(): RestatePromise<Mail> {
    this.#entries = 0;
    return this.#ctx.promise<Mail>(nameOf(this.#count)).get();
  }

  /** A race for a message takes a quarter of the worker's time for a step: none where entries come fast, for a while. */
  looksBeside(isFast: boolean): boolean {
    const now = performance.now();
    if (isFast && now - this.#lookedAt < LONGEST_UNSEEN_MS) return false;
    this.#lookedAt = now;
    return true;
  }

  /** The entry, once it is recorded. */
  async beside(entry: RestatePromise<Uint8Array>, isLooking: boolean): Promise<Uint8Array> {
    this.wasCancelled = false;
    let looks = isLooking;
    let waited: RestatePromise<Mail | Uint8Array> = looks ? RestatePromise.race([this.#next, entry]) : entry;
    for (;;) {
      try {
        const won = await waited;
        if (!isMail(won)) return this.#counted(won);
        looks = false;
        this.#session.mailCame();
      } catch (error) {
        this.#hear(error);
        this.wasCancelled = true;
      }
      // Never the same promise again: what was cancelled stays so.
      waited = RestatePromise.race(looks ? [this.#next, entry] : [entry]);
    }
  }

  #counted(entry: Uint8Array): Uint8Array {
    this.#entries += 1;
    if (this.#entries === MOST_ENTRIES) this.#next = this.#ask();
    return entry;
  }

  /** The one that is there. */
  async take(): Promise<void> {
    while (!(await this.orElse([])));
  }

  /** Whether a message came first, which is delivered by now. Where the invocation was cancelled, none did. */
  async orElse(others: readonly RestatePromise<object>[]): Promise<boolean> {
    let won: object;
    try {
      won = await RestatePromise.race([this.#next, ...others]);
    } catch (error) {
      this.#hear(error);
      return false;
    }
    if (!isMail(won)) return false;
    this.#count += 1;
    this.#ctx.set('taken', this.#count);
    this.#session.take(won);
    // More may be there.
    this.#lookedAt = 0;
    this.#next = this.#ask();
    return true;
  }

  /** @throws what is no cancel of the invocation */
  #hear(error: unknown): void {
    if (!(error instanceof CancelledError)) throw error;
    this.#session.deliver(cancelMail(this.#ctx.key));
  }
}

/** Neither an entry nor the end of a sleep has one. */
function isMail(value: object): value is Mail {
  return 'message' in value;
}

async function compare(ctx: WorkflowSharedContext, { inputs }: RunRequest): Promise<Compared> {
  const hash = await ctx.get<string>('inputs');
  if (hash === null) return 'notBegun';
  return hash === inputsHash(inputs) ? 'same' : 'other';
}

function cancelMail(to: RunId): Mail {
  return {
    to,
    message: { kind: 'cancel', id: 'cancelled by Restate', reason: 'its invocation was cancelled' },
  };
}

function nameOf(count: number): string {
  return `message ${count}`;
}

/** The first number that is free is the message's: two that come at once find each other's promise resolved. */
async function post(ctx: WorkflowSharedContext, mail: Mail): Promise<Posted> {
  if ((await ctx.get<boolean>('over')) === true) return 'closed';
  for (let count = (await ctx.get<number>('taken')) ?? 0; ; count += 1) {
    const promise = ctx.promise<Mail>(nameOf(count));
    const there = await promise.peek();
    if (there?.message.id === mail.message.id) return 'posted';
    if (there === undefined && (await isResolved(promise, mail))) return 'posted';
  }
}

/** Whether the promise is this message's: of several that come at once Restate takes one, and refuses the others. */
async function isResolved(promise: DurablePromise<Mail>, mail: Mail): Promise<boolean> {
  try {
    await promise.resolve(mail);
  } catch (error) {
    if (!(error instanceof TerminalError) || error instanceof CancelledError) throw error;
  }
  return (await promise.peek())?.message.id === mail.message.id;
}
