import { AsyncLocalStorage } from 'node:async_hooks';
import {
  EmptyGroupError,
  InvalidArgumentError,
  type MergedStream,
  type StreamParallel,
  type StreamSource,
  type Thunk,
} from '@pawl/sdk';
import type { GroupMode } from '../../journal/event.ts';
import { groupFingerprint } from '../../kernel/fingerprint.ts';
import type { GroupCall } from '../../kernel/state.ts';
import type { ProcessHost } from '../host.ts';
import { finite } from '../retuning.ts';
import type { Scope } from '../scope.ts';
import { ownStream } from '../own-stream.ts';
import { unheard } from '../wait-list.ts';
import { Merge, type MergePlan } from './merge.ts';
import { Outlet } from './outlet.ts';
import { checkSource } from './source.ts';
import {
  hasConsumer,
  namer,
  resolveMergeOptions,
  resolveStreamOptions,
  type StreamMode,
} from './stream-options.ts';
import { Stream, type StreamListener, type StreamPlan } from './stream.ts';
import { checkDepth, checkedThunk, checkWidth } from './thunks.ts';
import { createWindow } from './window.ts';

/** The part of `ctx.parallel` that works on sources. */
export function createStreams(host: ProcessHost): StreamParallel {
  const method =
    (mode: StreamMode) =>
    (source: unknown, fnOrOptions?: unknown, options?: unknown): unknown => {
      const scope = host.currentScope();
      const plan = planOf(host, scope, mode, source, fnOrOptions, options);
      return hasConsumer(mode) ? openStream(host, scope, plan) : openFirst(host, scope, plan);
    };
  // The types of values follow from the source's, which the signatures of StreamParallel say.
  return {
    stream: method('stream'),
    streamAll: method('streamAll'),
    streamSome: method('streamSome'),
    streamAny: method('streamAny'),
    raceFrom: method('raceFrom'),
    merge: (sources: unknown = [], options?: unknown) => openMerge(host, sources, options),
    window: createWindow,
  } as unknown as StreamParallel;
}

function planOf(
  host: ProcessHost,
  scope: Scope,
  mode: StreamMode,
  source: unknown,
  fnOrOptions: unknown,
  options: unknown,
): StreamPlan {
  checkDepth(mode, scope, host.limits.groupDepth);
  const fn = typeof fnOrOptions === 'function' ? fnOrOptions : undefined;
  if (fn === undefined && fnOrOptions !== undefined && options !== undefined) {
    throw new InvalidArgumentError(
      `parallel.${mode} takes a function of (item, index) as its second argument where options follow it.`,
    );
  }
  const given = options === undefined && fn === undefined ? fnOrOptions : options;
  const resolved = resolveStreamOptions(mode, given, scope.defaults, host.limits.fanOut);
  const checked = checkSource(source, `The source of parallel.${mode}`);
  const thunkOf = fn === undefined ? thunkIn(mode) : thunkBy(fn as (item: unknown, index: number) => unknown);
  // A list can be looked through before anything of it is run.
  if (fn === undefined && Array.isArray(checked)) checked.forEach(thunkOf);
  return {
    mode,
    source: checked,
    thunkOf,
    nameOf: namer(resolved.keyBy),
    options: resolved,
    inUserContext: AsyncLocalStorage.snapshot(),
  };
}

function thunkBy(fn: (item: unknown, index: number) => unknown): (item: unknown, index: number) => Thunk {
  return (item, index) => () => fn(item, index);
}

function thunkIn(mode: StreamMode): (item: unknown, index: number) => Thunk {
  return (item, index) => checkedThunk(mode, item, `the item at index ${index}`);
}

/** A stream that is read; it may be read before it has its place in the journal. */
function openStream(host: ProcessHost, scope: Scope, plan: StreamPlan): unknown {
  const outlet = new Outlet<unknown>(host, scope);
  const opened = requestStream(
    host,
    scope,
    plan,
    () => outlet,
    (stream) => outlet.attach(stream),
  );
  opened.catch((error: unknown) => outlet.end({ kind: 'failed', error }));
  return outlet.stream;
}

/** A stream that is waited for as a whole. */
function openFirst(host: ProcessHost, scope: Scope, plan: StreamPlan): Promise<unknown> {
  if (plan.mode === 'raceFrom' && Array.isArray(plan.source) && plan.source.length === 0)
    return unheard(Promise.reject(new EmptyGroupError('raceFrom')));
  return requestStream(host, scope, plan, (resolve, reject) => ({
    serve: () => undefined,
    end: (end) => (end.kind === 'failed' ? reject(end.error) : resolve(end.value)),
  }));
}

