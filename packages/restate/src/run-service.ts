import { NEVER } from '@pawl/runtime';
import { identityText, sha256 } from '@pawl/runtime/elsewhere';
import type { RunId } from '@pawl/runtime';
import type { Shown } from './step.ts';
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
import type { RunRequest, RunResult } from './messages.ts';
import type { ResolvedOptions } from './options.ts';
import { GOES_ON, RunSession, type Mail, type Next } from './run-session.ts';

/** Restate's longest sleep is none of ours: it is asked for again. */
const LONGEST_SLEEP_MS = 30 * 24 * 3600 * 1000;

/**
 * The promise of the next message keeps something of each race that it does not win, the entry that won included (1 KB), and
 * is asked for anew after so many. Restate then has a message in the journal once for each time that it was asked for. It is
 * part of what was recorded: another number is a journal that does not fit.
 */
const MOST_RACES = 1024;

const NOTHING: Shown = { waits: [], tasks: [] };
const AS_BYTES = { serde: serde.binary };

export type Compared = 'same' | 'other' | 'notBegun';

/** What a message to a run came to. */
export type Posted = 'posted' | 'closed';

// No interface: Restate's clients take records.
// oxlint-disable-next-line typescript/consistent-type-definitions
export type RunHandlers = {
  run(ctx: WorkflowContext, request: RunRequest): Promise<RunResult>;
  post(ctx: WorkflowSharedContext, mail: Mail): Promise<Posted>;
  shown(ctx: WorkflowSharedContext): Promise<Shown>;
  /** Whether its inputs are these. */
  compare(ctx: WorkflowSharedContext, request: RunRequest): Promise<Compared>;
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
    },
  });
}

async function drive(
  ctx: WorkflowContext,
  request: RunRequest,
  definition: ProcessDefinition,
  options: ResolvedOptions,
): Promise<RunResult> {
  ctx.set('inputs', hashOf(request));
  const session = new RunSession(ctx.key, request, definition, options);
  options.attempts.add(session);
  ctx.request().attemptCompletedSignal.addEventListener('abort', () => {
    void session.drop().finally(() => options.attempts.delete(session));
  });
  const inbox = new Inbox(ctx, session);
  for (;;) {
    const next = await untilRecorded(ctx, inbox, session);
    if (next.type === 'goesOn') {
      if (next.shown !== undefined) ctx.set('shown', next.shown);
      continue;
    }
    if (next.type === 'ended') {
      ctx.set('over', true);
      return next.result;
    }
    await rest(ctx, inbox, next);
  }
}

/**
 * Messages are taken as they come, in Restate's order, until the entry that was asked for is there. Where one came in
 * that time, that nothing goes on may have been found without it, and is found anew.
 */
async function untilRecorded(ctx: WorkflowContext, inbox: Inbox, session: RunSession): Promise<Next> {
  await session.goAhead();
  const entry = ctx.run('burst', () => session.next(), AS_BYTES);
  let hasMail = false;
  for (;;) {
    const won = await inbox.orElse(entry);
    if (won === undefined) {
      hasMail = true;
      continue;
    }
    const next = session.recorded(won);
    return hasMail && next.type === 'rest' ? GOES_ON : next;
  }
}

async function rest(
  ctx: WorkflowContext,
  inbox: Inbox,
  { at, wakeAt }: Extract<Next, { type: 'rest' }>,
): Promise<void> {
  const ms = Math.min(wakeAt - at, LONGEST_SLEEP_MS);
  if (wakeAt === NEVER) await inbox.message();
  else await inbox.orElse(ctx.sleep(ms).map(() => ({ slept: true })));
}

/**
 * The messages of a run: durable promises of its workflow, numbered from 0.
 *
 * Owns which is next. Talks to the session. A cancel of the invocation, by Restate's own means, is one of them.
 */
class Inbox {
  readonly #ctx: WorkflowContext;
  readonly #session: RunSession;
  #count = 0;
  #next: RestatePromise<Mail>;
  /** That the next one has lost. */
  #races = 0;

  constructor(ctx: WorkflowContext, session: RunSession) {
    this.#ctx = ctx;
    this.#session = session;
    this.#next = this.#ask();
  }

  #ask(): RestatePromise<Mail> {
    this.#races = 0;
    return this.#ctx.promise<Mail>(nameOf(this.#count)).get();
  }

  async message(): Promise<void> {
    await this.#taken(this.#next);
  }

  /** What the other one gives; undefined where a message came first, which is delivered by now. */
  async orElse<T extends object>(other: RestatePromise<T>): Promise<T | undefined> {
    return this.#taken(RestatePromise.race([this.#next, other]));
  }

  async #taken<T extends object>(won: RestatePromise<T | Mail>): Promise<T | undefined> {
    try {
      const first = await won;
      if (!isMail(first)) {
        this.#races += 1;
        if (this.#races === MOST_RACES) this.#next = this.#ask();
        return first;
      }
      this.#count += 1;
      this.#ctx.set('taken', this.#count);
      this.#session.deliver(first);
      this.#next = this.#ask();
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
      this.#session.deliver(cancelMail(this.#ctx.key));
    }
    return undefined;
  }
}

/** Neither an entry nor the end of a sleep has one. */
function isMail(value: object): value is Mail {
  return 'message' in value;
}

function hashOf({ inputs }: RunRequest): string {
  return sha256(identityText(inputs));
}

async function compare(ctx: WorkflowSharedContext, request: RunRequest): Promise<Compared> {
  const hash = await ctx.get<string>('inputs');
  if (hash === null) return 'notBegun';
  return hash === hashOf(request) ? 'same' : 'other';
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
