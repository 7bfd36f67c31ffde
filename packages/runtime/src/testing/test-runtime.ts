import { durationMs, InvalidArgumentError, InvalidOptionError, type Duration } from '@pawl/sdk';
import type { Ack, SendOptions } from '../engine/messenger.ts';
import type { Response } from '../engine/response.ts';
import type { RunHandle } from '../engine/run-handle.ts';
import type { RunId } from '../journal/ids.ts';
import { rowOf, toText } from '../journal/journal-text.ts';
import type { AnyProcess } from '../process/definition.ts';
import { runOf } from '../find-run.ts';
import { eventsOf } from '../run-events.ts';
import type { RuntimeOptions, StartOptions } from '../runtime-options.ts';
import { openRuntime, type Runtime } from '../runtime.ts';
import { MemoryStore } from '../store/memory/memory-store.ts';
import type { TaskMock } from './mock.ts';
import { seededEntropy } from './seeded-entropy.ts';
import { StandIns, type Invocation } from './stand-ins.ts';
import { VirtualTime } from './virtual-time.ts';

const YEAR_BEGINS = Date.UTC(2026, 0, 1);

export interface TestRuntimeOptions extends Omit<
  RuntimeOptions,
  'path' | 'store' | 'durability' | 'clock' | 'entropy' | 'standIn' | 'onChecked'
> {
  /** Code that runs instead of tasks' own. */
  readonly tasks?: readonly TaskMock[];
  /** What becomes of tasks without a mock: they run (default), or their call is refused with InvalidArgumentError. */
  readonly unmocked?: 'run' | 'refuse';
  /**
   * 'auto' (default): time goes to the next timer as soon as no run can go on and no task does anything real.
   * 'manual': only `advance` moves it.
   */
  readonly time?: 'auto' | 'manual';
  /** Wall time at the beginning, a Date or ms since 1970 (default 2026-01-01, UTC). */
  readonly start?: Date | number;
  /** Of ids, of what `ctx.random` and `ctx.uuid` give, and of retries' jitter (default 1). */
  readonly seed?: number;
}

/**
 * A runtime in memory and in virtual time: no file, no real timer, and the same seed does the same.
 *
 * Owns the runtime and its time. What is not here is at `runtime`.
 */
export class TestRuntime implements AsyncDisposable {
  readonly runtime: Runtime;
  readonly #time: VirtualTime;
  readonly #standIns: StandIns;
  readonly #unfit: ReadonlyMap<RunId, Error>;

  /** @param unfit by run, why it does not replay */
  constructor(runtime: Runtime, time: VirtualTime, standIns: StandIns, unfit: ReadonlyMap<RunId, Error>) {
    this.#unfit = unfit;
    this.runtime = runtime;
    this.#time = time;
    this.#standIns = standIns;
  }

  /** Starts a run; as `runtime.start`. */
  start<Inputs, Output>(
    process: AnyProcess<Inputs, Output>,
    inputs: NoInfer<Inputs>,
    options?: StartOptions,
  ): RunHandle<Output> {
    return this.runtime.start(process, inputs, options);
  }

