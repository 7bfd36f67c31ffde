/** What tasks of the processes here do to the world: lines in a file, and gates that the test opens. */
import { randomBytes } from 'node:crypto';
import { appendFileSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { defineTask, type TaskContext } from '@pawl/sdk';

const PROGRAM = randomBytes(4).toString('hex');
const gates = new Map<string, PromiseWithResolvers<void>>();
let effects: number | undefined;
let count = 0;

/** Not by process.stdout: a line is on its way before the next statement runs. */
export function tell(line: { readonly at: string; readonly [field: string]: unknown }): void {
  let left = Buffer.from(`${JSON.stringify(line)}\n`);
  while (left.length > 0) {
    try {
      left = left.subarray(writeSync(1, left));
    } catch (error) {
      // The pipe is full for the moment.
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
      block(1);
    }
  }
}

export function writeEffectsTo(path: string): void {
  effects = openSync(path, 'a');
}

/** Records that an attempt was started, on the disk before anything else happens. */
export function start({ runId, key, attempt }: TaskContext): string {
  count += 1;
  const nonce = `${PROGRAM}-${count}`;
  if (effects !== undefined) {
    writeSync(effects, `${JSON.stringify({ program: PROGRAM, runId, key, attempt, nonce })}\n`);
    fsyncSync(effects);
  }
  tell({ at: 'started', key, attempt, nonce });
  return nonce;
}

/** Each run has its own. */
function gate(name: string): PromiseWithResolvers<void> {
  const made = gates.get(name) ?? Promise.withResolvers<void>();
  gates.set(name, made);
  return made;
}

export function openGate(runId: string, name: string): void {
  gate(`${runId} ${name}`).resolve();
}

/** Nothing else runs in this program for so long. */
export function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** How long `stall` blocks this program; 0 in all but the one that is to be overtaken. */
export const blocking = { ms: 0 };

/** Once in the life of a program: process code that holds the event loop. */
export function stall(): void {
  const { ms } = blocking;
  if (ms === 0) return;
  blocking.ms = 0;
  tell({ at: 'blocking' });
  block(ms);
  tell({ at: 'unblocked' });
}

/** Takes `ms` and gives `value`. Killed as often as the tests like. */
export const work = defineTask({
  name: 'work',
  maxUnknown: 1000,
  run: async (input: { ms: number; value: unknown }, task: TaskContext): Promise<unknown> => {
    start(task);
    if (input.ms > 0) await delay(input.ms, undefined, { signal: task.signal });
    return input.value;
  },
});

/** Fails in its first attempts. */
export const flaky = defineTask({
  name: 'flaky',
  maxUnknown: 1000,
  retry: { attempts: 4, delay: 4, factor: 1 },
  run: async (input: { failures: number; value: unknown }, task: TaskContext): Promise<unknown> => {
    start(task);
    await delay(1, undefined, { signal: task.signal });
    if (task.attempt <= input.failures) throw new RangeError(`failure ${input.value}`);
    return input.value;
  },
});

/** Fails always, at once and for good. */
export const hopeless = defineTask({
  name: 'hopeless',
  maxUnknown: 1000,
  run: (input: { value: unknown }, task: TaskContext): unknown => {
    start(task);
    throw new RangeError(`hopeless ${input.value}`);
  },
});

/** Gives a text of some length. */
export const load = defineTask({
  name: 'load',
  maxUnknown: 1000,
  run: (input: { i: number; bytes: number }): string => String(input.i % 10).repeat(input.bytes),
});

/** Gives its own nonce, which is another one for each start. */
export const once = defineTask({
  name: 'once',
  maxUnknown: 1000,
  run: (_: number, task: TaskContext): string => start(task),
});

/** Waits until the test opens the gate in this program. */
export const gated = defineTask({
  name: 'gated',
  maxUnknown: 1000,
  run: async (name: string, task: TaskContext): Promise<string> => {
    const nonce = start(task);
    await Promise.race([
      gate(`${task.runId} ${name}`).promise,
      new Promise((_, reject) => task.signal.addEventListener('abort', () => reject(task.signal.reason))),
    ]);
    return nonce;
  },
});

/** Leaves a sign when it begins and one when it ends, in the order of the whole machine. */
export const marked = defineTask({
  name: 'marked',
  maxUnknown: 1000,
  run: async (input: { ms: number; log: string }, task: TaskContext): Promise<void> => {
    appendFileSync(input.log, '+');
    start(task);
    try {
      await delay(input.ms, undefined, { signal: task.signal });
    } finally {
      appendFileSync(input.log, '-');
    }
  },
});

/** Holds the event loop while it runs, where this program is told to. */
export const stalling = defineTask({
  name: 'stalling',
  maxUnknown: 1000,
  run: (_: number, task: TaskContext): string => {
    const nonce = start(task);
    stall();
    return nonce;
  },
});
