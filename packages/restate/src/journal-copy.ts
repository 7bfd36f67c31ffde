/** Owns: which entries of which invocations were read. Talks to: the admin interface, and the store that it fills. */
import type { Encoded, RunId } from '@pawl/runtime';
import { listed, type Admin } from './admin.ts';
import type { Found } from './invocations.ts';
import { inputOf, valueOf } from './journal-entry.ts';
import type { RunRequest } from './messages.ts';
import { MirrorStore } from './mirror-store.ts';
import { remoteProblem } from './remote-waits.ts';
import type { Mail } from './run-session.ts';
import { StepReader } from './step.ts';

interface Entry {
  readonly id: string;
  readonly index: number;
  readonly entry_type: string;
  readonly raw: string;
}

interface Promised {
  readonly process: string;
  readonly run_id: string;
  readonly mail: string;
}

/** Of one invocation. */
interface Reading {
  readonly steps: StepReader;
  /** Of the last entry. */
  index: number;
  version: string;
  /** Messages to runs that are not there yet. */
  early: Mail[];
  /** Undefined as long as they are not there. */
  inputs: Encoded | undefined;
  isRefused: boolean;
}

const STEP = 'Notification: Run';
const INPUT = 'Command: Input';
const MESSAGE = 'Notification: GetPromise';
/** Asked for at once. */
const MOST_ENTRIES = 4000;
const decoder = new TextDecoder();

export class JournalCopy {
  readonly store: MirrorStore = new MirrorStore();
  readonly #admin: Admin;
  readonly #readings = new Map<string, Reading>();
  changes = 0;

  constructor(admin: Admin) {
    this.#admin = admin;
  }

  /** Of those with one id, which are of different processes, the newest is taken. @param all the oldest first */
  async load(all: readonly Found[]): Promise<void> {
    const newest = new Map(all.map((each) => [each.runId, each]));
    const found = all.filter((each) => newest.get(each.runId) === each && !this.#isTaken(each));
    const changed = found.filter(({ id, version }) => this.#readings.get(id)?.version !== version);
    for (const invocations of inGroups(changed)) {
      const entries = await this.#entries(invocations);
      for (const each of invocations) this.#read(each, entries.get(each.id) ?? []);
    }
    await this.#loadMail(found.filter(({ status }) => status !== 'completed'));
    await this.#loadProblems(found);
    if (changed.length > 0) this.changes += 1;
  }

  /** What the run was started with, as far as it was read: Restate has it before a worker has. */
  inputsOf(runId: RunId): Encoded | undefined {
    return this.#readings.get(this.store.invocationOf(runId)?.id ?? '')?.inputs;
  }

  /** Of the one that is looked at: each is asked for by itself. */
  async #loadProblems(found: readonly Found[]): Promise<void> {
    const [only, ...others] = found;
    if (only === undefined || others.length > 0 || only.status === 'completed') return;
    for (const runId of this.store.runsOf(only)) {
      const events = this.store.read(runId, 0, Number.MAX_SAFE_INTEGER);
      this.store.hindered(runId, await remoteProblem(this.#admin, runId, events));
    }
  }

  #isTaken({ id, runId }: Found): boolean {
    return (this.store.invocationOf(runId)?.id ?? id) !== id;
  }

  async #entries(invocations: readonly Found[]): Promise<ReadonlyMap<string, readonly Entry[]>> {
    const byId = new Map<string, Entry[]>(invocations.map(({ id }) => [id, []]));
    const ids = invocations.map(({ id }) => `'${id}'`).join(', ');
    const most = Math.max(...invocations.map(({ size }) => size));
    const first = Math.min(...invocations.map(({ id }) => this.#readings.get(id)?.index ?? -1)) + 1;
    const width = invocations.length === 1 ? MOST_ENTRIES : most + 1;
    for (let from = first; from <= most; from += width) {
      const rows = await this.#admin.sql<Entry>(
        `select id, index, entry_type, raw from sys_journal where id in (${ids}) ` +
          `and entry_type in ('${INPUT}', '${STEP}', '${MESSAGE}') and index >= ${from} and index < ${from + width} order by id, index`,
      );
      for (const row of rows) byId.get(row.id)?.push(row);
    }
    return byId;
  }

  #read(invocation: Found, entries: readonly Entry[]): void {
    const { id, version } = invocation;
    const reading = this.#readings.get(id) ?? newReading();
    this.#readings.set(id, reading);
    this.store.know(invocation);
    for (const entry of entries) {
      if (entry.index > reading.index) this.#entry(invocation, reading, entry);
      reading.index = Math.max(reading.index, entry.index);
    }
    reading.version = version;
    this.#queued(invocation, reading);
  }

  #entry(invocation: Found, reading: Reading, { entry_type: type, raw }: Entry): void {
    if (type === INPUT) reading.inputs = jsonOf<RunRequest>(inputOf(raw))?.inputs;
    else if (type === MESSAGE) reading.early.push(...listOf(jsonOf<Mail>(valueOf(raw))));
    else this.#step(invocation, reading, valueOf(raw));
    reading.early = reading.early.filter((mail) => !this.store.received(mail));
  }

