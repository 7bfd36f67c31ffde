/**
 * Runs on Restate, for those who look at them and answer them from outside, with the views of a journal in a file.
 *
 * Owns a copy in memory of the journals that are asked for, read through the admin interface. Talks to Restate: it sends,
 * through the ingress, what was left in the copy for runs. Invariant: what is sent is in Restate when `change` resolves.
 */
import { openRuntime, type JournalReader, type RunId, type Runtime } from '@pawl/runtime';
import { encodePayload, readStore } from '@pawl/runtime/elsewhere';
import { RuntimeError } from '@pawl/runtime/errors';
import { setTimeout as delay } from 'node:timers/promises';
import { restateAddress, type RestateAddress } from './address.ts';
import { Admin, problemOf } from './admin.ts';
import { invocationsOf, isSetBack, mailOf, type About } from './invocations.ts';
import { JournalCopy } from './journal-copy.ts';
import { INPUT, mailText, messageText } from './message-size.ts';
import type { RunRequest } from './messages.ts';
import type { Invocation, MirrorStore, Sent } from './mirror-store.ts';
import { inputsHash, otherInputs, unknownInputs } from './one-run.ts';
import type { Posted } from './run-service.ts';
import type { Mail } from './run-session.ts';

const FRESH_EVERY_MS = 300;
/** A worker that is there answers in a moment. */
const ANSWER_MS = 5000;
const SEEN_MS = 10_000;
const LOOK_MS = 50;
const MOST_CHARS = 16 * 1024 * 1024;
/** Of which one may be meant that is not there. */
const NEAREST_OF = 50;
const LONG_BODY = 500;

/** What of it stays, while somebody looks. */
export interface Looked {
  readonly reader: JournalReader;
  readonly runtime: Runtime;
  /** What was left for runs is in Restate then. @throws RuntimeError */
  readonly sent: () => Promise<void>;
}

export class RestateJournals {
  readonly #address: RestateAddress;
  readonly #admin: Admin;
  readonly #copy: JournalCopy;
  readonly #warn: (message: string) => void;

  /** @param warn told what does not hinder it. @throws RuntimeError USAGE */
  constructor(address: string, warn: (message: string) => void = () => undefined) {
    this.#address = restateAddress(address);
    this.#admin = new Admin(this.#address);
    this.#copy = new JournalCopy(this.#admin);
    this.#warn = warn;
  }

