import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RestateClient } from '../src/index.ts';
import { KEEP_ALIVE } from './fuzz.fixture.ts';
import { journalOf } from './journal.fixture.ts';
import { mostAtOnce, RemotePrograms } from './remote.fixture.ts';
import { RestateServer, serverProgram } from './server.fixture.ts';

const program = serverProgram();

describe.skipIf(program === undefined)('tasks on other workers', () => {
  let server: RestateServer;
  let client: RestateClient;
  let programs: RemotePrograms;

  beforeAll(async () => {
    server = await RestateServer.start(String(program), KEEP_ALIVE);
    client = new RestateClient({ ingress: server.ingress });
    programs = new RemotePrograms(server);
    await Promise.all([programs.start('driver'), programs.start('tasks')]);
    // On the ports of the first ones.
    await Promise.all([programs.start('driver'), programs.start('tasks')]);
  });
  afterAll(async () => {
    await programs.close();
    await server.close();
  });

  async function attemptsOf(run: string): Promise<readonly unknown[]> {
    const journal = await journalOf(server, run);
    return journal.flatMap(({ event }) => (event.type === 'AttemptStarted' ? [event.attempt] : []));
  }

  function begun(id: string): readonly number[] {
    return programs.told(id).flatMap(({ said, attempt }) => (said === 'begins' ? [attempt] : []));
  }

  const started = (process: string, id: string, ms: number, isDeaf = false) =>
    client.start<object, string>(process, { id, ms, isDeaf }, { id });

  it('are done there, beside those that are done where the run is driven', async () => {
    const run = await client.start<{ id: string }, string[]>('two', { id: 'both' }, { id: 'both' });
    await run.result();
    const [here] = programs.told('both here');
    const [there] = programs.told('both there');
    expect(here?.pid).not.toBe(there?.pid);
  });

  it('outlive the driver of their run, whatever onUnknown says: done once, and their result is taken', async () => {
    const runs = await Promise.all([started('one', 'outlives', 1000), started('ask', 'outlives-too', 1000)]);
    const made = await Promise.all(runs.map(({ id }) => programs.until(id, 'begins')));
    // Whichever of them drives it.
    for (const driver of programs.all('driver')) programs.kill(driver.pid);
    await Promise.all([programs.start('driver'), programs.start('driver')]);
    const results = await Promise.all(runs.map((run) => run.result()));
    expect(results).toEqual(made.map(({ id, pid }) => `${id} by ${pid}`));
    for (const { id } of runs) {
      expect(begun(id)).toEqual([1]);
      expect(await attemptsOf(id)).toEqual([1]);
    }
  });

  it('have an end that nobody knows where their worker dies: another attempt, or a person', async () => {
    const [again, asked] = await Promise.all([
      started('one', 'again', 1000),
      started('ask', 'asked', 60_000),
    ]);
    await Promise.all([programs.until('again', 'begins'), programs.until('asked', 'begins')]);
    for (const worker of programs.all('tasks')) programs.kill(worker.pid);
    await Promise.all([programs.start('tasks'), programs.start('tasks')]);
    expect(await again.result()).toMatch(/^again by/);
    expect(begun('again')).toEqual([1, 2]);
    let waits = await asked.waits();
    while (waits.length === 0) waits = await asked.waits();
    await asked.resolve(String(waits[0]?.key), { status: 'done', output: 'as a person says' });
    expect(await asked.result()).toBe('as a person says');
    expect(begun('asked')).toEqual([1]);
  });

  it('are given up where their worker hangs, and what it gives later is nobody’s', async () => {
    const run = await started('one', 'hangs', 1200, true);
    const { pid } = await programs.until(run.id, 'begins');
    programs.kill(pid, 'SIGSTOP');
    try {
      const second = await programs.until(run.id, 'begins', 2);
      expect(second.attempt).toBe(2);
      programs.kill(pid, 'SIGCONT');
      expect(await run.result()).toBe(`${run.id} by ${second.pid}`);
    } finally {
      programs.kill(pid, 'SIGCONT');
    }
    await programs.until(run.id, 'ends', 2);
    expect(begun(run.id)).toEqual([1, 2]);
  });

  it('hear that nobody wants them any more', async () => {
    const run = await started('one', 'cancelled', 60_000);
    await programs.until(run.id, 'begins');
    await run.cancel('enough');
    await expect(run.result()).rejects.toThrow(/cancelled.*enough/);
    await programs.until(run.id, 'is aborted');
  });

  it('share a pool over all runs, and no time of theirs passes while they wait for it', async () => {
    const ids = Array.from({ length: 30 }, (_, i) => `queued-${i}`);
    const runs = await Promise.all(ids.map((id) => started('queue', id, 120)));
    const results = await Promise.all(runs.map((run) => run.result()));
    expect(results).toHaveLength(30);
    expect(mostAtOnce(programs.told().filter(({ id }) => id.startsWith('queued')))).toBe(3);
    const [first, last] = [programs.told('queued-0'), ids.map((id) => begun(id))];
    expect(first).toHaveLength(2);
    expect(last).toEqual(ids.map(() => [1]));
  });

  it('hold no slot for ever: not where the server dies, nor where somebody kills them', async () => {
    const ids = Array.from({ length: 6 }, (_, i) => `held-${i}`);
    const runs = await Promise.all(ids.map((id) => started('queue', id, 600)));
    while (programs.told().filter(({ id }) => id.startsWith('held')).length < 3) await delay(10);
    await server.kill();
    await server.start();
    await Promise.all(runs.map((run) => run.result()));
    expect(mostAtOnce(programs.told().filter(({ id }) => id.startsWith('held')))).toBe(3);

    const killed = await Promise.all(
      Array.from({ length: 3 }, (_, i) => started('queue', `killed-${i}`, 60_000)),
    );
    await Promise.all(killed.map(({ id }) => programs.until(id, 'begins')));
    const holders = await server.sql<{ id: string }>(
      "select id from sys_invocation where target_service_name = 'task.pooled' and status <> 'completed'",
    );
    expect(holders).toHaveLength(3);
    await Promise.all(
      holders.map(({ id }) => fetch(`${server.admin}/invocations/${id}/kill`, { method: 'PATCH' })),
    );
    const next = await started('queue', 'next', 10);
    expect(await next.result()).toMatch(/^next/);
    await Promise.all(killed.map((run) => run.cancel()));
  });
});
