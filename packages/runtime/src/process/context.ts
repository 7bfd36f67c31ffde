import { AsyncLocalStorage } from 'node:async_hooks';
import {
  checkSettings,
  durationMs,
  EmptyGroupError,
  InvalidArgumentError,
  InvalidOptionError,
  LimitError,
  MAX_DURATION_MS,
  NO_RETRY,
  refuseInvalid,
  retryPlan,
  UnserializableError,
  type Context,
  type MapOptions,
  type Parallel,
  type SettledGroupOptions,
  type TaskCallOptions,
  type TaskDefinition,
  type Thunk,
} from '@pawl/sdk';
import { canonical } from '../journal/canonical.ts';
import { encode, EncodeRefusal } from '../journal/codec.ts';
import type { Encoded, GroupMode, TaskPolicy } from '../journal/event.ts';
import { groupFingerprint, taskFingerprint } from '../kernel/fingerprint.ts';
import { finite, type OpenTask, type ProcessHost } from './host.ts';
import { Group, type GroupPlan } from './parallel/group.ts';
import {
  checkDepth,
  checkName,
  checkThunks,
  checkWidth,
  priorityNumber,
  resolveGroupOptions,
  type ResolvedGroupOptions,
} from './parallel/options.ts';
import type { Scope } from './scope.ts';
import { randomFrom, uuidFrom } from './values.ts';

/** The `ctx` of one run. Everything it is asked for goes through the host. */
export function createContext(host: ProcessHost): Context {
  const value = (): string => {
    const scope = host.currentScope();
    scope.nextValue += 1;
    return `${scope.path}#${scope.nextValue}`;
  };
  return {
    runId: host.runId,
    get signal() {
      return host.currentScope().signal;
    },
    task: <Args, Output>(definition: TaskDefinition<Args, Output>, args?: Args, options?: TaskCallOptions) =>
      scheduleTask<Output>(host, definition, args, options),
    parallel: createParallel(host),
    sleep: (duration, options) =>
      startTimer(host, { kind: 'sleep', durationMs: durationMs(duration, 'duration') }, options?.key),
    sleepUntil: (when, options) =>
      startTimer(host, { kind: 'sleepUntil', dueAt: pointOfTime(when) }, options?.key),
    now: () => new Date(host.now),
    random: () => randomFrom(host.port.digest, host.seed, value()),
    uuid: () => uuidFrom(host.port.digest, host.seed, value()),
    log: (...values) => {
      if (!host.quiet) host.port.log(values);
    },
  };
}

function pointOfTime(when: unknown): number {
  const at = when instanceof Date ? when.getTime() : when;
  if (typeof at !== 'number' || !Number.isFinite(at) || Math.abs(at) > MAX_DURATION_MS) {
    throw new InvalidOptionError('when', when, 'a valid Date, or milliseconds since 1970');
  }
  return Math.ceil(at);
}

function startTimer(
  host: ProcessHost,
  timer: { kind: 'sleep'; durationMs: number } | { kind: 'sleepUntil'; dueAt: number },
  key: string | undefined,
): Promise<void> {
  const scope = host.currentScope();
  const fingerprint = timer.kind === 'sleep' ? `sleep ${timer.durationMs}ms` : `sleepUntil ${timer.dueAt}`;
  return host.request<void>(
    scope,
    checkName(key),
    { fingerprint, what: fingerprint },
    (callKey, resolve, reject) => {
      host.openCalls.set(callKey, {
        resolve: () => resolve(),
        reject,
        scope,
        task: undefined,
        lastFailure: undefined,
      });
      host.command({ type: 'StartTimer', key: callKey, timer });
    },
  );
}

/**
 * Encodes what process code hands over.
 * @throws UnserializableError that says where it cannot be recorded, LimitError
 */
export function encodePayload(what: string, value: unknown, maxSize: number): Encoded {
  try {
    return encode(value, { maxSize });
  } catch (refusal) {
    if (!(refusal instanceof EncodeRefusal)) throw refusal;
    if (refusal.kind === 'size') throw tooLarge(what, maxSize);
    throw new UnserializableError(what, refusal.path, refusal.reason);
  }
}

