import { poolSpec, type PoolName, type PoolSpec } from './pools.ts';
import { COUNTERS, CONTROLLERS } from './program.ts';
import type {
  Block,
  Call,
  GroupSpec,
  ListMode,
  MergeMode,
  PersonsAnswer,
  QuestionRules,
  Note,
  Program,
  SourceSpec,
  Statement,
  StreamMode,
  StreamSpec,
  TaskSpec,
  Test,
  Use,
  Priority,
} from './program.ts';

/** What the task function of the world is told to do. */
export interface TaskArgs {
  readonly id: number;
  readonly ms: number;
  readonly failures: number;
  readonly value: unknown;
  readonly deaf: boolean;
  readonly tells?: number;
  /** What it holds while it runs. */
  readonly holds?: { readonly pool: PoolName; readonly cost: number };
}

export interface TaskOptions {
  readonly pool?: PoolName;
  readonly cost?: number;
  readonly key?: string;
  readonly timeout?: number;
  readonly deadline?: number;
  readonly priority?: Priority;
  readonly retry?: {
    readonly attempts: number;
    readonly delay: number;
    readonly factor: number;
    readonly jitter: number;
    readonly maxDelay?: number;
    readonly shouldRetry?: (error: unknown) => boolean;
  };
}

export interface GroupOptions {
  readonly key?: string;
  readonly concurrency?: number;
  readonly batchSize?: number;
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  readonly priority?: Priority;
  readonly preserveOrder?: boolean;
  readonly losers?: 'cancel' | 'drain' | 'detach';
  readonly completion?: { readonly minSuccessful?: number; readonly toleratedFailures?: number };
  readonly min?: number;
}

export interface MapOptions extends GroupOptions {
  readonly keyBy?: (item: number) => string;
}

export interface StreamOptions {
  readonly key?: string;
  readonly keyBy?: (item: number) => string;
  readonly concurrency?: number;
  readonly buffer?: number;
  readonly preserveOrder?: boolean;
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  readonly priority?: Priority;
}

/** A list, or what makes a generator. */
export type StreamSource = readonly number[] | ((inner?: Api) => AsyncGenerator<number>);

/** `inner` is given by a ctx that cannot tell by itself in which branch it is used. */
export type Thunk = (inner?: Api) => Promise<unknown>;
export type MapFunction = (item: number, index: number, inner?: Api) => Promise<unknown>;

