import { checkAgainst, InvalidOptionError, type ProcessDefinition } from '@pawl/sdk';
import type { Engine } from './engine/engine.ts';
import { checkRunId, missingProcess } from './engine/refusals.ts';
import { RuntimeError } from './errors.ts';
import { identityText } from './journal/canonical.ts';
import { sealedOf } from './journal/codec.ts';
import type { CallKey } from './journal/call-key.ts';
import type { ForkedInputs, GivenResult, RunForked } from './journal/fork-event.ts';
import type { JournalEvent } from './journal/event.ts';
import type { Millis, RunId, Seq } from './journal/ids.ts';
import type { Offer, OfferNote } from './journal/offer.ts';
import type { JournalStore, RunRecord } from './ports/journal-store.ts';
import { encodePayload } from './process/payload.ts';
import { definitionOf } from './process/definition.ts';
import { runOf } from './find-run.ts';
import { eventsOf } from './run-events.ts';
import { OfferFold } from './store/offer-fold.ts';
import { sha256 } from './system.ts';
import { forkPlan, reuses, type ForkAsk, type ForkOptions } from './fork-asks.ts';
import type { ForkPlan } from './views/fork-plan.ts';

/** A fork that is recorded, and that nobody drives yet. */
export interface Forked extends ForkPlan {
  readonly id: RunId;
}

/**
 * Makes runs that share their beginning with others.
 *
 * Owns nothing. Talks to the store: a fork is there with one commit, and the run that it is of stays as it is.
 */
export class RunForker {
  readonly #engine: Engine;
  readonly #store: JournalStore;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#store = engine.options.store;
  }

  /** What a fork would keep and do again. @throws RuntimeError NOT_FOUND, REFUSED */
  plan(id: RunId, ask: ForkAsk): ForkPlan {
    return forkPlan(this.#store, runOf(this.#store, id, this.#engine.options.clock.now()), ask);
  }

  /**
   * Records it: in the file when this resolves, and owned by this runtime in epoch 1.
   * @throws as `plan`; ValidationError, UnserializableError
   */
  async make(id: RunId, ask: ForkAsk, definition: ProcessDefinition | undefined): Promise<Forked> {
    const { clock, entropy, limits } = this.#engine.options;
    const forkId = ask.id ?? `run_${entropy.ulid()}`;
    checkRunId(forkId);
    const set = Object.entries(ask.set ?? {}).map(([key, value]): GivenResult => ({
      key,
      output: encodePayload(`The result of call ${key}`, value, limits.payloadBytes),
    }));
    const inputs = 'inputs' in ask ? await this.#inputs(ask.inputs, definition) : undefined;
    const plan = this.plan(id, ask);
    const open = this.#look(id, plan.seq);
    // What was given for a run that failed before it came to that call is what its retry comes to, too.
    const given = ask.retries ? open.given.filter(({ key }) => key !== ask.at) : set;
    const at = Math.max(clock.now(), open.at);
    const event: RunForked = {
      type: 'RunForked',
      parentRunId: id,
      parentSeq: plan.seq,
      ...(open.recordedBy === id ? {} : { recordedBy: open.recordedBy }),
      seed: entropy.token(),
      ...(inputs === undefined ? {} : { inputs }),
      ...codeOf(ask, open.started),
      ...(given.length === 0 ? {} : { given }),
      ...(reuses(ask) ? { reuses: true } : {}),
      ...offersOf(forkId, open.offers.open),
    };
    const offers = new OfferFold(forkId, open.offers.open);
    offers.add({ seq: plan.seq + 1, at, event });
    const [answer] = this.#store.append(
      [
        {
          runId: forkId,
          epoch: 1,
          afterSeq: plan.seq,
          forkOf: id,
          events: [{ at, event }],
          consumed: [],
          notes: notesOf(plan.seq + 1, offers.open),
        },
      ],
      this.#engine.claim,
    );
    if (answer !== 'committed') throw this.#refused(id, forkId, plan.seq);
    return { id: forkId, ...plan };
  }

  #refused(id: RunId, forkId: RunId, seq: Seq): RuntimeError {
    if (this.#store.getRun(forkId, this.#engine.options.clock.now()) !== undefined)
      return taken(forkId, 'run');
    return this.#store.work.queuedStart(forkId) === undefined ? removed(id, seq) : taken(forkId, 'start');
  }

  /** It waits for whoever resumes it. */
  leave(id: RunId): void {
    this.#store.releaseLease(id, 1);
  }

  async #inputs(value: unknown, definition: ProcessDefinition | undefined): Promise<ForkedInputs> {
    const checked =
      definition?.input === undefined
        ? value
        : await checkAgainst(definition.input, value, `The input of process '${definition.name}'`);
    const { payloadBytes } = this.#engine.options.limits;
    const encoded = encodePayload('The input of the process', checked, payloadBytes);
    return { value: encoded, hash: sha256(identityText(encoded)) };
  }

  /** What the shared events leave open. @throws RuntimeError REFUSED where secrets among them are gone */
  #look(id: RunId, seq: Seq): Shared {
    const offers = new OfferFold(id);
    const hasKey = this.#store.keyOf(id) !== undefined;
    let at: Millis = 0;
    let started: Started = { module: null, codeHash: null };
    let recordedBy: RunId | undefined;
    const given = new Map<CallKey, GivenResult>();
    for (const recorded of eventsOf(this.#store, id)) {
      const { event } = recorded;
      if (event.type === 'RunForked' && event.parentSeq >= seq)
        recordedBy ??= event.recordedBy ?? event.parentRunId;
      if (event.type === 'RunForked') for (const each of event.given ?? []) given.set(each.key, each);
      if (recorded.seq > seq) continue;
      if (event.type === 'TaskSucceeded') given.delete(event.key);
      offers.add(recorded);
      at = recorded.at;
      if (event.type === 'RunStarted') started = event;
      if (event.type === 'RunForked' && event.code !== undefined) started = event.code;
      if (event.type === 'CodeAccepted') started = { ...started, codeHash: event.codeHash };
      const secret = hasKey ? undefined : secretIn(event);
      if (secret !== undefined) throw secretGone(id, secret);
    }
    return { offers, at, started, recordedBy: recordedBy ?? id, given: [...given.values()] };
  }
}