  /** Nothing of it is recorded. */
  #queued(invocation: Found, reading: Reading): void {
    const { process, runId, status, createdAt, retryAt, failure } = invocation;
    if (reading.isRefused || this.store.getRun(runId, Date.now()) !== undefined) return;
    if (status === 'completed')
      this.#refuse(invocation, reading, failure ?? 'Restate has ended its invocation.');
    else
      this.store.waits({
        runId,
        process,
        module: null,
        codeHash: null,
        inputs: reading.inputs ?? null,
        inputsHash: '',
        at: retryAt ?? createdAt,
        priority: 0,
        limit: null,
        singleton: null,
        debounce: null,
        schedule: null,
        queuedAt: createdAt,
        isHeld: false,
        problem: failure,
        isWhole: true,
      });
  }

  #step(invocation: Found, reading: Reading, value: Uint8Array | undefined): void {
    const step = value === undefined ? undefined : reading.steps.read(value);
    if (step?.type === 'burst') this.store.loadFrom(invocation, step.burst);
    if (step?.type === 'refused') this.#refuse(invocation, reading, step.error.message);
  }

  #refuse({ runId }: Found, reading: Reading, why: string): void {
    reading.isRefused = true;
    this.store.refuse(runId, why);
  }

  /** Messages that no run has taken. */
  async #loadMail(open: readonly Found[]): Promise<void> {
    if (open.length === 0) return;
    const promised = await this.#admin.sql<Promised>(
      'select service_name as process, service_key as run_id, completion_success_value_utf8 as mail from sys_promise ' +
        `where completed and key like 'message %' and service_key in (${listed(open.map(({ runId }) => runId))})`,
    );
    for (const { process, run_id: runId, mail } of promised) {
      if (this.store.invocationOf(runId)?.process !== process) continue;
      this.store.received(JSON.parse(mail) as Mail);
    }
  }
}

/** So that one answer is not too large; one that is large alone is asked for in parts. */
function inGroups(found: readonly Found[]): Found[][] {
  const groups: Found[][] = [];
  let room = 0;
  for (const each of found) {
    if (groups.length === 0 || each.size > room) {
      groups.push([]);
      room = MOST_ENTRIES;
    }
    groups.at(-1)?.push(each);
    room -= each.size;
  }
  return groups;
}

function newReading(): Reading {
  return { steps: new StepReader(), index: -1, version: '', early: [], inputs: undefined, isRefused: false };
}

/** It was sent by us: what is not, is none of Pawl's workflows. */
function jsonOf<T>(value: Uint8Array | undefined): T | undefined {
  return value === undefined ? undefined : (JSON.parse(decoder.decode(value)) as T);
}

function listOf<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value];
}
