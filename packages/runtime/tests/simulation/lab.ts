import {
  defineTask,
  externalTask,
  type Context,
  type Process,
  type SourceContext,
  type SourceItem,
  type TaskContext,
} from '@pawl/sdk';
import { interpret, type Api, type Manner, type OutsideArgs, type TaskArgs } from './interpret.ts';
import type { PoolWatch } from './pools.ts';
import type { Program } from './program.ts';
import type { SimClock } from './sim-clock.ts';

export interface Invocation {
  readonly what: 'run' | 'check';
  readonly key: string;
  readonly attempt: number;
  readonly idempotencyKey: string;
}

/** Runs programs on the product's ctx, with tasks that take virtual time and tell of each invocation. */
export class SimLab {
  readonly #clock: SimClock;
  readonly #invoked: (invocation: Invocation) => void;
  readonly #pools: PoolWatch | undefined;
  readonly #tasks;

  /** @param pools what attempts hold, over all runs of one program */
  constructor(clock: SimClock, invoked: (invocation: Invocation) => void, pools?: PoolWatch) {
    this.#clock = clock;
    this.#invoked = invoked;
    this.#pools = pools;
    const run = (args: TaskArgs, task: TaskContext): Promise<unknown> => this.#run(args, task);
    this.#tasks = {
      work: defineTask({ name: 'work', maxUnknown: 1000, run }),
      asked: defineTask({ name: 'asked', onUnknown: 'ask', run }),
      checked: defineTask({
        name: 'checked',
        onUnknown: 'check',
        run,
        // Whatever it finds out leads to what the attempt would have led to.
        check: (args: TaskArgs, task: TaskContext) => {
          this.#tell('check', task);
          if (args.id % 4 === 0) throw new RangeError('nobody knows');
          return args.failures === 0 ? { status: 'done', output: args.value } : { status: 'retry' };
        },
      }),
    };
  }

  #tell(what: Invocation['what'], { key, attempt, idempotencyKey }: TaskContext | SourceContext): void {
    this.#invoked({ what, key, attempt, idempotencyKey });
  }

  async #run(args: TaskArgs, task: TaskContext): Promise<unknown> {
    this.#tell('run', task);
    const { holds } = args;
    if (holds !== undefined) this.#pools?.enter(holds.pool, holds.cost);
    try {
      await this.#work(args, task);
    } finally {
      if (holds !== undefined) this.#pools?.leave(holds.pool, holds.cost);
    }
    if (task.attempt <= args.failures) throw new Error(`fail ${args.id}`);
    return args.value;
  }

  async #work({ ms, deaf, tells }: TaskArgs, task: TaskContext): Promise<void> {
    const signal = deaf ? undefined : task.signal;
    const parts = Math.max(1, tells ?? 0);
    for (let part = 0; part < parts; part += 1) {
      if (ms > 0) await this.#wait(ms / parts, signal);
      if (part < (tells ?? 0)) await task.progress(part);
    }
  }

  async *#outside(
    cursor: number | undefined,
    { items, ms, failsAt, failures }: OutsideArgs,
    source: SourceContext,
  ): AsyncGenerator<SourceItem<number, number>> {
    this.#tell('run', source);
    for (let n = (cursor ?? -1) + 1; n < items; n += 1) {
      if (ms > 0) await this.#wait(ms, source.signal);
      if (n === failsAt && source.attempt <= failures) throw new Error(`fail at ${n}`);
      yield { item: n, cursor: n };
    }
  }

  #wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(ms, resolve);
      signal?.addEventListener('abort', () => {
        cancel();
        reject(signal.reason);
      });
    });
  }

  process(program: Program, manner: Manner): Process {
    return (_, ctx) => interpret(program, this.#api(ctx), manner);
  }

  #api(ctx: Context): Api {
    const tasks = this.#tasks;
    return {
      pool: (name, spec) => {
        ctx.pool(name, spec);
      },
      task: (task, args, options) => ctx.task(tasks[task], args, options),
      group: (mode, thunks, options) => {
        const plain = thunks.map((thunk) => () => thunk());
        return mode === 'forkJoin' || mode === 'forkJoinSettled'
          ? ctx.parallel[mode](Object.fromEntries(plain.map((thunk, i) => [`b${i}`, thunk])), options)
          : ctx.parallel[mode](plain, options);
      },
      map: (mode, items, fn, options) =>
        ctx.parallel[mode](items, (item: number, index: number) => fn(item, index), options),
      stream: (mode, source, fn, options) => streamOf(ctx, mode, source, fn, options),
      merge: (mode, sources, names, options) => {
        const items = sources.map((source) => (typeof source === 'function' ? source() : source));
        return ctx.parallel.merge(
          names === undefined ? items : Object.fromEntries(names.map((name, i) => [name, items[i] ?? []])),
          { mode, ...options },
        );
      },
      source: (name, args, options) =>
        ctx.source(
          name,
          (cursor: number | undefined, source) => this.#outside(cursor, args, source),
          options,
        ),
      progress: (task, args, options) => ctx.stream(tasks[task], args, options),
      channel: (capacity) => {
        const channel = ctx.channel<unknown>('channel', { capacity });
        return {
          push: (value) => channel.push(value),
          read: () => channel,
          close: () => channel.close(),
          fail: (error) => channel.fail(error),
        };
      },
      receive: (name, options) => ctx.receive(name, options),
      question: (title, { key, timeout, onTimeout, answers, quorum, experts, ...rest }) =>
        ctx.breakpoint(
          {
            question: title,
            context: answers,
            ...rest,
            ...(quorum === undefined ? {} : { quorum }),
            ...(experts === undefined ? {} : { experts }),
          },
          {
            ...(key === undefined ? {} : { key }),
            ...(timeout === undefined ? {} : { timeout }),
            ...(onTimeout === undefined ? {} : { onTimeout }),
          },
        ),
      scope: (fn, options) =>
        ctx.scope(
          (scope) =>
            fn({
              onExit: (task, args, how) => scope.onExit(tasks[task], args, how),
              compensate: (task, args, how) => scope.compensate(tasks[task], args, how),
            }),
          options,
        ),
      external: (args, { key, timeout, retry }) =>
        ctx.task(
          externalTask<typeof args, unknown>({
            name: 'outside',
            kind: 'somebody',
            ...(timeout === undefined ? {} : { timeout }),
            ...(retry === undefined ? {} : { retry }),
          }),
          args,
          key === undefined ? {} : { key },
        ),
      state: (name, value) => ctx.setState(name, value),
      sleep: (ms, options) => ctx.sleep(ms, options),
      sleepUntil: (at, options) => ctx.sleepUntil(at, options),
      now: () => ctx.now(),
      random: () => ctx.random(),
      uuid: () => ctx.uuid(),
      isAborted: () => ctx.signal.aborted,
      log: (line) => ctx.log(line),
    };
  }
}

function streamOf(
  ctx: Context,
  ...[mode, source, fn, options]: Parameters<Api['stream']>
): ReturnType<Api['stream']> {
  const items = typeof source === 'function' ? source() : source;
  const work = (item: number, index: number): Promise<unknown> => fn(item, index);
  const { parallel } = ctx;
  switch (mode) {
    case 'stream':
      return parallel.stream(items, work, options);
    case 'streamAll':
      return parallel.streamAll(items, work, options);
    case 'streamSome':
      return parallel.streamSome(items, work, options);
    case 'streamAny':
      return parallel.streamAny(items, work, options);
    case 'raceFrom':
      return parallel.raceFrom(items, work, options);
  }
}
