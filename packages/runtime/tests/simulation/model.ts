/*
 * The reference model, and what the simulation compares with it.
 *
 * The model is a ctx of its own: it imports nothing of the product, keeps no journal, knows no replay,
 * no commits and no leases. The same program (`interpret.ts` is user code, not product) runs on it.
 * What it knows is the order of what settles; all else (keys, calls and their inputs, decisions,
 * fences, cancellations, results, errors, random numbers, log lines) it derives. It is used in two ways:
 *
 * - `predict.ts` settles what falls due first in virtual time, one at a time, ties by start. It knows
 *   beforehand what a world without faults records.
 * - `follow.ts` settles what a journal says, in the order in which it does. After crashes tasks begin
 *   again and another one may be first: no result is wrong for that. Given the order, everything else
 *   must be as the model has it, at just that place of the journal. So no program has to be tame.
 *
 * By kind of program (`program.ts`) a seed passes where, each without exception:
 *
 *              without faults                     with faults, and resumed from a cut journal
 *   any        = predicted: each decisive event,  = followed: each decisive event, the end; only
 *              the end, the log lines             log lines that the model has too
 *   timeless   as any                             as any, and the end is the same as without faults
 *   raw        the end is as predicted            the end is the same as without faults
 *   wild       (the model knows nothing of it)    (nothing)
 *
 * and for every kind: run twice without faults = the same bytes · the rules of a journal
 * (`journal-rules.ts`: J1, J3 to J6, attempts against what the task was told, nothing of a closed scope
 * but TaskCancelled and LateResult) · what happens on the way (`witness.ts`: J2, E1, nothing settled is
 * invoked again, no attempt twice, one idempotency key a call) · every wait and attempt punctual, where
 * no limits or jumps are in the way (`punctuality.ts`) · a run that writes nothing for a minute hangs ·
 * a replay of each journal that came of it, and of a cut one, appends nothing, invokes nothing and
 * comes to its end · a resumed journal keeps the bytes that it had.
 *
 * With faults a program may have neighbours in the same runtime: they share its commits, slots and
 * crashes, not its lost leases, and each must hold by itself.
 *
 * What it does not see: SQLite, real processes, values beyond a few, and the order of what only waits
 * outside ctx, which no journal holds ('wild' and 'raw' programs are made so that nothing depends on it).
 */
import type { FailureCause } from '../../src/journal/event.ts';
import { createHash } from 'node:crypto';
import { interpret } from './interpret.ts';
import type {
  Api,
  ExternalArgs,
  ExternalOptions,
  GroupOptions,
  Manner,
  MapFunction,
  MapOptions,
  MergeOptions,
  OutsideOptions,
  QuestionOptions,
  Told,
  ToSend,
  TaskArgs,
  TaskOptions,
  StreamOptions,
  StreamSource,
  Thunk,
} from './interpret.ts';
import type { PoolName, PoolSpec } from './pools.ts';
import { ModelExits, ModelExitScope } from './model-exits.ts';
import { ModelGroup, type OpenModelGroup } from './model-group.ts';
import { ModelChannel } from './model-channel.ts';
import { ModelOutlet, type ModelEnd } from './model-outlet.ts';
import { ModelItems } from './model-items.ts';
import { ModelMerge } from './model-merge.ts';
import { ModelQuestion, type Verdict } from './model-question.ts';
import { ModelStream } from './model-stream.ts';
import { ModelWatches } from './model-watches.ts';
import { guarded, refusal } from './model-waits.ts';
import { failure, ModelScope, priorityOf, segmentOf, type Asked } from './model-scope.ts';
import type { GroupMode } from './model-group.ts';
import type { MergeMode, PersonsAnswer, Program, StreamMode, TaskSpec } from './program.ts';
import { text } from './text.ts';

