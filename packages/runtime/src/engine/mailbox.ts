import { checkAgainst, ValidationError, type ValidationIssue } from '@pawl/sdk';
import { canonical } from '../journal/canonical.ts';
import { decode, sealedOf } from '../journal/codec.ts';
import type { Encoded } from '../journal/event.ts';
import type { Report } from '../kernel/input.ts';
import { openWait, type RunState } from '../kernel/state.ts';
import { inWords } from '../journal/in-words.ts';
import { assert } from '../journal/invariant.ts';
import type { InboxMessage } from '../ports/journal-store.ts';
import type { ProcessHost } from '../process/host.ts';
import type { MessageWait } from '../process/open-call.ts';
import { encodePayload } from '../process/payload.ts';
import { AttemptWaits } from './attempt-waits.ts';
import { Redaction } from './redaction.ts';
import type { Vault } from './vault.ts';

/** What a message holds, and whether it is for a wait that takes secrets. */
export interface Plain {
  readonly value: Encoded;
  readonly isSecret: boolean;
}

type SignalMessage = Extract<InboxMessage, { kind: 'signal' }>;

/** Why a payload is not what the wait for it takes; none where it is. */
export type Refusal = readonly ValidationIssue[];

/** A message that was taken out. */
interface Next {
  readonly message: SignalMessage;
  readonly superseded: readonly string[];
  readonly report: Report | Refusal;
}

/** The wait that the next message of a name is for. */
interface FirstWait {
  readonly wait: MessageWait | undefined;
  /** What it means that it gets the message; decided at once. */
  take(messageId: string, payload: Encoded, superseded: readonly string[]): Report;
}
type Checked = { readonly value: Encoded; readonly refusal?: undefined } | { readonly refusal: Refusal };

export const ONLY_SECRET: ValidationIssue = {
  path: '$',
  message: 'the wait takes it as a secret only: send it encrypted',
};
const NO_SECRET: ValidationIssue = { path: '$', message: 'the wait takes no secret' };

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
  readonly #vault: Vault;
  readonly #waiting = new Map<string, SignalMessage[]>();
  readonly attemptWaits: AttemptWaits;

  constructor(state: Readonly<RunState>, host: ProcessHost, payloadBytes: number, vault: Vault) {
    this.#state = state;
    this.#host = host;
    this.#payloadBytes = payloadBytes;
    this.attemptWaits = new AttemptWaits(state);
    this.#vault = vault;
  }

  add(message: SignalMessage): void {
    const list = this.#waiting.get(message.name);
    if (list === undefined) this.#waiting.set(message.name, [message]);
    else list.push(message);
  }

  /**
   * Takes the next message of this name out, and says what it means to the rules now; undefined where nothing
   * takes it. `superseded` are older ones that go with it.
   */
  next(name: string): Next | undefined {
    const waiting = this.#waiting.get(name) ?? [];
    const first = waiting.length === 0 ? undefined : this.#first(name);
    const isLatest = first?.wait?.latest === true;
    const message = isLatest ? waiting.at(-1) : waiting[0];
    if (message === undefined || first === undefined) return undefined;
    const payload = this.#payload(first.wait, message.payload);
    const isRefused = payload.refusal !== undefined;
    // One that is refused supersedes nothing.
    const superseded = isLatest && !isRefused ? waiting.slice(0, -1).map(({ id }) => id) : [];
    if (!isLatest) waiting.shift();
    else waiting.splice(-1 - superseded.length);
    if (waiting.length === 0) this.#waiting.delete(name);
    if (isRefused) return { message, superseded, report: payload.refusal };
    return { message, superseded, report: first.take(message.id, payload.value, superseded) };
  }

  /** Whoever waited first, in the process or in an attempt. */
  #first(name: string): FirstWait | undefined {
    const key = openWait(this.#state, name);
    const opened = this.attemptWaits.first(name);
    const seq = key === undefined ? Infinity : (this.#state.calls.get(key)?.seq ?? Infinity);
    if (key !== undefined && (opened === undefined || seq <= opened.after)) {
      return {
        wait: this.#host.openCalls.get(key)?.wait,
        take: (messageId, payload, superseded) => ({
          type: 'SignalTaken',
          key,
          messageId,
          payload,
          superseded,
        }),
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

  /** @throws RuntimeError REFUSED where a secret must be looked into, and cannot be here */
  #payload(wait: MessageWait | undefined, payload: Encoded): Checked {
    const sealed = sealedOf(payload);
    if (sealed === undefined) return this.#checked(wait, { value: payload, isSecret: false });
    if (wait?.isSecret !== true) return { refusal: [NO_SECRET] };
    if (wait.schema === undefined) return { value: payload };
    const { runId } = this.#host;
    const plain = this.#vault.open(runId, sealed);
    const checked = this.#checked(wait, { value: plain, isSecret: true });
    if (checked.refusal !== undefined) return checked;
    if (canonical(checked.value) === canonical(plain)) return { value: payload };
    const anew = this.#vault.seal(runId, checked.value);
    assert(anew.status === 'sealed', 'J6', 'a run that takes messages has not ended');
    return { value: anew.payload };
  }

  /** Whether who waits first for this name takes secrets; undefined where nobody does. */
  takesSecret(name: string): boolean | undefined {
    return this.#first(name)?.wait?.isSecret;
  }

  /** Whether the wait that a message would be for refuses it; none where nothing waits for it yet. */
  refusal(name: string, plain: Plain): Refusal | undefined {
    const first = this.#waiting.has(name) ? undefined : this.#first(name);
    return first === undefined ? undefined : this.#checked(first.wait, plain).refusal;
  }

  #checked(wait: MessageWait | undefined, { value: payload, isSecret }: Plain): Checked {
    if (wait !== undefined && wait.isSecret !== isSecret)
      return { refusal: [wait.isSecret ? ONLY_SECRET : NO_SECRET] };
    const checked = this.#againstSchema(wait, payload);
    if (!isSecret || checked.refusal === undefined) return checked;
    // A schema may quote what it refuses.
    const redaction = Redaction.of([payload]);
    return {
      refusal: checked.refusal.map(({ path, message }) => ({ path, message: redaction.text(message) })),
    };
  }

  #againstSchema(wait: MessageWait | undefined, payload: Encoded): Checked {
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
      return { refusal: [{ path: '$', message: inWords(error) }] };
    }
  }
}
