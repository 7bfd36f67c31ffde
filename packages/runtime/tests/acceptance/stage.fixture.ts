import {
  defineTask,
  type Process,
  type TaskContext,
  type TaskDefinition,
  type TaskSettings,
} from '@pawl/sdk';
import { afterEach, beforeEach, expect } from 'vitest';
import { identityText } from '../../src/journal/canonical.ts';
import { encode } from '../../src/journal/codec.ts';
import type { JournalEvent, Recorded } from '../../src/journal/event.ts';
import { isTerminal } from '../../src/journal/event.ts';
import type { RuntimeOptions } from '../../src/runtime-options.ts';
import type { Runtime } from '../../src/runtime.ts';
import { RuntimeError } from '../../src/index.ts';
import { ManualClock, MemoryStore } from '../../src/testing.ts';
import { journal, Lab, settledKeys, transcript } from '../lab.fixture.ts';

/** What a step of a program does: takes `ms`, then returns `value`, or fails with `fail`. */
export interface StepInput {
  readonly ms: number;
  readonly value?: unknown;
  readonly fail?: string;
  /** Goes on when it is aborted, and then ends as if it had not been. */
  readonly deaf?: boolean;
  /** This many attempts fail first. */
  readonly failures?: number;
}

/** One invocation of a step, in virtual milliseconds since its stage was opened. */
export interface Span {
  readonly key: string;
  readonly attempt: number;
  readonly from: number;
  to: number | undefined;
  aborted: boolean;
}

/** `t(ms→v)` and `f(ms,'e')` of the acceptance table. */
export const t = (ms: number, value: unknown = ms): StepInput => ({ ms, value });
export const f = (ms: number, fail: string): StepInput => ({ ms, fail });

/** A run that has not ended within this much virtual time hangs. */
const HANGS_MS = 3_600_000;

/** Bound of a replay that waits for something real: so many beats of a stage that a real wait is shorter. */
const STALLS_MS = 2_000_000;

const stages: Stage[] = [];

/** What each causes comes before the next, all in one macrotask. */
async function inOneTick(callbacks: readonly (() => void)[]): Promise<void> {
  for (const callback of callbacks) {
    callback();
    for (let i = 0; i < 50; i += 1) await Promise.resolve();
  }
}

/** A clock that calls back everything of one point of time at once, not one by one. */
class TickClock extends ManualClock {
  readonly #order: 'in order' | 'reversed';
  readonly #ticks = new Map<number, { readonly callbacks: Set<() => void>; readonly cancel: () => void }>();

  constructor(start: number, order: 'in order' | 'reversed') {
    super(start);
    this.#order = order;
  }

  override after(delayMs: number, callback: () => void): () => void {
    const at = this.monotonic() + Math.max(0, delayMs);
    const tick = this.#ticks.get(at) ?? {
      callbacks: new Set<() => void>(),
      cancel: super.after(delayMs, () => this.#fireAll(at)),
    };
    this.#ticks.set(at, tick);
    const call = (): void => callback();
    tick.callbacks.add(call);
    return () => {
      if (!tick.callbacks.delete(call) || tick.callbacks.size > 0) return;
      tick.cancel();
      if (this.#ticks.get(at) === tick) this.#ticks.delete(at);
    };
  }

  #fireAll(at: number): void {
    const callbacks = [...(this.#ticks.get(at)?.callbacks ?? [])];
    this.#ticks.delete(at);
    if (this.#order === 'reversed') callbacks.reverse();
    void inOneTick(callbacks);
  }
}

/** Time passes as it does, from the same point on as in other stages. */
class RealClock extends ManualClock {
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #began = performance.now();

  override now(): number {
    return super.now() + this.monotonic();
  }

  override monotonic(): number {
    return performance.now() - this.#began;
  }

  override after(delayMs: number, callback: () => void): () => void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      callback();
    }, delayMs);
    this.#timers.add(timer);
    return () => {
      clearTimeout(timer);
      this.#timers.delete(timer);
    };
  }

  override get pending(): number {
    return this.#timers.size;
  }
}

