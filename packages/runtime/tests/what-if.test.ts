import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defineTask, NonDeterminismError, type Context, type Process } from '@pawl/sdk';
import type { ReplayReport } from '../src/engine/replay-run.ts';
import { openJournal, openRuntime } from '../src/index.ts';
import { Replayer } from '../src/replayer.ts';
import { MemoryStore } from '../src/testing.ts';
import { journal, Lab, transcript } from './lab.fixture.ts';
import { goneOnWith, readOnly } from './what-if.fixture.ts';
import { workloads } from './workloads.fixture.ts';

async function replayed(lab: Lab, store: MemoryStore, process: Process): Promise<ReplayReport> {
  const replayer = new Replayer(readOnly(store), { clock: lab.clock, stallMs: 1e9 });
  const stop = lab.clock.run(() => replayer.isIdle);
  try {
    return await replayer.replay('r', process);
  } finally {
    stop();
    await replayer.close();
  }
}

describe.each(Object.entries(workloads))('the unchanged code against each prefix: %s', (name, workload) => {
  it('never diverges, writes nothing, runs no task, and says what comes next', async () => {
    const made = new Lab();
    const whole = new MemoryStore();
    await made.drive(whole, workload(made));
    const events = journal(whole);
    for (let seq = 1; seq <= events.length; seq += 1) {
      const prefix = whole.prefix('r', seq);
      const before = transcript(prefix);
      const lab = Lab.at(events[seq - 1]?.at ?? 0);
      const { reached, events: count, asks } = await replayed(lab, prefix, workload(lab));
      const where = `${name} at seq ${seq}`;
      expect({ reached, count }, where).toEqual({
        reached: seq === events.length ? 'end' : 'head',
        count: seq,
      });
      // What it asks for after a wait outside ctx may have been recorded behind the outcomes of others.
      if (name !== 'rawWaits')
        expect(asks?.key, where).toBe(goneOnWith(events.slice(0, seq), events.slice(seq)));
      expect(transcript(prefix), where).toEqual(before);
      expect(lab.invoked, where).toEqual([]);
    }
  });
});

describe('what is asked for at the head', () => {
  const asksAsBefore = async (ctx: Context): Promise<unknown> => {
    const a = await ctx.task(one, 1);
    await ctx.receive('go');
    return a;
  };
  const one = defineTask({ name: 'one', run: (n: number) => n });
  const two = defineTask({ name: 'two', run: (n: number) => n });

  /** It waits for a message. */
  async function waiting(): Promise<MemoryStore> {
    const store = new MemoryStore();
    const lab = new Lab();
    const runtime = await lab.open(store);
    const handle = runtime.start((_: null, ctx) => asksAsBefore(ctx), null, { id: 'r' });
    handle.result().catch(() => undefined);
    const stop = lab.clock.run(() => runtime.isIdle);
    while (!journal(store).some(({ event }) => event.type === 'SignalAwaited'))
      await new Promise((resolve) => setImmediate(resolve));
    stop();
    await runtime.close();
    return store;
  }

  it.each<[string, (ctx: Context) => Promise<unknown>, object | null]>([
    ['nothing', asksAsBefore, null],
    [
      'a call beside one that is pending',
      async (ctx) => {
        await ctx.task(one, 1);
        return Promise.all([ctx.receive<unknown>('go'), ctx.task(two, 2)]);
      },
      { what: "task 'two'", key: '2', where: expect.stringMatching(/what-if\.test\.ts:\d+:\d+$/) },
    ],
    [
      'the end of the process',
      async (ctx) => {
        await ctx.task(one, 1);
        void ctx.receive('go');
        return 'early';
      },
      { what: 'the end of the process', key: '', where: null },
    ],
    [
      'a state for onlookers',
      async (ctx) => {
        await ctx.task(one, 1);
        const go = ctx.receive('go');
        ctx.setState('step', 'waiting');
        return go;
      },
      { what: "state 'step'", where: null },
    ],
    [
      'a version',
      async (ctx) => {
        await ctx.task(one, 1);
        const go = ctx.receive('go');
        ctx.patched('later');
        return go;
      },
      { what: 'version 1 of "later"' },
    ],
    [
      'a call after a wait outside ctx',
      async (ctx) => {
        await ctx.task(one, 1);
        const go = ctx.receive('go');
        await new Promise((resolve) => setTimeout(resolve, 20));
        await ctx.task(two, 2);
        return go;
      },
      { what: "task 'two'", key: '2' },
    ],
  ])('%s', async (_, code, asks) => {
    const store = await waiting();
    const before = transcript(store);
    const report = await replayed(new Lab(), store, (_inputs, ctx) => code(ctx));
    expect(report).toMatchObject({ reached: 'head', events: before.length });
    if (asks === null) expect(report.asks).toBeNull();
    else expect(report.asks).toMatchObject(asks);
    expect(transcript(store)).toEqual(before);
  });

  it('a process that waits only for something outside ctx', async () => {
    const store = (await waiting()).prefix('r', 4);
    const report = await replayed(new Lab(), store, async (_, ctx) => {
      await ctx.task(one, 1);
      await new Promise(() => undefined);
    });
    expect(report.asks).toMatchObject({ what: 'something outside ctx that cannot be seen', key: '' });
  });
});

describe('many runs in a file that is opened to read', () => {
  const step = defineTask({ name: 'step', run: (n: number) => n * 2 });
  const inner: Process<number, number> = (n, ctx) => ctx.task(step, n);
  const loop =
    (made: (n: number) => number): Process<number, number> =>
    async (n, ctx) => {
      let sum = await ctx.run(inner, n, { key: 'inner' });
      for (let i = 0; i < 60; i += 1) sum += await ctx.task(step, made(i));
      return sum;
    };

  it('same, and with other code each at its place; the file stays as it is, to the byte', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pawl-what-if-'));
    const path = join(folder, 'journal.db');
    try {
      const runtime = await openRuntime({ path, durability: 'normal' });
      const ids = Array.from({ length: 40 }, (_, i) => `run-${i}`);
      const started = ids.map((id, i) => runtime.start(loop(Number), i, { id }).result());
      await Promise.all(started);
      await runtime.close();
      const before = readFileSync(path);
      const reader = openJournal({ path });
      const replayer = reader.replayer();
      const reports = await Promise.all(ids.map((id) => replayer.replay(id, loop(Number))));
      for (const { reached, asks, children } of reports) {
        expect({ reached, asks }).toEqual({ reached: 'end', asks: null });
        const [child] = children;
        expect(children).toHaveLength(1);
        if (child === undefined) continue;
        const again = await replayer.replay(child.runId, child.process);
        expect(again).toMatchObject({ reached: 'end', asks: null });
      }
      const errors = await Promise.all(
        ids.map((id) =>
          replayer
            .replay(
              id,
              loop((i) => (i === 41 ? -1 : i)),
            )
            .then(
              () => undefined,
              (error: unknown) => error,
            ),
        ),
      );
      for (const error of errors) {
        expect(error).toBeInstanceOf(NonDeterminismError);
        const report = error instanceof NonDeterminismError ? error.report : undefined;
        expect(report).toMatchObject({ key: '41', difference: '$: recorded 41, asked -1' });
      }
      await replayer.close();
      reader.close();
      expect(readFileSync(path).equals(before)).toBe(true);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
