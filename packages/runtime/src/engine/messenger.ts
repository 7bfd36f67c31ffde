import { InvalidArgumentError } from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import type { RunId } from '../journal/ids.ts';
import type { InboxMessage, RunRecord } from '../ports/journal-store.ts';
import { RuntimeError } from '../errors.ts';
import { encodePayload } from '../process/payload.ts';
import { encodeAnswer, inWords, type Answer } from './answer.ts';
import { cancelRun, postTo } from './cancel-run.ts';
import type { Engine } from './engine.ts';
import type { Refusal } from './mailbox.ts';
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
 * What this program sends to runs, whoever drives them.
 *
 * Owns nothing. Talks to the store, and to the run where it is driven here. Invariant: a message is kept in the
 * journal's file first, so that a crash loses none that was taken.
 */
export class Messenger {
  readonly #engine: Engine;
  readonly #mustGet: (id: RunId) => RunRecord;

  /** @param mustGet the run; throws NOT_FOUND */
  constructor(engine: Engine, mustGet: (id: RunId) => RunRecord) {
    this.#engine = engine;
    this.#mustGet = mustGet;
  }

  cancel(id: RunId, reason: string): 'asked' | 'cancelled' | 'ended' {
    const { store, clock } = this.#engine.options;
    const active = this.#engine.runs.get(id);
    // One that was started a moment ago is not in the journal yet.
    const record = active === undefined ? this.#mustGet(id) : store.getRun(id, clock.now());
    if (record !== undefined && record.status !== 'running') return 'ended';
    // Whatever a JavaScript caller gives, it is told in words.
    const message = { kind: 'cancel', id: this.#newId(), reason: inWords(reason) } as const;
    return cancelRun(this.#engine, id, message);
  }

  resolve(id: RunId, key: CallKey, as: Answer): void {
    const record = this.#mustGet(id);
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
      key,
      as: encodeAnswer(as, this.#engine.options.limits.payloadBytes),
    });
  }

  send(id: RunId, name: string, payload: unknown, messageId: string | undefined): Ack {
    if (typeof name !== 'string' || name === '' || name.length > 200)
      throw new InvalidArgumentError(
        'A message has a name of 1 to 200 characters: send(run, name, payload).',
      );
    if (
      messageId !== undefined &&
      (typeof messageId !== 'string' || messageId === '' || messageId.length > 200)
    )
      throw new InvalidArgumentError('The id of a message has 1 to 200 characters.');
    const encoded = encodePayload(`The message '${name}'`, payload, this.#engine.options.limits.payloadBytes);
    const active = this.#engine.runs.get(id);
    const issues = active?.inbox.refusal(name, encoded);
    if (issues !== undefined) return { status: 'invalid', issues };
    const message = { kind: 'signal', id: messageId ?? this.#newId(), name, payload: encoded } as const;
    const posted = this.#post(active, id, message);
    return posted === 'closed' || posted === 'unknown'
      ? { status: posted }
      : { status: posted === 'posted' ? 'accepted' : 'duplicate', messageId: message.id };
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