/** A lab that keeps the time of each invocation, and that tells what leaks from it. */
export class Stage extends Lab {
  readonly spans: Span[] = [];
  /** Steps that sleep now: the only timers that are not the product's. */
  #asleep = 0;
  /** What the process returned in this stage, if it did. */
  returned: { readonly value: unknown } | undefined;
  commits = 0;

  readonly step: TaskDefinition<StepInput, unknown> = defineTask({
    name: 'step',
    run: (input: StepInput, task: TaskContext): Promise<unknown> => this.#step(input, task),
  });

  constructor() {
    super();
    stages.push(this);
  }

  /** A step with settings of its own. */
  with(settings: TaskSettings, name = 'step'): TaskDefinition<StepInput, unknown> {
    const run = (input: StepInput, task: TaskContext): Promise<unknown> => this.#step(input, task);
    return defineTask({ name, run, ...settings });
  }

  /** A new stage whose time starts at a point of another's journal. */
  static override at(wall: number): Stage {
    const stage = new Stage();
    stage.clock = new ManualClock(wall);
    return stage;
  }

  /** Its steps take real time. */
  static live(): Stage {
    const stage = new Stage();
    stage.clock = new RealClock();
    return stage;
  }

  async #step(input: StepInput, task: TaskContext): Promise<unknown> {
    this.invoked.push({ task: 'step', key: task.key, attempt: task.attempt });
    const span: Span = {
      key: task.key,
      attempt: task.attempt,
      from: this.clock.monotonic(),
      to: undefined,
      aborted: false,
    };
    this.spans.push(span);
    task.signal.addEventListener('abort', () => (span.aborted = true), { once: true });
    this.#asleep += 1;
    try {
      await this.clock.sleep(input.ms, input.deaf === true ? undefined : task.signal);
    } finally {
      this.#asleep -= 1;
      span.to = this.clock.monotonic();
    }
    if (task.attempt <= (input.failures ?? 0)) throw new Error(`failure ${task.attempt}`);
    if (input.fail !== undefined) throw new Error(input.fail);
    return input.value;
  }

  /** Does something after `ms` of this stage's time, as the world around a process would. */
  later(ms: number, fn: () => void): void {
    this.#asleep += 1;
    this.clock.after(ms, () => {
      this.#asleep -= 1;
      fn();
    });
  }

  /** From now on all that falls due at one point of time happens in one tick, in that order or the other way round. */
  useTicks(order: 'in order' | 'reversed'): void {
    this.clock = new TickClock(this.clock.now(), order);
  }

  /** The most steps that were under way at once. */
  get maxParallel(): number {
    const points = this.spans.flatMap(({ from, to }) => [
      { at: from, by: 1 },
      { at: to ?? Infinity, by: -1 },
    ]);
    // What ends at a point of time makes room for what starts then.
    points.sort((a, b) => a.at - b.at || a.by - b.by);
    let now = 0;
    return points.reduce((most, { by }) => Math.max(most, (now += by)), 0);
  }

  /** Call keys in the order in which their first attempts started. */
  get started(): string[] {
    return this.spans.filter(({ attempt }) => attempt === 1).map(({ key }) => key);
  }

  /** Timers of the product that are set. */
  get timers(): number {
    return this.clock.pending - this.#asleep;
  }

  /**
   * Runs, or goes on with, run 'r' while virtual time passes; time passes on while the runtime is
   * closed, so that aborted attempts may use their grace.
   */
  override async drive(
    store: MemoryStore,
    process: Process,
    inputs: unknown = null,
    options: Partial<RuntimeOptions> = {},
  ): Promise<Told> {
    return this.use(store, options, async (runtime) => {
      const watched: Process = async (given, ctx) => {
        const value = await process(given, ctx);
        this.returned = { value };
        return value;
      };
      const known = runtime.get('r') !== undefined;
      Object.defineProperty(watched, 'name', { value: 'program' });
      const handle = known
        ? runtime.resume('r', watched)
        : runtime.start(watched, inputs as never, { id: 'r' });
      return told(this.#notLongerThan(HANGS_MS, handle.result()));
    });
  }

  /** A runtime over the store, closed again afterwards. */
  async use<T>(
    store: MemoryStore,
    options: Partial<RuntimeOptions>,
    fn: (runtime: Runtime) => Promise<T>,
  ): Promise<T> {
    const runtime = await this.open(store, { stallMs: STALLS_MS, ...options });
    const stopBeat = this.#beat();
    const stop = this.clock.run(() => runtime.isIdle);
    try {
      return await fn(runtime);
    } finally {
      this.commits += runtime.commits;
      await runtime.close();
      stopBeat();
      stop();
    }
  }

  /** Time passes in small steps, so that it does not run away while a process waits for something real. */
  #beat(): () => void {
    let cancel = (): void => undefined;
    const beat = (): void => {
      cancel = this.clock.after(200, beat);
    };
    beat();
    this.#asleep += 1;
    return () => {
      this.#asleep -= 1;
      cancel();
    };
  }

  #notLongerThan(ms: number, result: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const cancel = this.clock.after(ms, () =>
        reject(new Error(`the run hangs: it has not ended after ${ms} virtual ms`)),
      );
      result.finally(cancel).then(resolve, reject);
    });
  }
}