type Started = NonNullable<RunForked['code']>;

interface Shared {
  readonly offers: OfferFold;
  readonly at: Millis;
  readonly started: Started;
  /** The run that recorded the last of them. */
  readonly recordedBy: RunId;
  /** Results that forks were given, of calls that have not come to them. */
  readonly given: readonly GivenResult[];
}

/** Recorded where it is another than that of the run. */
function codeOf(ask: ForkAsk, { module, codeHash }: Started): Pick<RunForked, 'code'> {
  const code = {
    module: ask.module ?? module,
    codeHash: ask.codeHash === undefined ? codeHash : ask.codeHash,
  };
  return code.module === module && code.codeHash === codeHash ? {} : { code };
}

function offersOf(forkId: RunId, open: ReadonlyMap<CallKey, Offer>): Pick<RunForked, 'offers'> {
  if (open.size === 0) return {};
  // An id begins with that of its run.
  const own = (taskId: string): string => `${forkId}${taskId.slice(taskId.lastIndexOf('.'))}`;
  return { offers: [...open].map(([key, { taskId }]) => ({ key, taskId: own(taskId) })) };
}

function notesOf(seq: Seq, open: ReadonlyMap<CallKey, Offer>): OfferNote[] {
  return [...open.values()].map((offer) => ({ kind: 'offered', seq, offer }));
}

/** The call that took a secret: its value is gone with the end of the run. */
function secretIn(event: JournalEvent): CallKey | undefined {
  const isMessage = event.type === 'SignalReceived' || event.type === 'TaskSignalReceived';
  return isMessage && sealedOf(event.payload) !== undefined ? event.key : undefined;
}

function secretGone(id: RunId, key: CallKey): RuntimeError {
  return new RuntimeError(
    'REFUSED',
    `Run ${id} has ended, and with it the value of the secret that call ${key} received: a fork could not use it.`,
    {
      hint: `Begin there, and send the secret to the fork: pawl fork ${id} --at ${key} --reuse`,
      data: { runId: id, key },
    },
  );
}

function taken(id: RunId, by: 'run' | 'start'): RuntimeError {
  const what = by === 'run' ? `a run ${id} already` : `a start ${id} that waits for a worker`;
  return new RuntimeError('REFUSED', `There is ${what}; one id is one run.`, {
    hint: 'Fork under another id, or none',
    data: { runId: id },
  });
}

function removed(id: RunId, seq: Seq): RuntimeError {
  return new RuntimeError('REFUSED', `Event ${seq} of run ${id} is one of those that a reduce has folded.`, {
    hint: `See what is there: pawl events ${id}`,
    data: { runId: id, seq },
  });
}

/** The code of a fork. @throws RuntimeError NOT_FOUND; InvalidOptionError */
export function forkedProcess(
  options: ForkOptions,
  known: ReadonlyMap<string, ProcessDefinition>,
  { runId, process }: RunRecord,
): ProcessDefinition {
  const { at, afterSeq } = options;
  if (afterSeq !== undefined && !(Number.isSafeInteger(afterSeq) && afterSeq >= 1))
    throw new InvalidOptionError('afterSeq', afterSeq, 'the number of an event, from 1 on');
  if (afterSeq !== undefined && at !== undefined)
    throw new InvalidOptionError('afterSeq', afterSeq, 'left out where `at` is given');
  if ('set' in options && (typeof options.set !== 'object' || options.set === null))
    throw new InvalidOptionError('set', options.set, 'an object of results by the key of their call');
  const definition = options.process === undefined ? known.get(process) : definitionOf(options.process);
  if (definition === undefined) throw missingProcess(runId, process);
  return definition;
}