export type Outcome =
  | { readonly type: 'succeeded'; readonly key: string; readonly value: unknown }
  | {
      readonly type: 'failed';
      readonly key: string;
      readonly cause: FailureCause;
      readonly failures: number;
      readonly message: string;
    }
  | { readonly type: 'cancelled' | 'fired' | 'waitTimedOut'; readonly key: string }
  | { readonly type: 'received'; readonly key: string; readonly value: unknown }
  | {
      readonly type: 'decided';
      readonly key: string;
      readonly outcome: Verdict;
      readonly by: 'answer' | 'timeout';
    }
  | { readonly type: 'ended'; readonly key: string }
  | {
      readonly type: 'sourceFailed';
      readonly key: string;
      readonly failures: number;
      readonly message: string;
    }
  | {
      readonly type: 'item';
      readonly key: string;
      readonly n: number;
      readonly attempt: number;
      readonly item: unknown;
    }
  | { readonly type: 'scopeAborted' | 'scopeTimedOut'; readonly key: string }
  | { readonly type: 'cancelRequested' };

export type Ended =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: unknown };

/** What a journal says of a parallel call. */
export interface RecordedGroup {
  readonly concurrency: number;
  readonly buffer: number | null;
}

type CallOutcome = Extract<
  Outcome,
  {
    type:
      | 'succeeded'
      | 'failed'
      | 'cancelled'
      | 'fired'
      | 'received'
      | 'decided'
      | 'waitTimedOut'
      | 'ended'
      | 'sourceFailed';
  }
>;

/** Outcomes of each kind of call, beside that it is cancelled. */
const SETTLES = {
  task: ['succeeded', 'failed'],
  timer: ['fired'],
  wait: ['received', 'waitTimedOut'],
  question: ['decided'],
  external: ['succeeded', 'failed'],
  source: ['ended', 'sourceFailed'],
} as const;

/** A task, timer or wait that has not settled. */
export interface PendingCall {
  readonly key: string;
  readonly scope: ModelScope;
  readonly kind: keyof typeof SETTLES;
  /** Of the message that is waited for. */
  readonly name?: string;
  /** Takes what comes of it bit by bit. */
  readonly item?: (item: Extract<Outcome, { type: 'item' }>) => void;
  readonly task:
    | { readonly args: TaskArgs; readonly options: TaskOptions; readonly priority: number }
    | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * A ctx that keeps what a program asked for and settles what it is told to: the rules of section 2 of
 * the design with nothing behind them, no journal, no replay, no commits.
 */
export class Model {
  readonly root = new ModelScope('', undefined, 0);
  readonly #scopes = new WeakMap<Api, ModelScope>();
  readonly pending = new Map<string, PendingCall>();
  readonly groups = new Map<string, OpenModelGroup>();
  readonly questions = new Map<string, ModelQuestion>();
  readonly exits = new ModelExits();
  readonly watches: ModelWatches;
  /** Not yet taken by who drives the model. */
  asked: Asked[] = [];
  /** In the order in which they were declared. */
  readonly pools = new Map<PoolName, PoolSpec>();
  readonly logs: number[] = [];
  /** Attempts of each call that have started, where somebody tells. */
  readonly attempts = new Map<string, number>();
  now: number;
  ended: Ended | undefined;
  readonly #seed: string;
  readonly #recorded: ((key: string) => RecordedGroup | undefined) | undefined;
  /** Told of signals that groups listen to; the order is that of the groups. */
  readonly onSignal: (group: OpenModelGroup) => void;

  constructor(deps: {
    seed: string;
    now: number;
    onSignal: (group: OpenModelGroup) => void;
    onLeft: (group: string) => void;
    recorded?: (key: string) => RecordedGroup | undefined;
  }) {
    this.#seed = deps.seed;
    this.now = deps.now;
    this.onSignal = deps.onSignal;
    this.watches = new ModelWatches(this.pending, this.groups, deps.onLeft);
    this.#recorded = deps.recorded;
  }

  start(program: Program, manner: Manner): void {
    interpret(program, this.#api(this.root), manner).then(
      (value) => {
        this.ended = { ok: true, value };
        return value;
      },
      (error: unknown) => {
        this.ended = { ok: false, error };
      },
    );
  }

  /** Everything that follows from the last delivery has run to its next wait. */
  async drain(): Promise<void> {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }

