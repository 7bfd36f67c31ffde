import { defineProcess, defineTask, type Context, type TaskDefinition } from '@pawl/sdk';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { RestateClient, serve } from '../src/index.ts';
import { RunSession } from '../src/run-session.ts';
import { StepReader } from '../src/step.ts';
import { journalOf, stepsOf } from './journal.fixture.ts';
import { RestateServer, serverProgram } from './server.fixture.ts';

const program = serverProgram();

interface Invocation {
  readonly id: string;
  readonly status: string;
}

describe.skipIf(program === undefined)('what goes wrong around a run', () => {
  let server: RestateServer;
  let client: RestateClient;

  beforeAll(async () => {
    server = await RestateServer.start(String(program));
    client = new RestateClient({ ingress: server.ingress });
  });
  afterAll(() => server.close());

  async function invocationOf(key: string, status: string): Promise<Invocation> {
    for (;;) {
      const [found] = await server.sql<Invocation>(
        `select id, status from sys_invocation where target_service_key = '${key}' and target_handler_name = 'run'`,
      );
      if (found?.status === status) return found;
      await delay(50);
    }
  }

  it('a run that waits is taken out of its worker, and a message brings it back', async () => {
    const waiting = defineProcess({ name: 'waiting', run: (_: null, ctx) => ctx.receive('word') });
    const settings = { port: 0, admin: server.admin, restAfter: 50, suspendAfter: 500 };
    await using _ = await serve({ ...settings, processes: [waiting] });
    const run = await client.start(waiting, null, { id: 'waiting' });
    await invocationOf(run.id, 'suspended');
    await run.send('word', 'heard');
    expect(await run.result()).toBe('heard');
    expect(await run.send('word', 'too late')).toBe('closed');
  });

  it('code that does something else stops the run, and with the old code nothing is lost', async () => {
    const invoked: string[] = [];
    const named = (name: string): TaskDefinition<void, string> =>
      defineTask({
        name,
        run: async () => {
          invoked.push(name);
          return name;
        },
      });
    const done = (first: string, second: string) =>
      defineProcess({
        name: 'changing',
        run: async (_: null, ctx: Context) => {
          const one = await ctx.task(named(first));
          await ctx.receive('go on');
          return [one, await ctx.task(named(second))];
        },
      });
    const settings = { port: 0, admin: server.admin, restAfter: 50, suspendAfter: 500 };
    const old = await serve({ ...settings, processes: [done('a', 'b')] });
    const { port } = old;
    const run = await client.start('changing', null, { id: 'changing' });
    await invocationOf(run.id, 'suspended');
    await old.close();

    const changed = await serve({ ...settings, port, processes: [done('x', 'b')] });
    await run.send('go on', null);
    const paused = await invocationOf(run.id, 'paused');
    const events = await server.sql<{ event_json: string }>(
      `select event_json from sys_journal_events where id = '${paused.id}'`,
    );
    expect(JSON.stringify(events)).toMatch(/'a'[^]*'x'|'x'[^]*'a'/);
    await changed.close();

    await using _ = await serve({ ...settings, port, processes: [done('a', 'b')] });
    await fetch(`${server.admin}/invocations/${paused.id}/resume`, { method: 'PATCH' });
    expect(await run.result()).toEqual(['a', 'b']);
    expect(invoked).toEqual(['a', 'b']);
  });

  it('a task that takes longer than Restate waits for a sign of life runs once', async () => {
    let invoked = 0;
    const long = defineTask({
      name: 'long',
      run: async () => {
        invoked += 1;
        await delay(1500);
        return invoked;
      },
    });
    const process = defineProcess({ name: 'long', run: (_: null, ctx) => ctx.task(long) });
    const settings = { port: 0, admin: server.admin, restAfter: 50, suspendAfter: 400 };
    await using _ = await serve({ ...settings, processes: [process] });
    const run = await client.start(process, null, { id: 'long' });
    expect(await run.result()).toBe(1);
    const attempts = (await journalOf(server, 'long')).filter(({ event }) => event.type === 'AttemptStarted');
    expect([attempts.length, invoked]).toEqual([1, 1]);
  });

  it('messages to a run of many steps are taken in their places, also where it moves', async () => {
    const STEPS = 1300;
    let done = 0;
    const step = defineTask({ name: 'step', run: (n: number) => (done = n) });
    const process = defineProcess({
      name: 'stepping',
      run: async (_: null, ctx) => {
        const taken: unknown[] = [];
        for (let n = 1; n <= STEPS; n += 1) {
          await ctx.task(step, n);
          if (n === 1 || n === STEPS) taken.push(await ctx.receive('word'));
        }
        return taken;
      },
    });
    const settings = { admin: server.admin, restAfter: 50, processes: [process] };
    const reached = async (n: number): Promise<void> => {
      await expect.poll(() => done, { timeout: 60_000 }).toBeGreaterThanOrEqual(n);
    };
    const first = await serve({ ...settings, port: 0 });
    const { port } = first;
    const run = await client.start(process, null, { id: 'stepping' });
    await run.send('word', 'early');
    await reached(1100);
    await first.close();
    await using _ = await serve({ ...settings, port });
    await reached(1250);
    await run.send('word', 'late');
    expect(await run.result()).toEqual(['early', 'late']);
    const journal = await journalOf(server, 'stepping');
    expect(journal.filter(({ event }) => event.type === 'TaskSucceeded')).toHaveLength(STEPS);
  });

  it('messages that come at once are each taken once', async () => {
    const process = defineProcess({
      name: 'taking',
      run: async (_: null, ctx) => {
        const taken: unknown[] = [];
        while (taken.length < 10) taken.push(await ctx.receive('word'));
        return taken;
      },
    });
    await using _ = await serve({ port: 0, admin: server.admin, restAfter: 50, processes: [process] });
    const run = await client.start(process, null, { id: 'taking' });
    const words = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    // Each is sent twice under one id, as by a sender that did not hear whether it came through.
    const sent = [...words, ...words].map((n) => run.send('word', n, { id: `message-${n}` }));
    for (const posted of await Promise.allSettled(sent)) expect(posted.status).toBe('fulfilled');
    const taken = (await run.result()) as number[];
    expect(taken.toSorted((a, b) => a - b)).toEqual(words);
  });

  it('an id that is taken is the run of these inputs, and of no others', async () => {
    const process = defineProcess({ name: 'named', run: async ({ n }: { n: number; m?: number }) => n });
    await using _ = await serve({ port: 0, admin: server.admin, processes: [process] });
    const run = await client.start(process, { n: 1, m: 2 }, { id: 'named' });
    const again = await client.start(process, { m: 2, n: 1 }, { id: 'named' });
    await expect(client.start(process, { n: 2 }, { id: 'named' })).rejects.toThrow(
      'Run named exists already, with other inputs; one id is one run.',
    );
    expect([await run.result(), await again.result()]).toEqual([1, 1]);
    // Also once it has ended.
    await expect(client.start(process, { n: 2 }, { id: 'named' })).rejects.toThrow(/with other inputs/);
  });

  it('a task that asks for what all runs share is refused by name, or bounds one run', async () => {
    const guarded = defineTask({
      name: 'guarded',
      circuit: { threshold: 1, openFor: 1000 },
      run: async () => 1,
    });
    const process = defineProcess({ name: 'shared', run: (_: null, ctx) => ctx.task(guarded) });
    const settings = { port: 0, admin: server.admin, processes: [process] };
    const strict = await serve(settings);
    const run = await client.start(process, null);
    await expect(run.result()).rejects.toThrow(/circuit of task 'guarded'.*boundsPerRun: true/);
    await strict.close();
    await using _ = await serve({ ...settings, boundsPerRun: true });
    expect(await (await client.start(process, null)).result()).toBe(1);
  });

  it('inputs that the process does not take are refused as data', async () => {
    const strict = defineProcess({
      name: 'strict',
      input: {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: (value: unknown) =>
            typeof value === 'number' ? { value } : { issues: [{ message: 'a number, please' }] },
        },
      },
      run: (n: unknown) => n,
    });
    await using _ = await serve({ port: 0, admin: server.admin, processes: [strict] });
    const run = await client.start<unknown, unknown>(strict, 'text');
    await expect(run.result()).rejects.toThrow(/a number, please/);
  });

  it('a run whose result is larger than a message of Restate ends all the same, and gives it', async () => {
    // 16 Mi characters are a value's limit, and 32 MiB a message's.
    const process = defineProcess({
      name: 'telling',
      run: async (chars: number) => '\u65e5'.repeat(chars),
    });
    await using _ = await serve({ port: 0, admin: server.admin, restAfter: 50, processes: [process] });
    const run = await client.start(process, 11_300_000);
    expect((await run.result()) === '\u65e5'.repeat(11_300_000)).toBe(true);
    expect(await run.send('word', 1)).toBe('closed');
  });

  it('outputs larger than a message of Restate are kept in pieces', async () => {
    const large = defineTask({ name: 'large', run: async () => '"'.repeat(5_000_000) });
    const process = defineProcess({
      name: 'large',
      run: async (_: null, ctx) => {
        const all = await ctx.parallel.map([1, 2], () => ctx.task(large));
        return all.map((text) => text.length);
      },
    });
    await using _ = await serve({ port: 0, admin: server.admin, processes: [process] });
    const run = await client.start(process, null, { id: 'large' });
    expect(await run.result()).toEqual([5_000_000, 5_000_000]);
    const outputs = (await journalOf(server, 'large')).filter(({ event }) => event.type === 'TaskSucceeded');
    expect(outputs).toHaveLength(2);
  });

  it('a cancel by means of Restate is a cancel of the run', async () => {
    const waiting = defineProcess({
      name: 'cancelled',
      run: (_: null, ctx) => ctx.receive('never').finally(() => ctx.log('gone')),
    });
    await using _ = await serve({ port: 0, admin: server.admin, restAfter: 50, processes: [waiting] });
    const run = await client.start(waiting, null, { id: 'cancelled' });
    const { id } = await invocationOf(run.id, 'running');
    await fetch(`${server.admin}/invocations/${id}/cancel`, { method: 'PATCH' });
    await expect(run.result()).rejects.toThrow(/cancelled/);
  });

  it('a cancel by means of Restate that comes while the run is being put down is heard', async () => {
    const waiting = defineProcess({ name: 'put-down', run: (_: null, ctx) => ctx.receive('never') });
    await using _ = await serve({ port: 0, admin: server.admin, restAfter: 50, processes: [waiting] });
    let cancelled = 0;
    const given = RunSession.prototype.next;
    const spy = vi.spyOn(RunSession.prototype, 'next').mockImplementation(async function (this: RunSession) {
      const entry = await given.call(this);
      if (cancelled > 0 || new StepReader().read(entry)?.type !== 'rest') return entry;
      cancelled += 1;
      const { id } = await invocationOf('put-down', 'running');
      await fetch(`${server.admin}/invocations/${id}/cancel`, { method: 'PATCH' });
      // The cancel is there before the entry is.
      await delay(100);
      return entry;
    });
    try {
      const run = await client.start(waiting, null, { id: 'put-down' });
      await expect(run.result()).rejects.toThrow(/cancelled/);
      expect(cancelled).toBe(1);
    } finally {
      spy.mockRestore();
    }
  });

  it('messages that are there are taken one behind the other, however busy the run is', async () => {
    const instant = defineTask({ name: 'instant', run: () => null });
    const busy = defineProcess({
      name: 'busy',
      run: async (_: null, ctx) => {
        for (let i = 0; i < 20; i += 1) await ctx.task(instant);
      },
    });
    await using _ = await serve({ port: 0, admin: server.admin, processes: [busy] });
    const run = client.run('busy', 'busy');
    for (let i = 0; i < 5; i += 1) await run.send('word', i);
    await (await client.start(busy, null, { id: 'busy' })).result();
    const types = (await stepsOf(server, 'busy')).map(({ type }) => type);
    expect(types.filter((type) => type === 'mail')).toHaveLength(5);
    expect(types.lastIndexOf('mail')).toBeLessThan(10);
  });

  it('the server is killed in the middle of a run', async () => {
    const invoked: number[] = [];
    const step = defineTask({
      name: 'step',
      run: async ({ n }: { n: number }) => {
        invoked.push(n);
        await delay(5);
        return n;
      },
    });
    const process = defineProcess({
      name: 'steps',
      run: async (_: null, ctx) => {
        let sum = 0;
        for (let n = 0; n < 60; n += 1) sum += (await ctx.task(step, { n })) * 1;
        return sum;
      },
    });
    await using _ = await serve({ port: 0, admin: server.admin, processes: [process] });
    const run = await client.start(process, null, { id: 'steps' });
    while (invoked.length < 20) await delay(5);
    await server.kill();
    const { length } = invoked;
    await server.start();
    expect(length).toBeLessThan(60);
    expect(await run.result()).toBe(1770);
    const journal = await journalOf(server, 'steps');
    const attempts = journal.filter(({ event }) => event.type === 'AttemptStarted');
    // At most the one that was under way is done again.
    expect(attempts.length).toBeLessThanOrEqual(61);
    expect(new Set(invoked).size).toBe(60);
    expect(invoked.length).toBeLessThanOrEqual(61);
  });
});
