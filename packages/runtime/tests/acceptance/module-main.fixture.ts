/** Functions for threads and processes. Loaded by Node as it is: no import may need more than that. */
import { appendFileSync, existsSync } from 'node:fs';
import { threadId } from 'node:worker_threads';

interface Told {
  readonly attempt: number;
  readonly key: string;
  log(...values: readonly unknown[]): void;
  heartbeat(): void;
  progress(value: unknown): Promise<void>;
  /** There only to refuse. */
  receive?(name: string): never;
}

/** Values keep their types on both ways. */
export default function types(input: unknown): unknown {
  const { map, date } = input as { map: Map<string, bigint>; date: Date };
  return { map, date: new Date(date.getTime() + 1), set: new Set([map.get('a')]), none: undefined };
}

export const where = (): { pid: number; threadId: number } => ({ pid: process.pid, threadId });

/** Ends its thread or process on the first attempt. */
export function exitOnce(_: unknown, task: Told): string {
  if (task.attempt === 1) process.exit(3);
  return `attempt ${task.attempt}`;
}

export const receives = (_: unknown, task: Told): unknown => task.receive?.('word');

export const exit = (): never => process.exit(0);

export async function uncaught(): Promise<void> {
  setTimeout(() => {
    throw new RangeError('out of nowhere');
  }, 1);
  await new Promise(() => undefined);
}

/** Says that it is there, and never ends by itself. */
export function loop({ path }: { path: string }): never {
  appendFileSync(path, `${process.pid}\n`);
  for (;;) existsSync(path);
}

export function fails(): never {
  throw Object.assign(new RangeError('far off', { cause: new Error('why') }), { code: 'FAR' });
}

export const unserializable = (): unknown => ({ deep: [() => 1] });

export function signs(_: unknown, task: Told): string {
  task.log('one', new Date(5), () => 1);
  task.heartbeat();
  return task.key;
}

export function many(_: unknown, task: Told): number {
  for (let i = 0; i < 1000; i += 1) task.log(i);
  return 1000;
}

export async function progress(_: unknown, task: Told): Promise<string> {
  await task.progress({ done: 1, of: new Map([['a', 2]]) });
  return 'told';
}

export async function* generates(count: number): AsyncGenerator<number, string> {
  for (let i = 0; i < count; i += 1) yield i;
  return 'generated';
}

/** More than a small heap holds. */
export function hungry(): number {
  const all: unknown[] = [];
  for (;;) all.push(Array.from({ length: 1000 }, (_, i) => ({ i, all })));
}

/** Tells what it was given, in each way. */
export function leaky(input: unknown, task: Told): unknown {
  const { token } = input as { token: string };
  task.log(`with ${token}`);
  return { length: token.length, token };
}