  take(): Asked[] {
    const asked = this.asked;
    this.asked = [];
    return asked;
  }

  /** @returns what is wrong with delivering this, or undefined */
  deliver(outcome: Outcome): string | undefined {
    switch (outcome.type) {
      case 'cancelRequested':
        this.root.raise('outside');
        return undefined;
      case 'scopeAborted':
      case 'scopeTimedOut': {
        const group = this.groups.get(outcome.key);
        if (group === undefined)
          return outcome.type === 'scopeAborted' && this.watches.giveUp(outcome.key)
            ? undefined
            : `${outcome.type} for ${outcome.key}, which is no open group`;
        group.interrupt(outcome.type === 'scopeAborted' ? 'aborted' : 'timedOut');
        return undefined;
      }
      case 'item': {
        const take = this.pending.get(outcome.key)?.item;
        if (take === undefined) return `an item of ${outcome.key}, which gives none`;
        take(outcome);
        return undefined;
      }
      default:
        return this.#settle(outcome);
    }
  }

  /** Calls back when none of the calls of a scope is pending any more, and what scopes in it do at their end is done. */
  whenSettled(scope: ModelScope, callback: () => void): () => void {
    return this.watches.add(scope, () => this.exits.whenDone(scope.path, callback));
  }

  /** Nothing of the group goes on any more. */
  closed(key: string): void {
    this.groups.delete(key);
    this.watches.closed(key);
  }

  #settle(outcome: CallOutcome): string | undefined {
    const call = this.pending.get(outcome.key);
    if (call === undefined) return `${outcome.type} for ${outcome.key}, which is not pending`;
    const possible: readonly string[] = SETTLES[call.kind];
    if (!possible.includes(outcome.type) && outcome.type !== 'cancelled')
      return `${outcome.type} for ${outcome.key}`;
    if (outcome.type === 'decided') {
      const { verdict, atTimeout } = this.questions.get(outcome.key) ?? new ModelQuestion(NO_RULES, 'fail');
      const expected = outcome.by === 'answer' ? verdict : verdict === undefined ? atTimeout : undefined;
      if (expected !== outcome.outcome)
        return `${outcome.key} is ${outcome.outcome}, and should be ${expected}`;
    }
    this.pending.delete(outcome.key);
    this.#tell(call, outcome);
    this.watches.settled(outcome.key);
    return undefined;
  }

