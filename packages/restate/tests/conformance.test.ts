import { openRuntime, type OpenTask, type OpenWait, type Runtime } from '@pawl/runtime';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RestateClient, serve, type RestateRun, type RestateWorker } from '../src/index.ts';
import { ANSWERED, CASES, INNER, processOf, type Case, type Outside } from './conformance.fixture.ts';
import { RestateServer, serverProgram } from './server.fixture.ts';

async function judge({ gives, fails }: Case, result: Promise<unknown>): Promise<void> {
  if (fails === undefined) expect(await result).toEqual(gives);
  else await expect(result).rejects.toThrow(fails);
}

/** Looks until one of that name can be done that was not done yet. */
async function openTask(
  tasks: () => Promise<readonly OpenTask[]> | readonly OpenTask[],
  name: string,
  done: Set<string>,
): Promise<OpenTask> {
  for (;;) {
    for (const each of await tasks()) {
      const place = `${each.key} ${each.failures}`;
      if (each.task !== name || each.status === 'backoff' || done.has(place)) continue;
      done.add(place);
      return each;
    }
    await delay(10);
  }
}

/** Looks until it is there: waits are known when the run was put down. */
async function found(
  waits: () => Promise<readonly OpenWait[]> | readonly OpenWait[],
  name: string,
): Promise<OpenWait> {
  for (;;) {
    const wait = (await waits()).find((each) => each.name === name);
    if (wait !== undefined) return wait;
    await delay(10);
  }
}

/** @param answer undefined for a task that nobody does */
async function workOff(
  tasks: () => Promise<readonly OpenTask[]> | readonly OpenTask[],
  complete: (task: OpenTask, value: unknown) => unknown,
  answer: (task: string, title: string) => unknown,
  result: Promise<unknown>,
): Promise<void> {
  const over = new AbortController();
  result.then(
    () => over.abort(),
    () => over.abort(),
  );
  const done = new Set<string>();
  while (!over.signal.aborted) {
    for (const open of await tasks()) {
      const value = answer(open.task, (open.description as { title: string }).title);
      if (done.has(open.key) || value === undefined) continue;
      done.add(open.key);
      await complete(open, value);
    }
    await delay(10);
  }
}

describe('on SQLite', () => {
  let runtime: Runtime;

  beforeAll(async () => {
    runtime = await openRuntime({ path: ':memory:', processes: INNER });
  });
  afterAll(() => runtime.close());

  it.for(CASES)('$name', async (each) => {
    const run = runtime.start(processOf(each), each.inputs ?? null);
    const result = run.result();
    result.catch(() => undefined);
    const waits = (): readonly OpenWait[] => (runtime.get(run.id) === undefined ? [] : runtime.waits(run.id));
    const tasks = (): readonly OpenTask[] => runtime.tasks.list({ runId: run.id });
    const done = new Set<string>();
    await each.outside?.({
      send: (name, payload, id) => runtime.send(run.id, name, payload, id === undefined ? {} : { id }),
      respond: async (title, approved, by) =>
        runtime.respond(run.id, (await found(waits, title)).key, { approved, by }),
      complete: async (task, value) => runtime.tasks.complete((await openTask(tasks, task, done)).id, value),
      fail: async (task, message) => runtime.tasks.fail((await openTask(tasks, task, done)).id, message),
      workOff: (answer) =>
        workOff(tasks, ({ id }, given) => runtime.tasks.complete(id, given), answer, result),
      cancel: async (reason) => runtime.cancel(run.id, reason),
      waitedFor: (name) => found(waits, name),
    });
    await judge(each, result);
  });
});

const program = serverProgram();

describe.skipIf(program === undefined)('on Restate', () => {
  let server: RestateServer;
  let worker: RestateWorker;
  let client: RestateClient;

  beforeAll(async () => {
    server = await RestateServer.start(String(program));
    const processes = [...CASES.map(processOf), ...INNER];
    worker = await serve({ processes, port: 0, admin: server.admin, restAfter: 50 });
    client = new RestateClient({ ingress: server.ingress });
  });
  afterAll(async () => {
    await worker.close();
    await server.close();
  });

  it.for(CASES)('$name', async (each) => {
    const run = await client.start(processOf(each), each.inputs ?? null);
    const result = run.result();
    result.catch(() => undefined);
    await each.outside?.(outsideOf(run, result));
    await judge(each, result);
  });

  it('an answer that comes while a run is being put down is taken', async () => {
    const answered = async (): Promise<void> => {
      for (let i = 0; i < 2; i += 1) {
        const run = await client.start(processOf(ANSWERED), null);
        const result = run.result();
        await ANSWERED.outside?.(outsideOf(run, result));
        await judge(ANSWERED, result);
      }
    };
    await Promise.all(Array.from({ length: 6 }, answered));
  });
});

function outsideOf(run: RestateRun, result: Promise<unknown>): Outside {
  const waits = (): Promise<readonly OpenWait[]> => run.waits();
  const tasks = (): Promise<readonly OpenTask[]> => run.tasks();
  const done = new Set<string>();
  return {
    send: (name, payload, id) => run.send(name, payload, id === undefined ? {} : { id }),
    respond: async (title, approved, by) => run.respond((await found(waits, title)).key, { approved, by }),
    complete: async (task, value) => run.complete((await openTask(tasks, task, done)).key, value),
    fail: async (task, message) => run.fail((await openTask(tasks, task, done)).key, message),
    workOff: (answer) => workOff(tasks, ({ key }, given) => run.complete(key, given), answer, result),
    cancel: (reason) => run.cancel(reason),
    waitedFor: (name) => found(waits, name),
  };
}
