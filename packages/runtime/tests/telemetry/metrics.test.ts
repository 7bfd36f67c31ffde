import type { Process } from '@pawl/sdk';
import { expect, it } from 'vitest';
import { MemoryStore } from '../../src/testing.ts';
import { Lab } from '../lab.fixture.ts';
import { Traced, treeOf } from './traced.fixture.ts';

// The SDK of these has ids of its own: see traces.test.ts for ours.

it('counts runs, attempts and commits, and how long they took and waited', async () => {
  const traced = new Traced();
  const { telemetry } = traced;
  const lab = new Lab();
  const mixed: Process = async (_, ctx) => {
    await ctx.task(lab.flaky, { ms: 500, failures: 1, value: 1 });
    // One slot: the second waits as long as the first takes.
    await ctx.parallel.map([1, 2], (value) => ctx.task(lab.work, { ms: 2000, value }, { pool: 'one' }));
    return ctx.task(lab.work, { ms: 10, fail: 'no' });
  };
  let open: unknown;
  const runtime = await lab.open(new MemoryStore(), { telemetry, pools: { one: 1 } });
  const stop = lab.clock.run(() => runtime.isIdle);
  lab.clock.after(100, () => {
    open = traced.counted('pawl.run.open');
  });
  await runtime
    .start(mixed, null as never, { id: 'r' })
    .result()
    .catch(() => undefined);
  stop();
  const { commits } = runtime;
  await runtime.close();
  expect(await open).toEqual({ mixed: 1 });
  expect(await traced.counted('pawl.run.open')).toEqual({ mixed: 0 });
  expect(await traced.counted('pawl.run.started')).toEqual({ mixed: 1 });
  expect(await traced.counted('pawl.run.ended')).toEqual({ 'mixed failed': 1 });
  expect(await traced.counted('pawl.run.duration')).toEqual({ 'mixed failed': { count: 1, sum: 5.11 } });
  expect(await traced.counted('pawl.attempt.ended')).toEqual({
    'flaky failed Error': 1,
    'flaky succeeded': 1,
    'work succeeded': 2,
    'work failed Error': 1,
  });
  expect(await traced.counted('pawl.attempt.duration')).toMatchObject({
    'work succeeded': { count: 2, sum: 4 },
  });
  expect(await traced.counted('pawl.attempt.retried')).toEqual({ flaky: 1 });
  expect(await traced.counted('pawl.attempt.wait')).toEqual({
    default: { count: 3, sum: 0 },
    one: { count: 2, sum: 2 },
  });
  expect(await traced.counted('pawl.commit.count')).toEqual({ '': commits });
});

it('has a span for each program where the SDK has ids of its own, in one trace', async () => {
  const traced = new Traced();
  const store = new MemoryStore();
  const steps = (lab: Lab): Process =>
    async function two(_, ctx) {
      await ctx.task(lab.work, { ms: 10, value: 1 });
      return ctx.task(lab.work, { ms: 10, value: 2 });
    };
  const first = new Lab();
  await first.drive(store, steps(first), null, { telemetry: traced.telemetry });
  const whole = traced.take();
  expect(treeOf(whole)).toEqual([
    'run two 0-20 succeeded',
    '  task work 0-10 succeeded',
    '  task work 10-20 succeeded',
  ]);
  const prefix = store.prefix('r', 6);
  const second = Lab.at(prefix.read('r', 5, 1)[0]?.at ?? 0);
  await second.drive(prefix, steps(second), null, { telemetry: traced.telemetry });
  const spans = traced.take();
  expect(treeOf(spans)).toEqual(['resume two 0-10 succeeded', '  task work 0-10 succeeded']);
  const traces = [...whole, ...spans].map((span) => span.spanContext().traceId);
  expect(new Set(traces).size).toBe(1);
});
