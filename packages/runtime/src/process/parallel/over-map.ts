import { withPlace } from './branch.ts';
import { checkFunction } from './thunks.ts';

/** Opens a `map` of whatever it is, with the function that is given. */
type OpenMap = (fn: unknown) => {
  readonly items: readonly unknown[];
  readonly values: Promise<readonly unknown[]>;
};

/** `parallel.filter`. */
export function filterItems(open: OpenMap, predicate: unknown): Promise<unknown[]> {
  const { items, values } = open(placed(predicate));
  return guarded(values.then((verdicts) => items.filter((_, index) => Boolean(verdicts[index]))));
}

/** `parallel.groupBy`. */
export function groupItems(open: OpenMap, keyOf: unknown): Promise<Map<unknown, unknown[]>> {
  const { items, values } = open(placed(keyOf));
  return guarded(values.then((keys) => Map.groupBy(items, (_, index) => keys[index])));
}

/** `parallel.mapReduce`. */
export function reduceItems(
  open: OpenMap,
  map: unknown,
  reduce: unknown,
  initial: unknown,
): Promise<unknown> {
  checkFunction('mapReduce', reduce, 'a function of (total, value, index) as its third argument');
  const { values } = open(placed(map));
  return guarded(values.then((mapped) => fold(mapped, reduce, initial)));
}

async function fold(
  values: readonly unknown[],
  reduce: (total: unknown, value: unknown, index: number) => unknown,
  initial: unknown,
): Promise<unknown> {
  let total = initial;
  for (const [index, value] of values.entries()) total = await reduce(total, value, index);
  return total;
}

/** The same function, whose error says where it happened. What is none is left for `map` to refuse. */
function placed(fn: unknown): unknown {
  if (typeof fn !== 'function') return fn;
  return async (item: unknown, index: number): Promise<unknown> => {
    try {
      return await fn(item, index);
    } catch (error) {
      throw withPlace(error, index, String(index));
    }
  };
}

/** Whoever does not await it must not end the program. */
function guarded<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
