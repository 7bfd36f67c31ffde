/**
 * Makes use of whatever a process can ask for, so that journals which this version recorded hold later builds to all of
 * it. It never changes: `every-call.*.txt` replay with it.
 */
import { defineProcess, defineTask, externalTask } from '@pawl/sdk';

const double = defineTask({ name: 'double', run: (n: number) => 2 * n });
const versioned = defineTask({ name: 'versioned', version: '2', run: (_: null) => new Date(0) });
const broken = defineTask({
  name: 'broken',
  retry: { attempts: 2, delay: '1s', factor: 1 },
  run: (_: null): never => {
    throw new RangeError('too far');
  },
});
const never = defineTask({
  name: 'never',
  run: (_: null, task) =>
    new Promise<never>((_resolve, reject) => {
      task.signal.addEventListener('abort', () => reject(task.signal.reason));
    }),
});
const counts = defineTask({
  name: 'counts',
  run: async function* (to: number): AsyncGenerator<number, string> {
    for (let n = 1; n <= to; n += 1) yield n;
    return 'counted';
  },
});
const hears = defineTask({ name: 'hears', run: (_: null, task) => task.receive<string>('word') });
const asked = externalTask<{ readonly n: number }, number>({ name: 'asked' });

const child = defineProcess({
  name: 'child',
  run: async (n: number, ctx) => {
    if (n < 0) throw new RangeError('a child below zero');
    return ctx.task(double, n);
  },
});

const toNames = (reasons: readonly unknown[]): string[] =>
  reasons.map((reason) => (reason instanceof Error ? reason.name : String(reason)));

export default defineProcess({
  name: 'everyCall',
  run: async (inputs: { readonly rounds: number }, ctx) => {
    const { parallel } = ctx;
    const seen: unknown[] = [ctx.now(), ctx.random() < 1, ctx.uuid().length];
    ctx.log('round', inputs.rounds);
    ctx.setState('round', inputs.rounds);
    seen.push(ctx.version('a-change', 1, 3), ctx.patched('a-patch'));

    seen.push(await ctx.task(double, 1, { key: 'named', priority: 2 }), await ctx.task(versioned, null));
    seen.push(toNames([await ctx.task(broken, null).catch((error: unknown) => error)]));
    seen.push(toNames([await ctx.task(never, null, { timeout: '2s' }).catch((error: unknown) => error)]));
    seen.push(await Promise.all([ctx.task(double, 2), ctx.task(double, 3)]));

    seen.push(await parallel.all([() => ctx.task(double, 4), () => 5, async () => (await ctx.task(double, 6)) + 1]));
    seen.push(await parallel.map([1, 2, 3], (n) => ctx.task(double, n), { concurrency: 2, keyBy: (n) => `n${n}` }));
    seen.push((await parallel.allSettled([() => ctx.task(double, 7), () => ctx.task(broken, null)])).map((r) => r.status));
    seen.push(await parallel.race([() => ctx.task(never, null), () => ctx.task(double, 8)]));
    seen.push(await parallel.any([() => ctx.task(broken, null), () => ctx.task(double, 9)]));
    seen.push(
      toNames([await parallel.all([() => ctx.task(never, null)], { timeout: '3s' }).catch((error: unknown) => error)]),
    );
    seen.push(await parallel.map([1, 2, 3, 4], (n) => ctx.task(double, n, { pool: ctx.pool('two', { maxConcurrent: 2 }) })));

    for await (const result of parallel.stream([1, 2, 3], (n) => ctx.task(double, n), { concurrency: 2 })) seen.push(result);
    for await (const told of ctx.stream(counts, 2)) seen.push(told.type);
    const items = ctx.source('items', function* (cursor: number | undefined) {
      for (let n = cursor ?? 0; n < 4; n += 1) yield { item: n, cursor: n + 1 };
    });
    for await (const item of items) seen.push(item);
    seen.push(await ctx.reduce([1, 2, 3, 4, 5], 0, (sum, n: number) => sum + n, { each: (n) => ctx.task(double, n) }));

    await ctx.sleep('5s', { key: 'nap' });
    await ctx.sleepUntil(new Date(ctx.now().getTime() + 1000));
    seen.push(await ctx.receive('go'), await ctx.waitFor('nobody', { timeout: '4s' }));
    seen.push(await ctx.task(hears, null));
    const question = { title: 'ship', question: 'Ship it?', options: ['now', 'later'] };
    seen.push((await ctx.breakpoint(question)).option);
    seen.push((await ctx.breakpoint({ question: 'Still?' }, { timeout: '6s', onTimeout: 'approve' })).approved);
    seen.push(await ctx.task(asked, { n: 10 }, { labels: ['l'] }));

    seen.push(await ctx.run(child, 11, { id: `${ctx.runId}.one` }));
    seen.push(toNames([await ctx.run(child, -1, { id: `${ctx.runId}.two` }).catch((error: unknown) => error)]));
    seen.push((await ctx.run(child, 12, { id: `${ctx.runId}.three`, detached: true })).runId.length > 0);
    const scope = ctx.scope(async (exits) => {
      exits.onExit(double, 13);
      exits.compensate(double, 14);
      await ctx.task(double, 15);
      throw new RangeError('out of scope');
    });
    seen.push(toNames([await scope.catch((error: unknown) => error)]));

    if (inputs.rounds > 1) return ctx.continueAsNew({ rounds: inputs.rounds - 1 });
    return seen;
  },
});
