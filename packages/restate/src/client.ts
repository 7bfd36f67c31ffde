import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, InboxMessage, OpenTask, OpenWait, RunId } from '@pawl/runtime';
import {
  answerMessage,
  definitionOf,
  encodeAnswer,
  encodePayload,
  outputOf,
  reviveError,
  type AnyProcess,
} from '@pawl/runtime/elsewhere';
import { connect, Opts, type Ingress, type IngressWorkflowClient } from '@restatedev/restate-sdk-clients';
import { whole } from './large-result.ts';
import { INPUT, mailText, messageText } from './message-size.ts';
import type { RunRequest } from './messages.ts';
import { otherInputs, unknownInputs } from './one-run.ts';
import type { Compared, Posted, RunHandlers } from './run-service.ts';
import type { Mail } from './run-session.ts';

/** Of one value that is sent, in characters of JSON. */
const MOST_CHARS = 16 * 1024 * 1024;

const NOBODY = 'somebody';

/** A run that was accepted begins once a worker has room for it: so long it is waited for. */
const BEGIN_MS = 10_000;
const BEGIN_PAUSE_MS = 100;

type TaskAnswer = Extract<InboxMessage, { kind: 'taskAnswer' }>;

export interface AnswerOptions {
  /** Who did it. */
  readonly by?: string;
  /** The run whose task it is (default: this one). */
  readonly to?: RunId;
}

export interface ClientOptions {
  /** Address of Restate's ingress (default http://127.0.0.1:8080). */
  readonly ingress?: string;
}

/** A person's answer to `ctx.breakpoint`. */
export type Response = Parameters<typeof answerMessage>[2];

/** Runs on Restate, from outside. */
export class RestateClient {
  readonly #ingress: Ingress;

  constructor({ ingress = 'http://127.0.0.1:8080' }: ClientOptions = {}) {
    this.#ingress = connect({ url: ingress });
  }

  /**
   * Starts a run: it is in Restate when this resolves. One of the same id and the same inputs is that run.
   * @throws UnserializableError, LimitError; RuntimeError REFUSED where the id is that of a run with other inputs,
   *   BUSY where that run has not begun in ten seconds, and it is not known what its inputs are
   */
  async start<Inputs, Output>(
    process: AnyProcess<Inputs, Output> | string,
    inputs: NoInfer<Inputs>,
    { id = `run_${randomUUID()}` }: { readonly id?: RunId } = {},
  ): Promise<RestateRun<Output>> {
    const run = this.run<Output>(typeof process === 'string' ? process : definitionOf(process).name, id);
    await run.submit(inputs);
    return run;
  }

  /** A run that was started before, by the name of its process. */
  run<Output = unknown>(process: string, id: RunId): RestateRun<Output> {
    return new RestateRun<Output>(this.#ingress, process, id);
  }
}

export class RestateRun<Output = unknown> {
  readonly id: RunId;
  readonly process: string;
  readonly #ingress: Ingress;

  constructor(ingress: Ingress, process: string, id: RunId) {
    this.#ingress = ingress;
    this.process = process;
    this.id = id;
  }

  get #client(): IngressWorkflowClient<RunHandlers> {
    return this.#ingress.workflowClient<RunHandlers>({ name: this.process }, this.id);
  }

  async submit(inputs: unknown): Promise<void> {
    const encoded = encodePayload(INPUT, inputs, MOST_CHARS);
    const request: RunRequest = { inputs: encoded };
    messageText(INPUT, request);
    const { status } = await this.#client.workflowSubmit(request);
    if (status === 'PreviouslyAccepted') await this.#refuseOther(request);
  }

