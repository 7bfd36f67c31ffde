import { availableParallelism } from 'node:os';
import {
  InvalidArgumentError,
  type BatchSpec,
  type CheckResult,
  type Duration,
  type TaskContext,
  type TaskDefinition,
  type TaskSpec,
} from '@pawl/sdk';
import { isGenerator } from '../engine/attempt-progress.ts';
import { Executors } from '../engine/executors/executors.ts';
import { resolveLimits } from '../engine/limits.ts';
import { systemClock } from '../system.ts';
import type { MockContext, TaskMock } from './mock.ts';
import type { VirtualTime } from './virtual-time.ts';

/** One invocation of a task's code, or of its mock. */
export interface Invocation {
  readonly task: string;
  readonly runId: string;
  /** The call key. */
  readonly key: string;
  /** From 1. */
  readonly attempt: number;
  readonly input: unknown;
  /** Virtual time, in ms since 1970. */
  readonly at: number;
  readonly isMocked: boolean;
}

type AnyTask = TaskDefinition<never, unknown>;
type AnyRun = (items: readonly unknown[], tasks: readonly TaskContext[]) => unknown;

/**
 * What calls use instead of the tasks that they name: mocks, and tasks that are watched while they run.
 *
 * Owns the list of invocations. Talks to virtual time, which stands still while a task does something.
 */
export class StandIns {
  readonly invocations: Invocation[] = [];
  /** Of tasks whose code has looked at its idempotency key. */
  readonly keyed: Set<AnyTask> = new Set();
  /** Those that were used, by name. */
  readonly used: Map<string, AnyTask> = new Map();
  time: VirtualTime;
  readonly #mocks = new Map<AnyTask, TaskMock>();
  readonly #refuses: boolean;
  readonly #made = new Map<AnyTask, AnyTask>();
  readonly #batches = new Map<BatchSpec['run'], BatchSpec['run']>();
  /** What mocks have done, by idempotency key: what their `check` says. */
  readonly #done = new Map<string, unknown>();
  readonly #executors = new Executors(systemClock, resolveLimits(undefined, availableParallelism()));

  /** @throws InvalidArgumentError where two mocks are for one task */
  constructor(mocks: readonly TaskMock[], unmocked: 'run' | 'refuse', time: VirtualTime) {
    for (const mock of mocks) {
      if (this.#mocks.has(mock.task))
        throw new InvalidArgumentError(`Task '${mock.task.name}' has two mocks.`);
      this.#mocks.set(mock.task, mock);
    }
    this.#refuses = unmocked === 'refuse';
    this.time = time;
  }

  readonly standIn = (task: AnyTask): AnyTask => {
    const known = this.#made.get(task);
    if (known !== undefined) return known;
    const made = this.#make(task);
    this.#made.set(task, made);
    this.used.set(task.name, task);
    return made;
  };

  /** What runs in threads ends. */
  close(): Promise<void> {
    return this.#executors.close();
  }

  #make(task: AnyTask): AnyTask {
    const mock = this.#mocks.get(task);
    if (mock !== undefined) return this.#mocked(task, mock);
    // What others do is no code of this program.
    if (task.describe !== undefined && task.describe !== task.build) return task;
    if (this.#refuses)
      throw new InvalidArgumentError(
        `Task '${task.name}' is not mocked, and this runtime refuses such tasks: give it a mock, or open the runtime with unmocked: 'run'.`,
      );
    if (task.transaction !== undefined) return task;
    const build = (args: unknown, context: TaskContext): TaskSpec => {
      const watched = this.#context(task, context);
      return this.#watched(task, task.build(args as never, watched), args, watched);
    };
    return { ...task, build, ...(task.describe === undefined ? {} : { describe: build }) };
  }

  #mocked({ name, settings, isPoolImplied }: AnyTask, { task, run }: TaskMock): AnyTask {
    return {
      name,
      settings,
      ...(isPoolImplied === undefined ? {} : { isPoolImplied }),
      check: (_, { idempotencyKey }): CheckResult<unknown> =>
        this.#done.has(idempotencyKey)
          ? { status: 'done', output: this.#done.get(idempotencyKey) }
          : { status: 'retry' },
      build: (input, context) => {
        const { idempotencyKey } = context;
        const given = this.#mockContext(this.#context(task, context));
        return {
          kind: 'function',
          run: async () => {
            const output = await this.#invoke(task, context, input, true, () => run(input, given));
            if (!isGenerator(output)) this.#done.set(idempotencyKey, output);
            return output;
          },
        };
      },
    };
  }

  /** The same work, counted, and with time standing still. */
  #watched(task: AnyTask, spec: TaskSpec, input: unknown, context: TaskContext): TaskSpec {
    switch (spec?.kind) {
      case 'function':
        return { ...spec, run: () => this.#invoke(task, context, input, false, () => spec.run()) };
      case 'batch':
        return { ...spec, run: this.#batch(task, spec.run) };
      case 'shell':
      case 'thread':
      case 'process': {
        const what = `task '${task.name}' (${context.key})`;
        const work = { what, context, checkWanted: () => context.signal.throwIfAborted() };
        const run = (): unknown =>
          this.#invoke(task, context, input, false, () => this.#executors.run(spec, work));
        return { kind: 'function', run };
      }
      default:
        return spec;
    }
  }

  /** One function for one function: what is worked off together is found by it. */
  #batch(task: AnyTask, run: BatchSpec['run']): BatchSpec['run'] {
    const known = this.#batches.get(run);
    if (known !== undefined) return known;
    // What the definition's `run` takes is what its calls were given.
    const original = run as AnyRun;
    const watched: AnyRun = (items, tasks) => {
      for (const [i, context] of tasks.entries()) this.#note(task, context, items[i], false);
      return this.time.during(() => original(items, tasks));
    };
    this.#batches.set(run, watched);
    return watched;
  }

  #note({ name }: AnyTask, { runId, key, attempt }: TaskContext, input: unknown, isMocked: boolean): void {
    const at = this.time.clock.now();
    this.invocations.push({ task: name, runId, key, attempt, input, at, isMocked });
  }

  async #invoke(
    task: AnyTask,
    context: TaskContext,
    input: unknown,
    isMocked: boolean,
    run: () => unknown,
  ): Promise<unknown> {
    this.#note(task, context, input, isMocked);
    const value = await this.time.during(run);
    return isGenerator(value) ? this.#steps(value) : value;
  }

  /** Between two steps it waits for whoever reads. */
  async *#steps(generator: AsyncGenerator): AsyncGenerator {
    try {
      for (;;) {
        const next = await this.time.during(() => generator.next());
        if (next.done === true) return next.value as unknown;
        yield next.value;
      }
    } finally {
      await generator.return(undefined);
    }
  }

  #context(task: AnyTask, context: TaskContext): TaskContext {
    const receive = (...args: readonly never[]): Promise<unknown> =>
      this.time.aside(() => (context.receive as (...given: readonly never[]) => Promise<unknown>)(...args));
    // Nothing of an attempt is made before it is used: its members stay as they are.
    return Object.defineProperties(Object.create(context) as TaskContext, {
      receive: { value: receive },
      idempotencyKey: {
        get: () => {
          this.keyed.add(task);
          return context.idempotencyKey;
        },
      },
    });
  }

  #mockContext(context: TaskContext): MockContext {
    return Object.defineProperties(Object.create(context) as MockContext, {
      sleep: { value: (duration: Duration) => this.time.sleep(duration, context.signal) },
      hang: { value: () => this.time.hang(context.signal) },
    });
  }
}