  #tell(call: PendingCall, outcome: CallOutcome): void {
    switch (outcome.type) {
      case 'succeeded':
      case 'received':
        call.resolve(outcome.value);
        return;
      case 'decided': {
        const { key, outcome: verdict, by } = outcome;
        const result = this.questions.get(key)?.result(verdict === 'approved', by === 'answer');
        if (verdict === 'failed') call.reject(failure('TimeoutError'));
        else call.resolve(result);
        return;
      }
      case 'sourceFailed':
        call.reject(failure('SourceError', outcome.message, { attempts: outcome.failures }));
        return;
      case 'waitTimedOut':
        call.reject(failure('TimeoutError'));
        return;
      case 'fired':
      case 'ended':
        call.resolve(undefined);
        return;
      case 'cancelled':
        call.reject(failure('CancelledError'));
        return;
      case 'failed': {
        const { key, failures, message } = outcome;
        call.reject(
          outcome.cause === 'timeout'
            ? failure('TimeoutError')
            : outcome.cause === 'queueFull'
              ? failure('QueueFullError')
              : failure('TaskError', message, { key, attempts: failures }),
        );
      }
    }
  }

  /** Pending calls that are given up in a group, or in all, in the order in which they are cancelled. */
  within(path: string): string[] {
    const calls = [...this.pending.values()].filter(
      ({ key, scope }) => scope.isFenced && (path === '' || key.startsWith(`${path}/`)),
    );
    return calls.map(({ key }) => key).toSorted(byPlace);
  }

  /** What the end of the run waits for, beside its process. */
  get hasDetached(): boolean {
    return this.groups.values().some((group) => group.isDetached);
  }

  #ask<T>(
    scope: ModelScope,
    name: string | undefined,
    issue: (key: string, resolve: (value: T) => void, reject: (reason: unknown) => void) => void,
  ): Promise<T> {
    const refused = refusal<T>(scope);
    if (refused !== undefined) return refused;
    const key = scope.child(name === undefined ? String(scope.calls) : segmentOf(name));
    if (name === undefined) scope.calls += 1;
    return guarded(
      new Promise<T>((resolve, reject) => {
        issue(key, resolve, reject);
      }),
    );
  }

  #api(scope: ModelScope): Api {
    const draw = (): string => {
      scope.values += 1;
      return `${scope.path}#${scope.values}`;
    };
    const api: Api = {
      pool: (name, spec) => {
        this.pools.set(name, spec);
      },
      task: (task, args, options) => this.#task(scope, task, args, options),
      merge: (mode, sources, names, options) => this.#merge(scope, mode, sources, names, options),
      source: (name, _, options) => this.#source(scope, name, options),
      progress: (task, args, options) => this.#progress(scope, task, args, options),
      channel: (capacity) =>
        new ModelChannel(capacity, (inner) => (inner === undefined ? scope : this.#scopeOf(inner))),
      receive: (name, options) => this.#receive(scope, name, options),
      question: (title, options) => this.#question(scope, title, options),
      external: (args, options) => this.#external(scope, args, options),
      scope: (fn, options) => this.#exitScope(scope, fn, options),
      state: (name, value) => {
        if (scope.isFenced) return;
        this.asked.push({ do: 'state', key: scope.path, line: `StateSet ${name} ${text(value)}` });
      },
      sleep: (ms, { key }) => this.#timer(scope, key, `sleep ${ms}`, undefined, ms),
      sleepUntil: (at, { key }) => this.#timer(scope, key, `sleepUntil ${at}`, at, 0),
      group: (mode, thunks, options) =>
        thunks.length === 0 && mode === 'race'
          ? guarded(Promise.reject(failure('EmptyGroupError')))
          : this.#group(
              scope,
              mode,
              thunks,
              mode.startsWith('forkJoin') ? thunks.map((_, i) => `b${i}`) : undefined,
              options,
            ),
      map: (mode, items, fn, options) => this.#map(scope, mode, items, fn, options),
      stream: (mode, source, fn, options) => this.#stream(scope, mode, source, fn, options),
      now: () => new Date(this.now),
      random: () => Number.parseInt(digest(`random ${this.#seed} ${draw()}`).slice(0, 13), 16) / 2 ** 52,
      uuid: () => uuid(digest(`uuid ${this.#seed} ${draw()}`)),
      isAborted: () => scope.isFenced,
      log: (line) => {
        this.logs.push(line);
      },
    };
    this.#scopes.set(api, scope);
    return api;
  }

  #scopeOf(api: Api): ModelScope {
    const scope = this.#scopes.get(api);
    if (scope === undefined) throw new RangeError('an api of another model');
    return scope;
  }

  #merge(
    scope: ModelScope,
    mode: MergeMode,
    sources: readonly StreamSource[],
    names: readonly string[] | undefined,
    options: MergeOptions,
  ): AsyncIterable<unknown> {
    const outlet = new ModelOutlet();
    const opened = this.#ask<unknown>(scope, options.key, (key) => {
      const aborted = options.signal?.aborted === true;
      const merge = new ModelMerge(this, scope, { key, mode, sources, names, options, outlet }, (inner) =>
        this.#api(inner),
      );
      this.groups.set(key, merge);
      this.asked.push({
        do: 'open',
        key,
        line: `ScopeOpened ${key} merge of ${sources.length} by Infinity in Infinity timeout ${options.timeout ?? null} losers cancel buffer null${aborted ? ' aborted' : ''}`,
        timeout: options.timeout,
        aborted,
      });
      merge.open(aborted);
      outlet.attach(merge);
    });
    opened.catch((error: unknown) => outlet.end({ ok: false, error }));
    return outlet.reader(scope);
  }

  /** @param forget nothing of the call is told any more */
  #items(scope: ModelScope, keyOf: () => string, forget: boolean): ModelItems {
    return new ModelItems(scope, (consumed) => {
      const key = keyOf();
      this.asked.push({ do: 'items', key, line: `StreamClosed ${key} after ${consumed}` });
      if (!forget) return;
      this.pending.delete(key);
      this.watches.settled(key);
    });
  }

  #source(scope: ModelScope, name: string, options: OutsideOptions): AsyncIterable<unknown> {
    let ownKey = '';
    const items = this.#items(scope, () => ownKey, true);
    this.#ask<unknown>(scope, options.key, (key, resolve, reject) => {
      ownKey = key;
      const item = ({ item: value }: { readonly item: unknown }): void => items.item(value);
      this.pending.set(key, { key, scope, kind: 'source', task: undefined, item, resolve, reject });
      const line = `StreamOpened ${key} source ${name} ${planText(options.retry)}`;
      this.asked.push({ do: 'items', key, line });
    }).then(
      () => items.end(),
      (error: unknown) => items.fail(error),
    );
    return items.reader();
  }

  #progress(
    scope: ModelScope,
    task: TaskSpec['task'],
    args: TaskArgs,
    options: TaskOptions,
  ): AsyncIterable<unknown> {
    let ownKey = '';
    const items = this.#items(scope, () => ownKey, false);
    const last = (told: { type: 'FINAL'; value: unknown } | { type: 'ERROR'; error: unknown }): Told => {
      const place = { key: ownKey, attempt: this.attempts.get(ownKey) ?? 0 };
      return { ...told, ...place };
    };
    const item: PendingCall['item'] = ({ key, n, attempt, item: value }) =>
      items.item({ type: 'INTERMEDIATE', key, index: n, attempt, value });
    this.#task(scope, task, args, options, item, (key) => {
      ownKey = key;
      this.asked.push({ do: 'items', key, line: `StreamOpened ${key} progress ${task} null` });
    }).then(
      (value) => items.end(last({ type: 'FINAL', value })),
      (error: unknown) => {
        if (error instanceof Error && error.name === 'CancelledError') items.fail(error);
        else items.end(last({ type: 'ERROR', error }));
      },
    );
    return items.reader();
  }

  #task(
    scope: ModelScope,
    task: TaskSpec['task'],
    args: TaskArgs,
    options: TaskOptions,
    item?: PendingCall['item'],
    scheduled: (key: string) => void = () => undefined,
  ): Promise<unknown> {
    return this.#ask<unknown>(scope, options.key, (key, resolve, reject) => {
      const priority = priorityOf(options.priority, scope.priority);
      const plan = { args, options, priority };
      const call = { key, scope, kind: 'task', task: plan, resolve, reject } as const;
      this.pending.set(key, item === undefined ? call : { ...call, item });
      this.asked.push({
        do: 'task',
        key,
        line: `TaskScheduled ${key} ${task} ${text(args)} in ${options.pool ?? null} ${policyText(options)}`,
      });
      scheduled(key);
    });
  }

  #receive(
    scope: ModelScope,
    name: string,
    {
      key: ownKey,
      timeout,
      data,
    }: { readonly key?: string; readonly timeout?: number; readonly data: ToSend },
  ): Promise<unknown> {
    return this.#ask<unknown>(scope, ownKey, (key, resolve, reject) => {
      this.pending.set(key, { key, scope, kind: 'wait', name, task: undefined, resolve, reject });
      const line = `SignalAwaited ${key} ${name} timeout ${timeout ?? null} ${text(data)}`;
      this.asked.push({ do: 'wait', key, line, name, timeout, send: data });
    });
  }

  #question(scope: ModelScope, title: string, options: QuestionOptions): Promise<unknown> {
    return this.#ask<unknown>(scope, options.key, (key, resolve, reject) => {
      const { timeout, answers, onTimeout = 'fail', strategy, quorum, experts } = options;
      this.pending.set(key, { key, scope, kind: 'question', task: undefined, resolve, reject });
      this.questions.set(key, new ModelQuestion(options, onTimeout));
      const rules = `${strategy} ${quorum ?? null} of ${text(experts ?? null)}`;
      const line = `BreakpointOpened ${key} ${title} ${rules} timeout ${timeout ?? null} ${onTimeout}`;
      this.asked.push({ do: 'question', key, line, timeout, answers });
    });
  }

  #external(scope: ModelScope, args: ExternalArgs, options: ExternalOptions): Promise<unknown> {
    return this.#ask<unknown>(scope, options.key, (key, resolve, reject) => {
      this.pending.set(key, { key, scope, kind: 'external', task: undefined, resolve, reject });
      const line = `TaskOffered ${key} ${text(args)} ${planText(options.retry)}, timeout ${options.timeout ?? null}`;
      this.asked.push({ do: 'external', key, line, args, options });
    });
  }

  #exitScope(
    scope: ModelScope,
    fn: Parameters<Api['scope']>[0],
    options: Parameters<Api['scope']>[1],
  ): Promise<unknown> {
    return this.#ask<unknown>(scope, options.key, (key, resolve, reject) => {
      const open = new ModelExitScope(this, scope, {
        key,
        fn,
        apiOf: (inner) => this.#api(inner),
        run: (inside, { task, args, options: how }) => this.#task(inside, task, args, how),
        register: (inside, line) => {
          void this.#ask<void>(inside, undefined, (place, done) => {
            this.asked.push({ do: 'exit', key: place, line: line(place) });
            done();
          });
        },
        line: ({ when, task, args }) => `${when} ${task} ${text(args)}`,
        resolve,
        reject,
      });
      this.groups.set(key, open);
      this.asked.push({
        do: 'open',
        key,
        line: `ScopeOpened ${key} scope of null by Infinity in Infinity timeout ${options.timeout ?? null} losers cancel buffer null`,
        timeout: options.timeout,
        aborted: false,
      });
      open.open();
    });
  }

  /** @returns what is wrong with it, or undefined */
  answered(key: string, answer: Omit<PersonsAnswer, 'ms'>): string | undefined {
    const question = this.questions.get(key);
    if (question === undefined || !this.pending.has(key)) return `an answer to ${key}, which asks nothing`;
    if (question.verdict !== undefined) return `an answer to ${key}, which is decided`;
    if (!question.counts(answer.by)) return `an answer of ${answer.by} to ${key}, who does not count`;
    question.add(answer);
    return undefined;
  }

  /** Who gets the next message of that name. */
  waitFor(name: string): string | undefined {
    for (const { key, scope, ...call } of this.pending.values())
      if (call.name === name && !scope.isFenced) return key;
    return undefined;
  }

  #timer(
    scope: ModelScope,
    name: string | undefined,
    what: string,
    dueAt: number | undefined,
    ms: number,
  ): Promise<void> {
    return this.#ask<unknown>(scope, name, (key, resolve, reject) => {
      this.pending.set(key, { key, scope, kind: 'timer', task: undefined, resolve, reject });
      this.asked.push({ do: 'timer', key, line: `TimerStarted ${key} ${what}`, dueAt, ms });
    }) as Promise<void>;
  }

  #map(
    scope: ModelScope,
    mode: 'map' | 'mapSettled',
    items: readonly number[],
    fn: MapFunction,
    options: MapOptions,
  ): Promise<unknown> {
    const { keyBy, ...rest } = options;
    const thunks = items.map(
      (item, index): Thunk =>
        (inner) =>
          fn(item, index, inner),
    );
    const names = keyBy === undefined ? undefined : items.map((item) => keyBy(item));
    return this.#group(scope, mode, thunks, names, { concurrency: 1000, ...rest });
  }

  #stream(
    scope: ModelScope,
    mode: StreamMode,
    source: StreamSource,
    fn: MapFunction,
    options: StreamOptions,
  ): AsyncIterable<unknown> | Promise<unknown> {
    const isRead = mode !== 'streamAny' && mode !== 'raceFrom';
    if (mode === 'raceFrom' && Array.isArray(source) && source.length === 0)
      return guarded(Promise.reject(failure('EmptyGroupError')));
    const outlet = new ModelOutlet();
    const opened = this.#ask<unknown>(scope, options.key, (key, resolve, reject) => {
      const recorded = this.#recorded?.(key);
      // No stream has more under way, however much it may.
      const ownConcurrency = Math.min(options.concurrency ?? 16, 100_000);
      const concurrency = recorded?.concurrency ?? ownConcurrency;
      const buffer = recorded?.buffer ?? options.buffer ?? ownConcurrency;
      const aborted = options.signal?.aborted === true;
      const listener = isRead
        ? outlet
        : {
            serve: () => undefined,
            end: (end: ModelEnd) => (end.ok ? resolve(end.value) : reject(end.error)),
          };
      const plan = { key, mode, source, fn, options, concurrency, buffer: isRead ? buffer : 0, listener };
      const stream = new ModelStream(this, scope, plan, (inner) => this.#api(inner));
      this.groups.set(key, stream);
      this.asked.push({
        do: 'open',
        key,
        line: `ScopeOpened ${key} ${mode} of null by ${concurrency} in Infinity timeout ${options.timeout ?? null} losers cancel buffer ${isRead ? buffer : null}${aborted ? ' aborted' : ''}`,
        timeout: options.timeout,
        aborted,
      });
      stream.open(aborted);
      if (isRead) outlet.attach(stream);
    });
    if (!isRead) return opened;
    opened.catch((error: unknown) => outlet.end({ ok: false, error }));
    return outlet.reader(scope);
  }

  #group(
    scope: ModelScope,
    mode: GroupMode,
    thunks: readonly Thunk[],
    names: readonly string[] | undefined,
    options: GroupOptions,
  ): Promise<unknown> {
    return this.#ask<unknown>(scope, options.key, (key, resolve, reject) => {
      const aborted = options.signal?.aborted === true;
      const concurrency = this.#recorded?.(key)?.concurrency ?? options.concurrency ?? Infinity;
      const group = new ModelGroup(
        this,
        scope,
        { key, mode, thunks, names, options, resolve, reject },
        (inner) => this.#api(inner),
      );
      this.groups.set(key, group);
      this.asked.push({
        do: 'open',
        key,
        line: `ScopeOpened ${key} ${mode} of ${thunks.length} by ${concurrency} in ${options.batchSize ?? Infinity} timeout ${options.timeout ?? null} losers ${options.losers ?? 'cancel'} buffer null${aborted ? ' aborted' : ''}`,
        timeout: options.timeout,
        aborted,
      });
      group.open(concurrency, aborted);
    });
  }
}

