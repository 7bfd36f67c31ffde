import { checkAgainst, ValidationError, type ValidationIssue } from '@pawl/sdk';
import { decode } from '../journal/codec.ts';
import type { Encoded } from '../journal/event.ts';
import type { Report } from '../kernel/input.ts';
import { openWait, type RunState } from '../kernel/state.ts';
import type { InboxMessage } from '../ports/journal-store.ts';
import type { ProcessHost } from '../process/host.ts';
import type { OpenWait } from '../process/open-call.ts';
import { encodePayload } from '../process/payload.ts';
import { AttemptWaits } from './attempt-waits.ts';

type SignalMessage = Extract<InboxMessage, { kind: 'signal' }>;

/** Why a payload is not what the wait for it takes; none where it is. */
export type Refusal = readonly ValidationIssue[];

/** The wait that the next message of a name is for. */
interface FirstWait {
  readonly wait: OpenWait | undefined;
  /** What it means that it gets the message; decided at once. */
  take(messageId: string, payload: Encoded): Report;
}

/**
 * Messages for a run that nobody has taken yet, by name, in the order of their arrival.
 *
 * Owns the messages. Talks to the run by `report`, for one message of a name at a time.
 * Invariant: a message leaves the store's inbox in the commit of its SignalReceived or TaskSignalReceived, never before.
 */
export class Mailbox {
  readonly #state: Readonly<RunState>;
  readonly #host: ProcessHost;
  readonly #payloadBytes: number;
  readonly #waiting = new Map<string, SignalMessage[]>();
  readonly attemptWaits: AttemptWaits;

  constructor(state: Readonly<RunState>, host: ProcessHost, payloadBytes: number) {
    this.#state = state;
    this.#host = host;
    this.#payloadBytes = payloadBytes;
    this.attemptWaits = new AttemptWaits(state);
  }

  add(message: SignalMessage): void {
    const list = this.#waiting.get(message.name);
    if (list === undefined) this.#waiting.set(message.name, [message]);
    else list.push(message);
  }

  /** What the next message of this name means to the rules now; undefined where nothing takes it. */
  next(name: string): { readonly message: SignalMessage; readonly report: Report | Refusal } | undefined {
    const message = this.#waiting.get(name)?.[0];
    const first = message === undefined ? undefined : this.#first(name);
    if (message === undefined || first === undefined) return undefined;
    const payload = this.#checked(first.wait, message.payload);
    if (payload.refusal !== undefined) return { message, report: payload.refusal };
    return { message, report: first.take(message.id, payload.value) };
  }

  /** Whoever waited first, in the process or in an attempt. */
  #first(name: string): FirstWait | undefined {
    const key = openWait(this.#state, name);
    const opened = this.attemptWaits.first(name);
    const seq = key === undefined ? Infinity : (this.#state.calls.get(key)?.seq ?? Infinity);
    if (key !== undefined && (opened === undefined || seq <= opened.after)) {
      return {
        wait: this.#host.openCalls.get(key)?.wait,
        take: (messageId, payload) => ({ type: 'SignalTaken', key, messageId, payload }),
      };
    }
    if (opened === undefined) return undefined;
    const { wait } = opened;
    return {
      wait,
      take: (messageId, payload) => {
        this.attemptWaits.close(wait);
        wait.taken();
        return { type: 'TaskSignalTaken', key: wait.key, attempt: wait.attempt, name, messageId, payload };
      },
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
    const first = this.#waiting.has(name) ? undefined : this.#first(name);
    return first === undefined ? undefined : this.#checked(first.wait, payload).refusal;
  }

  #checked(
    wait: OpenWait | undefined,
    payload: Encoded,
  ): { readonly value: Encoded; readonly refusal?: undefined } | { readonly refusal: Refusal } {
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