  async #refuseOther(request: RunRequest): Promise<void> {
    const signal = AbortSignal.timeout(BEGIN_MS);
    while (!signal.aborted) {
      const compared = await this.#compare(request, signal);
      if (compared === 'same') return;
      if (compared === 'other') throw otherInputs(this.id);
      await delay(BEGIN_PAUSE_MS);
    }
    throw unknownInputs(this.id, this.process);
  }

  async #compare(request: RunRequest, signal: AbortSignal): Promise<Compared> {
    try {
      return await this.#client.compare(request, Opts.from({ signal }));
    } catch (error) {
      if (signal.aborted) return 'notBegun';
      throw error;
    }
  }

  /** As `RunHandle.result`; of inputs that the process does not take, what it said of them. */
  async result(): Promise<Output> {
    const given = await this.#client.workflowAttach();
    const result = await whole(given, (n) => Promise.resolve(this.#client.piece(n)));
    if (result.status === 'refused') throw reviveError(result.error);
    // Restate gives back what the process returned, whose type is the run's.
    return outputOf(
      this.id,
      result.event,
      `Its invocation on Restate: workflow ${this.process}, key ${this.id}`,
    ) as Output;
  }

  /**
   * Sends a message to whoever waits for that name in the run, now or later. The same id twice is one message.
   * @param to a run that this one started (default: this one)
   */
  send(
    name: string,
    payload: unknown,
    { id = randomUUID(), to = this.id }: { readonly id?: string; readonly to?: RunId } = {},
  ): Promise<Posted> {
    const encoded = encodePayload(`The message '${name}'`, payload, MOST_CHARS);
    return this.#post({ to, message: { kind: 'signal', id, name, payload: encoded } });
  }

  /** Answers the question of `ctx.breakpoint` under that key; `waits` says which are open. */
  respond(key: string, response: Response, { to = this.id }: { readonly to?: RunId } = {}): Promise<Posted> {
    return this.#post({ to, message: answerMessage(to, key, response, MOST_CHARS) });
  }

  /** Says what became of an attempt whose end is not recorded. */
  resolve(key: string, as: Answer, { to = this.id }: { readonly to?: RunId } = {}): Promise<Posted> {
    const message = {
      kind: 'resolve',
      id: randomUUID(),
      runId: to,
      key,
      as: encodeAnswer(as, MOST_CHARS),
    } as const;
    return this.#post({ to, message });
  }

  /** Asks the run to give up. @param force gives up also what its scopes registered for their end */
  cancel(
    reason = 'asked by the program',
    { force = false }: { readonly force?: boolean } = {},
  ): Promise<Posted> {
    const message = { kind: 'cancel', id: randomUUID(), reason } as const;
    return this.#post({ to: this.id, message: force ? { ...message, force: true } : message });
  }

  /**
   * Answers a task that others do, by its key; `tasks` says which are open. Nobody claims one here: where several do it,
   * the first answer counts.
   */
  complete(key: string, value: unknown, { by = NOBODY, to = this.id }: AnswerOptions = {}): Promise<Posted> {
    const output = encodePayload('The answer', value, MOST_CHARS);
    return this.#answer(key, { status: 'done', output }, by, to);
  }

  /** Answers a task of others with a failure: it is tried again where its `retry` says so. */
  fail(key: string, message: string, { by = NOBODY, to = this.id }: AnswerOptions = {}): Promise<Posted> {
    return this.#answer(key, { status: 'failed', message, details: null }, by, to);
  }

  #answer(key: string, as: TaskAnswer['as'], worker: string, to: RunId): Promise<Posted> {
    const message: TaskAnswer = { kind: 'taskAnswer', id: randomUUID(), runId: to, key, worker, as };
    return this.#post({ to, message });
  }

  /** What the run and its sub-runs wait for from outside, the oldest first. */
  async waits(): Promise<readonly OpenWait[]> {
    return (await this.#client.shown()).waits;
  }

  /** Tasks of the run and its sub-runs that others do (`externalTask`) and that are open, up to 1,000. */
  async tasks(): Promise<readonly OpenTask[]> {
    const { tasks } = await this.#client.shown();
    return tasks.map((task) => openNow(task, Date.now()));
  }

  async #post(mail: Mail): Promise<Posted> {
    mailText(mail);
    return await this.#client.post(mail);
  }
}

/** A task that failed is open again when its time has come, which nobody records. */
function openNow(task: OpenTask, now: number): OpenTask {
  const isBack = task.status === 'backoff' && task.opensAt !== null && task.opensAt <= now;
  return isBack ? { ...task, status: 'open', opensAt: null } : task;
}
