import { defineTask, type Context, type Process } from '@pawl/sdk';
import { context, trace } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { setTimeout as realTime } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { RuntimeError } from '../../src/errors.ts';
import { runSpanIds } from '../../src/otel.ts';
import { MemoryStore } from '../../src/testing.ts';
import { Lab } from '../lab.fixture.ts';
import { activeSpanId, Traced, treeOf } from './traced.fixture.ts';

const traced = new Traced(runSpanIds());
beforeEach(() => traced.take());

const { telemetry } = traced;

function byName(spans: readonly ReadableSpan[], name: string): ReadableSpan {
  const [found, ...others] = spans.filter((span) => span.name === name);
  expect(others, name).toEqual([]);
  if (found === undefined) throw new TypeError(`no span ${name}`);
  return found;
}

describe('a trace of a run', () => {
  it('has one span for the run and one for each attempt, at the times of the journal', async () => {
    const lab = new Lab();
    const orders: Process = async (_, ctx) => {
      await ctx.task(lab.work, { ms: 10, value: 1 });
      await ctx.sleep(100);
      return ctx.task(lab.flaky, { ms: 5, failures: 1, value: 2 });
    };
    await lab.drive(new MemoryStore(), orders, null, { telemetry });
    const spans = traced.take();
    expect(treeOf(spans)).toEqual([
      'run orders 0-220 succeeded',
      '  task work 0-10 succeeded',
      '  sleep 10-110 succeeded',
      '  task flaky 110-115 failed ! failure',
      '  task flaky 215-220 succeeded (previous attempt)',
    ]);
    expect(new Set(spans.map((span) => span.spanContext().traceId)).size).toBe(1);
    expect(byName(spans, 'task work').attributes).toEqual({
      'pawl.run.id': 'r',
      'pawl.process.name': 'orders',
      'pawl.call.key': '0',
      'pawl.task.name': 'work',
      'pawl.attempt.number': 1,
      'pawl.attempt.outcome': 'succeeded',
    });
    const [failed, again] = spans.filter(({ name }) => name === 'task flaky');
    expect(again?.links[0]?.context.spanId).toBe(failed?.spanContext().spanId);
  });

  it('shows what runs at once, and what was given up', async () => {
    const lab = new Lab();
    const racing: Process = (_, ctx) =>
      ctx.parallel.race([
        () => ctx.task(lab.work, { ms: 50, value: 'slow' }),
        () => ctx.task(lab.work, { ms: 20, value: 'fast' }),
      ]);
    await lab.drive(new MemoryStore(), racing, null, { telemetry });
    expect(treeOf(traced.take())).toEqual([
      'run racing 0-20 succeeded',
      '  task work 0-20 succeeded',
      '  task work 0-20 cancelled',
    ]);
  });

  it('says how a run failed, with the frames of the user alone', async () => {
    const lab = new Lab();
    const failing: Process = (_, ctx) => ctx.task(lab.work, { ms: 1, fail: 'no money' });
    await lab.drive(new MemoryStore(), failing, null, { telemetry });
    const spans = traced.take();
    expect(treeOf(spans)).toEqual(['run failing 0-1 failed ! no money', '  task work 0-1 failed ! no money']);
    for (const span of spans) {
      const [event] = span.events;
      expect(event?.name).toBe('exception');
      expect(event?.attributes).toMatchObject({ 'exception.message': 'no money' });
      const stack = String(event?.attributes?.['exception.stacktrace']);
      expect(stack).toContain('lab.fixture.ts');
      expect(stack).not.toMatch(/runtime\/src|node:/);
    }
    expect(byName(spans, 'task work').attributes['error.type']).toBe('Error');
  });

  it('of a run that is cancelled ends with it', async () => {
    const lab = new Lab();
    const patient: Process = (_, ctx) => ctx.task(lab.work, { ms: 1000, value: 1 });
    const runtime = await lab.open(new MemoryStore(), { telemetry });
    const stop = lab.clock.run(() => runtime.isIdle);
    const handle = runtime.start(patient, null as never, { id: 'r' });
    lab.clock.after(30, () => handle.cancel('enough'));
    await expect(handle.result()).rejects.toMatchObject({ code: 'CANCELLED' });
    stop();
    await runtime.close();
    const [run, attempt] = treeOf(traced.take());
    expect(run).toMatch(/^run patient 0-\d+ cancelled$/);
    expect(attempt).toMatch(/^ {2}task work 0-\d+ cancelled$/);
  });

  it('shows a deadline as such', async () => {
    const lab = new Lab();
    const slow = defineTask({
      name: 'slow',
      timeout: 40,
      run: (_: null, task) => lab.clock.sleep(100, task.signal),
    });
    await lab.drive(new MemoryStore(), (_, ctx) => ctx.task(slow, null), null, { telemetry });
    expect(byName(traced.take(), 'task slow').attributes).toMatchObject({
      'pawl.attempt.outcome': 'timed_out',
      'error.type': 'TimeoutError',
    });
  });
});