  /**
   * Starts a run and gives its output; rejects as `RunHandle.result`, and with `check` where any run that has ended by
   * then does not replay, with the report of the divergence.
   */
  async run<Inputs, Output>(
    process: AnyProcess<Inputs, Output>,
    inputs: NoInfer<Inputs>,
    options?: StartOptions,
  ): Promise<Output> {
    const output = await this.runtime.start(process, inputs, options).result();
    for (const error of this.#unfit.values()) throw error;
    return output;
  }

  /** Virtual wall time. */
  now(): Date {
    return new Date(this.#time.clock.now());
  }

  /** Each invocation of a task's code or of its mock, in order; of external tasks only where they are mocked. */
  get invocations(): readonly Invocation[] {
    return this.#standIns.invocations;
  }

  /** Virtual timers that are set, of runs and of the test. */
  get timers(): number {
    return this.#time.clock.pending;
  }

  /**
   * Lets that much time pass, from timer to timer, each with all that follows from it. Where time moves by itself,
   * it does not do so meanwhile.
   * @throws InvalidOptionError
   */
  advance(duration: Duration): Promise<void> {
    return this.#time.advance(durationMs(duration, 'duration'));
  }

  /** Resolves when no run can go on and no task does anything, without time moving on. */
  settle(): Promise<void> {
    return this.#time.settle();
  }

  /**
   * Does something after that much virtual time, as the world around a run would; time stands still until it is
   * done. Resolves, or rejects, with what it gives.
   * @throws InvalidOptionError
   */
  after<T>(duration: Duration, act: () => T | Promise<T>): Promise<T> {
    const ms = durationMs(duration, 'duration');
    return new Promise((resolve, reject) => {
      this.#time.clock.after(ms, () => void this.#time.during(act).then(resolve, reject));
    });
  }

  /** Sends a message, at once or after some virtual time; as `runtime.send`. */
  send(
    id: RunId,
    name: string,
    payload: unknown,
    { after = 0, ...options }: SendOptions & { readonly after?: Duration } = {},
  ): Promise<Ack> {
    return this.#later(after, () => this.runtime.send(id, name, payload, options));
  }

  /**
   * Answers the question of `ctx.breakpoint` that the run asks then.
   * @param response as in `runtime.respond`; `title`: of the question, where several are open
   * @throws InvalidArgumentError where none is open, or several
   */
  respond(
    id: RunId,
    { after = 0, title, ...response }: Response & { readonly after?: Duration; readonly title?: string },
  ): Promise<Ack> {
    return this.#later(after, async () => {
      await this.#time.aside(() => this.#time.settle());
      return this.runtime.respond(id, this.#question(id, title), response);
    });
  }

  /** `respond` with `approved: true`. */
  approve(
    id: RunId,
    options: Omit<Response, 'approved'> & { readonly after?: Duration; readonly title?: string } = {},
  ): Promise<Ack> {
    return this.respond(id, { ...options, approved: true });
  }

  /** The run's journal as canonical text, as `assertReplays` takes it. @throws RuntimeError NOT_FOUND */
  journal(id: RunId): string {
    const { store } = this.runtime;
    runOf(store, id, this.#time.clock.now());
    return toText({ runId: id, rows: Array.from(eventsOf(store, id), rowOf) });
  }

  /** Stops all runs. No virtual timer and no real one is left. */
  async close(): Promise<void> {
    this.#time.letGo();
    await this.runtime.close();
    this.#time.stop();
    await this.#standIns.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What is to be done at once does not wait for time to move. */
  #later<T>(after: Duration, act: () => Promise<T>): Promise<T> {
    return durationMs(after, 'after') === 0 ? this.#time.during(act) : this.after(after, act);
  }

  #question(id: RunId, title: string | undefined): string {
    const open = this.runtime.waits(id).filter(({ kind }) => kind === 'breakpoint');
    const meant = title === undefined ? open : open.filter(({ name }) => name === title);
    const [question] = meant;
    if (question !== undefined && meant.length === 1) return question.key;
    const asked = open.map(({ name, key }) => `'${name}' (${key})`).join(', ');
    throw new InvalidArgumentError(
      open.length === 0
        ? `Run ${id} asks no question at ${this.now().toISOString()}: answer later, with { after }.`
        : `Say which question of run ${id} is answered, with { title }; it asks ${asked}.`,
    );
  }
}

/**
 * Opens a runtime in memory, in virtual time.
 *
 *     await using test = await testRuntime({ tasks: [mock(charge, () => ({ id: 'ch_1' }))] });
 *     expect(await test.run(order, { cents: 900 })).toBe('ch_1');
 *
 * While a task, or its mock, does something real, time stands still: what is to take virtual time sleeps with
 * `task.sleep` of its mock. What process code waits for outside ctx is not seen. Process code that calls `Date.now` or the
 * like is warned of, as `guard: 'warn'` says.
 * @throws InvalidOptionError, InvalidArgumentError
 */
export async function testRuntime(options: TestRuntimeOptions = {}): Promise<TestRuntime> {
  const {
    tasks = [],
    unmocked = 'run',
    time: mode = 'auto',
    start = YEAR_BEGINS,
    seed = 1,
    ...rest
  } = options;
  if (!['run', 'refuse'].includes(unmocked))
    throw new InvalidOptionError('unmocked', unmocked, `'run' or 'refuse'`);
  if (!['auto', 'manual'].includes(mode)) throw new InvalidOptionError('time', mode, `'auto' or 'manual'`);
  const at = Number(start);
  if (!Number.isSafeInteger(at) || at < 0)
    throw new InvalidOptionError('start', start, 'a Date, or whole ms since 1970');
  const time = new VirtualTime(at, () => runtime.isIdle, mode === 'auto');
  const standIns = new StandIns(tasks, unmocked, time);
  const unfit = new Map<RunId, Error>();
  const runtime: Runtime = await openRuntime({
    guard: 'warn',
    ...rest,
    onChecked: (check) => {
      if ('error' in check) unfit.set(check.runId, check.error);
    },
    store: new MemoryStore(),
    clock: time.clock,
    entropy: seededEntropy(seed),
    standIn: standIns.standIn,
  });
  return new TestRuntime(runtime, time, standIns, unfit);
}
