/** Processes that leave rejections behind, in every way that was found. */
import { setTimeout as delay } from 'node:timers/promises';
import { defineTask, type Context, type Process } from '@pawl/sdk';

const fails = defineTask({
  name: 'fails',
  run: (what: string): never => {
    throw new RangeError(what);
  },
});
/** Of the run that goes on: on a slow disk no time is surely behind it. */
let end = Promise.withResolvers<undefined>();

/** @returns tells that it has ended */
export function begins(): () => void {
  const { resolve } = (end = Promise.withResolvers<undefined>());
  return () => resolve(undefined);
}

const slow = defineTask({
  name: 'slow',
  run: (ms: number, task): Promise<string> => delay(ms, 'slow', { signal: task.signal }),
});

const revoked = Proxy.revocable({}, {});
revoked.revoke();
const hostile = new Proxy(new Error('hostile'), {
  get: () => {
    throw new TypeError('no');
  },
  getPrototypeOf: () => {
    throw new TypeError('no');
  },
});

/** What has no name and no stack, or does not let itself be read. */
export const NON_ERRORS: readonly unknown[] = [
  undefined,
  null,
  Symbol('s'),
  0,
  '',
  Object.freeze({ code: 1 }),
  Object.freeze(new RangeError('frozen')),
  Object.create(null),
  revoked.proxy,
  hostile,
  () => 1,
];

async function reject(reason: unknown): Promise<never> {
  await Promise.resolve();
  throw reason;
}

/** Long enough for all that was left behind to come up. */
async function linger(ctx: Context): Promise<string> {
  await ctx.sleep(5);
  await ctx.task(slow, 5);
  return 'done';
}

/** Rejections that somebody waits for, in the end or in another way: nothing is to be told. */
export const tended: Readonly<Record<string, Process>> = {
  'a ctx call that nobody waits for': (_, ctx) => {
    void ctx.task(fails, 'floating');
    return linger(ctx);
  },
  'a ctx call that is waited for late': async (_, ctx) => {
    const late = ctx.task(fails, 'late');
    await linger(ctx);
    return late.catch((error: Error) => error.message);
  },
  'a group that nobody waits for': (_, ctx) => {
    void ctx.parallel.all([() => ctx.task(fails, 'in a group'), () => ctx.task(slow, 1)]);
    void ctx.parallel.any([() => ctx.task(fails, 'in any')]);
    void ctx.parallel.race([]);
    return linger(ctx);
  },
  'thunks that throw all sorts of things': async (_, ctx) => {
    const entries = await ctx.parallel.allSettled(NON_ERRORS.map((reason) => () => reject(reason)));
    return entries.filter((entry) => entry.status === 'rejected').length;
  },
  'a race whose losers fail after it': async (_, ctx) => {
    await ctx.parallel.race([
      () => ctx.task(slow, 1),
      async () => {
        await ctx.task(slow, 1000);
      },
      async () => {
        await ctx.task(slow, 1000).catch(() => delay(2));
        throw new RangeError('a loser');
      },
    ]);
    return linger(ctx);
  },
  'a throw in finally': async (_, ctx) => {
    await ctx.parallel
      .all([
        () => ctx.task(fails, 'first'),
        async () => {
          try {
            await ctx.task(slow, 1000);
          } finally {
            // oxlint-disable-next-line no-unsafe-finally
            throw new RangeError('in finally');
          }
        },
      ])
      .catch(() => 0);
    return linger(ctx);
  },
};