describe('a run that another program goes on with', () => {
  const twoSteps = (lab: Lab): Process =>
    async function steps(_, ctx) {
      await ctx.task(lab.work, { ms: 10, value: 1 });
      return ctx.task(lab.work, { ms: 10, value: 2 });
    };

  it('stays in its trace, and what was done is not told again', async () => {
    const store = new MemoryStore();
    const first = new Lab();
    await first.drive(store, twoSteps(first), null, { telemetry });
    const whole = traced.take();
    // The second task had started when the program died.
    const prefix = store.prefix('r', 6);
    const second = Lab.at((prefix.read('r', 5, 1)[0]?.at ?? 0) + 500);
    await second.drive(prefix, twoSteps(second), null, { telemetry });
    const spans = traced.take();
    expect(treeOf(spans)).toEqual([
      'run steps 0-520 succeeded',
      '  resume steps 510-520 succeeded',
      '    task work 510-520 succeeded (previous attempt)',
    ]);
    const [root] = whole.filter(({ name }) => name === 'run steps');
    expect(byName(spans, 'run steps').spanContext()).toEqual(root?.spanContext());
    // The span of the attempt that died with its program was never told, and is known all the same.
    const lost = whole.findLast(({ name }) => name === 'task work');
    const [link] = byName(spans, 'task work').links;
    expect(link?.context.spanId).toBe(lost?.spanContext().spanId);
  });

  it('and is stopped tells so, and its root only once it has ended', async () => {
    const lab = new Lab();
    const store = new MemoryStore();
    const runtime = await lab.open(store, { telemetry });
    const handle = runtime.start(twoSteps(lab), null as never, { id: 'r' });
    const stop = lab.clock.run(() => runtime.isIdle);
    await new Promise((resolve) => lab.clock.after(15, () => resolve(runtime.stop('r'))));
    await expect(handle.result()).rejects.toMatchObject({ code: 'STOPPED' });
    stop();
    await runtime.close();
    expect(treeOf(traced.take())).toEqual([
      'task work 0-10 succeeded',
      'task work 10-15 interrupted',
      'leave steps 15-15 STOPPED',
    ]);
    await lab.drive(store, twoSteps(lab), null, { telemetry });
    expect(treeOf(traced.take())).toEqual([
      'run steps 0-25 succeeded',
      '  resume steps 15-25 succeeded',
      '    task work 15-25 succeeded (previous attempt)',
    ]);
  });

  it('tells nothing of a replay', async () => {
    const lab = new Lab();
    const store = new MemoryStore();
    await lab.drive(store, twoSteps(lab), null, { telemetry });
    traced.take();
    const runtime = await lab.open(store, { telemetry });
    await runtime.replay('r', twoSteps(lab));
    await runtime.resume('r', twoSteps(lab)).result();
    await runtime.close();
    expect(traced.take()).toEqual([]);
  });
});

