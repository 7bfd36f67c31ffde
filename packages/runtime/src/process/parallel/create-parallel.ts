import { EmptyGroupError, type Parallel } from '@pawl/sdk';
import type { ProcessHost } from '../host.ts';
import type { CombinatorMode } from './decision.ts';
import { createStreams } from './create-streams.ts';
import { openGroup } from './open-group.ts';
import { filterItems, groupItems, reduceItems } from './over-map.ts';
import { resolveGroupOptions } from './options.ts';
import { checkDepth, listedThunks, mappedThunks, namedThunks, type Branches } from './thunks.ts';

/** Options as a JavaScript caller may give them; `resolveGroupOptions` looks at them. */
type Options = Parameters<typeof resolveGroupOptions>[2];

/** `ctx.parallel` of one run. */
export function createParallel(host: ProcessHost): Parallel {
  /** Everything is looked at before anything is recorded: the options first, then what is worked on. */
  const group = <B extends Branches>(
    mode: CombinatorMode,
    name: string,
    options: Options,
    branchesOf: (maxWidth: number) => B,
  ): { readonly branches: B; readonly promise: Promise<unknown> } => {
    const scope = host.currentScope();
    checkDepth(name, scope, host.limits.groupDepth);
    const resolved = resolveGroupOptions(mode, name, options, scope.defaults);
    const branches = branchesOf(host.limits.fanOut);
    const promise =
      mode === 'race' && branches.width === 0
        ? refused(new EmptyGroupError(mode))
        : openGroup(host, scope, mode, branches, resolved);
    return { branches, promise };
  };
  const ofList =
    (mode: CombinatorMode, name: string = mode) =>
    (thunks: unknown, options?: Options) =>
      group(mode, name, options, (width) => listedThunks(name, thunks, options?.keyBy, width)).promise;
  const ofRecord = (mode: CombinatorMode) => (thunks: unknown, options?: Options) =>
    group(mode, mode, options, (width) => namedThunks(mode, thunks, width)).promise;
  const overItems = (
    mode: 'map' | 'mapSettled',
    name: string,
    items: unknown,
    fn: unknown,
    options: Options,
  ) => group(mode, name, options, (width) => mappedThunks(name, { items, fn, keyBy: options?.keyBy }, width));
  const ofItems = (mode: 'map' | 'mapSettled') => (items: unknown, fn: unknown, options?: Options) =>
    overItems(mode, mode, items, fn, options).promise;
  const map = (name: string, items: unknown, fn: unknown, options: Options) => {
    const { branches, promise } = overItems('map', name, items, fn, options);
    // `map` settles with one value for each item.
    return { items: branches.list, values: promise as Promise<readonly unknown[]> };
  };
  // The types of values follow from the thunks', which the signatures of Parallel say.
  return {
    ...createStreams(host),
    all: ofList('all'),
    allTuple: ofList('all', 'allTuple'),
    allSettled: ofList('allSettled'),
    allTupleSettled: ofList('allSettled', 'allTupleSettled'),
    any: ofList('any'),
    race: ofList('race'),
    some: ofList('some'),
    map: ofItems('map'),
    mapSettled: ofItems('mapSettled'),
    forkJoin: ofRecord('forkJoin'),
    forkJoinSettled: ofRecord('forkJoinSettled'),
    filter: (items: unknown, predicate: unknown, options?: Options) =>
      filterItems((fn) => map('filter', items, fn, options), predicate),
    groupBy: (items: unknown, keyOf: unknown, options?: Options) =>
      groupItems((fn) => map('groupBy', items, fn, options), keyOf),
    mapReduce: (items: unknown, fn: unknown, reduce: unknown, initial: unknown, options?: Options) =>
      reduceItems((placed) => map('mapReduce', items, placed, options), fn, reduce, initial),
  } as Parallel;
}

function refused(error: Error): Promise<never> {
  const promise = Promise.reject<never>(error);
  promise.catch(() => undefined);
  return promise;
}