function tooLarge(what: string, maxSize: number): LimitError {
  return new LimitError(
    'payloadBytes',
    `${what} takes more than the limit payloadBytes = ${maxSize}. Hand over a path or an id instead, or raise the limit: openRuntime({ limits: { payloadBytes: … } }).`,
  );
}

const CALL_OPTIONS: ReadonlySet<string> = new Set<keyof TaskCallOptions>([
  'key',
  'retry',
  'timeout',
  'deadline',
  'priority',
]);

/** A definition's other settings belong to the task: given to a call they would be ignored, or be half true. */
function checkCallOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null)
    throw new InvalidOptionError('options', options, 'an object');
  for (const name of Object.keys(options)) {
    if (CALL_OPTIONS.has(name)) continue;
    throw new InvalidOptionError(
      name,
      Reflect.get(options, name),
      `left out: a call takes ${[...CALL_OPTIONS].join(', ')}`,
    );
  }
}

function scheduleTask<Output>(
  host: ProcessHost,
  definition: TaskDefinition<never, unknown>,
  args: unknown,
  options: TaskCallOptions = {},
): Promise<Output> {
  const scope = host.currentScope();
  if (typeof definition?.build !== 'function') {
    throw new InvalidArgumentError(
      'ctx.task takes a task made by defineTask or shellTask as its first argument.',
    );
  }
  checkCallOptions(options);
  const { key, priority, ...overrides } = options;
  const name = checkName(key);
  checkSettings(overrides);
  const settings = { ...definition.settings, ...given(overrides) };
  const what = `The input of task '${definition.name}'`;
  if (definition.input !== undefined) refuseInvalid(definition.input, args, what);
  const encoded = encodePayload(what, args, host.limits.payloadBytes);
  const text = canonical(encoded);
  if (text.length > host.limits.payloadBytes) throw tooLarge(what, host.limits.payloadBytes);
  const inputHash = host.port.digest(text);
  const version = settings.version === undefined ? null : String(settings.version);
  const policy: TaskPolicy = {
    retry: settings.retry === undefined ? NO_RETRY : retryPlan(settings.retry),
    timeoutMs: settings.timeout === undefined ? null : durationMs(settings.timeout, 'timeout'),
    deadlineMs: settings.deadline === undefined ? null : durationMs(settings.deadline, 'deadline'),
    onUnknown: settings.onUnknown ?? 'retry',
    maxUnknown: settings.maxUnknown ?? 3,
  };
  const task: OpenTask = {
    definition,
    args: encoded,
    priority: priority === undefined ? scope.priority : priorityNumber(priority),
    timeoutMs: policy.timeoutMs,
    shouldRetry: settings.retry?.shouldRetry,
  };
  const fingerprint = taskFingerprint(definition.name, version, inputHash);
  return host.request<Output>(
    scope,
    name,
    { fingerprint, what: `task '${definition.name}'`, args: encoded },
    (callKey, resolve, reject) => {
      // What the journal gives back is what the task returned, whose type the definition carries.
      const settle = (value: unknown): void => resolve(value as Output);
      host.openCalls.set(callKey, { resolve: settle, reject, scope, task, lastFailure: undefined });
      host.command({
        type: 'ScheduleTask',
        key: callKey,
        task: definition.name,
        version,
        inputHash,
        args: encoded,
        policy,
      });
    },
  );
}

function createParallel(host: ProcessHost): Parallel {
  const group = (mode: GroupMode, thunks: unknown, options: object | undefined): Promise<unknown> => {
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
        timeoutMs: options.timeoutMs,
        aborted,
      });
      group.open(concurrency ?? Infinity, batchSize ?? Infinity, aborted);
      if (host.live && !aborted) group.listen();
    },
  );
}

/** An option that is undefined is one that is left out. */
function given<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}