describe('facts come before spans', () => {
  it.each([
    [0, []],
    [
      1,
      [
        // The end of the task was known, and is not in the file.
        'task work 0-1 unrecorded',
        'leave broken 1-1 STORAGE ! no space',
      ],
    ],
  ])('nothing is told of what was not committed: after %i commits', async (commits, told) => {
    let left = commits;
    const beforeAppend = (): void => {
      left -= 1;
      if (left < 0) throw new RuntimeError('STORAGE', 'no space');
    };
    const store = new MemoryStore({ faults: { beforeAppend } });
    const lab = new Lab();
    const broken: Process = (_, ctx) => ctx.task(lab.work, { ms: 1, value: 1 });
    const outcome = await lab.drive(store, broken, null, { telemetry });
    expect(outcome).toMatchObject({ error: { code: 'STORAGE' } });
    expect(treeOf(traced.take())).toEqual(told);
  });

  it('a span starts only after the start of its attempt is in the file', async () => {
    const store = new MemoryStore();
    const seen: unknown[] = [];
    const look = defineTask({
      name: 'look',
      run: async () => {
        seen.push(
          store.read('r', 0, 10).map(({ event }) => event.type),
          activeSpanId(),
        );
      },
    });
    const lab = new Lab();
    await lab.drive(store, (_, ctx) => ctx.task(look, undefined), null, { telemetry });
    expect(seen).toEqual([
      ['RunStarted', 'TaskScheduled', 'AttemptStarted'],
      byName(traced.take(), 'task look').spanContext().spanId,
    ]);
  });
});

describe('work of a task', () => {
  it('has the span of its attempt, in parallel branches too, and process code has none', async () => {
    const active = new Map<string, string | undefined>();
    const ask = defineTask({
      name: 'ask',
      run: async (name: string) => {
        await realTime(1);
        const span = traced.provider.getTracer('http').startSpan(`GET ${name}`);
        active.set(name, activeSpanId());
        span.end();
      },
    });
    const asking: Process = async (_, ctx) => {
      await ctx.parallel.map(['a', 'b'], (name) => ctx.task(ask, name));
      active.set('process', activeSpanId());
    };
    const lab = new Lab();
    const request = traced.provider.getTracer('http').startSpan('POST /orders');
    await context.with(trace.setSpan(context.active(), request), () =>
      lab.drive(new MemoryStore(), asking, null, { telemetry }),
    );
    const spans = traced.take();
    for (const name of ['a', 'b']) {
      const nested = byName(spans, `GET ${name}`);
      const attempt = spans.find((span) => span.spanContext().spanId === nested.parentSpanContext?.spanId);
      expect(attempt?.name).toBe('task ask');
      expect(active.get(name)).toBe(attempt?.spanContext().spanId);
    }
    expect(active.get('a')).not.toBe(active.get('b'));
    expect(active.get('process')).not.toBe(active.get('a'));
    // Who asked for the run is linked, and no parent: a run may last for weeks.
    const [link] = byName(spans, 'run asking').links;
    expect(link).toMatchObject({ context: request.spanContext(), attributes: { 'pawl.link': 'start' } });
  });

  it('of a source is in the span of its attempt', async () => {
    const lab = new Lab();
    let active: string | undefined;
    const reading: Process = async (_, ctx: Context) => {
      const source = ctx.source('numbers', async function* () {
        await realTime(1);
        active = activeSpanId();
        yield { item: 1, cursor: 1 };
      });
      const items: unknown[] = [];
      for await (const item of source) items.push(item);
      return items;
    };
    expect(await lab.drive(new MemoryStore(), reading, null, { telemetry })).toEqual({ value: [1] });
    const span = byName(traced.take(), 'task numbers');
    expect(span.attributes['pawl.attempt.outcome']).toBe('succeeded');
    expect(active).toBe(span.spanContext().spanId);
  });
});