export interface MergeOptions {
  readonly key?: string;
  readonly onError?: 'envelope';
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

/** What a source outside does. */
export interface OutsideArgs {
  readonly items: number;
  readonly ms: number;
  readonly failsAt: number;
  readonly failures: number;
}

export interface OutsideOptions {
  readonly key?: string;
  readonly buffer?: number;
  readonly retry?: NonNullable<TaskOptions['retry']>;
}

/** What a task that is listened to tells. */
export type Told =
  | {
      readonly type: 'INTERMEDIATE';
      readonly index: number;
      readonly attempt: number;
      readonly value: unknown;
    }
  | { readonly type: 'FINAL'; readonly attempt: number; readonly value: unknown }
  | { readonly type: 'ERROR'; readonly attempt: number; readonly error: unknown };

/** `inner` as with thunks. */
export interface SimChannel {
  push(value: unknown, inner?: Api): Promise<void>;
  read(inner?: Api): AsyncIterable<unknown>;
  close(): void;
  fail(error: unknown): void;
}

/** What whoever answers is told: after how long, and with what. */
export interface ToSend {
  readonly ms: number;
  readonly value: unknown;
}

/** What the people who are asked are told: when each answers, and what. */
export interface QuestionOptions extends QuestionRules {
  readonly key?: string;
  readonly timeout?: number;
  readonly onTimeout?: 'reject' | 'approve' | 'fail';
  readonly answers: readonly PersonsAnswer[];
}

/** What whoever does it is told to do. */
export interface ExternalArgs {
  readonly id: number;
  readonly ms: number;
  readonly value: number;
  readonly failures: number;
  readonly isGivenUp: boolean;
}

export interface ExternalOptions {
  readonly key?: string;
  readonly timeout?: number;
  readonly retry?: Omit<NonNullable<TaskOptions['retry']>, 'shouldRetry'>;
}

type RegisterExit = (task: TaskSpec['task'], args: TaskArgs, options: TaskOptions) => void;

export interface ExitHandle {
  readonly onExit: RegisterExit;
  readonly compensate: RegisterExit;
}

export interface ScopeOptions {
  readonly key?: string;
  readonly timeout?: number;
}

/** What a program uses of `ctx`. */
export interface Api {
  pool(name: PoolName, spec: PoolSpec): void;
  task(task: TaskSpec['task'], args: TaskArgs, options: TaskOptions): Promise<unknown>;
  /** Thunks of a combinator that takes them by name are `b0`, `b1`, … */
  group(mode: ListMode, thunks: readonly Thunk[], options: GroupOptions): Promise<unknown>;
  map(
    mode: 'map' | 'mapSettled',
    items: readonly number[],
    fn: MapFunction,
    options: MapOptions,
  ): Promise<unknown>;
  stream(
    mode: StreamMode,
    source: StreamSource,
    fn: MapFunction,
    options: StreamOptions,
  ): AsyncIterable<unknown> | Promise<unknown>;
  /** @param names of the sources, where they have some */
  merge(
    mode: MergeMode,
    sources: readonly StreamSource[],
    names: readonly string[] | undefined,
    options: MergeOptions,
  ): AsyncIterable<unknown>;
  source(name: string, args: OutsideArgs, options: OutsideOptions): AsyncIterable<unknown>;
  progress(
    task: TaskSpec['task'],
    args: TaskArgs,
    options: TaskOptions & { readonly buffer?: number },
  ): AsyncIterable<unknown>;
  channel(capacity: number): SimChannel;
  receive(
    name: string,
    options: { readonly key?: string; readonly timeout?: number; readonly data: ToSend },
  ): Promise<unknown>;
  question(title: string, options: QuestionOptions): Promise<unknown>;
  scope(fn: (handle: ExitHandle, inner?: Api) => Promise<unknown>, options: ScopeOptions): Promise<unknown>;
  external(args: ExternalArgs, options: ExternalOptions): Promise<unknown>;
  state(name: string, value: number): void;
  sleep(ms: number, options: { readonly key?: string }): Promise<void>;
  sleepUntil(at: number, options: { readonly key?: string }): Promise<void>;
  now(): Date;
  random(): number;
  uuid(): string;
  isAborted(): boolean;
  log(line: number): void;
}

/** How a program is run, apart from what it says. */
export interface Manner {
  /** Another concurrency than the program's, as if its code had been changed. */
  readonly concurrency: (programs: number | undefined) => number | undefined;
  /** Instead of the program's. */
  readonly priority: number | undefined;
  /** More slots than the program's pools have. */
  readonly extraSlots: number;
  readonly raw: (turns: number) => Promise<void>;
}

interface Shared {
  readonly manner: Manner;
  readonly withKeys: boolean;
  readonly counters: number[];
  readonly order: unknown[];
  readonly controllers: AbortController[];
  /** Promises that any strand may wait for. */
  readonly slots: Map<number, Promise<unknown>>;
  logged: number;
  stated: number;
}

/** Where statements run: the program itself, a branch, or a strand. */
interface Frame {
  readonly api: Api;
  readonly shared: Shared;
  readonly slots: Map<number, Promise<unknown>>;
  readonly results: unknown[];
  readonly item: number;
}

/** Runs a program on a ctx. What it returns can be recorded. */
export async function interpret(program: Program, api: Api, manner: Manner): Promise<unknown> {
  const shared: Shared = {
    manner,
    withKeys: program.kind === 'any' || program.kind === 'wild',
    counters: Array.from({ length: COUNTERS }, () => 0),
    order: [],
    controllers: Array.from({ length: CONTROLLERS }, () => new AbortController()),
    slots: new Map(),
    logged: 0,
    stated: 0,
  };
  for (const name of program.pools) {
    const spec = poolSpec(name);
    api.pool(name, { ...spec, maxConcurrent: spec.maxConcurrent + manner.extraSlots });
  }
  const results = await runFrame(program.body, api, shared, 0);
  return { results, counters: shared.counters, order: shared.order };
}

async function runFrame(body: Block, api: Api, shared: Shared, item: number): Promise<unknown[]> {
  const frame: Frame = { api, shared, slots: new Map(), results: [], item };
  await runBlock(body, frame);
  return frame.results;
}

async function runBlock(block: Block, frame: Frame): Promise<void> {
  for (const statement of block) await runStatement(statement, frame);
}

async function runStatement(statement: Statement, frame: Frame): Promise<void> {
  const { shared } = frame;
  switch (statement.do) {
    case 'await':
      await use(statement.use, call(statement.call, frame), frame);
      return;
    case 'leave': {
      // A call in a branch that was given up may never settle: nobody else must wait for it.
      const slots = statement.shared && !frame.api.isAborted() ? shared.slots : frame.slots;
      const promise = call(statement.call, frame);
      promise.catch(() => undefined);
      slots.set(statement.slot, promise);
      return;
    }
    case 'join':
      frame.results.push(
        clean(await (frame.slots.get(statement.slot) ?? shared.slots.get(statement.slot)), shared),
      );
      return;
    case 'if':
      await runBlock(holds(statement.test, frame) ? statement.yes : statement.no, frame);
      return;
    case 'try':
      try {
        await runBlock(statement.body, frame);
      } catch (error) {
        frame.results.push(describeError(error, shared.withKeys));
        await runBlock(statement.rescue, frame);
      }
      return;
    case 'throw':
      throw new RangeError(statement.message);
    case 'loop':
      for (let i = 0; i < statement.times; i += 1) await runBlock(statement.body, frame);
      return;
    case 'abort':
      shared.controllers[statement.controller]?.abort(`controller ${statement.controller}`);
      return;
    case 'note':
      note(statement.what, frame);
      return;
  }
}

async function use(
  { as, ...how }: Use,
  promise: Promise<unknown>,
  { shared, results }: Frame,
): Promise<void> {
  const { counters, order } = shared;
  const counter = 'counter' in how ? how.counter : 0;
  const before = counters[counter] ?? 0;
  const value = clean(await promise, shared);
  switch (as) {
    case 'result':
      results.push(value);
      return;
    case 'sum':
      counters[counter] = (counters[counter] ?? 0) + numeric(value);
      return;
    case 'staleSum':
      counters[counter] = before + numeric(value);
      return;
    case 'order':
      order.push(value);
      return;
  }
}

function note(what: Note, { api, results, shared }: Frame): void {
  switch (what) {
    case 'random':
      results.push(api.random());
      return;
    case 'uuid':
      results.push(api.uuid());
      return;
    case 'now':
      results.push(api.now());
      return;
    case 'signal':
      results.push(api.isAborted());
      return;
    case 'log':
      shared.logged += 1;
      api.log(shared.logged);
      return;
    case 'state':
      shared.stated += 1;
      api.state(`state${shared.stated % 2}`, shared.stated);
      return;
  }
}

function holds(test: Test, frame: Frame): boolean {
  switch (test.on) {
    case 'counter':
      return (frame.shared.counters[test.counter] ?? 0) % 2 === 0;
    case 'last':
      return numeric(frame.results.at(-1)) % 2 === 0;
    case 'item':
      return frame.item % 2 === 0;
    case 'random':
      return frame.api.random() < 0.5;
    case 'now':
      return frame.api.now().getTime() % 2 === 0;
  }
}

function call(asked: Call, frame: Frame): Promise<unknown> {
  const { api, shared } = frame;
  switch (asked.do) {
    case 'task':
      return callTask(asked.spec, frame);
    case 'sleep': {
      const options = named(asked.key);
      return asked.until
        ? api.sleepUntil(api.now().getTime() + asked.ms, options)
        : api.sleep(asked.ms, options);
    }
    case 'group': {
      const thunks = asked.branches.map(
        (body, index): Thunk =>
          (inner) =>
            runFrame(body, inner ?? api, shared, index),
      );
      return api.group(asked.mode, thunks, groupOptions(asked.options, shared));
    }
    case 'map': {
      const items = Array.from({ length: asked.items }, (_, index) => asked.items - index);
      const keyBy = asked.keyBy ? { keyBy: (item: number) => `item ${item}` } : {};
      const fn: MapFunction = (item, _, inner) => runFrame(asked.body, inner ?? api, shared, item);
      return api.map(asked.settled ? 'mapSettled' : 'map', items, fn, {
        ...groupOptions(asked.options, shared),
        ...keyBy,
      });
    }
    case 'native':
      return native(
        asked.how,
        asked.strands.map((body, index) => strand(body, index, frame)),
      );
    case 'merge':
      return callMerge(asked, frame);
    case 'source':
      return callOutside(asked, frame);
    case 'progress':
      return callProgress(asked, frame);
    case 'channel':
      return callChannel(asked, frame);
    case 'receive': {
      const { id, ms, value, timeout } = asked;
      return api.receive(`message ${id}`, {
        ...named(asked.key),
        ...(timeout === undefined ? {} : { timeout }),
        data: { ms, value },
      });
    }
    case 'question': {
      const { id, rules, answers, timeout, onTimeout } = asked;
      const late = timeout === undefined ? {} : { timeout, onTimeout };
      return api.question(`question ${id}`, { ...named(asked.key), ...rules, ...late, answers });
    }
    case 'scope':
      return callScope(asked, frame);
    case 'external': {
      const { key, timeout, retry, ...args } = asked.spec;
      return api.external(args, {
        ...named(key),
        ...(timeout === undefined ? {} : { timeout }),
        ...(retry === undefined ? {} : { retry: retryOptions({ ...retry, refuses: false }) }),
      });
    }
    case 'stream':
      return callStream(asked, frame);
    case 'raw':
      return shared.manner.raw(asked.turns);
  }
}

function callScope(asked: Extract<Call, { do: 'scope' }>, { api, shared, item }: Frame): Promise<unknown> {
  const { body, exits, timeout, key } = asked;
  return api.scope(
    async (handle, inner) => {
      const frame: Frame = { api: inner ?? api, shared, slots: new Map(), results: [], item };
      const register = ({ when, spec }: (typeof exits)[number]): void =>
        handle[when](...taskCall(spec, frame));
      for (const exit of exits.slice(0, -1)) register(exit);
      await runBlock(body, frame);
      for (const exit of exits.slice(-1)) register(exit);
      return frame.results;
    },
    { ...named(key), ...(timeout === undefined ? {} : { timeout }) },
  );
}

async function read(
  stream: AsyncIterable<unknown>,
  { each, leave }: { readonly each: Block; readonly leave: number | undefined },
  frame: Frame,
): Promise<unknown[]> {
  const results: unknown[] = [];
  for await (const result of stream) {
    results.push(result);
    await runBlock(each, frame);
    if (results.length === leave) break;
  }
  return results;
}

function callMerge(asked: Extract<Call, { do: 'merge' }>, frame: Frame): Promise<unknown> {
  const { mode, envelope, timeout } = asked;
  const { api, shared } = frame;
  const signal = asked.signal === undefined ? undefined : shared.controllers[asked.signal]?.signal;
  const sources = asked.sources.map((source) => sourceOf(source, frame));
  const stream = api.merge(mode, sources, asked.named ? sources.map((_, i) => `s${i}`) : undefined, {
    ...named(asked.key),
    ...(envelope ? { onError: 'envelope' } : {}),
    ...(timeout === undefined ? {} : { timeout }),
    ...(signal === undefined ? {} : { signal }),
  });
  return read(stream, asked, frame);
}

function callOutside(asked: Extract<Call, { do: 'source' }>, frame: Frame): Promise<unknown> {
  const { id, items, ms, failsAt, failures, retry, buffer } = asked;
  const stream = frame.api.source(
    `source ${id} of ${items}`,
    { items, ms, failsAt, failures },
    {
      ...named(asked.key),
      ...(buffer === undefined ? {} : { buffer }),
      ...(retry === undefined ? {} : { retry: retryOptions(retry) }),
    },
  );
  return read(stream, asked, frame);
}

async function callProgress(asked: Extract<Call, { do: 'progress' }>, frame: Frame): Promise<unknown> {
  const { spec, buffer, isHeard } = asked;
  const [task, args, options] = taskCall(spec, frame);
  const stream = frame.api.progress(task, args, { ...options, ...(buffer === undefined ? {} : { buffer }) });
  const told = await read(stream, asked, frame);
  // Of what is told again after a crash only the end is the same.
  return isHeard ? told : (told as Told[]).filter(({ type }) => type !== 'INTERMEDIATE').map(endOf);
}

function endOf(told: Told): unknown {
  return told.type === 'ERROR' ? told.error : told.value;
}

/** Whoever is the last to push closes the channel, and whoever is the last to take refuses what is pushed then. */
function callChannel(asked: Extract<Call, { do: 'channel' }>, { api, shared }: Frame): Promise<unknown> {
  const { mode, capacity, producers, consumers, timeout } = asked;
  const channel = api.channel(capacity);
  let pushing = producers.length;
  let taking = consumers.length;
  const frameOf = (inner: Api | undefined, item: number): Frame => ({
    api: inner ?? api,
    shared,
    slots: new Map(),
    results: [],
    item,
  });
  const produce = producers.map(({ items, pull }, index): Thunk => async (inner) => {
    const frame = frameOf(inner, index);
    try {
      for (let item = 0; item < items; item += 1) {
        await runBlock(pull, frame);
        await channel.push([index, item], inner);
      }
    } finally {
      pushing -= 1;
      if (pushing === 0) channel.close();
    }
    return frame.results;
  });
  const consume = consumers.map(({ each, leave }, index): Thunk => async (inner) => {
    const frame = frameOf(inner, index);
    let taken = 0;
    try {
      for await (const value of channel.read(inner)) {
        frame.results.push(value);
        await runBlock(each, frame);
        taken += 1;
        if (taken === leave) break;
      }
    } finally {
      taking -= 1;
      if (taking === 0) channel.fail(new RangeError('nobody takes it'));
    }
    return frame.results;
  });
  const signal = asked.signal === undefined ? undefined : shared.controllers[asked.signal]?.signal;
  return api.group(mode, [...produce, ...consume], {
    ...(timeout === undefined ? {} : { timeout }),
    ...(signal === undefined ? {} : { signal }),
  });
}

function callStream(asked: Extract<Call, { do: 'stream' }>, frame: Frame): Promise<unknown> {
  const { api, shared } = frame;
  const fn: MapFunction = (item, _, inner) => runFrame(asked.body, inner ?? api, shared, item);
  const keyBy = asked.keyBy ? { keyBy: (item: number) => `item ${item}` } : {};
  const stream = api.stream(asked.mode, sourceOf(asked.source, frame), fn, {
    ...streamOptions(asked.options, shared),
    ...keyBy,
  });
  if (stream instanceof Promise) return stream;
  return read(stream, asked, frame);
}

function sourceOf({ items, pull, last }: SourceSpec, { api, shared }: Frame): StreamSource {
  const list = Array.from({ length: items }, (_, index) => items - index);
  if (pull === undefined) return list;
  return async function* (inner) {
    const frame: Frame = { api: inner ?? api, shared, slots: new Map(), results: [], item: items };
    try {
      for (const item of list) {
        await runBlock(pull, frame);
        yield item;
      }
    } finally {
      await runBlock(last, frame);
    }
  };
}

function streamOptions(spec: StreamSpec, shared: Shared): StreamOptions {
  const { manner, controllers } = shared;
  const { buffer, preserveOrder, timeout } = spec;
  const concurrency = manner.concurrency(spec.concurrency);
  const signal = spec.signal === undefined ? undefined : controllers[spec.signal]?.signal;
  return {
    ...named(spec.key),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(buffer === undefined ? {} : { buffer }),
    ...(preserveOrder === undefined ? {} : { preserveOrder }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(signal === undefined ? {} : { signal }),
    ...priorityOption(spec.priority, shared),
  };
}

/** A strand of one call that is not awaited is the ctx promise itself. */
function strand(body: Block, index: number, frame: Frame): Promise<unknown> {
  const [only] = body;
  if (body.length === 1 && only?.do === 'leave') return call(only.call, frame);
  return runFrame(body, frame.api, frame.shared, index);
}

function native(
  how: 'all' | 'allSettled' | 'any' | 'race',
  promises: readonly Promise<unknown>[],
): Promise<unknown> {
  switch (how) {
    case 'all':
      return Promise.all(promises);
    case 'allSettled':
      return Promise.allSettled(promises);
    case 'any':
      return Promise.any(promises);
    case 'race':
      return Promise.race(promises);
  }
}

function callTask(spec: TaskSpec, frame: Frame): Promise<unknown> {
  return frame.api.task(...taskCall(spec, frame));
}

function taskCall(spec: TaskSpec, { shared }: Frame): Parameters<Api['task']> {
  const { id, ms, failures, deaf, sees, retry, pool, cost, tells } = spec;
  const seen = sees === undefined ? undefined : shared.counters[sees];
  const value = seen === undefined ? spec.value : seen + numeric(spec.value);
  return [
    spec.task,
    {
      id,
      ms,
      failures,
      value,
      deaf,
      ...(tells === undefined ? {} : { tells }),
      ...(pool === undefined ? {} : { holds: { pool, cost: cost ?? 1 } }),
    },
    {
      ...named(spec.key),
      ...(spec.timeout === undefined ? {} : { timeout: spec.timeout }),
      ...(spec.deadline === undefined ? {} : { deadline: spec.deadline }),
      ...priorityOption(spec.priority, shared),
      ...(pool === undefined ? {} : { pool }),
      ...(cost === undefined ? {} : { cost }),
      ...(retry === undefined ? {} : { retry: retryOptions(retry) }),
    },
  ];
}

function retryOptions({
  refuses,
  maxDelay,
  ...rest
}: NonNullable<TaskSpec['retry']>): NonNullable<TaskOptions['retry']> {
  return {
    ...rest,
    ...(maxDelay === undefined ? {} : { maxDelay }),
    ...(refuses
      ? { shouldRetry: (error: unknown) => error instanceof Error && error.name === 'TimeoutError' }
      : {}),
  };
}

function groupOptions(spec: GroupSpec, shared: Shared): GroupOptions {
  const { manner, controllers } = shared;
  const concurrency = manner.concurrency(spec.concurrency);
  const signal = spec.signal === undefined ? undefined : controllers[spec.signal]?.signal;
  return {
    ...named(spec.key),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(spec.batchSize === undefined ? {} : { batchSize: spec.batchSize }),
    ...(spec.timeout === undefined ? {} : { timeout: spec.timeout }),
    ...(signal === undefined ? {} : { signal }),
    ...priorityOption(spec.priority, shared),
    ...(spec.preserveOrder === undefined ? {} : { preserveOrder: spec.preserveOrder }),
    ...(spec.losers === undefined ? {} : { losers: spec.losers }),
    ...(spec.min === undefined ? {} : { min: spec.min }),
    ...completionOption(spec),
  };
}

function completionOption({ minSuccessful, toleratedFailures }: GroupSpec): Pick<GroupOptions, 'completion'> {
  if (minSuccessful === undefined && toleratedFailures === undefined) return {};
  return {
    completion: {
      ...(minSuccessful === undefined ? {} : { minSuccessful }),
      ...(toleratedFailures === undefined ? {} : { toleratedFailures }),
    },
  };
}

function priorityOption(own: Priority | undefined, { manner }: Shared): { readonly priority?: Priority } {
  const priority = manner.priority ?? own;
  return priority === undefined ? {} : { priority };
}

function named(key: string | undefined): { readonly key?: string } {
  return key === undefined ? {} : { key };
}

/** A number that depends on the whole value. */
function numeric(value: unknown): number {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : 7;
  if (Array.isArray(value)) return value.reduce((sum: number, each: unknown) => sum + numeric(each), 1);
  if (typeof value === 'string') return value.length;
  if (typeof value === 'object' && value !== null && !(value instanceof Date))
    return numeric(Object.values(value));
  return 3;
}

/** The value with its errors in words, so that it can be recorded. */
function clean(value: unknown, shared: Shared): unknown {
  if (value instanceof Error) return describeError(value, shared.withKeys);
  if (Array.isArray(value)) return value.map((each) => clean(each, shared));
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, clean(each, shared)]));
  }
  return value;
}

/** What a program can tell of an error; texts that Pawl makes are left out. */
export function describeError(error: unknown, withKeys: boolean): string {
  if (error instanceof AggregateError) {
    const errors: readonly unknown[] = error.errors;
    return `AggregateError(${errors.map((each) => describeError(each, withKeys)).join(', ')})`;
  }
  if (!(error instanceof Error)) return `thrown ${String(error)}`;
  if (error.name === 'TaskError') {
    const key = withKeys && 'key' in error ? ` at ${String(error.key)}` : '';
    const attempts = 'attempts' in error ? String(error.attempts) : '?';
    return `TaskError(${error.message}, ${attempts} failures${key})`;
  }
  if (error.name === 'SourceError' && 'attempts' in error)
    return `SourceError(${error.message}, ${String(error.attempts)} failures)`;
  return error.name === 'RangeError' ? `RangeError(${error.message})` : error.name;
}