/** How a run ended, as two runs are compared: what it returned, or what its process threw. */
export type Told = { readonly value: unknown } | { readonly error: Error };

async function told(result: Promise<unknown>): Promise<Told> {
  try {
    return { value: await result };
  } catch (error) {
    const cause = error instanceof RuntimeError && error.code === 'RUN_FAILED' ? error.cause : error;
    return { error: cause instanceof Error ? cause : new Error(String(cause)) };
  }
}

/** A process made for a stage, so that its steps run in that stage's time. */
export type Program = (stage: Stage) => Process;

/** Runs a program on a new stage and an empty store. */
export async function perform(
  program: Program,
  options: Partial<RuntimeOptions> = {},
): Promise<{
  readonly stage: Stage;
  readonly store: MemoryStore;
  readonly told: Told;
  readonly value: unknown;
}> {
  const stage = new Stage();
  const store = new MemoryStore();
  const outcome = await stage.drive(store, program(stage), null, options);
  return {
    stage,
    store,
    told: outcome,
    value: 'value' in outcome ? outcome.value : `threw ${String(outcome.error)}`,
  };
}

/** Resumes a program after a crash that left the first `seq` events. */
export async function resumeAt(
  store: MemoryStore,
  seq: number,
  program: Program,
  options: Partial<RuntimeOptions> = {},
): Promise<{
  readonly stage: Stage;
  readonly store: MemoryStore;
  readonly told: Told;
  readonly value: unknown;
}> {
  const events = journal(store);
  const stage = Stage.at(events[seq - 1]?.at ?? 0);
  const prefix = store.prefix('r', seq);
  const outcome = await stage.drive(prefix, program(stage), null, options);
  return {
    stage,
    store: prefix,
    told: outcome,
    value: 'value' in outcome ? outcome.value : `threw ${String(outcome.error)}`,
  };
}

/** Seq of the first event that matches. */
export function seqOf(store: MemoryStore, type: JournalEvent['type'], key?: string): number {
  const found = journal(store).find(
    ({ event }) => event.type === type && (key === undefined || ('key' in event && event.key === key)),
  );
  if (found === undefined) throw new Error(`no ${type} ${key ?? ''} in:\n${transcript(store).join('\n')}`);
  return found.seq;
}

/** An outcome without what differs by place or by process: errors by name and message, no stacks. */
export function plain(outcome: Told): unknown {
  return 'value' in outcome ? outcome : { error: `${outcome.error.name}: ${outcome.error.message}` };
}

/** Canonical JSON of a value as the journal keeps it, without the stacks of errors. */
export function text(value: unknown): string {
  return identityText(encode(value));
}

/** An error without the keys that stand in its message; of anything else, what it is. */
export function brief(error: unknown): unknown {
  if (!(error instanceof Error)) return { thrown: error };
  return error.name === 'TaskError' || error.name === 'Error'
    ? `${error.name}: ${error.message}`
    : error.name;
}

