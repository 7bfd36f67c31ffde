import { defineTask, type Process, type TaskContext } from '@pawl/sdk';
import type { Recorded } from '../src/journal/event.ts';
import type { RunId } from '../src/journal/ids.ts';
import { eventsOf } from '../src/run-events.ts';
import type { RuntimeOptions } from '../src/runtime-options.ts';
import { openRuntime, type Runtime } from '../src/runtime.ts';
import { ManualClock, type MemoryStore, seededEntropy } from '../src/testing.ts';

/** How a process ended: what it returned, or what it threw. */
export type Outcome = { readonly value: unknown } | { readonly error: Error };

/** Every invocation of a task function, in order. */
export interface Invocation {
  readonly task: string;
  readonly key: string;
  readonly attempt: number;
}

type Behaviour =
  | { readonly ms: number; readonly value: unknown; readonly deaf?: boolean }
  | { readonly ms: number; readonly fail: string; readonly deaf?: boolean };

/**
 * A place to run processes in virtual time: tasks take virtual milliseconds, crashes are prefixes of
 * a journal, and every invocation is counted.
 */
export class Lab {
  clock: ManualClock = new ManualClock();
  readonly invoked: Invocation[] = [];
  /** Attempts of `flaky` tasks that fail before one succeeds, by name given in the input. */
  readonly warnings: string[] = [];

  /** Takes `ms`, then returns `value` or fails with `fail`; honours its signal unless `deaf`. */
  readonly work = defineTask({
    name: 'work',
    run: (input: Behaviour, task: TaskContext): Promise<unknown> => this.#work('work', input, task),
  });

  /** Fails as often as `failures` says, each after `ms`. */
  readonly flaky = defineTask({
    name: 'flaky',
    retry: { attempts: 5, delay: 100 },
    run: async (
      input: { ms: number; failures: number; value: unknown },
      task: TaskContext,
    ): Promise<unknown> => {
      const behaviour =
        task.attempt <= input.failures
          ? { ms: input.ms, fail: 'failure' }
          : { ms: input.ms, value: input.value };
      return this.#work('flaky', behaviour, task);
    },
  });

  async #work(name: string, input: Behaviour, task: TaskContext): Promise<unknown> {
    this.invoked.push({ task: name, key: task.key, attempt: task.attempt });
    await this.clock.sleep(input.ms, input.deaf === true ? undefined : task.signal);
    if ('fail' in input) throw new Error(input.fail);
    return input.value;
  }

  /** Opens a runtime in this lab's time. */
  async open(store: MemoryStore, options: Partial<RuntimeOptions> = {}): Promise<Runtime> {
    return openRuntime({
      store,
      clock: this.clock,
      entropy: seededEntropy(1),
      // Virtual time flies while a process waits for something real.
      stallMs: 1e9,
      onWarning: (_, message) => this.warnings.push(message),
      ...options,
    });
  }

  /** Runs, or goes on with, run 'r' until it has ended, letting virtual time pass. */
  async drive(
    store: MemoryStore,
    process: Process,
    inputs: unknown = null,
    options: Partial<RuntimeOptions> = {},
  ): Promise<Outcome> {
    const runtime = await this.open(store, options);
    const stop = this.clock.run(() => runtime.isIdle);
    try {
      const known = runtime.get('r') !== undefined;
      const handle = known
        ? runtime.resume('r', process)
        : runtime.start(process, inputs as never, { id: 'r' });
      return { value: await handle.result() };
    } catch (error) {
      return { error: error instanceof Error ? error : new Error(String(error)) };
    } finally {
      stop();
      await runtime.close();
    }
  }

  /** A new lab whose time starts at a point of another's journal. */
  static at(wall: number): Lab {
    const lab = new Lab();
    lab.clock = new ManualClock(wall);
    return lab;
  }
}

export function journal(store: MemoryStore, runId: RunId = 'r'): readonly Recorded[] {
  return [...eventsOf(store, runId)];
}

/** The journal as text, one event a line: what two runs are compared by. */
export function transcript(store: MemoryStore, runId: RunId = 'r'): string[] {
  return journal(store, runId).map(({ seq, event }) => `${seq} ${JSON.stringify(event)}`);
}

/** Types and keys of events, for assertions about order. */
export function shape(store: MemoryStore, runId: RunId = 'r'): string[] {
  return journal(store, runId).map(({ event }) =>
    'key' in event ? `${event.type} ${event.key}` : event.type,
  );
}

export function settledKeys(events: readonly Recorded[]): Set<string> {
  const keys = new Set<string>();
  for (const { event } of events) {
    if (event.type === 'TaskSucceeded' || event.type === 'TaskFailed' || event.type === 'TaskCancelled')
      keys.add(event.key);
  }
  return keys;
}
