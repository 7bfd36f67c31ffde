import {
  defineProcess,
  defineTask,
  externalTask,
  type Context,
  type Process,
  type TaskContext,
} from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../src/testing.ts';
import type { Runtime } from '../../src/runtime.ts';
import { journal, Lab } from '../lab.fixture.ts';

/** Works in virtual time, with a task that tells what it was asked. */
class Bench {
  readonly lab = new Lab();
  readonly store = new MemoryStore();
  readonly ran: string[] = [];
  readonly broken = new Set<string>();
  readonly step = defineTask({
    name: 'step',
    run: async (name: string): Promise<string> => {
      this.ran.push(name);
      if (this.broken.has(name)) throw new Error(`${name} is broken`);
      return `${name}!`;
    },
  });

  async within(work: (runtime: Runtime) => Promise<void>): Promise<void> {
    const runtime = await this.lab.open(this.store);
    const stop = this.lab.clock.run(() => runtime.isIdle);
    try {
      await work(runtime);
    } finally {
      stop();
      await runtime.close();
    }
    expect(this.store.verify().damage).toEqual([]);
  }
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise(setImmediate);
}

describe('a fork of a fork', () => {
  it('is started with what the fork was started with', async () => {
    const on = new Bench();
    const process: Process<{ tag: string }, string[]> = async ({ tag }, ctx) => [
      await ctx.task(on.step, 'a', { key: 'a' }),
      await ctx.task(on.step, `b${tag}`, { key: 'b' }),
      await ctx.task(on.step, `c${tag}`, { key: 'c' }),
    ];
    await on.within(async (runtime) => {
      await runtime.start(process, { tag: '1' }, { id: 'r' }).result();
      await (await runtime.fork('r', { at: ':b', inputs: { tag: '2' }, id: 'f', process })).result();
      const next = await runtime.fork('f', { at: ':c', id: 'g', process });
      expect(await next.result()).toEqual(['a!', 'b2!', 'c2!']);
      expect(await runtime.replay('g', process)).toMatchObject({ reached: 'end' });
    });
  });
});

it('what somebody else did is no result of a task that is asked for at the same place', async () => {
  const on = new Bench();
  const ask = externalTask<string, string>({ name: 'ask' });
  const before: Process<null, string> = async (_, ctx) => ctx.task(ask, 'well?');
  const after: Process<null, string> = async (_, ctx) => ctx.task(on.step, 'a');
  await on.within(async (runtime) => {
    const handle = runtime.start(before, null, { id: 'r' });
    await until(() => runtime.tasks.list({ runId: 'r' }).length === 1);
    runtime.tasks.complete(runtime.tasks.list({ runId: 'r' })[0]?.id ?? '', 'theirs', { worker: 'w' });
    await handle.result();
    const fork = await runtime.fork('r', { at: '0', reuse: true, process: after });
    expect(await fork.result()).toBe('a!');
    expect(await runtime.start(after, null, { reuseFrom: 'r' }).result()).toBe('a!');
  });
});

it('a retry gives a group whose time was up all its time again', async () => {
  const on = new Bench();
  let ms = 1000;
  const slow = defineTask({
    name: 'slow',
    run: async (_: null, task: TaskContext): Promise<string> => {
      await on.lab.clock.sleep(ms, task.signal);
      return 'slow';
    },
  });
  const process: Process<null, unknown> = async (_, ctx) => [
    await ctx.task(on.step, 'a'),
    await ctx.parallel.all([() => ctx.task(slow, null), () => ctx.task(on.step, 'b')], { timeout: 100 }),
  ];
  await on.within(async (runtime) => {
    await expect(runtime.start(process, null, { id: 'r' }).result()).rejects.toThrow('timed out');
    expect(runtime.planRetry('r')).toMatchObject({ before: '1', again: [{ name: 'slow' }] });
    ms = 50;
    expect(await (await runtime.retry('r', { process })).result()).toEqual(['a!', ['slow', 'b!']]);
    expect(on.ran).toEqual(['a', 'b']);
  });
});

it('the run that follows a fork is of its code', async () => {
  const on = new Bench();
  const process = defineProcess({
    name: 'p',
    run: async (n: number, ctx: Context): Promise<unknown> => {
      await ctx.task(on.step, `s${n}`, { key: 's' });
      return n > 1 ? ctx.continueAsNew(n - 1) : 'end';
    },
  });
  await on.within(async (runtime) => {
    await runtime.start(process, 2, { id: 'r', module: 'old.ts', codeHash: 'old' }).result();
    const fork = await runtime.fork('r', { at: ':s', id: 'f', process, module: 'new.ts', codeHash: 'new' });
    expect(await fork.result()).toBe('end');
    expect(runtime.get('f~2')).toMatchObject({ module: 'new.ts', codeHash: 'new' });
    expect(runtime.get('r~2')).toMatchObject({ module: 'old.ts', codeHash: 'old' });
  });
});

