import {
  defineProcess,
  defineTask,
  externalTask,
  TaskError,
  type Context,
  type ProcessDefinition,
  type TaskContext,
} from '@pawl/sdk';
import { AGENT_SHAPED } from './agent-shaped.fixture.ts';

/** Whoever is outside of a run: the same on every engine. */
export interface Outside {
  send(name: string, payload: unknown, id?: string): Promise<unknown>;
  /** Answers the question of that title, once it is asked. */
  respond(title: string, approved: boolean, by?: string): Promise<unknown>;
  /** Does the task of that name, once it is open. */
  complete(task: string, value: unknown): Promise<unknown>;
  fail(task: string, message: string): Promise<unknown>;
  /** Does each task that is open, until the run has ended: what `answer` makes of its name and its title. */
  workOff(answer: (task: string, title: string) => unknown): Promise<unknown>;
  cancel(reason: string): Promise<unknown>;
  /** Resolves once something waits from outside under that name. */
  waitedFor(name: string): Promise<unknown>;
}

/** What is done with inputs, and what must come of it on every engine. */
export interface Case {
  readonly name: string;
  readonly run: (inputs: never, ctx: Context) => unknown;
  readonly inputs?: unknown;
  /** The output; or, of one that fails, what its error says. */
  readonly gives?: unknown;
  readonly fails?: RegExp;
  readonly outside?: (outside: Outside) => Promise<unknown>;
}

export const value = defineTask({
  name: 'value',
  run: async ({ ms = 0, gives }: { ms?: number; gives: unknown }, task: TaskContext) => {
    if (ms > 0) await later(ms, task.signal);
    return gives;
  },
});

const failing = defineTask({
  name: 'failing',
  run: async ({ ms = 0, says }: { ms?: number; says: string }, task: TaskContext) => {
    if (ms > 0) await later(ms, task.signal);
    throw new RangeError(says);
  },
});

const second = defineTask({
  name: 'second',
  retry: { attempts: 3, delay: 5 },
  run: async (_: void, task: TaskContext) => {
    if (task.attempt < 2) throw new Error('not yet');
    return 'at last';
  },
});

const forever = defineTask({
  name: 'forever',
  run: (_: void, task: TaskContext) => later(1_000_000, task.signal),
});

/** Those that run in the worker. */
export const TASKS = [value, failing, second, forever] as const;

const outsider = externalTask<{ page: number }, unknown>({
  name: 'outsider',
  kind: 'somebody',
  retry: { attempts: 2, delay: 20 },
});

const progress = defineTask({
  name: 'progress',
  run: async function* () {
    yield 25;
    yield 75;
    return 'done';
  },
});