/** A rejection that nobody ever waits for: it is told, and nothing else happens. */
export const stray: Readonly<Record<string, Process>> = {
  'a floating function that fails by itself': (_, ctx) => {
    void reject(new RangeError('floating'));
    return linger(ctx);
  },
  'a floating function whose task fails': (_, ctx) => {
    void (async () => {
      await ctx.task(fails, 'floating');
    })();
    return linger(ctx);
  },
  'a floating chain': (_, ctx) => {
    void ctx.task(fails, 'floating').then((value) => value);
    return linger(ctx);
  },
  'a floating Promise.all': (_, ctx) => {
    void Promise.all([ctx.task(fails, 'floating'), ctx.task(slow, 1)]);
    return linger(ctx);
  },
  'a floating Promise.any': (_, ctx) => {
    void Promise.any([ctx.task(fails, 'floating'), ctx.task(fails, 'floating too')]);
    return linger(ctx);
  },
  'a promise made by hand': (_, ctx) => {
    void new Promise((_resolve, rejectIt) => {
      ctx.task(fails, 'floating').catch(rejectIt);
    });
    return linger(ctx);
  },
  'a helper that is waited for too late': async (_, ctx) => {
    const helper = reject(new RangeError('too late'));
    const told = await linger(ctx);
    return helper.catch(() => told);
  },
  'a floating function in a branch, behind a fence': async (_, ctx) => {
    await ctx.parallel.race([
      () => ctx.task(slow, 1),
      async () => {
        void (async () => {
          await ctx.task(slow, 1000);
        })();
        await ctx.task(slow, 1000);
      },
    ]);
    return linger(ctx);
  },
  'a floating function behind the fence, after something outside ctx': async (_, ctx) => {
    await ctx.parallel.race([
      () => ctx.task(slow, 1),
      async () => {
        void delay(4).then(() => ctx.task(slow, 1));
        await ctx.task(slow, 1000);
      },
    ]);
    return linger(ctx);
  },
  'a floating throw in finally': async (_, ctx) => {
    await ctx.parallel.race([
      () => ctx.task(slow, 1),
      async () => {
        void (async () => {
          try {
            await ctx.task(slow, 1000);
          } finally {
            // oxlint-disable-next-line no-unsafe-finally
            throw new RangeError('in finally');
          }
        })();
        await ctx.task(slow, 1000);
      },
    ]);
    return linger(ctx);
  },
  'a floating generator': (_, ctx) => {
    const generate = async function* (): AsyncGenerator<string> {
      yield ctx.task(fails, 'floating');
    };
    void generate().next();
    return linger(ctx);
  },
  'a floating function that fails when the run has ended': async (_, ctx) => {
    void delay(3).then(() => reject(new RangeError('after the end')));
    return ctx.task(slow, 0);
  },
  'a floating function that calls ctx when the run has ended': async (_, ctx) => {
    void end.promise.then(() => ctx.task(slow, 1));
    return ctx.task(slow, 0);
  },
  'a floating function, of a process that fails too': async (_, ctx) => {
    void reject(new RangeError('floating'));
    await ctx.task(fails, 'the process');
  },
};

const leaves = defineTask({
  name: 'leaves',
  run: async (_: null, task): Promise<string> => {
    void reject(new RangeError('floating in a task'));
    await delay(5, undefined, { signal: task.signal });
    return 'done';
  },
});

const tells = defineTask({
  name: 'tells',
  run: async function* (): AsyncGenerator<number, string> {
    yield 1;
    void reject(new RangeError('floating in a generator'));
    await delay(5);
    return 'done';
  },
});

async function* numbers(): AsyncGenerator<{ readonly item: number; readonly cursor: number }> {
  void reject(new RangeError('floating in a source'));
  await delay(5);
  yield { item: 1, cursor: 1 };
}

/** The same in what tasks and sources do: a replay does none of it. */
export const inTasks: Readonly<Record<string, Process>> = {
  'a task that leaves one behind': (_, ctx) => ctx.task(leaves, null),
  'a task whose progress is read': async (_, ctx) => {
    for await (const told of ctx.stream(tells, undefined)) void told;
    return 'done';
  },
  'a source that leaves one behind': async (_, ctx) => {
    for await (const item of ctx.source('numbers', numbers)) void item;
    return 'done';
  },
};