it('who looks at a fork sees until when it waits', async () => {
  const on = new Bench();
  const process: Process<null, unknown> = async (_, ctx) => ctx.receive('go', { timeout: '10s' });
  const runtime = await on.lab.open(on.store);
  const ended = runtime.start(process, null, { id: 'r' }).result();
  ended.catch(() => undefined);
  await until(() => runtime.get('r') !== undefined && runtime.waits('r').length === 1);
  on.lab.clock.jumpWall(3000);
  await runtime.fork('r', { id: 'f', process });
  const at = journal(on.store, 'f').find(({ event }) => event.type === 'RunForked')?.at ?? 0;
  expect(runtime.waits('f')).toMatchObject([{ kind: 'message', since: at, dueAt: at + 10_000 }]);
  await runtime.close();
});

it('a fork does not take the id of a start that waits', async () => {
  const on = new Bench();
  const process = defineProcess({
    name: 'p',
    run: async (n: string, ctx: Context) => ctx.task(on.step, n, { key: 'n' }),
  });
  await on.within(async (runtime) => {
    await runtime.start(process, 'a', { id: 'r' }).result();
    await runtime.enqueue(process, 'other', { id: 'q' });
    await expect(runtime.fork('r', { at: ':n', id: 'q' })).rejects.toThrow(
      'There is a start q that waits for a worker',
    );
    expect(on.store.work.queuedStart('q')).toMatchObject({ inputs: 'other' });
  });
});

it('no fork begins while a detached run is being started', async () => {
  const on = new Bench();
  const child = defineProcess({ name: 'child', run: (n: string, ctx: Context) => ctx.task(on.step, n) });
  const process: Process<null, unknown> = async (_, ctx) => [
    await ctx.run(child, 'c', { detached: true, key: 'child' }),
    await ctx.task(on.step, 'a'),
  ];
  await on.within(async (runtime) => {
    await runtime.start(process, null, { id: 'r' }).result();
    await runtime.whenAllEnded();
    const seqOf = (type: string): number =>
      journal(on.store).find(({ event }) => event.type === type)?.seq ?? 0;
    await expect(runtime.fork('r', { afterSeq: seqOf('ChildStarted'), id: 'f', process })).rejects.toThrow(
      'is under way',
    );
    expect(runtime.get('f')).toBeUndefined();
    const fork = await runtime.fork('r', { afterSeq: seqOf('ChildFinished'), id: 'f', process });
    expect(await fork.result()).toEqual([{ runId: 'r.:child' }, 'a!']);
  });
});

it('the calls that a fork shares were asked with the id of the run that recorded them', async () => {
  const on = new Bench();
  const process: Process<null, string[]> = async (_, ctx) => [
    await ctx.task(on.step, `a ${ctx.runId}`, { key: 'a' }),
    await ctx.task(on.step, `b ${ctx.runId}`, { key: 'b' }),
    await ctx.task(on.step, `c ${ctx.runId}`, { key: 'c' }),
    await ctx.task(on.step, `d ${ctx.runId}`, { key: 'd' }),
  ];
  await on.within(async (runtime) => {
    await runtime.start(process, null, { id: 'r' }).result();
    const fork = async (of: string, at: string, id: string): Promise<unknown> => {
      const handle = await runtime.fork(of, { at, id, process });
      const result = await handle.result();
      expect(await runtime.replay(id, process)).toMatchObject({ reached: 'end' });
      return result;
    };
    expect(await fork('r', ':a', 'e')).toEqual(['a e!', 'b e!', 'c e!', 'd e!']);
    expect(await fork('r', ':c', 'f')).toEqual(['a r!', 'b r!', 'c f!', 'd f!']);
    expect(await fork('f', ':d', 'g')).toEqual(['a r!', 'b r!', 'c f!', 'd g!']);
    expect(await fork('g', ':b', 'h')).toEqual(['a r!', 'b h!', 'c h!', 'd h!']);
    expect(await fork('h', ':c', 'i')).toEqual(['a r!', 'b h!', 'c i!', 'd i!']);
  });
});

it('a retry of a fork comes to the results that the fork was given', async () => {
  const on = new Bench();
  const process: Process<null, unknown> = async (_, ctx) => {
    const all: string[] = [];
    for (const name of ['a', 'b', 'c', 'd']) all.push(await ctx.task(on.step, name, { key: name }));
    return all;
  };
  await on.within(async (runtime) => {
    await runtime.start(process, null, { id: 'r' }).result();
    on.broken.add('b');
    const set = { ':a': 'given a', ':c': 'given c' };
    const fork = await runtime.fork('r', { at: ':a', set, id: 'f', process });
    await expect(fork.result()).rejects.toThrow('b is broken');
    on.broken.clear();
    on.ran.length = 0;
    const retry = await runtime.retry('f', { id: 'g', process });
    expect(await retry.result()).toEqual(['given a', 'b!', 'given c', 'd!']);
    expect(on.ran).toEqual(['b', 'd']);
    const anew = await runtime.retry('f', { from: ':a', reuse: false, process });
    expect(await anew.result()).toEqual(['a!', 'b!', 'given c', 'd!']);
  });
});