function later(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

const double = defineProcess({
  name: 'double',
  run: async ({ n }: { n: number }, ctx) => 2 * Number(await ctx.task(value, { gives: n })),
});

const fruitless = defineProcess({
  name: 'fruitless',
  run: (_: null, ctx) => ctx.task(failing, { says: 'no fruit' }),
});

/** Takes messages until 'done' and says what they were. */
async function collect(ctx: Context, name: string): Promise<unknown[]> {
  const all: unknown[] = [];
  for (;;) {
    const message = await ctx.receive<unknown>(name);
    if (message === 'done') return all;
    all.push(message);
  }
}

const t = (ms: number, gives: unknown) => (ctx: Context) => () => ctx.task(value, { ms, gives });
const f = (ms: number, says: string) => (ctx: Context) => () => ctx.task(failing, { ms, says });
const of = (
  ctx: Context,
  ...thunks: ((ctx: Context) => () => Promise<unknown>)[]
): (() => Promise<unknown>)[] => thunks.map((thunk) => thunk(ctx));

const VALUES = {
  none: undefined,
  nan: Number.NaN,
  big: 12n,
  at: new Date(5),
  map: new Map([[1, new Set([2])]]),
  minus: -0,
};

/** Those of combinators bear the ids of the acceptance cases that they are. */
export const ANSWERED: Case = {
  name: 'tasks that others do, one after a failure',
  run: async (_, ctx) => [await ctx.task(outsider, { page: 1 }), await ctx.task(outsider, { page: 2 })],
  outside: async ({ complete, fail }) => {
    await complete('outsider', 'one');
    await fail('outsider', 'not today');
    await complete('outsider', { two: new Date(2) });
  },
  gives: ['one', { two: new Date(2) }],
};

export const CASES: readonly Case[] = [
  { name: 'one task', run: (_, ctx) => ctx.task(value, { gives: 1 }), gives: 1 },
  {
    name: 'inputs and outputs of every kind',
    inputs: VALUES,
    run: (inputs, ctx) => ctx.task(value, { gives: inputs }),
    gives: VALUES,
  },
  { name: 'a process without calls', run: () => 'at once', gives: 'at once' },
  {
    name: 'a process that throws',
    run: () => {
      throw new TypeError('thrown');
    },
    fails: /TypeError.*thrown|thrown/,
  },
  { name: 'a task that fails', run: (_, ctx) => ctx.task(failing, { says: 'boom' }), fails: /boom/ },
  {
    name: 'a failure that is caught, with its cause',
    run: async (_, ctx) => {
      try {
        return await ctx.task(failing, { says: 'caught' });
      } catch (error) {
        const { cause, attempts, key } = error as TaskError;
        return [error instanceof TaskError, attempts, key, (cause as Error).name, (cause as Error).message];
      }
    },
    gives: [true, 1, '0', 'RangeError', 'caught'],
  },
  { name: 'a retry', run: (_, ctx) => ctx.task(second), gives: 'at last' },
  {
    name: 'A72 a timeout',
    run: (_, ctx) => ctx.task(value, { ms: 5000, gives: 1 }, { timeout: 20 }),
    fails: /20 ms|timeout/i,
  },
  { name: 'A01 all of nothing', run: (_, ctx) => ctx.parallel.all([]), gives: [] },
  {
    name: 'A02 all',
    run: (_, ctx) => ctx.parallel.all(of(ctx, t(30, 1), t(5, 2), t(15, 3))),
    gives: [1, 2, 3],
  },
  {
    name: 'A04 all with a failure',
    run: (_, ctx) => ctx.parallel.all(of(ctx, t(3000, 1), f(20, 'boom'))),
    fails: /boom/,
  },
  {
    name: 'A06 all with concurrency',
    run: (_, ctx) => ctx.parallel.all(of(ctx, t(5, 1), t(5, 2), t(5, 3)), { concurrency: 2 }),
    gives: [1, 2, 3],
  },
  {
    name: 'A14 settled by completion',
    run: async (_, ctx) => {
      const settled = await ctx.parallel.allSettled(of(ctx, t(120, 0), t(5, 1), t(60, 2)), {
        preserveOrder: false,
      });
      return settled.map(({ index }) => index);
    },
    gives: [1, 2, 0],
  },
  {
    name: 'A21 some',
    run: (_, ctx) => ctx.parallel.some(of(ctx, t(80, 's'), t(5, 'f'), f(20, 'x'))),
    gives: ['f', 's'],
  },
  {
    name: 'A24 race that fails',
    run: (_, ctx) => ctx.parallel.race(of(ctx, f(5, 'first'), t(3000, 1))),
    fails: /first/,
  },
  { name: 'A25 race of nothing', run: (_, ctx) => ctx.parallel.race([]), fails: /race|empty|at least/i },
  { name: 'A26 race', run: (_, ctx) => ctx.parallel.race(of(ctx, t(3000, 'a'), t(10, 'b'))), gives: 'b' },
  {
    name: 'A33 any',
    run: (_, ctx) => ctx.parallel.any(of(ctx, t(3000, 'slow'), t(10, 'fast'))),
    gives: 'fast',
  },
  {
    name: 'A34 any of none',
    run: async (_, ctx) => {
      try {
        return await ctx.parallel.any(of(ctx, f(20, 'a'), f(5, 'b')));
      } catch (error) {
        return (error as AggregateError).errors.map(({ message }: Error) => /a$|b$/.exec(message)?.[0]);
      }
    },
    gives: ['a', 'b'],
  },
  {
    name: 'A37 forkJoin',
    run: (_, ctx) =>
      ctx.parallel.forkJoin({
        user: () => ctx.task(value, { gives: 1 }),
        posts: () => ctx.task(value, { gives: 2 }),
      }),
    gives: { user: 1, posts: 2 },
  },
  {
    name: 'A48 batches',
    run: (_, ctx) =>
      ctx.parallel.map([1, 2, 3, 4, 5], (n) => ctx.task(value, { gives: n }), { batchSize: 2 }),
    gives: [1, 2, 3, 4, 5],
  },
  {
    name: 'closures that branches share',
    run: async (_, ctx) => {
      let sum = 0;
      await ctx.parallel.map([1, 2, 3, 4], async (n) => {
        const own = await ctx.task(value, { ms: 5 - n, gives: n });
        sum += Number(own);
      });
      return sum;
    },
    gives: 10,
  },
  {
    name: 'groups in groups',
    run: (_, ctx) =>
      ctx.parallel.map([1, 2], (n) =>
        ctx.parallel.all([
          () => ctx.task(value, { gives: n }),
          () => ctx.parallel.race(of(ctx, t(1, n), t(3000, 0))),
        ]),
      ),
    gives: [
      [1, 1],
      [2, 2],
    ],
  },
  {
    name: 'Promise.race and Promise.all over calls',
    run: async (_, ctx) => {
      const first = await Promise.race([ctx.sleep(3000), ctx.task(value, { ms: 5, gives: 'quick' })]);
      return [first, ...(await Promise.all([ctx.task(value, { gives: 1 }), ctx.task(value, { gives: 2 })]))];
    },
    gives: ['quick', 1, 2],
  },
  {
    name: 'a pool',
    run: (_, ctx) => {
      const pool = ctx.pool('narrow', { maxConcurrent: 1 });
      return ctx.parallel.map([1, 2, 3], (n) => ctx.task(value, { gives: n }, { pool }));
    },
    gives: [1, 2, 3],
  },
  {
    name: 'A56 a stream',
    run: async (_, ctx) => {
      const seen: unknown[] = [];
      for await (const { value: each } of ctx.parallel.stream(
        [1, 2, 3, 4],
        (n) => ctx.task(value, { gives: n }),
        { preserveOrder: true },
      ) as AsyncIterable<{ value: unknown }>)
        seen.push(each);
      return seen;
    },
    gives: [1, 2, 3, 4],
  },
  {
    name: 'C12 progress',
    run: async (_, ctx) => {
      const told: unknown[] = [];
      for await (const each of ctx.stream(progress))
        told.push(each.type === 'ERROR' ? each.type : [each.type, each.value]);
      return told;
    },
    gives: [
      ['INTERMEDIATE', 25],
      ['INTERMEDIATE', 75],
      ['FINAL', 'done'],
    ],
  },
  {
    name: 'a source',
    run: async (_, ctx) => {
      const source = ctx.source('numbers', async function* (after: number | undefined) {
        for (let n = (after ?? 0) + 1; n <= 3; n += 1) yield { item: n, cursor: n };
      });
      const seen: number[] = [];
      for await (const n of source) seen.push(n);
      return seen;
    },
    gives: [1, 2, 3],
  },
  {
    name: 'a channel',
    run: async (_, ctx) => {
      const channel = ctx.channel<number>('numbers', { capacity: 1 });
      const [, seen] = await ctx.parallel.all([
        async () => {
          for (const n of [1, 2, 3]) await channel.push(n);
          channel.close();
        },
        async () => {
          const taken: number[] = [];
          for await (const n of channel) taken.push(n);
          return taken;
        },
      ]);
      return seen;
    },
    gives: [1, 2, 3],
  },
  {
    name: 'sleep, time and chance',
    run: async (_, ctx) => {
      const [before, a, b] = [ctx.now(), ctx.random(), ctx.uuid()];
      await ctx.sleep(300);
      const now = ctx.now().getTime() - before.getTime();
      return [now >= 300, a >= 0 && a < 1, a !== ctx.random(), b.length, b !== ctx.uuid()];
    },
    gives: [true, true, true, 36, true],
  },
  {
    name: 'a version',
    run: (_, ctx) => [ctx.version('change', 1, 3), ctx.patched('other')],
    gives: [3, true],
  },
  {
    name: 'a scope that takes back',
    run: async (_, ctx) => {
      const done: unknown[] = [];
      try {
        await ctx.scope(async (scope) => {
          scope.compensate(value, { gives: 'back' });
          scope.onExit(value, { gives: 'exit' });
          await ctx.task(failing, { says: 'in the middle' });
        });
      } catch (error) {
        done.push((error as Error).message.includes('in the middle'));
      }
      return done;
    },
    gives: [true],
  },
  { name: 'a run in a run', run: (_, ctx) => ctx.run(double, { n: 21 }), gives: 42 },
  {
    name: 'many runs in a run',
    run: (_, ctx) => ctx.parallel.map([1, 2, 3], (n) => ctx.run(double, { n })),
    gives: [2, 4, 6],
  },
  {
    name: 'a run in a run that fails',
    run: async (_, ctx) =>
      ctx.run(fruitless, null).catch((error: Error) => `${error.name} ${error.message.includes('no fruit')}`),
    gives: 'ChildError true',
  },
  {
    name: 'a detached run',
    run: async (_, ctx) => (await ctx.run(double, { n: 1 }, { detached: true, id: 'on-its-own' })).runId,
    gives: 'on-its-own',
  },
  {
    name: 'a run that is continued as new',
    inputs: { left: 2 },
    run: async ({ left }: { left: number }, ctx) => {
      await ctx.task(value, { gives: left });
      return left === 0 ? 'at the end' : ctx.continueAsNew({ left: left - 1 });
    },
    gives: 'at the end',
  },
  {
    name: 'messages in their order, each once',
    run: (_, ctx) => collect(ctx, 'word'),
    outside: async ({ send, waitedFor }) => {
      await waitedFor('word');
      await send('word', 'a', 'first');
      await send('word', 'a', 'first');
      await send('word', { b: new Date(7) });
      await send('word', 'done');
    },
    gives: ['a', { b: new Date(7) }],
  },
  {
    name: 'a message that comes before it is waited for',
    run: async (_, ctx) => {
      await ctx.task(value, { ms: 400, gives: 0 });
      return ctx.receive('early');
    },
    outside: ({ send }) => send('early', 1),
    gives: 1,
  },
  {
    name: 'a message that does not come',
    run: (_, ctx) => ctx.waitFor('never', { timeout: 200 }),
    gives: null,
  },
  {
    name: 'messages while a task runs',
    run: async (_, ctx) =>
      ctx.parallel.all([() => ctx.task(value, { ms: 600, gives: 'worked' }), () => ctx.receive('meanwhile')]),
    outside: ({ send }) => send('meanwhile', 'heard'),
    gives: ['worked', 'heard'],
  },
  {
    name: 'a question that is approved',
    run: async (_, ctx) => {
      const { approved } = await ctx.breakpoint({ title: 'Deploy', question: 'Go on?' });
      return approved;
    },
    outside: ({ respond }) => respond('Deploy', true, 'ada'),
    gives: true,
  },
  {
    name: 'questions one after the other',
    run: async (_, ctx) => {
      const first = await ctx.breakpoint({ title: 'One', question: '1?' });
      const next = await ctx.breakpoint({ title: 'Two', question: '2?' });
      return [first.approved, next.approved];
    },
    outside: async ({ respond }) => {
      await respond('One', true);
      await respond('Two', false);
    },
    gives: [true, false],
  },
  ANSWERED,
  {
    name: 'a cancel in the middle of a task',
    run: (_, ctx) => ctx.parallel.all([() => ctx.task(forever), () => ctx.receive('never')]),
    outside: async ({ cancel, waitedFor }) => {
      await waitedFor('never');
      await cancel('enough');
    },
    fails: /cancelled.*enough/,
  },
  AGENT_SHAPED,
];

/** A name that engines take; a process each. */
export function processOf({ name, run }: Case): ProcessDefinition<unknown, unknown> {
  return defineProcess({
    name: name.replaceAll(/[^a-zA-Z0-9]+/g, '-').replace(/^(?=\d)/, 'case-'),
    run: (inputs, ctx) => run(inputs as never, ctx) as Promise<unknown>,
  });
}

/** Which others start. */
export const INNER: readonly ProcessDefinition<never, unknown>[] = [double, fruitless];
