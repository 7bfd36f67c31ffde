import { defineTask, type TaskContext, type TaskDefinition, type TaskSettings } from '@pawl/sdk';
import { expect } from 'vitest';
import type { PoolStatus } from '../../src/index.ts';
import type { RuntimeOptions } from '../../src/runtime-options.ts';
import type { Runtime } from '../../src/runtime.ts';
import { MemoryStore } from '../../src/testing.ts';
import { brief, Stage, type Program } from './stage.fixture.ts';

export interface Hears {
  readonly before?: number;
  readonly names?: readonly string[];
  readonly after?: number;
  readonly timeout?: number;
  /** This attempt and those before it fail once they have heard everything. */
  readonly failing?: number;
}

/** Works, waits for messages, and works again after each; its spans are the times in which it works. */
export function hearer(stage: Stage, settings: TaskSettings = {}): TaskDefinition<Hears, unknown[]> {
  const work = async (ms: number, { key, attempt, signal }: TaskContext): Promise<void> => {
    const from = stage.clock.monotonic();
    const span = { key, attempt, from, to: undefined as number | undefined, aborted: false };
    stage.spans.push(span);
    await stage.clock.sleep(ms, signal).finally(() => (span.to = stage.clock.monotonic()));
  };
  return defineTask({
    name: 'hear',
    ...(settings as object),
    run: async (
      { before = 0, names = ['word'], after = 0, timeout, failing = 0 }: Hears,
      task: TaskContext,
    ) => {
      stage.invoked.push({ task: 'hear', key: task.key, attempt: task.attempt });
      await work(before, task);
      const heard: unknown[] = [];
      for (const name of names) {
        heard.push(await task.receive(name, timeout === undefined ? {} : { timeout }));
        await work(after, task);
      }
      if (task.attempt <= failing) throw new Error(`attempt ${task.attempt}`);
      return heard;
    },
  });
}

export type Said = Readonly<Record<number, (runtime: Runtime, stage: Stage) => unknown>>;

/** Runs or resumes a program while people say things at points of its time. */
export async function told(
  program: Program,
  said: Said,
  {
    store = new MemoryStore(),
    stage = new Stage(),
    ...options
  }: { store?: MemoryStore; stage?: Stage } & Partial<RuntimeOptions> = {},
): Promise<{
  readonly value: unknown;
  readonly store: MemoryStore;
  readonly stage: Stage;
  readonly pools: PoolStatus[];
}> {
  return stage.use(store, options, async (runtime) => {
    for (const [ms, say] of Object.entries(said)) stage.later(Number(ms), () => void say(runtime, stage));
    const process = program(stage);
    const known = runtime.get('r') !== undefined;
    const handle = known ? runtime.resume('r', process) : runtime.start(process, null as never, { id: 'r' });
    const value = await handle.result().catch(brief);
    return { value, store, stage, pools: runtime.pools() };
  });
}

export const send =
  (name: string, payload: unknown, id = `${name} ${String(payload)}`) =>
  (runtime: Runtime): unknown =>
    runtime.send('r', name, payload, { id });

/** Nothing is held, and nobody waits. */
export function expectIdle(pools: readonly PoolStatus[]): void {
  for (const { name, used, active, queueLength } of pools)
    expect({ name, used: Object.values(used).every((amount) => amount === 0), active, queueLength }).toEqual({
      name,
      used: true,
      active: 0,
      queueLength: 0,
    });
}
