import type { Context } from '@pawl/sdk';
import { expect, it } from 'vitest';
import { MemoryStore } from '../../src/testing.ts';
import { journal } from '../lab.fixture.ts';
import { brief, replays, Stage, t, watchForLeaks, type Program } from './stage.fixture.ts';

watchForLeaks();

/** What was due while nobody drove a run comes out as if somebody had: in the order of its times, and before what waits. */

/** A stage takes an hour for a hang. */
const LONG = 600_000;
const DAY = 24 * 3_600_000;

async function valueOf(stage: Stage, store: MemoryStore, program: Program): Promise<unknown> {
  const outcome = await stage.drive(store, program(stage));
  return 'value' in outcome ? outcome.value : brief(outcome.error);
}

/** The run as it goes when its program is gone from the moment on when all calls of its first turn were recorded. */
async function afterADay(program: Program): Promise<{ readonly value: unknown; readonly invoked: number }> {
  const live = new MemoryStore();
  await valueOf(new Stage(), live, program);
  const events = journal(live);
  const begun = events.filter(({ at }) => at === events[0]?.at);
  const opened = begun.findLast(({ event }) => event.type !== 'AttemptStarted');
  const store = live.prefix('r', opened?.seq ?? 0);
  const stage = Stage.at((opened?.at ?? 0) + DAY);
  const value = await valueOf(stage, store, program);
  await replays(store, program);
  return { value, invoked: stage.invoked.length };
}

const told = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const late = (ctx: Context, ms: number, value: string): Promise<string> => ctx.sleep(ms).then(() => value);

it.each<[string, (ctx: Context) => unknown, unknown]>([
  [
    'a race of two sleeps',
    (ctx) => ctx.parallel.race([() => late(ctx, 2 * LONG, 'later'), () => late(ctx, LONG, 'sooner')]),
    'sooner',
  ],
  [
    'two sleeps that are raced by plain promises',
    (ctx) => Promise.race([late(ctx, 2 * LONG, 'later'), late(ctx, LONG, 'sooner')]),
    'sooner',
  ],
  [
    'the timeout of a message, and a sleep that ends before it',
    (ctx) =>
      ctx.parallel.race([
        () => ctx.waitFor('x', { timeout: 2 * LONG }).then(() => 'wait'),
        () => late(ctx, LONG, 'sooner'),
      ]),
    'sooner',
  ],
  [
    'a group whose time ends before the sleep in it',
    (ctx) => ctx.parallel.all([() => late(ctx, 2 * LONG, 'in time')], { timeout: LONG }).catch(told),
    `parallel.all (0) timed out after ${LONG} ms`,
  ],
  [
    'a group whose time ends behind the sleep in it',
    (ctx) => ctx.parallel.all([() => late(ctx, LONG, 'in time')], { timeout: 2 * LONG }).catch(told),
    ['in time'],
  ],
  [
    'a question that would answer itself later',
    (ctx) =>
      ctx.parallel.race([
        () =>
          ctx
            .breakpoint({ question: 'q' }, { timeout: 2 * LONG, onTimeout: 'approve' })
            .then(() => 'approved'),
        () => late(ctx, LONG, 'sooner'),
      ]),
    'sooner',
  ],
])('%s', async (_, run, value) => {
  const program: Program = () => (_inputs, ctx) => run(ctx);
  expect(await valueOf(new Stage(), new MemoryStore(), program)).toEqual(value);
  expect((await afterADay(program)).value).toEqual(value);
});

it.each<[string, (ctx: Context, stage: Stage) => unknown, unknown]>([
  [
    'its deadline',
    (ctx, stage) => ctx.task(stage.step, t(1), { deadline: LONG }).catch(told),
    `Task 'step' (0): deadline of ${LONG} ms passed`,
  ],
  [
    'the time of its group',
    (ctx, stage) => ctx.parallel.all([() => ctx.task(stage.step, t(1))], { timeout: LONG }).catch(told),
    `parallel.all (0) timed out after ${LONG} ms`,
  ],
  [
    'the time of its scope',
    (ctx, stage) => ctx.scope(() => ctx.task(stage.step, t(1)), { timeout: LONG }).catch(told),
    `scope (0) timed out after ${LONG} ms`,
  ],
  [
    'the sleep that it races',
    (ctx, stage) => ctx.parallel.race([() => late(ctx, LONG, 'too late'), () => ctx.task(stage.step, t(1))]),
    'too late',
  ],
])('a task does not begin once %s is over', async (_, run, value) => {
  const program: Program = (stage) => (_inputs, ctx) => run(ctx, stage);
  expect(await afterADay(program)).toEqual({ value, invoked: 0 });
});