/** Events that follow a decision that gave their scope up: nothing may start or be decided there. */
export function startsInClosedScopes(events: readonly Recorded[]): string[] {
  const losers = new Map<string, string>();
  /** How each scope was closed: 'goesOn' where it gave nobody up. */
  const closed = new Map<string, 'byDecision' | 'fromOutside' | 'goesOn'>();
  const isGivenUp = (key: string): boolean => {
    if (closed.has('')) return true;
    const parts = key.split('/');
    let isDetached = false;
    for (let length = parts.length - 1; length > 0; length -= 1) {
      const scope = parts.slice(0, length).join('/');
      const how = closed.get(scope);
      if (how === 'fromOutside' || (how === 'byDecision' && !isDetached)) return true;
      if (how === 'goesOn' && losers.get(scope) === 'detach') isDetached = true;
    }
    return false;
  };
  const bad: string[] = [];
  for (const { seq, event } of events) {
    if (!('key' in event)) continue;
    const { type, key } = event;
    const isStart = [
      'TaskScheduled',
      'TimerStarted',
      'ScopeOpened',
      'AttemptStarted',
      'ScopeClosed',
    ].includes(type);
    // What a scope does when it ends is given up by nothing but force.
    const isExit = /\/exit\/\d+$/.test(key);
    if (isStart && !isExit && isGivenUp(key)) bad.push(`${seq} ${type} ${key}`);
    if (type === 'ScopeOpened') losers.set(key, event.losers);
    if (type === 'ScopeClosed') {
      const fromOutside = event.outcome === 'aborted' || event.outcome === 'timedOut';
      const goesOn = (losers.get(key) ?? 'cancel') !== 'cancel' && !fromOutside;
      closed.set(key, goesOn ? 'goesOn' : fromOutside ? 'fromOutside' : 'byDecision');
    }
    if ((type === 'ScopeAborted' || type === 'ScopeTimedOut') && closed.has(key))
      closed.set(key, 'fromOutside');
  }
  return bad;
}

/** D01: replays a whole journal: no invocation, no row, and the same result, byte for byte. */
export async function replays(store: MemoryStore, program: Program, where = ''): Promise<void> {
  const before = transcript(store);
  const events = journal(store);
  const end = events.find(({ event }) => isTerminal(event));
  const stage = Stage.at(events.at(-1)?.at ?? 0);
  const process = program(stage);
  let returned: { readonly value: unknown } | undefined;
  await stage.use(store, {}, async (runtime) => {
    const watched: Process = async (inputs, ctx) => {
      const value = await process(inputs, ctx);
      returned = { value };
      return value;
    };
    const report = await runtime.replay('r', watched);
    expect(report.reached, where).toBe('end');
  });
  expect(transcript(store), `${where}: the replay wrote`).toEqual(before);
  expect(stage.invoked, `${where}: the replay invoked`).toEqual([]);
  if (end?.event.type === 'RunSucceeded') {
    expect(returned, where).toBeDefined();
    expect(text(returned?.value), `${where}: the replay returned`).toBe(identityText(end.event.output));
  }
}

/** How a case is tried everywhere. */
export interface Everywhere {
  /** How many crashes a journal has in it (default 1). */
  readonly depth?: number;
  readonly runtime?: Partial<RuntimeOptions>;
  /** What it comes to hangs on milliseconds, which only virtual time keeps. */
  readonly inVirtualTime?: true;
}

