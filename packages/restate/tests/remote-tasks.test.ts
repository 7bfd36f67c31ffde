import { defineProcess, defineTask, type Context, type TaskDefinition } from '@pawl/sdk';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RestateClient, serve, type RestateWorker, type ServeOptions } from '../src/index.ts';
import { RestateJournals } from '../src/reader.ts';
import { CASES, processOf, TASKS, type Case } from './conformance.fixture.ts';
import { journalOf } from './journal.fixture.ts';
import { RestateServer, serverProgram } from './server.fixture.ts';

type AnyTask = TaskDefinition<never, unknown>;

const remoteTasks = new Map<AnyTask, AnyTask>();
function remote(task: AnyTask): AnyTask {
  const known = remoteTasks.get(task);
  if (known !== undefined) return known;
  const made: AnyTask = { ...task, settings: { ...task.settings, remote: true } };
  remoteTasks.set(task, made);
  return made;
}

/** The same process, whose tasks are done elsewhere. */
function elsewhere(each: Case): Case {
  return {
    ...each,
    run: (inputs, ctx) => {
      const task: Context['task'] = (definition, ...rest) =>
        ctx.task(remote(definition) as typeof definition, ...rest);
      return each.run(inputs, Object.defineProperty(Object.create(ctx) as Context, 'task', { value: task }));
    },
  };
}

/** Without people, and without what hangs on who is first by some milliseconds. */
const SAME = CASES.filter(({ name }) =>
  /^(one task|inputs and outputs|a task that fails|a failure that is|a retry|A72|A02|A04|A06)/.test(name),
).map(elsewhere);

const program = serverProgram();

describe.skipIf(program === undefined)('remote tasks', () => {
  let server: RestateServer;
  let client: RestateClient;
  let workers: RestateWorker[] = [];

  const open = async (options: Omit<ServeOptions, 'port' | 'admin'>): Promise<RestateWorker> => {
    const worker = await serve({ port: 0, admin: server.admin, restAfter: 50, ...options });
    workers.push(worker);
    return worker;
  };

  beforeAll(async () => {
    server = await RestateServer.start(String(program));
    client = new RestateClient({ ingress: server.ingress });
    await Promise.all([
      open({ processes: SAME.map(processOf), ingress: server.ingress }),
      open({ tasks: TASKS.map(remote) }),
    ]);
  });
  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.close()));
    workers = [];
    await server.close();
  });

  it.for(SAME)('come to the same as those that run here: $name', async (each) => {
    const run = await client.start(processOf(each), each.inputs ?? null);
    if (each.fails === undefined) expect(await run.result()).toEqual(each.gives);
    else await expect(run.result()).rejects.toThrow(each.fails);
  });

  it('that no worker has announced wait until one does, and somebody is told', async () => {
    const late = defineTask({ name: 'late', remote: true, run: async () => 'at last' });
    const process = defineProcess({ name: 'waitsForLate', run: (_: null, ctx) => ctx.task(late) });
    const warned = Promise.withResolvers<string>();
    await open({
      processes: [process],
      ingress: server.ingress,
      onWarning: (id, text) => warned.resolve(`${id}: ${text}`),
    });
    const run = await client.start(process, null, { id: 'early' });
    expect(await warned.promise).toBe(
      "early: No worker has announced task 'late' to Restate, which call 0 asks for: serve({ tasks: […] }).",
    );
    const { port } = new URL(server.ingress);
    const engine = `restate://127.0.0.1:${port}?admin=${new URL(server.admin).host}`;
    // What a worker knows already comes to Restate's SQL a moment later.
    const why = async (id: string): Promise<string> => {
      for (;;) {
        const problem = await new RestateJournals(engine).read(
          { run: id },
          (reader) => reader.setBackOf(id)?.problem,
        );
        if (problem !== undefined) return problem;
        await delay(20);
      }
    };
    expect(await why(run.id)).toBe(
      "No worker has announced task 'late' (0) to Restate: serve({ tasks: […] }).",
    );
    const worker = await open({ tasks: [late] });
    expect(await run.result()).toBe('at last');
    await worker.close();
    const lost = await client.start(process, null, { id: 'lost' });
    while ((await journalOf(server, lost.id)).every(({ event }) => event.type !== 'AttemptStarted'))
      await delay(20);
    expect(await why(lost.id)).toMatch(/Task 'late' \(0\) finds no worker: /);
    await lost.cancel();
  });

  it('run where their run is driven, where the worker says so', async () => {
    const near = defineTask({ name: 'near', remote: true, run: async () => 'here' });
    const process = defineProcess({ name: 'alone', run: (_: null, ctx) => ctx.task(near) });
    await open({ processes: [process], remoteHere: true });
    expect(await (await client.start(process, null)).result()).toBe('here');
  });

  it('take and give large values', async () => {
    const give = defineTask({
      name: 'give',
      remote: true,
      run: async ({ chars }: { chars: number; ballast?: string }) => '\u20ac'.repeat(chars),
    });
    const process = defineProcess({
      name: 'heavy',
      run: async (args: { chars: number; ballast: number }, ctx) => {
        const ballast = '\u20ac'.repeat(args.ballast);
        return (await ctx.task(give, { chars: args.chars, ballast })).length;
      },
    });
    await open({ processes: [process], ingress: server.ingress });
    await open({ tasks: [give] });
    const heavy = async (chars: number, ballast: number): Promise<number> =>
      (await client.start(process, { chars, ballast })).result();
    expect(await heavy(300_000, 300_000)).toBe(300_000);
  });

  it('are done as many at once as their worker says', async () => {
    let now = 0;
    let most = 0;
    const narrow = defineTask({
      name: 'narrow',
      remote: true,
      timeout: 2000,
      run: async () => {
        now += 1;
        most = Math.max(most, now);
        await delay(30);
        now -= 1;
      },
    });
    const process = defineProcess({
      name: 'wide',
      run: (_: null, ctx) => ctx.parallel.map(Array.from({ length: 12 }).keys(), () => ctx.task(narrow)),
    });
    await open({ processes: [process], ingress: server.ingress });
    await open({ tasks: [{ task: narrow, concurrency: 2 }] });
    await (await client.start(process, null)).result();
    expect(most).toBe(2);
  });

  it('cannot receive, and reconcile nothing; what they log is told where they run', async () => {
    const told: string[] = [];
    const speaks = defineTask({
      name: 'speaks',
      remote: true,
      run: async (what: 'log' | 'receive' | 'reconcile', task) => {
        task.log.info('said', what);
        await task.progress({ nobody: 'looks' });
        task.heartbeat();
        if (what === 'receive') await task.receive('word');
        if (what === 'reconcile') task.reconcile(2);
        return task.idempotencyKey.length;
      },
    });
    const process = defineProcess({
      name: 'asks',
      run: (what: 'log' | 'receive' | 'reconcile', ctx) => ctx.task(speaks, what),
    });
    await open({ processes: [process], ingress: server.ingress });
    await open({
      tasks: [speaks],
      onLog: ({ runId, process: name, task, values }) =>
        told.push(`${runId} ${name} ${task} ${values.join(' ')}`),
    });
    const asked = async (what: 'log' | 'receive' | 'reconcile'): Promise<unknown> =>
      (await client.start(process, what, { id: what })).result();
    expect(await asked('log')).toBe(32);
    expect(told).toEqual(['log asks speaks said log']);
    await expect(asked('receive')).rejects.toThrow(/cannot use task.receive: it runs in another worker/);
    await expect(asked('reconcile')).rejects.toThrow(/task.reconcile is not there for a remote task/);
  });
});
