import { durationMs, InvalidArgumentError, InvalidOptionError, type Duration } from '@pawl/sdk';
import { sealedOf } from '../journal/codec.ts';
import type { Encoded, JournalEvent } from '../journal/event.ts';
import type { Millis, RunId } from '../journal/ids.ts';
import {
  standing,
  type AnswerMessage,
  type Claim,
  type Claimant,
  type Offer,
  type OfferChange,
} from '../journal/offer.ts';
import { decode } from '../journal/codec.ts';
import { encodePayload } from '../process/payload.ts';
import { inWords } from './answer.ts';
import { topmostOpen } from './child-run.ts';
import type { Engine } from './engine.ts';
import { offeredAt, openTask, openTasks, type OpenTask, type TaskQuery } from './open-task.ts';
import { schemaIssues } from './json-schema.ts';
import type { Refusal } from './mailbox.ts';
import { Responder, type RespondOptions } from './responder.ts';

export interface ClaimOptions {
  /** As whoever does it calls themselves. Who claims again under the same name gets the task again. */
  readonly worker?: string | undefined;
  /** How long without a heartbeat (default, and at most: what the task says). */
  readonly lease?: Duration | undefined;
}

export interface ClaimantOptions {
  readonly worker?: string | undefined;
  /** What `claim` gave: with it, a claim that went to somebody else meanwhile is found out. */
  readonly claim?: string | undefined;
}

export interface AnswerOptions extends ClaimantOptions {
  /** The same key twice for one task is one answer (default: a new one). */
  readonly idempotencyKey?: string | undefined;
}

type Nowhere = { readonly status: 'closed' } | { readonly status: 'unknown' };
type Busy = { readonly status: 'busy'; readonly worker: string; readonly until: Millis };

export type ClaimAnswer =
  | {
      readonly status: 'claimed';
      readonly claim: string;
      readonly worker: string;
      readonly until: Millis;
      readonly task: OpenTask;
    }
  | Busy
  /** It failed, and is open again from then on. */
  | { readonly status: 'early'; readonly opensAt: Millis }
  | Nowhere;

export type HeartbeatAnswer =
  | { readonly status: 'held'; readonly until: Millis }
  /** Somebody else has it. */
  | { readonly status: 'lost' }
  | Nowhere;

/** What became of an answer to an external task. */
export type TaskAck =
  /** It is in the journal's file, and the run takes it next. */
  | { readonly status: 'accepted'; readonly messageId: string }
  /** An answer with this key was given before; it counts once. */
  | { readonly status: 'duplicate'; readonly messageId: string }
  /** It is not what the task gives: nothing was sent, and the claim goes on. */
  | { readonly status: 'invalid'; readonly issues: Refusal }
  | Busy
  | { readonly status: 'lost' }
  | Nowhere;

type ClaimableQuery = TaskQuery & Pick<RespondOptions, 'runs' | 'processes'>;

/** An offer that was claimed just now. */
type Taken = Offer & { readonly claim: Claim };

/** Open tasks of other runs that are passed over. */
const MOST_LOOKED_AT = 10_000;

/**
 * External tasks: what others do for runs, whoever drives these.
 *
 * Owns the responders of this program. Talks to the store, and to a run that is driven here. Invariant: an answer that was accepted is in the
 * inbox of its run, in the transaction that looked whether the task was open; one task has at most one there.
 */
export class TaskDesk {
  readonly #engine: Engine;
  readonly #responders = new Set<Responder>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Tasks that are open, the oldest first: of one run, or of all. */
  list(query: TaskQuery = {}): OpenTask[] {
    const { store, clock } = this.#engine.options;
    return openTasks(store, query, clock.now());
  }