describe('who asks for a run', () => {
  const header = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

  it.each([
    [header, '0af7651916cd43dd8448eb211c80319c b7ad6b7169203331'],
    [`cc${header.slice(2)}-more`, '0af7651916cd43dd8448eb211c80319c b7ad6b7169203331'],
    [`${header}-more`, undefined],
    [header.replace(/^00/, 'ff'), undefined],
    ['00-00000000000000000000000000000000-b7ad6b7169203331-01', undefined],
    ['00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01', undefined],
    ['', undefined],
    ['\u0000'.repeat(1000), undefined],
  ])('is taken from traceparent %j', async (traceparent, expected) => {
    const lab = new Lab();
    const runtime = await lab.open(new MemoryStore(), { telemetry });
    await runtime
      .start(
        async function start() {
          return 1;
        },
        null as never,
        { traceparent },
      )
      .result();
    await runtime.close();
    const [link] = byName(traced.take(), 'run start').links;
    expect(link && `${link.context.traceId} ${link.context.spanId}`).toBe(expected);
  });

  it('a parent run, a run before: each has a trace of its own, and they are linked both ways', async () => {
    const lab = new Lab();
    const child = async (n: number, ctx: Context): Promise<unknown> => {
      await ctx.task(lab.work, { ms: 10, value: n });
      return n === 0 ? ctx.continueAsNew(1) : n;
    };
    const parent: Process = (_, ctx) => ctx.run(child, 0);
    await lab.drive(new MemoryStore(), parent, null, { telemetry });
    const spans = traced.take();
    const [of, first, next] = ['r', 'r.0', 'r.0~2'].map((id) =>
      spans.find((span) => span.name.startsWith('run ') && span.attributes['pawl.run.id'] === id),
    );
    expect(new Set([of, first, next].map((span) => span?.spanContext().traceId)).size).toBe(3);
    const linksOf = (span: typeof of): unknown[] =>
      span?.links.map(({ context: to, attributes }) => [attributes?.['pawl.link'], to.spanId]) ?? [];
    const idOf = (span: typeof of): string | undefined => span?.spanContext().spanId;
    expect(linksOf(byName(spans, 'child child'))).toEqual([['child run', idOf(first)]]);
    expect(linksOf(first)).toEqual([
      ['parent run', idOf(of)],
      ['next run', idOf(next)],
    ]);
    expect(linksOf(next)).toEqual([
      ['parent run', idOf(of)],
      ['start', idOf(first)],
    ]);
  });

  it('a fork has a trace of its own, from where it differs, with a link to its parent', async () => {
    const lab = new Lab();
    const store = new MemoryStore();
    const steps: Process = async function steps(_, ctx) {
      await ctx.task(lab.work, { ms: 10, value: 1 });
      return ctx.task(lab.work, { ms: 10, value: 2 });
    };
    await lab.drive(store, steps, null, { telemetry });
    const [whole] = traced.take().filter(({ name }) => name === 'run steps');
    const runtime = await lab.open(store, { telemetry });
    const stop = lab.clock.run(() => runtime.isIdle);
    const fork = await runtime.fork('r', { at: '1', process: steps });
    await fork.result();
    stop();
    await runtime.close();
    const spans = traced.take();
    expect(treeOf(spans)).toEqual(['run steps 0-10 succeeded (forked from)', '  task work 0-10 succeeded']);
    const [link] = byName(spans, 'run steps').links;
    expect(link?.context.spanId).toBe(whole?.spanContext().spanId);
  });

  it('runs of one id in two journals have two traces', async () => {
    const traces = [1, 2].map(async () => {
      const runtime = await new Lab().open(new MemoryStore(), { telemetry, entropy: undefined as never });
      await runtime.start(async () => 1, null as never, { id: 'nightly' }).result();
      await runtime.close();
    });
    await Promise.all(traces);
    const ids = traced.take().map((span) => span.spanContext().traceId);
    expect(new Set(ids).size).toBe(2);
  });
});