type Listen = (resolve: (value: unknown) => void, reject: (reason: unknown) => void) => StreamListener;

function requestStream(
  host: ProcessHost,
  scope: Scope,
  plan: StreamPlan,
  listen: Listen,
  opened: (stream: Stream) => void = () => undefined,
): Promise<unknown> {
  const { mode, options } = plan;
  const fingerprint = groupFingerprint(mode, null);
  return host.request<unknown>(
    scope,
    options.name,
    { fingerprint, what: fingerprint },
    (key, resolve, reject) => {
      const recorded = host.live ? undefined : host.recordedGroup(key);
      const concurrency = recorded === undefined ? finite(options.concurrency) : recorded.openedConcurrency;
      // The bound of a stream stays as it was recorded; thunks can see it.
      const buffer = recorded === undefined ? options.buffer : recorded.buffer;
      const aborted = isAborted(options.signal, recorded);
      const stream = new Stream(key, scope, plan, host, listen(resolve, reject));
      host.openGroups.set(key, stream);
      host.command({ ...openScope(key, mode, null, options.timeoutMs, aborted), concurrency, buffer });
      stream.open(concurrency ?? Infinity, buffer ?? 0, aborted);
      if (host.live && !aborted) stream.listen();
      opened(stream);
    },
  );
}

function isAborted(signal: AbortSignal | undefined, recorded: GroupCall | undefined): boolean {
  return recorded === undefined ? signal?.aborted === true : recorded.openedAborted;
}

function openScope(
  key: string,
  mode: GroupMode,
  width: number | null,
  timeoutMs: number | null,
  aborted: boolean,
) {
  return {
    type: 'OpenScope',
    key,
    mode,
    width,
    concurrency: null,
    batchSize: null,
    buffer: null,
    losers: 'cancel',
    timeoutMs,
    aborted,
  } as const;
}

function openMerge(host: ProcessHost, given: unknown, options: unknown): MergedStream<unknown> {
  const scope = host.currentScope();
  checkDepth('merge', scope, host.limits.groupDepth);
  const resolved = resolveMergeOptions(options);
  const { sources, names } = checkSources(given);
  checkWidth('merge', sources.length, host.limits.fanOut);
  const plan: MergePlan = { sources, names, options: resolved, inUserContext: AsyncLocalStorage.snapshot() };
  const outlet = new Outlet<unknown>(host, scope);
  let merge: Merge | undefined;
  const fingerprint = groupFingerprint('merge', sources.length);
  host
    .request<unknown>(scope, resolved.name, { fingerprint, what: fingerprint }, (key) => {
      const aborted = isAborted(resolved.signal, host.live ? undefined : host.recordedGroup(key));
      merge = new Merge(key, scope, plan, host, outlet);
      host.openGroups.set(key, merge);
      host.command(openScope(key, 'merge', sources.length, resolved.timeoutMs, aborted));
      merge.open(aborted);
      if (host.live && !aborted) merge.listen();
      outlet.attach(merge);
    })
    .catch((error: unknown) => outlet.end({ kind: 'failed', error }));
  const stream: MergedStream<unknown> = {
    ...outlet.stream,
    [Symbol.asyncIterator]: () => stream,
    get activeCount() {
      return merge?.activeCount ?? sources.length;
    },
  };
  return ownStream(stream);
}

/** @throws InvalidArgumentError naming the first that cannot be iterated */
function checkSources(given: unknown): {
  readonly sources: readonly StreamSource<unknown>[];
  readonly names: readonly string[] | undefined;
} {
  if (Array.isArray(given)) {
    return {
      sources: Array.from(given, (source: unknown, index) =>
        checkSource(source, `parallel.merge: the source at index ${index}`),
      ),
      names: undefined,
    };
  }
  if (
    typeof given !== 'object' ||
    given === null ||
    Symbol.iterator in given ||
    Symbol.asyncIterator in given
  )
    throw new InvalidArgumentError('parallel.merge takes an array or a record of sources.');
  const entries: [string, unknown][] = Object.entries(given);
  const sources = entries.map(([name, source]) => {
    if (name === '' || !name.isWellFormed())
      throw new InvalidArgumentError(
        'parallel.merge: names of sources must be well-formed text that is not empty.',
      );
    return checkSource(source, `parallel.merge: the source '${name}'`);
  });
  return { sources, names: entries.map(([name]) => name) };
}
