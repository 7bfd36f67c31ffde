import type { Process } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../src/testing.ts';
import { journal, shape, transcript } from '../lab.fixture.ts';
import { pair, statuses, WatchedStore, type Program } from './child-runs.fixture.ts';
import { Stage, t, watchForLeaks, type Told } from './stage.fixture.ts';

/* ctx.run with `detached` and `onParentCancel`: runs that outlive who started them. */

watchForLeaks();

function reborn(state: ReturnType<MemoryStore['snapshot']>): MemoryStore {
  const store = MemoryStore.from(state);
  for (const { owner } of store.queryRuns({ limit: 100 }, 0)) if (owner !== null) store.ownerDied(owner);
  return store;
}

/** Drives it, and whatever it left behind, to the end; cancelled after `cancelMs` where that is given. */
async function toTheEnd(
  stage: Stage,
  store: MemoryStore,
  program: Program,
  cancelMs?: number,
): Promise<Told> {
  return stage.use(store, {}, async (runtime) => {
    const isThere = runtime.get('r') !== undefined;
    const process = program(stage);
    const handle = isThere
      ? runtime.resume('r', process)
      : runtime.start(process, null as never, { id: 'r' });
    if (cancelMs !== undefined) stage.later(cancelMs, () => void runtime.cancel('r', 'enough'));
    const told = await handle.result().then(
      (value): Told => ({ value }),
      (error: Error): Told => ({ error }),
    );
    // Where the run that started it had ended, somebody has to say what its code is.
    for (const { runId, status } of runtime.list({ limit: 100 }))
      if (status === 'running' && runId !== 'r') runtime.resume(runId, pair(stage) as Process);
    await runtime.whenAllEnded();
    return told;
  });
}

/** Crashed after every commit: every run that was begun ends as it does undisturbed, and none is begun twice. */
async function crashedEverywhere(
  program: Program,
  expected: Record<string, string>,
  cancelMs?: number,
): Promise<number> {
  const store = new WatchedStore();
  await toTheEnd(new Stage(), store, program, cancelMs);
  expect(statuses(store)).toEqual(expected);
  expect(store.verify().damage).toEqual([]);
  for (const [n, state] of store.states.entries()) {
    const where = `after commit ${n} of ${store.states.length}`;
    const resumed = reborn(state);
    const last = Math.max(...resumed.queryRuns({ limit: 100 }, 0).map(({ updatedAt }) => updatedAt));
    const stage = Stage.at(last);
    await toTheEnd(stage, resumed, program);
    expect(resumed.verify().damage, where).toEqual([]);
    for (const [id, status] of Object.entries(statuses(resumed))) {
      // A cancel that was not recorded is lost with the program that asked for it.
      const ends = cancelMs === undefined || id !== 'r' ? [expected[id]] : [expected[id], 'succeeded'];
      expect(ends, `${where}: ${id}`).toContain(status);
    }
    expect(Object.keys(statuses(resumed)).toSorted(), where).toEqual(Object.keys(expected).toSorted());
    const replayed = new Stage();
    await replayed.use(resumed, {}, async (runtime) => {
      if (runtime.get('r')?.status === 'succeeded') await runtime.replay('r', program(replayed));
    });
    expect(replayed.invoked, where).toEqual([]);
  }
  return store.states.length;
}

const detaching: Program = (stage) => async (_, ctx) => {
  const started = await ctx.run(pair(stage), t(50, 'late'), { detached: true });
  const named = await ctx.run(pair(stage), t(70, 'named'), { detached: true, id: 'named' });
  return { started, named, next: await ctx.task(stage.step, t(10, 'next')) };
};