  get #store(): MirrorStore {
    return this.#copy.store;
  }

  /** What is recorded meanwhile comes, while `look` goes on. @throws RuntimeError NOT_FOUND, REFUSED, STORAGE */
  async look<T>(about: About, look: (looked: Looked) => T | Promise<T>): Promise<T> {
    await this.#load(about);
    const runtime = await openRuntime({ store: this.#store, keepLogs: false });
    const stop = new AbortController();
    // It may wait for an answer when nobody looks any more.
    void this.#stayFresh(about, stop.signal);
    const reader = readStore(this.#store, { sql: noSql, close: () => undefined });
    const changeMark = (): number => reader.changeMark() + this.#copy.changes;
    try {
      return await look({ reader: { ...reader, changeMark }, runtime, sent: () => this.#sendAll() });
    } finally {
      stop.abort();
      await runtime.close();
    }
  }

  /** For one who reads. */
  read<T>(about: About, read: (reader: JournalReader) => T | Promise<T>): Promise<T> {
    return this.look(about, ({ reader }) => read(reader));
  }

  /** For one who answers, sends or cancels. @throws RuntimeError NOT_FOUND, REFUSED, STORAGE */
  change<T>(runId: RunId, change: (runtime: Runtime) => T | Promise<T>): Promise<T> {
    return this.look({ run: runId }, async ({ reader, runtime, sent }) => {
      // That it is not there is told before anything else.
      if (reader.start(runId) === undefined) reader.get(runId);
      const done = await change(runtime);
      await sent();
      return done;
    });
  }

  /**
   * Starts a run of a process that is deployed; of one that is there with these inputs, says so.
   * @throws RuntimeError NOT_FOUND, REFUSED, BUSY where its inputs are not known; UnserializableError, LimitError
   */
  async start(process: string, inputs: unknown, runId: RunId): Promise<'started' | 'there'> {
    const request: RunRequest = { inputs: encodePayload(INPUT, inputs, MOST_CHARS) };
    const text = messageText(INPUT, request);
    const processes = await this.#admin.processes();
    if (!processes.includes(process))
      throw new RuntimeError(
        'NOT_FOUND',
        `No worker has announced a process '${process}' to Restate at ${this.#address.admin}.`,
        {
          hint: `${processes.length === 0 ? 'There is none' : `There is: ${processes.join(', ')}`}. A worker serves it: pawl docs scale-out   (or, for trying: pawl dev <module>)`,
          data: { process, processes },
        },
      );
    const there = (await invocationsOf(this.#admin, { run: runId })).find((each) => each.runId === runId);
    if (there !== undefined && there.process !== process)
      throw new RuntimeError('REFUSED', `Run ${runId} is there already, of process '${there.process}'.`, {
        hint: 'Give it an id of its own: --id <run>',
        data: { runId },
      });
    const response = await this.#post(`${process}/${runId}/run/send`, text);
    const said = await bodyOf(response);
    if (!response.ok) throw this.#ingressFailed(response, said);
    await this.#untilSeen(runId);
    if (!said.includes('"PreviouslyAccepted"')) return 'started';
    await this.#refuseOther(process, runId, request);
    return 'there';
  }

  /** Of what Restate has: no worker need be there. */
  async #refuseOther(process: string, runId: RunId, { inputs }: RunRequest): Promise<void> {
    await this.#until(async () => {
      await this.#copy.load(await invocationsOf(this.#admin, { run: runId }));
      return this.#copy.inputsOf(runId) !== undefined;
    });
    const there = this.#copy.inputsOf(runId);
    if (there === undefined) throw unknownInputs(runId, process);
    if (inputsHash(there) !== inputsHash(inputs)) throw otherInputs(runId);
  }

  /** Goes on with a run that Restate has paused, and with what was sent to it meanwhile. @throws RuntimeError */
  async resume(runId: RunId): Promise<void> {
    await this.#load({ run: runId });
    const invocation = this.#store.invocationOf(runId);
    if (invocation === undefined) return;
    await this.#resumeMail(invocation);
    if (!isSetBack(invocation)) return;
    try {
      await this.#resumed(invocation.id, runId);
    } catch (error) {
      // It may have gone on by itself meanwhile.
      const [now] = await invocationsOf(this.#admin, { run: runId });
      if (now === undefined || isSetBack(now)) throw error;
    }
  }

  /** Each is an invocation of its own, which waits for a worker by itself. */
  async #resumeMail(to: Invocation): Promise<void> {
    const left = (await mailOf(this.#admin, to)).filter(isSetBack);
    if (left.length === 0) return;
    for (const { id } of left) {
      try {
        await this.#admin.resume(id);
      } catch (error) {
        // It may have come there by itself meanwhile.
        if ((await mailOf(this.#admin, to)).some((each) => each.id === id && isSetBack(each))) throw error;
      }
    }
    // Whoever looks at the run then shall not see it wait for what was sent.
    const isThere = async (): Promise<boolean> => (await mailOf(this.#admin, to)).length === 0;
    if (!(await this.#until(isThere, ANSWER_MS))) this.#warn(nobodyTakes(to.process));
  }

  async #load(about: About): Promise<void> {
    const found = await invocationsOf(this.#admin, about);
    await this.#copy.load(found);
    if (!('run' in about) || about.run === undefined || this.#isThere(about.run)) return;
    // The reader says that it is not there, and which ones may be meant.
    await this.#copy.load(await invocationsOf(this.#admin, { newest: NEAREST_OF }));
  }

  async #resumed(invocationId: string, runId: RunId): Promise<void> {
    const before = await this.#versionOf(runId);
    await this.#admin.resume(invocationId);
    await this.#until(async () => (await this.#versionOf(runId)) !== before);
  }

  async #versionOf(runId: RunId): Promise<string | undefined> {
    return (await invocationsOf(this.#admin, { run: runId }))[0]?.version;
  }

  /** SQL shows it a moment later. */
  async #untilSeen(runId: RunId): Promise<void> {
    await this.#until(async () => (await this.#versionOf(runId)) !== undefined);
  }

  /** Whether it came to be so. */
  async #until(isSo: () => Promise<boolean>, mostMs = SEEN_MS): Promise<boolean> {
    for (let waitedMs = 0; waitedMs < mostMs; waitedMs += LOOK_MS) {
      if (await isSo()) return true;
      await delay(LOOK_MS);
    }
    return false;
  }

  #isThere(runId: RunId): boolean {
    const { work } = this.#store;
    return this.#store.getRun(runId, Date.now()) !== undefined || work.queuedStart(runId) !== undefined;
  }

  /** A server that does not answer for a while may be back: who looks is told, and goes on with what is known. */
  async #stayFresh(about: About, signal: AbortSignal): Promise<void> {
    let isLost = false;
    for (;;) {
      try {
        await delay(FRESH_EVERY_MS, undefined, { signal, ref: false });
      } catch {
        return;
      }
      try {
        await this.#copy.load(await invocationsOf(this.#admin, about));
        isLost = false;
      } catch (error) {
        if (!isLost && !signal.aborted) this.#warn(`${messageOf(error)} It is looked for again and again.`);
        isLost = true;
      }
    }
  }

  async #sendAll(): Promise<void> {
    for (const sent of this.#store.takeSent()) await this.#send(sent);
  }

  async #send({ to, mail }: Sent): Promise<void> {
    if (mail === undefined) {
      await this.#admin.cancel(to.id);
      return;
    }
    const posted = await this.#posted(to, mail);
    if (posted === 'closed')
      throw new RuntimeError('REFUSED', `Run ${mail.to} has ended meanwhile.`, { data: { runId: mail.to } });
  }

  /** Restate has it as soon as it has come there, and gives it to a worker when one is there. */
  async #posted({ process, runId }: Invocation, mail: Mail): Promise<Posted> {
    const path = `${process}/${runId}/post`;
    try {
      const response = await this.#post(path, mailText(mail), ANSWER_MS);
      const said = await bodyOf(response);
      if (!response.ok) throw this.#ingressFailed(response, said);
      return JSON.parse(said) as Posted;
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== 'TimeoutError') throw error;
      this.#warn(nobodyTakes(process));
      return 'posted';
    }
  }

  async #post(path: string, body: string, ms = 30_000): Promise<Response> {
    const url = `${this.#address.ingress}/${path}`;
    try {
      return await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        signal: AbortSignal.timeout(ms),
      });
    } catch (error) {
      if (error instanceof DOMException) throw error;
      throw new RuntimeError(
        'NOT_FOUND',
        `There is no ingress of Restate at ${this.#address.ingress}: ${problemOf(error)}.`,
        {
          hint: 'Name its port: --engine restate://<host>:<port>   (8080 by default)',
        },
      );
    }
  }

  #ingressFailed({ status, url }: Response, said: string): RuntimeError {
    return new RuntimeError(
      'NOT_FOUND',
      `What answers at ${url} is no ingress of Restate that takes this: ${status} ${said}`,
      {
        hint: 'Name its port: --engine restate://<host>:<port>   (8080 by default)',
      },
    );
  }
}

function nobodyTakes(process: string): string {
  return `No worker of process '${process}' answers. Restate has it, and gives it to the run when one is there.`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function bodyOf(response: Response): Promise<string> {
  return (await response.text()).slice(0, LONG_BODY);
}

function noSql(): never {
  throw new RuntimeError('USAGE', 'The views of pawl sql are in files.', {
    hint: "Restate's own: restate sql '<query>'",
  });
}