  /** Ids of tasks that somebody could claim now, the oldest first. */
  claimable({ runId, kinds, limit = 1, runs = 'all', processes }: ClaimableQuery): string[] {
    const { store, clock } = this.#engine.options;
    const only = { ...(runId === undefined ? {} : { runId }), ...(kinds === undefined ? {} : { kinds }) };
    const most = runs === 'all' ? limit : MOST_LOOKED_AT;
    const found: string[] = [];
    const known = new Map<RunId, boolean>();
    for (const offer of store.offers({ ...only, claimableAt: clock.now(), limit: most })) {
      if (found.length >= limit) break;
      const isOurs = known.get(offer.runId) ?? this.#isOurs(offer.runId, runs, processes);
      known.set(offer.runId, isOurs);
      if (isOurs) found.push(offer.taskId);
    }
    return found;
  }

  #isOurs(
    runId: RunId,
    runs: 'all' | 'driven' | 'worked',
    processes: readonly string[] | undefined,
  ): boolean {
    if (runs === 'all' || this.#engine.runs.has(runId)) return true;
    if (runs === 'driven') return false;
    const { store, clock } = this.#engine.options;
    // One that another run started is worked on with that one.
    const top = store.getRun(topmostOpen(store, runId, clock.now()), clock.now());
    if (top === undefined || top.ownerAlive) return false;
    return processes === undefined || processes.includes(top.process);
  }

  /**
   * Answers tasks of some kinds, of all runs over the journal, until it is stopped: claims one when there is one, says
   * that it lives, and answers it with what `respond` gives.
   *
   *     const responder = runtime.tasks.respond({ kinds: ['agent'], respond: (task) => ask(task.description) });
   *
   * @throws InvalidOptionError
   */
  respond(options: RespondOptions): Responder {
    const { clock, entropy } = this.#engine.options;
    const responder = new Responder(this, clock, entropy, options);
    this.#responders.add(responder);
    void responder.finished.finally(() => this.#responders.delete(responder)).catch(() => undefined);
    return responder;
  }

  /** Whether runs that are driven here wait for tasks of these kinds. */
  isAwaited(kinds: readonly string[]): boolean {
    const offers = this.#engine.options.store.offers({ kinds, limit: MOST_LOOKED_AT });
    return offers.some(({ runId }) => this.#engine.runs.has(runId));
  }

  /** Gives back what its responders have. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.#responders, (responder) => responder.stop()));
  }

  /** @throws RuntimeError CORRUPT, BUSY, STORAGE */
  get(taskId: string): OpenTask | undefined {
    const { store, clock } = this.#engine.options;
    const offer = store.offer(taskId);
    return offer === undefined ? undefined : openTask(store, offer, clock.now());
  }

  /** Takes a task for a while; a heartbeat makes it longer. @throws InvalidOptionError */
  claim(taskId: string, { worker: given, lease }: ClaimOptions = {}): ClaimAnswer {
    const { store, clock, entropy } = this.#engine.options;
    const now = clock.now();
    const worker = nameOf(given) ?? `w_${entropy.token().slice(0, 8)}`;
    const leaseMs = leaseOf(lease);
    const told: { answer: Exclude<ClaimAnswer, { status: 'claimed' }>; taken: Taken | undefined } = {
      answer: { status: 'unknown' },
      taken: undefined,
    };
    const changed = store.changeOffer(
      taskId,
      (offer): OfferChange => {
        const stands = standing(offer, { worker, token: undefined }, now);
        if (stands === 'closed') told.answer = { status: 'closed' };
        else if (stands === 'busy') told.answer = busy(offer);
        else if (offer.opensAt > now) told.answer = { status: 'early', opensAt: offer.opensAt };
        else {
          const until = now + Math.min(leaseMs ?? offer.leaseMs, offer.leaseMs);
          const claim = { worker, token: entropy.token(), until };
          told.taken = { ...offer, claim };
          return { type: 'claim', claim };
        }
        return { type: 'keep' };
      },
      now,
    );
    if (changed === 'unknown') return this.#closedOrUnknown(taskId);
    const { taken } = told;
    if (taken === undefined) return told.answer;
    const { token, until } = taken.claim;
    return { status: 'claimed', claim: token, worker, until, task: openTask(store, taken, now) };
  }

  /** Says that somebody still works on it. @throws InvalidOptionError */
  heartbeat(taskId: string, by: ClaimantOptions & Pick<ClaimOptions, 'lease'>): HeartbeatAnswer {
    const { store, clock } = this.#engine.options;
    const now = clock.now();
    const who = claimantOf(by);
    const leaseMs = leaseOf(by.lease);
    let answer: HeartbeatAnswer = { status: 'lost' };
    const changed = store.changeOffer(
      taskId,
      (offer): OfferChange => {
        const stands = standing(offer, who, now);
        const { claim } = offer;
        if (stands === 'closed') answer = { status: 'closed' };
        if (stands !== 'holds' || claim === null) return { type: 'keep' };
        const until = Math.max(claim.until, now + Math.min(leaseMs ?? offer.leaseMs, offer.leaseMs));
        answer = { status: 'held', until };
        return { type: 'claim', claim: { ...claim, until } };
      },
      now,
    );
    return changed === 'unknown' ? this.#closedOrUnknown(taskId) : answer;
  }

  /** Gives a task back: others may have it at once. False where it was not held. @throws InvalidOptionError */
  release(taskId: string, by: ClaimantOptions): boolean {
    const { store, clock } = this.#engine.options;
    const now = clock.now();
    const who = claimantOf(by);
    let isReleased = false;
    store.changeOffer(
      taskId,
      (offer): OfferChange => {
        isReleased = standing(offer, who, now) === 'holds';
        return isReleased ? { type: 'claim', claim: null } : { type: 'keep' };
      },
      now,
    );
    return isReleased;
  }

  /**
   * Answers a task with its output. It is in the file when this returns.
   * @throws InvalidOptionError, UnserializableError, LimitError
   */
  complete(taskId: string, value: unknown, options: AnswerOptions = {}): TaskAck {
    const output = encodePayload('The answer', value, this.#engine.options.limits.payloadBytes);
    if (sealedOf(output) !== undefined)
      throw new InvalidArgumentError(
        'The answer is the handle of a secret; an external task gives plain values.',
      );
    return this.#answer(taskId, { status: 'done', output }, options);
  }

  /** Answers a task with a failure: it is tried again where its `retry` says so. @throws as complete */
  fail(
    taskId: string,
    message: string,
    options: AnswerOptions & { readonly details?: unknown } = {},
  ): TaskAck {
    const { payloadBytes } = this.#engine.options.limits;
    const details = encodePayload('The details', options.details ?? null, payloadBytes);
    return this.#answer(taskId, { status: 'failed', message: inWords(message), details }, options);
  }

  /** Gives a task up, whoever has claimed it: its call rejects with CancelledError. @throws InvalidOptionError */
  cancel(taskId: string, reason: string, options: AnswerOptions = {}): TaskAck {
    return this.#answer(taskId, { status: 'cancelled', reason: inWords(reason) }, options);
  }

  #answer(taskId: string, as: AnswerMessage['as'], options: AnswerOptions): TaskAck {
    const { store, clock, entropy } = this.#engine.options;
    const who = claimantOf(options);
    const given = keyOf(options.idempotencyKey);
    const messageId = `task ${taskId} ${given ?? entropy.ulid()}`;
    const runId = runOf(taskId);
    if (given !== undefined && runId !== undefined && store.knowsMessage(runId, messageId))
      return { status: 'duplicate', messageId };
    const offer = store.offer(taskId);
    if (offer === undefined) return this.#closedOrUnknown(taskId);
    const issues = as.status === 'done' ? this.#issues(offer, as.output) : [];
    if (issues.length > 0) return { status: 'invalid', issues };
    const { runId: owner, key } = offer;
    const message: AnswerMessage = {
      kind: 'taskAnswer',
      id: messageId,
      runId: owner,
      key,
      worker: who.worker,
      as,
    };
    return this.#post(taskId, message, who, clock.now());
  }

  #post(taskId: string, message: AnswerMessage, who: Claimant, now: Millis): TaskAck {
    const { store } = this.#engine.options;
    const { id: messageId } = message;
    const told: { ack: TaskAck } = { ack: { status: 'closed' } };
    const changed = store.changeOffer(
      taskId,
      (offer): OfferChange => {
        if (offer.answeredBy === messageId) told.ack = { status: 'duplicate', messageId };
        else {
          const stands = standing(offer, who, now);
          // Whoever gives it up need not have it.
          const mayAnswer = stands !== 'closed' && (message.as.status === 'cancelled' || stands !== 'busy');
          if (mayAnswer && stands !== 'lost') {
            told.ack = { status: 'accepted', messageId };
            return { type: 'answer', message };
          }
          told.ack = stands === 'busy' ? busy(offer) : { status: stands === 'lost' ? 'lost' : 'closed' };
        }
        return { type: 'keep' };
      },
      now,
    );
    if (changed === 'unknown') return this.#closedOrUnknown(taskId);
    if (changed === 'duplicate') return { status: 'duplicate', messageId };
    // It is committed: a run that is driven here need not look for it.
    if (told.ack.status === 'accepted') this.#engine.runs.get(runOf(taskId) ?? '')?.inbox.arrived(message);
    return told.ack;
  }

  /** What others can say of it by the description alone, and then the code of the run where it is at hand. */
  #issues(offer: Offer, output: Encoded): Refusal {
    const { store } = this.#engine.options;
    const { outputSchema } = offeredAt(store, offer);
    const issues = outputSchema === null ? [] : schemaIssues(outputSchema, decode(output));
    if (issues.length > 0) return issues;
    return this.#engine.runs.get(offer.runId)?.inbox.offers.refusal(offer.key, output) ?? [];
  }

  /** Whether there ever was such a task: the journal of its run is read, and only then. */
  #closedOrUnknown(taskId: string): Nowhere {
    const { store, clock } = this.#engine.options;
    const runId = runOf(taskId);
    if (runId === undefined || store.getRun(runId, clock.now()) === undefined) return { status: 'unknown' };
    for (let seq = 0; ;) {
      const page = store.read(runId, seq, 500);
      if (page.some(({ event }) => isOffered(event, taskId))) return { status: 'closed' };
      const last = page.at(-1);
      if (last === undefined) return { status: 'unknown' };
      seq = last.seq;
    }
  }
}