/** Crash at every prefix of a journal and resume: same result, same prefix, nothing settled again. */
export async function crashes(
  store: MemoryStore,
  program: Program,
  expected: unknown,
  options: Everywhere & { readonly where?: string } = {},
): Promise<void> {
  const { depth = 1, runtime = {}, where: outer = '' } = options;
  const events = journal(store);
  const lines = transcript(store);
  for (let seq = 1; seq <= events.length; seq += 1) {
    const where = `${outer}after a crash at seq ${seq}: ${lines[seq - 1]}\n`;
    const resumed = await resumeAt(store, seq, program, runtime);
    const after = transcript(resumed.store);
    expect(plain(resumed.told), where).toEqual(expected);
    expect(after.slice(0, seq), where).toEqual(lines.slice(0, seq));
    const settled = settledKeys(events.slice(0, seq));
    expect(
      resumed.stage.invoked.filter(({ key }) => settled.has(key)),
      where,
    ).toEqual([]);
    expect(startsInClosedScopes(journal(resumed.store)), `${where}${after.join('\n')}`).toEqual([]);
    if (seq === events.length) expect(after, where).toEqual(lines);
    else await replays(resumed.store, program, where);
    // A journal with two crashes in it has shapes that one crash cannot make.
    const changed = after.slice(seq).join('\n') !== lines.slice(seq).join('\n');
    if (depth > 1 && changed)
      await crashes(resumed.store, program, expected, { depth: depth - 1, runtime, where });
  }
}

/** The same inside a branch of `parallel.map`. */
export function inBranch(program: Program): Program {
  return (stage) => {
    const process = program(stage);
    return async (inputs, ctx) => {
      const [value] = await ctx.parallel.map(['only'], () => process(inputs, ctx));
      return value;
    };
  };
}

/** Another engine, or another store, on which cases marked ⟲ have to come to the same, in real time. */
export type Elsewhere = (
  program: Program,
  expected: unknown,
  options: Partial<RuntimeOptions>,
) => Promise<void>;

const elsewhere: { readonly engine: Elsewhere; readonly longestMs: number }[] = [];

/** @param longestMs of time that passes in a case: longer ones are left out */
export function alsoOn(engine: Elsewhere, longestMs: number): void {
  elsewhere.push({ engine, longestMs });
}

/**
 * A case marked ⟲: runs it, then replays it, crashes it at every prefix of its journal, and runs it
 * inside a branch of `parallel.map`.
 */
export async function everywhere(
  program: Program,
  expected: unknown,
  options: Everywhere = {},
): Promise<{ readonly stage: Stage; readonly store: MemoryStore }> {
  const first = await perform(program, options.runtime);
  const outcome = plain(first.told);
  expect(outcome, transcript(first.store).join('\n')).toEqual({ value: expected });
  expect(startsInClosedScopes(journal(first.store))).toEqual([]);
  await replays(first.store, program);
  await crashes(first.store, program, outcome, options);
  const nested = await perform(inBranch(program), options.runtime);
  expect(plain(nested.told), `in a branch of map\n${transcript(nested.store).join('\n')}`).toEqual({
    value: expected,
  });
  await replays(nested.store, inBranch(program), 'in a branch of map');
  const inside = plain(nested.told);
  await crashes(nested.store, inBranch(program), inside, {
    ...options,
    depth: 1,
    where: 'in a branch of map, ',
  });
  const tookMs = first.stage.clock.monotonic();
  for (const { engine, longestMs } of elsewhere)
    if (options.inVirtualTime !== true && tookMs <= longestMs)
      await engine(program, expected, options.runtime ?? {});
  return { stage: first.stage, store: first.store };
}

/**
 * Nothing may be left behind by any test: no timer of the product once its runtimes are closed, no
 * rejection that nobody handled, no warning about listeners.
 */
export function watchForLeaks(): void {
  const seen: string[] = [];
  const onRejection = (reason: unknown): void => void seen.push(`unhandled rejection: ${String(reason)}`);
  const onException = (error: unknown): void => void seen.push(`uncaught exception: ${String(error)}`);
  const onWarning = (warning: Error): void =>
    void (warning.name === 'MaxListenersExceededWarning' && seen.push(`warning: ${warning.message}`));
  beforeEach(() => {
    seen.length = 0;
    stages.length = 0;
    process.on('unhandledRejection', onRejection);
    process.on('uncaughtException', onException);
    process.on('warning', onWarning);
  });
  afterEach(async () => {
    for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', onRejection);
    process.off('uncaughtException', onException);
    process.off('warning', onWarning);
    expect(seen).toEqual([]);
    expect(stages.map((stage) => stage.timers)).toEqual(stages.map(() => 0));
  });
}
