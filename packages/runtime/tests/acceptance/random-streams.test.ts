import type { Context, Process, ResultStream } from '@pawl/sdk';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MemoryStore } from '../../src/testing.ts';
import { journal, settledKeys, transcript } from '../lab.fixture.ts';
import {
  brief,
  perform,
  replays,
  resumeAt,
  startsInClosedScopes,
  Stage,
  watchForLeaks,
  type Program,
} from './stage.fixture.ts';

watchForLeaks();

/** What a random program does with one stream. */
interface Plan {
  readonly kind: 'stream' | 'streamAll' | 'streamSome' | 'streamAny' | 'raceFrom' | 'merge' | 'channel';
  readonly source: 'list' | 'sleeping' | 'asking' | 'outside';
  /** Of each item: how long its task takes, 0 = it has none. */
  readonly items: readonly number[];
  readonly failing: number;
  readonly concurrency: number;
  readonly buffer: number;
  readonly preserveOrder: boolean;
  readonly timeout: number | undefined;
  /** Results after which the consumer leaves. */
  readonly leave: number | undefined;
  readonly pause: 'none' | 'sleep' | 'outside';
  readonly mode: 'race' | 'roundRobin' | 'raceRobin' | 'concat' | 'zip';
  readonly within: 'root' | 'race' | 'map' | 'stream' | 'drained' | 'detached';
  /** When the run is cancelled, in the second half of the tests. */
  readonly cancelAt: number;
}

const ms = fc.integer({ min: 0, max: 12 });
const anyPlan: fc.Arbitrary<Plan> = fc.record({
  kind: fc.constantFrom('stream', 'streamAll', 'streamSome', 'streamAny', 'raceFrom', 'merge', 'channel'),
  source: fc.constantFrom('list', 'sleeping', 'asking', 'outside'),
  items: fc.array(ms, { maxLength: 5 }),
  failing: fc.integer({ min: 0, max: 9 }),
  concurrency: fc.integer({ min: 1, max: 3 }),
  buffer: fc.integer({ min: 0, max: 3 }),
  preserveOrder: fc.boolean(),
  timeout: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
  leave: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  pause: fc.constantFrom('none', 'sleep', 'outside'),
  mode: fc.constantFrom('race', 'roundRobin', 'raceRobin', 'concat', 'zip'),
  within: fc.constantFrom('root', 'race', 'map', 'stream', 'drained', 'detached'),
  cancelAt: fc.integer({ min: 1, max: 40 }),
});

/** What a wait outside ctx races with is not determined: then nothing may depend on what comes first. */
const plans = anyPlan.map((plan): Plan => {
  if (plan.source !== 'outside' && plan.pause !== 'outside') return plan;
  return {
    ...plan,
    kind: plan.kind === 'streamAny' || plan.kind === 'raceFrom' ? 'streamAll' : plan.kind,
    items: plan.items.map((item) => item + 1),
    failing: 9,
    timeout: undefined,
    leave: undefined,
    within: ['race', 'drained', 'detached'].includes(plan.within) ? 'map' : plan.within,
    mode: plan.mode === 'zip' ? 'race' : plan.mode,
  };
});

const isOutside = (plan: Plan): boolean => plan.source === 'outside' || plan.pause === 'outside';

const outside = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

async function* sourceOf(plan: Plan, stage: Stage, ctx: Context, log: unknown[]): AsyncGenerator<number> {
  try {
    for (const item of plan.items) {
      if (plan.source === 'sleeping') await ctx.sleep(item);
      if (plan.source === 'asking') await ctx.task(stage.step, { ms: item, value: item });
      if (plan.source === 'outside') await outside();
      yield item;
    }
  } finally {
    log.push('closed');
  }
}

function work(plan: Plan, stage: Stage, ctx: Context) {
  return (item: number, index: number): unknown => {
    if (item === 0) return 'plain';
    const input = index === plan.failing ? { ms: item, fail: `f${index}` } : { ms: item, value: index };
    return ctx.task(stage.step, input);
  };
}

async function consume(
  stream: ResultStream<unknown>,
  plan: Plan,
  ctx: Context,
  log: unknown[],
): Promise<void> {
  let taken = 0;
  for await (const result of stream) {
    log.push(JSON.stringify(result));
    taken += 1;
    if (plan.pause === 'sleep') await ctx.sleep(3);
    if (plan.pause === 'outside') await outside();
    if (taken === plan.leave) break;
  }
}