const NO_RULES = { strategy: 'single', quorum: undefined, experts: undefined, options: [] } as const;

function planText(retry: TaskOptions['retry']): string {
  return retry === undefined
    ? 'no retry'
    : `${retry.attempts} attempts after ${retry.delay} x ${retry.factor} - ${retry.jitter} up to ${retry.maxDelay ?? 300_000}`;
}

function policyText({ retry, timeout, deadline }: TaskOptions): string {
  return `${planText(retry)}, timeout ${timeout ?? null}, deadline ${deadline ?? null}`;
}

/** Of a source first, then ordinals as numbers, then names. */
function byPlace(left: string, right: string): number {
  const a = left.split('/');
  const b = right.split('/');
  const at = a.findIndex((segment, i) => segment !== b[i]);
  const [x, y] = [a[at] ?? '', b[at] ?? ''];
  if (x === 'src' || y === 'src') return x === 'src' ? -1 : 1;
  if (x.startsWith(':') !== y.startsWith(':')) return x.startsWith(':') ? 1 : -1;
  return x.startsWith(':') ? (x < y ? -1 : 1) : Number(x) - Number(y);
}

function digest(what: string): string {
  return createHash('sha256').update(what).digest('hex');
}

function uuid(hex: string): string {
  const variant = '89ab'.charAt(Number.parseInt(hex.charAt(16), 16) % 4);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
