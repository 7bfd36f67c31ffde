import { InvalidArgumentError, InvalidOptionError } from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import { sealedOf } from '../journal/codec.ts';
import type { RunId } from '../journal/ids.ts';
import type { InboxMessage, RunRecord } from '../ports/journal-store.ts';
import { RuntimeError } from '../errors.ts';
import { withAnswers } from '../kernel/breakpoint.ts';
import type { CallState } from '../kernel/state.ts';
import { encodePayload } from '../process/payload.ts';
import { encodeAnswer, inWords, type Answer } from './answer.ts';
import { cancelRun, postTo } from './cancel-run.ts';
import type { Engine } from './engine.ts';
import { foldRun } from './fold-run.ts';
import { ONLY_SECRET, type Refusal } from './mailbox.ts';
import { PastQuestions } from './past-questions.ts';
import { postedAnswers } from './posted-answers.ts';
import { answerIdOf, answerMessage, misfits, type AnswerMessage, type Response } from './response.ts';
import type { RunDriver } from './run-driver.ts';

/** What became of a message. */
export type Ack =
  | { readonly status: 'accepted'; readonly messageId: string }
  /** A message of this id was sent before; it counts once. */
  | { readonly status: 'duplicate'; readonly messageId: string }
  /** The wait for it takes another form: nothing was sent. */
  | { readonly status: 'invalid'; readonly issues: Refusal }
  /** The run has ended. */
  | { readonly status: 'closed' }
  | { readonly status: 'unknown' };

/**
 * What a cancel came to. 'asked': whoever drives the run gives it up. 'cancelled': nobody drove it. 'ended': it had ended.
 * 'removed': it had not begun, and was taken out of the queue.
 */
export type Cancelled = 'asked' | 'cancelled' | 'ended' | 'removed';

/** Open external tasks of one run that are looked through. */
const MOST_OFFERS = 100_000;

interface OpenWait {
  readonly kind: string;
  readonly key: CallKey;
  readonly name: string;
  readonly secret: boolean;
}

export interface SendOptions {
  /** The same id twice is one message (default: a new one). */
  readonly id?: string | undefined;
  /** Kept only encrypted, for `ctx.receive(name, { secret: true })`. Default: whether the run waits for it so. */
  readonly secret?: boolean | undefined;
}

/**
 * What this program sends to runs, whoever drives them.
 *
 * Owns nothing. Talks to the store, and to the run where it is driven here. Invariant: a message is kept in the
 * journal's file first, so that a crash loses none that was taken.
 */
export class Messenger {
  readonly #engine: Engine;
  readonly #mustGet: (id: RunId) => RunRecord;
  readonly #waits: (id: RunId) => readonly OpenWait[];
  readonly #past: PastQuestions;

  /**
   * @param mustGet the run; throws NOT_FOUND
   * @param waits what its journal says that it waits for
   */
  constructor(engine: Engine, mustGet: (id: RunId) => RunRecord, waits: (id: RunId) => readonly OpenWait[]) {
    this.#engine = engine;
    this.#mustGet = mustGet;
    this.#waits = waits;
    this.#past = new PastQuestions(engine.options.store);
  }