describe('a detached run', () => {
  it('is started, gives its id, and goes on when the run that started it has ended', async () => {
    const store = new WatchedStore();
    const stage = new Stage();
    const told = await stage.use(store, {}, async (runtime) => {
      const handle = runtime.start(detaching(stage), null as never, { id: 'r' });
      const value = await handle.result();
      expect(statuses(store)).toEqual({ r: 'succeeded', 'r.0': 'running', named: 'running' });
      await runtime.whenAllEnded();
      return value;
    });
    expect(told).toEqual({ started: { runId: 'r.0' }, named: { runId: 'named' }, next: 'next' });
    expect(statuses(store)).toEqual({ r: 'succeeded', 'r.0': 'succeeded', named: 'succeeded' });
    expect(shape(store).slice(0, 5)).toEqual([
      'RunStarted',
      'ChildStarted 0',
      'ChildFinished 0',
      'ChildStarted 1',
      'ChildFinished 1',
    ]);
    // Linked both ways.
    expect(journal(store)[1]?.event).toMatchObject({ runId: 'r.0', detached: true });
    expect(journal(store)[2]?.event).toMatchObject({ outcome: { status: 'detached' } });
    expect(journal(store, 'r.0')[1]?.event).toMatchObject({
      parentRunId: 'r',
      parentKey: '0',
      detached: true,
    });
  });

  it('is neither lost nor started twice, wherever the program dies', async () => {
    const ends = { r: 'succeeded', 'r.0': 'succeeded', named: 'succeeded' };
    // A prefix before its start begins it later, under the same id.
    expect(await crashedEverywhere(detaching, ends)).toBeGreaterThan(8);
  });

  it('goes on with the run that started it, as long as that has not ended', async () => {
    const store = new WatchedStore();
    const program: Program = (stage) => async (_, ctx) => {
      await ctx.run(pair(stage), t(50, 'late'), { detached: true });
      return ctx.task(stage.step, t(500, 'next'));
    };
    const first = new Stage();
    await toTheEnd(first, store, program);
    const early = store.states[2] ?? expect.fail('no third commit');
    const resumed = reborn(early);
    const stage = Stage.at(1000);
    await stage.use(resumed, {}, async (runtime) => {
      expect(await runtime.resume('r', program(stage)).result()).toBe('next');
      expect(statuses(resumed)).toEqual({ r: 'succeeded', 'r.0': 'succeeded' });
    });
  });

  it.each([0, 1, 3, 5, 12, 60])('is not cancelled with it, at %s ms', async (cancelMs) => {
    const program: Program = (stage) => async (_, ctx) => {
      const { runId } = await ctx.run(pair(stage), t(50, 'late'), { detached: true });
      await ctx.task(stage.step, t(1000, 'next'));
      return runId;
    };
    const store = new MemoryStore();
    await toTheEnd(new Stage(), store, program, cancelMs);
    const { r, ...others } = statuses(store);
    expect(r).toBe('cancelled');
    expect(others).toEqual(cancelMs === 0 && !('r.0' in others) ? {} : { 'r.0': 'succeeded' });
  });

  it('is found under its id, where it is of the same process and inputs, and else refused', async () => {
    const store = new MemoryStore();
    const stage = new Stage();
    const twice: Program = () => async (_, ctx) => {
      const first = await ctx.run(pair(stage), t(50, 'one'), { detached: true, id: 'one' });
      const again = await ctx.run(pair(stage), t(50, 'one'), { detached: true, id: 'one' });
      const other = await ctx
        .run(pair(stage), t(50, 'two'), { detached: true, id: 'one' })
        .catch((error: Error) => error.name);
      return [first, again, other];
    };
    expect(await toTheEnd(stage, store, twice)).toEqual({
      value: [{ runId: 'one' }, { runId: 'one' }, 'ChildError'],
    });
    expect(statuses(store)).toEqual({ r: 'succeeded', one: 'succeeded' });
  });

  it('is another call than one that waits: code that changes it diverges', async () => {
    const store = new WatchedStore();
    const waiting: Program = (stage) => async (_, ctx) => ctx.run(pair(stage), t(50, 'late'));
    await toTheEnd(new Stage(), store, waiting);
    const resumed = reborn(store.states[0] ?? expect.fail('no commit'));
    const before = transcript(resumed);
    const detached: Program = (stage) => async (_, ctx) =>
      ctx.run(pair(stage), t(50, 'late'), { detached: true });
    const told = await new Stage().use(resumed, {}, async (runtime) =>
      runtime
        .resume('r', detached(new Stage()))
        .result()
        .catch((error: Error) => error.name),
    );
    expect(told).toBe('NonDeterminismError');
    expect(transcript(resumed)).toEqual(before);
  });

  it('takes no option that contradicts it', async () => {
    const store = new MemoryStore();
    const program: Program = (stage) => async (_, ctx) => {
      const refused: string[] = [];
      for (const options of [
        { detached: true, onParentCancel: 'cancel' },
        { detached: 'yes' },
        { onParentCancel: 'terminate' },
      ])
        await Promise.resolve()
          .then(() => ctx.run(pair(stage), t(1), options as never))
          .catch((error: Error) => refused.push(error.name));
      return refused;
    };
    expect(await toTheEnd(new Stage(), store, program)).toEqual({
      value: ['InvalidOptionError', 'InvalidOptionError', 'InvalidOptionError'],
    });
    expect(shape(store)).toEqual(['RunStarted', 'RunSucceeded']);
  });
});

describe(`onParentCancel: 'abandon'`, () => {
  const abandoning: Program = (stage) => async (_, ctx) =>
    ctx.run(pair(stage), t(50, 'late'), { onParentCancel: 'abandon' });

  it('waits as ever, where nobody gives it up', async () => {
    const store = new MemoryStore();
    expect(await toTheEnd(new Stage(), store, abandoning)).toEqual({ value: ['first', 'late'] });
  });

  it.each([0, 1, 3, 5, 12, 54])(
    'lets the run go on where its parent is cancelled, at %s ms',
    async (cancelMs) => {
      const store = new MemoryStore();
      await toTheEnd(new Stage(), store, abandoning, cancelMs);
      const { r, ...others } = statuses(store);
      expect(r).toBe('cancelled');
      expect(others).toEqual(cancelMs === 0 && !('r.0' in others) ? {} : { 'r.0': 'succeeded' });
    },
  );

  it('wherever the program dies after the cancel', async () => {
    const ends = { r: 'cancelled', 'r.0': 'succeeded' };
    expect(await crashedEverywhere(abandoning, ends, 12)).toBeGreaterThan(4);
  });

  it('in a branch that loses, wherever the program dies', async () => {
    const racing: Program = (stage) => async (_, ctx) => {
      const won = await ctx.parallel.race([
        () => ctx.task(stage.step, t(8, 'fast')),
        () => ctx.run(pair(stage), t(50, 'late'), { onParentCancel: 'abandon', id: 'kept' }),
        () => ctx.run(pair(stage), t(50, 'late'), { id: 'gone' }),
      ]);
      return [won, await ctx.task(stage.step, t(3, 'next'))];
    };
    const ends = { r: 'succeeded', kept: 'succeeded', gone: 'cancelled' };
    expect(await crashedEverywhere(racing, ends)).toBeGreaterThan(6);
  });
});
