import { InvalidArgumentError, LimitError, type Thunk } from '@pawl/sdk';
import type { Scope } from '../scope.ts';

/** The name of a combinator as process code calls it, for messages. */
export type CombinatorName = string;

/** What a group works on: its thunks, and a name for each where the code gives one. */
export interface Branches {
  readonly width: number;
  /** Calls the thunk of a branch. A map has one function for all of them. */
  readonly call: (index: number) => unknown;
  /** Undefined = by position. */
  readonly names: readonly string[] | undefined;
}

type KeyBy = ((item: never, index: number) => unknown) | undefined;

/** @throws InvalidArgumentError naming the first entry that is no function, LimitError */
export function listedThunks(
  name: CombinatorName,
  thunks: unknown,
  keyBy: KeyBy,
  maxWidth: number,
): Branches {
  if (!Array.isArray(thunks)) {
    throw new InvalidArgumentError(
      `parallel.${name} takes an array of functions; wrap each call: [() => ctx.task(…)].`,
    );
  }
  const list: readonly unknown[] = thunks;
  checkWidth(name, list.length, maxWidth);
  const checked = Array.from(list, (thunk, index) => checkedThunk(name, thunk, `entry at index ${index}`));
  return { ...branchesOf(checked), names: branchNames(checked, keyBy) };
}

function branchesOf(thunks: readonly Thunk[]): Omit<Branches, 'names'> {
  const call = (index: number): unknown => {
    const thunk = thunks[index];
    return thunk?.();
  };
  return { width: thunks.length, call };
}

/** @throws InvalidArgumentError naming the first member that is no function, LimitError */
export function namedThunks(name: CombinatorName, record: unknown, maxWidth: number): Branches {
  if (
    typeof record !== 'object' ||
    record === null ||
    Symbol.iterator in record ||
    record instanceof Promise
  ) {
    throw new InvalidArgumentError(
      `parallel.${name} takes an object of functions by name: { user: () => ctx.task(…) }.`,
    );
  }
  const entries: [string, unknown][] = Object.entries(record);
  checkWidth(name, entries.length, maxWidth);
  const thunks = entries.map(([key, thunk]) => {
    if (key === '' || !key.isWellFormed())
      throw new InvalidArgumentError(
        `parallel.${name}: a key must not be empty, and of well-formed Unicode; one is ${JSON.stringify(key)}.`,
      );
    return checkedThunk(name, thunk, `the member '${key}'`);
  });
  return { ...branchesOf(thunks), names: entries.map(([key]) => key) };
}

/** @throws InvalidArgumentError, LimitError, and what the iterable or `keyBy` throws */
export function mappedThunks<Item>(
  name: CombinatorName,
  { items, fn, keyBy }: { items: unknown; fn: unknown; keyBy: KeyBy },
  maxWidth: number,
): Branches & { readonly list: readonly Item[] } {
  checkFunction(name, fn, 'a function of (item, index) as its second argument');
  if (!isIterable<Item>(items)) {
    throw new InvalidArgumentError(
      `parallel.${name} takes an array, or another iterable, as its first argument.`,
    );
  }
  const list: Item[] = [];
  for (const item of items) {
    list.push(item);
    if (list.length > maxWidth) checkWidth(name, list.length, maxWidth);
  }
  return {
    list,
    width: list.length,
    call: (index) => fn(list[index], index),
    names: branchNames(list, keyBy),
  };
}

/** @throws InvalidArgumentError */
export function checkFunction(
  name: CombinatorName,
  fn: unknown,
  what: string,
): asserts fn is (...args: readonly unknown[]) => unknown {
  if (typeof fn !== 'function') throw new InvalidArgumentError(`parallel.${name} takes ${what}.`);
}

function isIterable<Item>(items: unknown): items is Iterable<Item> {
  return (
    typeof items === 'object' &&
    items !== null &&
    Symbol.iterator in items &&
    typeof items[Symbol.iterator] === 'function'
  );
}

/** @throws InvalidArgumentError */
export function checkedThunk(name: CombinatorName, thunk: unknown, place: string): Thunk {
  if (isThunk(thunk)) return thunk;
  const what =
    thunk instanceof Promise
      ? 'a promise, so it has started already'
      : thunk === null
        ? 'null'
        : `of type ${typeof thunk}`;
  throw new InvalidArgumentError(
    `parallel.${name}: ${place} must be a function; it is ${what}. Wrap the call: () => ctx.task(…).`,
  );
}

function isThunk(value: unknown): value is Thunk {
  return typeof value === 'function';
}

function branchNames(items: readonly unknown[], keyBy: KeyBy): string[] | undefined {
  if (keyBy === undefined) return undefined;
  const seen = new Map<string, number>();
  return items.map((item, index) => {
    // The signature of the combinator says what `keyBy` takes.
    const name = checkedName(keyBy(item as never, index), index);
    const first = seen.get(name);
    if (first !== undefined) {
      throw new InvalidArgumentError(
        `keyBy gave '${name}' for the items at index ${first} and ${index}; keys must differ.`,
      );
    }
    seen.set(name, index);
    return name;
  });
}

/** @throws InvalidArgumentError */
export function checkedName(name: unknown, index: number): string {
  if (typeof name !== 'string' || name === '' || !name.isWellFormed()) {
    throw new InvalidArgumentError(
      `keyBy must give a string that is not empty, of well-formed Unicode; for the item at index ${index} it gave ${typeof name === 'string' ? JSON.stringify(name) : `a value of type ${typeof name}`}.`,
    );
  }
  return name;
}

/** @throws LimitError */
export function checkDepth(name: CombinatorName | 'scope', scope: Scope, maxDepth: number): void {
  const depth = scope.depth / 2;
  if (depth < maxDepth) return;
  throw new LimitError(
    'groupDepth',
    `${name === 'scope' ? 'ctx' : 'parallel'}.${name} lies within ${depth} other parallel calls, as many as the limit groupDepth = ${maxDepth} allows; keep a list of what is to be done instead of going deeper, or raise it: openRuntime({ limits: { groupDepth: … } }).`,
  );
}

/** @throws LimitError */
export function checkWidth(name: CombinatorName, width: number, maxWidth: number): void {
  if (width <= maxWidth) return;
  throw new LimitError(
    'fanOut',
    `parallel.${name} over ${width} entries is more than the limit fanOut = ${maxWidth}; split the work, or raise it: openRuntime({ limits: { fanOut: … } }).`,
  );
}
