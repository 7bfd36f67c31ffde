import { expect } from 'vitest';
import type { OpenTask } from '../../src/engine/open-task.ts';
import type { Runtime } from '../../src/runtime.ts';
import { MemoryStore } from '../../src/testing.ts';
import { journal, settledKeys, transcript } from '../lab.fixture.ts';
import { inBranch, replays, Stage, type Program } from './stage.fixture.ts';

/** What somebody outside does about the tasks that are open whenever nothing else can go on. */
export type Worker = (runtime: Runtime, open: readonly OpenTask[], stage: Stage) => void | Promise<void>;

export interface Attended {
  readonly value: unknown;
  readonly store: MemoryStore;
  readonly stage: Stage;
}

/** Answers all of them with what `answer` says. */
export function answering(answer: (task: OpenTask) => unknown): Worker {
  return (runtime, open) => {
    for (const task of open) runtime.tasks.complete(task.id, answer(task));
  };
}

/** Runs, or goes on with, run 'r' to its end while a worker attends it. */
export async function attended(
  program: Program,
  worker: Worker,
  store: MemoryStore = new MemoryStore(),
  stage: Stage = new Stage(),
  options: Parameters<Stage['use']>[1] = {},
): Promise<Attended> {
  let runtime: Runtime | undefined;
  const onWaiting = (): void => {
    setImmediate(() => {
      if (runtime !== undefined) void worker(runtime, runtime.tasks.list(), stage);
    });
  };
  const value = await stage.use(store, { ...options, onWaiting }, async (opened) => {
    runtime = opened;
    const process = program(stage);
    const named: typeof process = (inputs, ctx) => process(inputs, ctx);
    Object.defineProperty(named, 'name', { value: 'program' });
    const isKnown = opened.get('r') !== undefined;
    const handle = isKnown ? opened.resume('r', named) : opened.start(named, null as never, { id: 'r' });
    return handle.result().catch((error: unknown) => `threw ${String(error)}`);
  });
  return { value, store, stage };
}

/** A ⟲ case with a worker: once through, replayed, crashed at every event, and in a branch of `parallel.map`. */
export async function everywhereAttended(
  program: Program,
  worker: Worker,
  expected: unknown,
  options: Parameters<Stage['use']>[1] = {},
): Promise<Attended> {
  const first = await attended(program, worker, new MemoryStore(), new Stage(), options);
  for (const each of [program, inBranch(program)]) {
    const whole =
      each === program ? first : await attended(each, worker, new MemoryStore(), new Stage(), options);
    expect(whole.value, transcript(whole.store).join('\n')).toEqual(expected);
    await replays(whole.store, each);
    await crashes(whole.store, each, worker, expected, options);
  }
  return first;
}

/**
 * Crashes a finished run at every event of its journal, resumes it with the worker, and replays it.
 * @param part every `of`th event alone, beginning with the `nth`: what takes long is divided among tests
 */
export async function crashes(
  store: MemoryStore,
  program: Program,
  worker: Worker,
  expected: unknown,
  options: Parameters<Stage['use']>[1],
  part: { readonly nth: number; readonly of: number } = { nth: 1, of: 1 },
): Promise<void> {
  const events = journal(store);
  const lines = transcript(store);
  for (let seq = part.nth; seq <= events.length; seq += part.of) {
    const where = `after a crash at seq ${seq}: ${lines[seq - 1]}`;
    const stage = Stage.at(events[seq - 1]?.at ?? 0);
    const again = await attended(program, worker, store.prefix('r', seq), stage, options);
    expect(again.value, where).toEqual(expected);
    expect(transcript(again.store).slice(0, seq), where).toEqual(lines.slice(0, seq));
    expect(openIds(again.store), where).toEqual([]);
    const settled = settledKeys(events.slice(0, seq));
    expect(
      stage.invoked.filter(({ key }) => settled.has(key)),
      where,
    ).toEqual([]);
    await replays(again.store, program, where);
  }
}

export function openIds(store: MemoryStore): string[] {
  return store.offers({ limit: 1000 }).map(({ taskId }) => taskId);
}
