/**
 * Why a function can be no process, in words; undefined where it can. A generator or a class would be called, do
 * nothing, and be taken for a process that has ended.
 */
export function whyNoProcess(run: (...args: never) => unknown): string | undefined {
  const kind: unknown = Reflect.get(run, Symbol.toStringTag);
  if (kind === 'GeneratorFunction') return 'a generator function, which nobody here would iterate';
  if (kind === 'AsyncGeneratorFunction')
    return 'an async generator function, which nobody here would iterate';
  // Of a function that can be called it is writable, or not there.
  return Object.getOwnPropertyDescriptor(run, 'prototype')?.writable === false
    ? 'a class, which cannot be called'
    : undefined;
}
