import { defineTask, transactionTask, type Context, type Process } from '@pawl/sdk';
import { expect, it } from 'vitest';
import { openRuntime } from '../../src/index.ts';
import { ManualClock } from '../../src/testing.ts';

// Forks of runs whose calls are of a kind of their own.

const rowsOf = (db: { prepare: (sql: string) => { get: () => { n: number } | undefined } }): number =>
  db.prepare('select count(*) as n from ledger').get()?.n ?? 0;

const enter = transactionTask({
  name: 'enter',
  run: (db, what: string) => {
    db.prepare('create table if not exists ledger (what text)').run();
    db.prepare('insert into ledger values (?)').run(what);
    return rowsOf(db as never);
  },
});

it('a transaction that is kept, or taken over, is not done again; one that is begun at is', async () => {
  await using runtime = await openRuntime({ path: ':memory:' });
  let isUp = false;
  const charge = defineTask({
    name: 'charge',
    run: () => {
      if (!isUp) throw new Error('down');
      return 'paid';
    },
  });
  const process: Process<null, unknown> = async (_, ctx: Context) => [
    await ctx.task(enter, 'before'),
    await ctx.parallel.all([() => ctx.task(charge), () => ctx.task(enter, 'beside')], { losers: 'drain' }),
  ];
  await expect(runtime.start(process, null, { id: 'r' }).result()).rejects.toThrow('down');
  isUp = true;
  const retry = await runtime.retry('r', { id: 'f', process });
  expect(await retry.result()).toEqual([1, ['paid', 2]]);
  const again = await runtime.fork('f', { at: '0', reuse: true, id: 'g', process });
  // Its own entry is the third; what came beside is taken over.
  expect(await again.result()).toEqual([3, ['paid', 2]]);
  expect(runtime.store.verify().damage).toEqual([]);
  expect(await runtime.replay('g', process)).toMatchObject({ reached: 'end' });
});

it('circuits, kept results and pools are those of all runs: a fork is one more of them', async () => {
  const clock = new ManualClock();
  await using runtime = await openRuntime({ path: ':memory:', clock });
  let calls = 0;
  let isUp = false;
  const flaky = defineTask({
    name: 'flaky',
    circuit: { threshold: 1, openFor: 1000 },
    run: () => {
      calls += 1;
      if (!isUp) throw new Error('down');
      return 'up';
    },
  });
  let looks = 0;
  const look = defineTask({
    name: 'look',
    cache: { ttl: '1h' },
    pool: 'desk',
    run: (what: string) => {
      looks += 1;
      return `${what} ${looks}`;
    },
  });
  const process: Process<null, unknown> = async (_, ctx: Context) => {
    ctx.pool('desk', { maxConcurrent: 1 });
    const seen = await ctx.task(look, 'sky');
    return [seen, await ctx.task(flaky)];
  };
  const driving = clock.run(() => runtime.isIdle);
  try {
    await expect(runtime.start(process, null, { id: 'r' }).result()).rejects.toThrow('down');
    isUp = true;
    // The circuit is open for whoever asks, and says so without an attempt.
    await expect((await runtime.retry('r', { id: 'f1', process })).result()).rejects.toThrow('circuit');
    expect(calls).toBe(1);
    driving();
    await clock.advance(2000);
    const stop = clock.run(() => runtime.isIdle);
    try {
      expect(await (await runtime.retry('f1', { id: 'f2', process })).result()).toEqual(['sky 1', 'up']);
      expect([calls, looks]).toEqual([2, 1]);
      // Begun at, it is asked for anew, and what is kept for an hour answers.
      expect(await (await runtime.fork('f2', { at: '0', id: 'f3', process })).result()).toEqual([
        'sky 1',
        'up',
      ]);
      expect(looks).toBe(1);
    } finally {
      stop();
    }
    expect(runtime.pools().find(({ name }) => name === 'desk')).toMatchObject({ active: 0, queueLength: 0 });
    for (const id of ['f1', 'f2', 'f3'])
      expect(await runtime.replay(id, process)).toMatchObject({ reached: 'end' });
  } finally {
    driving();
  }
});
