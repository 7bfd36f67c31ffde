import { checkAgainst, ValidationError, type ValidationIssue } from '@pawl/sdk';
import { decode } from '../journal/codec.ts';
import type { CallKey } from '../journal/call-key.ts';
import type { Encoded } from '../journal/event.ts';
import type { Report } from '../kernel/input.ts';
import { openWait, type RunState } from '../kernel/state.ts';
import type { InboxMessage } from '../ports/journal-store.ts';
import type { ProcessHost } from '../process/host.ts';
import { encodePayload } from '../process/payload.ts';

type SignalMessage = Extract<InboxMessage, { kind: 'signal' }>;

/** Why a payload is not what the wait for it takes; none where it is. */
export type Refusal = readonly ValidationIssue[];

/**
 * Messages for a run that nobody has taken yet, by name, in the order of their arrival.
 *
 * Owns the messages. Talks to the run by `report`, for one message of a name at a time.
 * Invariant: a message leaves the store's inbox in the commit of its SignalReceived, never before.
 */
export class Mailbox {
  readonly #state: Readonly<RunState>;
  readonly #host: ProcessHost;
  readonly #payloadBytes: number;
  readonly #waiting = new Map<string, SignalMessage[]>();

  constructor(state: Readonly<RunState>, host: ProcessHost, payloadBytes: number) {
    this.#state = state;
    this.#host = host;
    this.#payloadBytes = payloadBytes;
  }

  add(message: SignalMessage): void {
    const list = this.#waiting.get(message.name);
    if (list === undefined) this.#waiting.set(message.name, [message]);
    else list.push(message);
  }

  /** What the next message of this name means to the rules now; undefined where nothing takes it. */
  next(name: string): { readonly message: SignalMessage; readonly report: Report | Refusal } | undefined {
    const message = this.#waiting.get(name)?.[0];
    const key = message === undefined ? undefined : openWait(this.#state, name);
    if (message === undefined || key === undefined) return undefined;
    const payload = this.#checked(key, message.payload);
    if (payload.refusal !== undefined) return { message, report: payload.refusal };
    return {
      message,
      report: { type: 'SignalTaken', key, messageId: message.id, payload: payload.value },
    };
  }

  taken(message: SignalMessage): void {
    const list = this.#waiting.get(message.name);
    if (list?.[0] !== message) return;
    list.shift();
    if (list.length === 0) this.#waiting.delete(message.name);
  }

  /** Whether the wait that a message would be for refuses it; none where nothing waits for it yet. */
  refusal(name: string, payload: Encoded): Refusal | undefined {
    const key = this.#waiting.has(name) ? undefined : openWait(this.#state, name);
    return key === undefined ? undefined : this.#checked(key, payload).refusal;
  }

  #checked(
    key: CallKey,
    payload: Encoded,
  ): { readonly value: Encoded; readonly refusal?: undefined } | { readonly refusal: Refusal } {
    const wait = this.#host.openCalls.get(key)?.wait;
    if (wait?.schema === undefined) return { value: payload };
    const what = `The message '${wait.name}'`;
    try {
      const value = checkAgainst(wait.schema, decode(payload), what);
      if (value instanceof Promise) {
        value.catch(() => undefined);
        return { refusal: [{ path: '$', message: 'the schema of a receive must answer at once' }] };
      }
      return { value: encodePayload(what, value, this.#payloadBytes) };
    } catch (error) {
      if (error instanceof ValidationError) return { refusal: error.issues };
      return { refusal: [{ path: '$', message: error instanceof Error ? error.message : String(error) }] };
    }
  }
}