async function use(plan: Plan, stage: Stage, ctx: Context, log: unknown[]): Promise<void> {
  const { concurrency, buffer, preserveOrder, timeout } = plan;
  const first = { concurrency, ...(timeout === undefined ? {} : { timeout }) };
  const options = { ...first, buffer, preserveOrder };
  const source = plan.source === 'list' ? plan.items : sourceOf(plan, stage, ctx, log);
  const fn = work(plan, stage, ctx);
  switch (plan.kind) {
    case 'stream':
    case 'streamAll':
    case 'streamSome':
      return consume(ctx.parallel[plan.kind as 'streamAll'](source, fn, options), plan, ctx, log);
    case 'streamAny':
    case 'raceFrom':
      log.push(await ctx.parallel[plan.kind](source, fn, first));
      return undefined;
    case 'merge': {
      const results = ctx.parallel.streamAll(sourceOf(plan, stage, ctx, log), fn, options);
      const merged = ctx.parallel.merge([source, results], { mode: plan.mode as 'race' });
      return consume(merged, plan, ctx, log);
    }
    case 'channel': {
      const channel = ctx.channel<unknown>('c', { capacity: concurrency });
      const feed = async (): Promise<void> => {
        for (const [index, item] of plan.items.entries()) await channel.push(await fn(item, index));
        channel.close();
      };
      const read = (): Promise<void> =>
        consume(
          ctx.parallel.streamAll(channel, (value) => value, options),
          plan,
          ctx,
          log,
        );
      if (isOutside(plan)) await ctx.parallel.all([read, feed]);
      else await ctx.parallel.race([read, () => ctx.parallel.all([feed, () => ctx.sleep(timeout ?? 200)])]);
    }
  }
}

const programOf =
  (plan: Plan): Program =>
  (stage) =>
  async (_, ctx) => {
    const log: unknown[] = [];
    const once = async (): Promise<void> => {
      try {
        await use(plan, stage, ctx, log);
      } catch (error) {
        log.push(error instanceof AggregateError ? error.errors.map(brief) : String(brief(error)));
        if (plan.within !== 'root') throw error;
      }
    };
    try {
      if (plan.within === 'root') await once();
      if (plan.within === 'race') await ctx.parallel.race([once, () => ctx.sleep(15)]);
      if (plan.within === 'drained') await ctx.parallel.race([once, () => ctx.sleep(9)], { losers: 'drain' });
      // What goes on in the background must not change what is returned.
      if (plan.within === 'detached')
        await ctx.parallel.race([() => once().finally(() => log.splice(0)), () => ctx.sleep(9)], {
          losers: 'detach',
        });
      if (plan.within === 'map') await ctx.parallel.map([1, 2], once);
      if (plan.within === 'stream')
        for await (const entry of ctx.parallel.stream([1, 2], once)) log.push(entry.status);
    } catch (error) {
      log.push(`outer ${String(brief(error))}`);
    }
    log.push(await ctx.task(stage.step, { ms: 1, value: 'after' }));
    return isOutside(plan) ? log.map(String).toSorted() : log;
  };

/** A crash anywhere: what was recorded stays and is not run again, and the whole replays as it was. */
async function tryEverywhere(plan: Plan): Promise<void> {
  const program = programOf(plan);
  const { store, told } = await perform(program);
  const lines = transcript(store);
  expect(told, lines.join('\n')).toHaveProperty('value');
  await replays(store, program, lines.join('\n'));
  const events = journal(store);
  for (let seq = 1; seq <= events.length; seq += 1) {
    const where = `after a crash at seq ${seq}: ${lines[seq - 1]}\n${lines.join('\n')}`;
    const resumed = await resumeAt(store, seq, program);
    const after = transcript(resumed.store);
    expect(resumed.told, where).toHaveProperty('value');
    expect(after.slice(0, seq), where).toEqual(lines.slice(0, seq));
    const settled = settledKeys(events.slice(0, seq));
    expect(
      resumed.stage.invoked.filter(({ key }) => settled.has(key)),
      where,
    ).toEqual([]);
    expect(startsInClosedScopes(journal(resumed.store)), where).toEqual([]);
    await replays(resumed.store, program, `${where}\nresumed:\n${after.join('\n')}`);
  }
}

/** Cancelled in the middle: it ends cancelled, with nothing left of it, and replays as it was. */
async function tryCancelled(plan: Plan): Promise<void> {
  const program = programOf(plan);
  const store = new MemoryStore();
  const stage = new Stage();
  await stage.use(store, {}, async (runtime) => {
    const handle = runtime.start(program(stage) as Process<null>, null, { id: 'r' });
    stage.later(plan.cancelAt, () => handle.cancel('enough'));
    await handle.result().catch(() => undefined);
  });
  const lines = transcript(store);
  expect(lines.at(-1), lines.join('\n')).toMatch(/RunCancelled|RunSucceeded|LateResult/);
  const events = journal(store);
  for (let seq = 1; seq <= events.length; seq += 1) {
    const resumed = await resumeAt(store, seq, program);
    const where = `after a crash at seq ${seq} of\n${lines.join('\n')}`;
    expect(transcript(resumed.store).slice(0, seq), where).toEqual(lines.slice(0, seq));
    expect(startsInClosedScopes(journal(resumed.store)), where).toEqual([]);
    await replays(resumed.store, program, where);
  }
}

const RUNS = Number(process.env['STREAM_RUNS'] ?? 10);
const seed = Number(process.env['STREAM_SEED'] ?? 7);

it.each([
  ['crashed anywhere', tryEverywhere],
  ['cancelled, and crashed anywhere', tryCancelled],
])(
  `random programs with streams, merges and channels, %s (${RUNS}, seed ${seed})`,
  async (_, attempt) => {
    await fc.assert(fc.asyncProperty(plans, attempt), { numRuns: RUNS, seed });
  },
  20_000 + RUNS * 3000,
);