  cancel(id: RunId, reason: string, isForced: boolean): Cancelled {
    const { store, clock } = this.#engine.options;
    // A worker may begin it meanwhile; then it is a run.
    if (!this.#isBegun(id) && store.work.removeStart(id)) return 'removed';
    const active = this.#engine.runs.get(id);
    // One that was started a moment ago is not in the journal yet.
    const record = active === undefined ? this.#mustGet(id) : store.getRun(id, clock.now());
    if (record !== undefined && record.status !== 'running') return 'ended';
    // Whatever a JavaScript caller gives, it is told in words.
    const message = { kind: 'cancel', id: this.#newId(), reason: inWords(reason) } as const;
    return cancelRun(this.#engine, id, isForced ? { ...message, force: true } : message);
  }

  #isBegun(id: RunId): boolean {
    const { store, clock } = this.#engine.options;
    return this.#engine.runs.has(id) || store.getRun(id, clock.now()) !== undefined;
  }

  resolve(id: RunId, key: CallKey, as: Answer): void {
    const record = this.#mustGet(id);
    const wait = this.#waits(id).find((open) => open.key === key);
    if (wait !== undefined && wait.kind !== 'outcome') {
      const isQuestion = wait.kind === 'breakpoint';
      throw new RuntimeError(
        'REFUSED',
        `Call ${key} of run ${id} waits for ${isQuestion ? 'an answer' : 'a message'}.`,
        {
          hint: isQuestion
            ? `Answer it: pawl approve ${id} ${key}   (or pawl reject)`
            : `Send it: pawl send ${id} ${wait.name} <json>`,
        },
      );
    }
    if (
      this.#engine.options.store.offers({ runId: id, limit: MOST_OFFERS }).some((offer) => offer.key === key)
    ) {
      throw new RuntimeError('REFUSED', `Call ${key} of run ${id} is done by somebody else.`, {
        hint: `Answer it: pawl task complete ${key} --run ${id} --value <json>`,
      });
    }
    if (!record.asked.includes(key)) {
      throw new RuntimeError('NOT_FOUND', `Run ${id} asks nothing about call ${key}.`, {
        hint:
          record.asked.length === 0
            ? `See the run: pawl show ${id}`
            : `It asks about: ${record.asked.join(', ')}`,
      });
    }
    this.#post(this.#engine.runs.get(id), id, {
      kind: 'resolve',
      id: this.#newId(),
      runId: id,
      key,
      as: encodeAnswer(as, this.#engine.options.limits.payloadBytes),
    });
  }

  /** Only to a question that is open: people answer what they have read. */
  respond(id: RunId, meant: CallKey | (() => CallKey), response: Response): Ack {
    const { store, clock, limits } = this.#engine.options;
    const answerId = answerIdOf(response);
    // Before the question is looked for: by now it may be another one.
    if (answerId !== undefined && store.isPosted(id, answerId))
      return { status: 'duplicate', messageId: answerId };
    const key = typeof meant === 'function' ? meant() : meant;
    const message = answerMessage(id, key, response, limits.payloadBytes);
    const duplicate = { status: 'duplicate', messageId: message.id } as const;
    const record = store.getRun(id, clock.now());
    if (record === undefined) return { status: 'unknown' };
    if (record.status !== 'running') return { status: 'closed' };
    const active = this.#engine.runs.get(id);
    const past = active?.state.calls.has(key) === false ? this.#past.get(active, key) : 'open';
    if (past !== 'open') return { status: past === 'settled' ? 'closed' : 'unknown' };
    const call = this.#call(id, key);
    if (call?.kind !== 'breakpoint') return { status: 'unknown' };
    if (call.phase !== 'pending') return { status: 'closed' };
    const issues = misfits(call, message);
    if (issues.length > 0) return { status: 'invalid', issues };
    const { counted, outcome } = withAnswers(call, postedAnswers(store, id, key));
    if ([...call.answers, ...counted].some(({ by }) => by === message.by)) return duplicate;
    if (outcome !== undefined) return { status: 'closed' };
    const posted = this.#post(active, id, message);
    if (posted === 'closed' || posted === 'unknown') return { status: posted };
    if (posted === 'duplicate') return duplicate;
    return this.#cameTooLate(id, message)
      ? { status: 'closed' }
      : { status: 'accepted', messageId: message.id };
  }

  /** Another program's answer may have come between the look and the post, and decided. */
  #cameTooLate(id: RunId, { id: messageId, key, by }: AnswerMessage): boolean {
    const call = this.#call(id, key);
    if (call?.kind !== 'breakpoint' || call.answers.some((answer) => answer.by === by)) return false;
    if (call.phase !== 'pending') return true;
    const { counted, outcome } = withAnswers(call, postedAnswers(this.#engine.options.store, id, key));
    return outcome !== undefined && counted.every((answer) => answer.id !== messageId);
  }

  #call(id: RunId, key: CallKey): CallState | undefined {
    // A call that is settled may be forgotten by the live state.
    const live = this.#engine.runs.get(id)?.state.calls.get(key);
    return live ?? foldRun(this.#engine.options.store, id).state.calls.get(key);
  }

  send(id: RunId, name: string, payload: unknown, { id: messageId, secret }: SendOptions): Ack {
    if (typeof name !== 'string' || name === '' || name.length > 200)
      throw new InvalidArgumentError(
        'A message has a name of 1 to 200 characters: send(run, name, payload).',
      );
    if (
      messageId !== undefined &&
      (typeof messageId !== 'string' || messageId === '' || messageId.length > 200)
    )
      throw new InvalidArgumentError('The id of a message has 1 to 200 characters.');
    if (secret !== undefined && typeof secret !== 'boolean')
      throw new InvalidOptionError('secret', secret, 'true or false');
    const encoded = encodePayload(`The message '${name}'`, payload, this.#engine.options.limits.payloadBytes);
    const active = this.#engine.runs.get(id);
    if (sealedOf(encoded) !== undefined)
      throw new InvalidArgumentError(`The message '${name}' is a secret's handle; send its value.`);
    const isWaited = this.#isWaitedForAsSecret(active, id, name);
    const isSecret = secret ?? isWaited;
    // Also where another program drives the run: it must not get into the file as it is.
    if (isWaited && !isSecret) return { status: 'invalid', issues: [ONLY_SECRET] };
    const issues = active?.inbox.refusal(name, { value: encoded, isSecret });
    if (issues !== undefined) return { status: 'invalid', issues };
    const sealed = isSecret ? this.#engine.options.vault.seal(id, encoded) : undefined;
    if (sealed !== undefined && sealed.status !== 'sealed') return sealed;
    const stored = sealed?.payload ?? encoded;
    const message = { kind: 'signal', id: messageId ?? this.#newId(), name, payload: stored } as const;
    const posted = this.#post(active, id, message);
    return posted === 'closed' || posted === 'unknown'
      ? { status: posted }
      : { status: posted === 'posted' ? 'accepted' : 'duplicate', messageId: message.id };
  }

  #isWaitedForAsSecret(active: RunDriver | undefined, id: RunId, name: string): boolean {
    const known = active?.inbox.takesSecret(name);
    if (known !== undefined) return known;
    const { store, clock } = this.#engine.options;
    const record = store.getRun(id, clock.now());
    // The whole journal is read, and only where it says that something is waited for.
    if (record?.status !== 'running' || record.asked.length === 0) return false;
    return this.#waits(id).find((wait) => wait.kind === 'message' && wait.name === name)?.secret ?? false;
  }

  #post(
    active: RunDriver | undefined,
    id: RunId,
    message: InboxMessage,
  ): 'posted' | 'duplicate' | 'unknown' | 'closed' {
    return postTo(this.#engine, active, id, message);
  }

  #newId(): string {
    return this.#engine.options.entropy.ulid();
  }
}
