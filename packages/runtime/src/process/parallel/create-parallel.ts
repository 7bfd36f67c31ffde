import { AsyncLocalStorage } from 'node:async_hooks';
import {
  EmptyGroupError,
  InvalidArgumentError,
  type MapOptions,
  type Parallel,
  type SettledGroupOptions,
  type Thunk,
} from '@pawl/sdk';
import { groupFingerprint } from '../../kernel/fingerprint.ts';
import { finite, type ProcessHost } from '../host.ts';
import type { Scope } from '../scope.ts';
import type { CombinatorMode } from './decision.ts';
import { Group, type GroupPlan } from './group.ts';
import {
  checkDepth,
  checkThunks,
  checkWidth,
  resolveGroupOptions,
  type ResolvedGroupOptions,
} from './options.ts';

/** `ctx.parallel` of one run. */
export function createParallel(host: ProcessHost): Parallel {
  const group = (mode: CombinatorMode, thunks: unknown, options: object | undefined): Promise<unknown> => {
    const scope = host.currentScope();
    checkDepth(mode, scope, host.limits.groupDepth);
    const resolved = resolveGroupOptions(mode, options, scope.priority);
    const checked = checkThunks(mode, thunks, host.limits.fanOut);
    if (mode === 'race' && checked.length === 0) return refused(new EmptyGroupError(mode));
    return openGroup(host, scope, {
      mode,
      thunks: checked,
      names: undefined,
      options: resolved,
      inUserContext: AsyncLocalStorage.snapshot(),
    });
  };
  // The types of values follow from the thunks', which the signatures of Parallel say.
  return {
    all: (thunks: readonly Thunk[], options?: object) => group('all', thunks, options),
    allSettled: (thunks: readonly Thunk[], options?: SettledGroupOptions) =>
      group('allSettled', thunks, options),
    any: (thunks: readonly Thunk[], options?: object) => group('any', thunks, options),
    race: (thunks: readonly Thunk[], options?: object) => group('race', thunks, options),
    map: <Item, R>(items: Iterable<Item>, fn: (item: Item, index: number) => R, options?: MapOptions<Item>) =>
      openMap(host, items, fn, options),
  } as Parallel;
}

function refused(error: Error): Promise<never> {
  const promise = Promise.reject<never>(error);
  promise.catch(() => undefined);
  return promise;
}

function openMap<Item>(
  host: ProcessHost,
  items: Iterable<Item>,
  fn: (item: Item, index: number) => unknown,
  options: MapOptions<Item> | undefined,
): Promise<unknown> {
  const scope = host.currentScope();
  checkDepth('map', scope, host.limits.groupDepth);
  const resolved: ResolvedGroupOptions = resolveGroupOptions('map', options, scope.priority);
  if (typeof fn !== 'function')
    throw new InvalidArgumentError('parallel.map takes a function of (item, index) as its second argument.');
  if (typeof items !== 'object' || items === null || typeof items[Symbol.iterator] !== 'function') {
    throw new InvalidArgumentError(
      'parallel.map takes an array, or another iterable, as its first argument.',
    );
  }
  const list: Item[] = [];
  for (const item of items) {
    list.push(item);
    if (list.length > host.limits.fanOut) checkWidth('map', list.length, host.limits.fanOut);
  }
  const keyBy = options?.keyBy;
  return openGroup(host, scope, {
    mode: 'map',
    thunks: list.map((item, index) => () => fn(item, index)),
    names: keyBy === undefined ? undefined : branchNames(list, keyBy),
    options: resolved,
    inUserContext: AsyncLocalStorage.snapshot(),
  });
}

function branchNames<Item>(items: readonly Item[], keyBy: (item: Item, index: number) => string): string[] {
  const seen = new Map<string, number>();
  return items.map((item, index) => {
    const name = keyBy(item, index);
    if (typeof name !== 'string' || name === '' || !name.isWellFormed()) {
      throw new InvalidArgumentError(
        `keyBy must give a string that is not empty, of well-formed Unicode; for the item at index ${index} it gave ${JSON.stringify(name) ?? 'undefined'}.`,
      );
    }
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

function openGroup(host: ProcessHost, scope: Scope, plan: GroupPlan): Promise<unknown> {
  const { mode, thunks, options } = plan;
  const fingerprint = groupFingerprint(mode, thunks.length);
  return host.request<unknown>(
    scope,
    options.name,
    { fingerprint, what: fingerprint },
    (key, resolve, reject) => {
      const recorded = host.live ? undefined : host.recordedGroup(key);
      const concurrency = recorded === undefined ? finite(options.concurrency) : recorded.openedConcurrency;
      // The chunks of a group stay as they were recorded; thunks can see them.
      const batchSize = recorded === undefined ? finite(options.batchSize) : recorded.batchSize;
      const aborted = recorded === undefined ? options.signal?.aborted === true : recorded.openedAborted;
      const group = new Group(key, scope, plan, host, { resolve, reject });
      host.openGroups.set(key, group);
      host.command({
        type: 'OpenScope',
        key,
        mode,
        width: thunks.length,
        concurrency,
        batchSize,
        buffer: null,
        losers: 'cancel',
        timeoutMs: options.timeoutMs,
        aborted,
      });
      group.open(concurrency ?? Infinity, batchSize ?? Infinity, aborted);
      if (host.live && !aborted) group.listen();
    },
  );
}