function isOffered(event: JournalEvent, taskId: string): boolean {
  if (event.type === 'RunForked') return event.offers?.some((offer) => offer.taskId === taskId) === true;
  return event.type === 'TaskOffered' && event.taskId === taskId;
}

/** Of the run that the id of a task begins with. */
function runOf(taskId: string): RunId | undefined {
  return /^(.+)\.[0-9a-f]{16}$/.exec(taskId)?.[1];
}

function busy({ claim }: Offer): Busy {
  return { status: 'busy', worker: claim?.worker ?? '', until: claim?.until ?? 0 };
}

/** @throws InvalidOptionError */
function claimantOf({ worker, claim }: ClaimantOptions): Claimant {
  if (claim !== undefined && typeof claim !== 'string')
    throw new InvalidOptionError('claim', claim, 'what claim() gave');
  return { worker: nameOf(worker) ?? 'somebody', token: claim };
}

function nameOf(worker: unknown): string | undefined {
  if (worker === undefined) return undefined;
  if (typeof worker === 'string' && worker !== '' && worker.length <= 200 && worker.isWellFormed())
    return worker;
  throw new InvalidOptionError('worker', worker, 'a name of 1 to 200 characters');
}

function keyOf(key: unknown): string | undefined {
  if (key === undefined) return undefined;
  if (typeof key === 'string' && key !== '' && key.length <= 200 && key.isWellFormed()) return key;
  throw new InvalidOptionError('idempotencyKey', key, 'a text of 1 to 200 characters');
}

function leaseOf(lease: Duration | undefined): number | undefined {
  if (lease === undefined) return undefined;
  const ms = durationMs(lease, 'lease');
  if (ms > 0) return ms;
  throw new InvalidOptionError('lease', lease, 'longer than 0');
}
