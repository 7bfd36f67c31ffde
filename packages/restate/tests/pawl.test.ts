import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { openRuntime } from '@pawl/runtime';
import { defineProcess, defineTask, externalTask, type ProcessDefinition } from '@pawl/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { PAGE_POLICY } from '../../inspector/src/index.ts';
import { PageDoor } from '../../cli/src/serve/page-door.ts';
import { createUiApp } from '../../cli/src/serve/ui-app.ts';
import { buildPageOnce } from '../../cli/tests/ui.fixture.ts';
import { serve, type RestateWorker } from '../src/index.ts';
import { RestateJournals } from '../src/reader.ts';
import { RestateServer, serverProgram } from './server.fixture.ts';
import { printed, type Printed } from '../../cli/tests/printed.fixture.ts';

const price = defineTask({ name: 'price', run: async ({ item }: { item: string }) => item.length });
const review = externalTask<{ cents: number }, { ok: boolean }>({ name: 'review', kind: 'agent' });
const charge = defineTask({
  name: 'charge',
  run: async ({ cents }: { cents: number }) => {
    if (cents > 100) throw new TypeError(`${cents} is too much`);
    return { id: `ch_${cents}` };
  },
});

/** Tasks side by side, one of others, a person, a message, a failure that is caught, and a run of its own. */
const order = defineProcess({
  name: 'order',
  run: async ({ items }: { items: string[] }, ctx) => {
    const prices = await ctx.parallel.map(items, (item) => ctx.task(price, { item }));
    const cents = prices.reduce((sum, each) => sum + each, 0);
    const { ok } = await ctx.task(review, { cents });
    const { approved } = await ctx.breakpoint({ title: 'Charge', question: `Charge ${cents}?` });
    const place = await ctx.receive<string>('place');
    await ctx.task(charge, { cents: 1000 }).catch(() => undefined);
    const sent = await ctx.run(shipping, { place });
    return { ok, approved, sent, id: (await ctx.task(charge, { cents })).id };
  },
});
const shipping = defineProcess({
  name: 'shipping',
  run: ({ place }: { place: string }, ctx) => ctx.task(price, { item: place }),
});
const failing = defineProcess({ name: 'failing', run: (_: null, ctx) => ctx.task(charge, { cents: 500 }) });
const patient = defineProcess({ name: 'patient', run: (_: null, ctx) => ctx.receive('never') });

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

const PROCESSES = [order, shipping, failing, patient, strict];

const program = serverProgram();
const folder = mkdtempSync(join(tmpdir(), 'pawl-engine-'));
// As npm installs it beside the pawl of a project.
mkdirSync(join(folder, 'node_modules/@pawl'), { recursive: true });
symlinkSync(join(import.meta.dirname, '..'), join(folder, 'node_modules/@pawl/restate'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(program === undefined)('pawl over Restate', () => {
  let server: RestateServer;
  let worker: RestateWorker;
  let engine = '';

  const served = (processes: readonly ProcessDefinition[], port = 0): Promise<RestateWorker> =>
    serve({ processes, port, admin: server.admin, restAfter: 50 });

  beforeAll(async () => {
    server = await RestateServer.start(String(program));
    worker = await served(PROCESSES);
    engine = `restate://${new URL(server.ingress).host}?admin=${new URL(server.admin).host}`;
  });
  afterAll(async () => {
    await worker.close();
    await server.close();
  });

  const pawl = (...args: readonly string[]): Promise<Printed> =>
    printed(args, { cwd: folder, now: Date.now(), env: { PAWL_ENGINE: engine, USER: 'ada' } });

  /** As by another program. */
  const submitted = (process: string, id: string, inputs: unknown): Promise<string> =>
    invoked(`${process}/${id}/run`, { inputs });

  /** The id of its invocation. */
  async function invoked(path: string, body: unknown): Promise<string> {
    const response = await fetch(`${server.ingress}/${path}/send`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return ((await response.json()) as { invocationId: string }).invocationId;
  }

  /** What stands there once that does. */
  async function until(args: readonly string[], wanted: RegExp): Promise<string> {
    for (const since = Date.now(); ;) {
      const { out, err } = await pawl(...args);
      if (wanted.test(`${out}${err}`)) return `${out}${err}`;
      if (Date.now() - since > 20_000) expect(`${out}${err}`).toMatch(wanted);
      await delay(50);
    }
  }

  it('shows a run as if it were in a file, and takes answers', async () => {
    const input = { items: ['tea', 'milk'] };
    const started = await pawl('run', 'order', '--id', 'o-1', '--input', JSON.stringify(input));
    expect(started).toMatchObject({ code: 13 });
    expect(started.err).toMatch(/waits for task 'review' \(call 1\), which agent does/);
    expect((await pawl('tasks')).out).toMatch(/review[^]*o-1/);
    const [taskId = ''] = /o-1\.[0-9a-f]+/.exec((await pawl('tasks', 'o-1', '--pending')).out) ?? [];
    expect(await pawl('task', 'claim', taskId)).toMatchObject({ code: 11 });
    const { out: why } = await pawl('why', 'o-1');
    expect(why).toMatch(/pawl task complete o-1/);
    expect(why).not.toMatch(/claim/);
    const answered = await pawl('task', 'complete', taskId, '--value', '{"ok":true}');
    expect(answered).toMatchObject({ code: 0, err: '' });

    await until(['waiting'], /Charge 7\?/);
    expect((await pawl('why', 'o-1')).out).toMatch(/people to answer: Charge 7\?/);
    expect(await pawl('approve', 'o-1')).toMatchObject({ code: 0, err: '' });
    await until(['why', 'o-1'], /message 'place'/);
    expect((await pawl('approve', 'o-1', 'Charge')).code).toBe(11);
    expect(await pawl('send', 'o-1', 'place', '"here"', '--id', 'm1')).toMatchObject({ code: 0, err: '' });
    const ended = await pawl('run', 'order', '--id', 'o-1', '--input', JSON.stringify(input));
    expect(ended.code).toBe(0);
    expect(JSON.parse(ended.out)).toEqual({ ok: true, approved: true, sent: 4, id: 'ch_7' });
    expect(await pawl('send', 'o-1', 'place', '1')).toMatchObject({ code: 11 });
    const other = await pawl('run', 'order', '--id', 'o-1', '--input', '{"items":[]}');
    expect(other).toMatchObject({ code: 11, out: '' });
    expect(other.err).toMatch(/Run o-1 exists already, with other inputs; one id is one run/);

    const file = await inFile(input);
    for (const args of [['show'], ['events'], ['timeline'], ['why'], ['tasks']].map(([name = '']) => [
      name,
      'o-1',
    ]))
      expect(alike((await pawl(...args, '--json')).out)).toEqual(alike((await file(...args, '--json')).out));
    expect(alike((await pawl('list', '--json')).out)).toEqual(alike((await file('list', '--json')).out));
    expect((await pawl('show', 'o-1.5')).out).toMatch(/shipping[^]*4/);
  });

  /** The same, over a file. */
  async function inFile(input: { items: string[] }): Promise<typeof pawl> {
    const path = join(folder, 'same.db');
    await using runtime = await openRuntime({ path, processes: PROCESSES });
    const run = runtime.start(order, input, { id: 'o-1' });
    const asks = async (name: string): Promise<void> => {
      while (!(runtime.get('o-1') !== undefined && runtime.waits('o-1').some((wait) => wait.name === name)))
        await delay(5);
    };
    while (runtime.tasks.list().length === 0) await delay(5);
    runtime.tasks.complete(runtime.tasks.list()[0]?.id ?? '', { ok: true });
    await asks('Charge');
    await runtime.respond('o-1', '2', { approved: true, by: 'ada' });
    await asks('place');
    await runtime.send('o-1', 'place', 'here', { id: 'm1' });
    await run.result();
    return (...args) => printed(args, { cwd: folder, now: Date.now(), env: { PAWL_DB: path } });
  }

  it('a run that fails, and one that is given up', async () => {
    expect(await pawl('run', 'failing', '--id', 'f-1', '--input', 'null')).toMatchObject({
      code: 3,
      err: expect.stringMatching(/500 is too much[^]*pawl show f-1/) as string,
    });
    expect((await pawl('list', '--status', 'failed')).out).toMatch(/f-1/);
    const patience = await pawl('run', 'patient', '--id', 'p-1', '--input', 'null', '--json');
    expect(patience.code).toBe(13);
    expect(await pawl('cancel', 'p-1', '--reason', 'wrong')).toMatchObject({ code: 0 });
    expect(await until(['why', 'p-1'], /given up/)).toMatch(/wrong/);
    expect((await pawl('cancel', 'p-1')).out).toMatch(/had ended already/);
  });

  it('code that does not fit is told as divergence, and a run goes on with the old code', async () => {
    const changing = (name: string): ProcessDefinition =>
      defineProcess({
        name: 'changing',
        run: async (_: null, ctx) => {
          await ctx.task(defineTask({ name, run: async () => name }));
          return ctx.receive('go on');
        },
      });
    const old = await served([changing('a')]);
    expect((await pawl('run', 'changing', '--id', 'c-1', '--input', 'null')).code).toBe(13);
    const { port } = old;
    await old.close();
    const changed = await served([changing('b')], port);
    await pawl('send', 'c-1', 'go on', '"there"');
    await until(['why', 'c-1'], /asks for something else than was recorded/);
    expect((await pawl('queue')).out).toMatch(/c-1/);
    expect(await pawl('resume', 'c-1')).toMatchObject({ code: 7 });
    await changed.close();
    const again = await served([changing('a')], port);
    expect(await pawl('resume', 'c-1')).toMatchObject({ code: 0, out: 'there\n' });
    await again.close();
  });

  it('what was sent while no worker was there comes to the run, also where Restate has paused it', async () => {
    const away = defineProcess({ name: 'away', run: (_: null, ctx) => ctx.receive('word') });
    const gone = await served([away]);
    expect((await pawl('run', 'away', '--id', 'a-1', '--input', 'null')).code).toBe(13);
    await gone.close();
    const mail = { to: 'a-1', message: { kind: 'signal', id: 'm', name: 'word', payload: 'heard' } };
    const id = await invoked(`away/a-1/post`, mail);
    const statusOf = async (): Promise<string | undefined> =>
      (await server.sql<{ status: string }>(`select status from sys_invocation where id = '${id}'`))[0]
        ?.status;
    await expect.poll(statusOf).toBe('backing-off');
    // As when its retries have run out.
    await fetch(`${server.admin}/invocations/${id}/pause`, { method: 'PATCH' });
    await expect.poll(statusOf).toBe('paused');
    await using _ = await served([away], gone.port);
    expect(await pawl('resume', 'a-1')).toMatchObject({ code: 0, out: 'heard\n' });
  });

  it('the page shows and answers', async () => {
    buildPageOnce();
    expect((await pawl('run', 'patient', '--id', 'u-1', '--input', 'null')).code).toBe(13);
    const journals = new RestateJournals(engine);
    await journals.look({ newest: 10, open: true }, async ({ reader, runtime, sent }) => {
      const closing = new AbortController();
      const door = new PageDoor(PAGE_POLICY, undefined);
      const app = createUiApp({
        reader,
        runtime,
        sent,
        closing: closing.signal,
        cwd: folder,
        env: {},
        flags: [],
        journal: engine,
        user: 'ada',
        hosts: undefined,
        token: door.token,
        maxBodyBytes: 1000,
        page: door,
      });
      const ask = async (
        path: string,
        body?: unknown,
      ): Promise<{ readonly status: number; readonly text: string }> => {
        const headers = { authorization: `Bearer ${door.token}`, 'content-type': 'application/json' };
        const given = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
        const response = await app.request(`http://127.0.0.1/api${path}`, { headers, ...given });
        return { status: response.status, text: await response.text() };
      };
      expect(await ask('/waits')).toMatchObject({
        status: 200,
        text: expect.stringContaining('"u-1"') as string,
      });
      expect(await ask('/runs/u-1/fork', { at: '0' })).toMatchObject({
        status: 409,
        text: expect.stringContaining('On Restate') as string,
      });
      expect(await ask('/runs/u-1/messages/never', 'now')).toMatchObject({ status: 202 });
      // What comes of it comes by itself.
      while (reader.get('u-1').status === 'running') await delay(20);
      closing.abort();
    });
    expect((await pawl('show', 'u-1')).out).toMatch(/output {2}"now"/);
  });

  it('a run that never began, and one whose invocation was killed', async () => {
    const refused = await pawl('run', 'strict', '--id', 's-1', '--input', '"text"');
    expect(refused).toMatchObject({ code: 11 });
    expect(refused.err).toMatch(/Run s-1 never began: [^]*a number, please/);
    expect((await pawl('show', 's-1')).err).toBe(refused.err);
    expect((await pawl('run', 'strict', '--id', 's-2', '--input', '7')).out).toBe('7\n');

    await pawl('run', 'patient', '--id', 'k-1', '--input', 'null');
    const [found] = await server.sql<{ id: string }>(
      "select id from sys_invocation where target_service_key = 'k-1' and target_handler_name = 'run'",
    );
    await fetch(`${server.admin}/invocations/${found?.id}/kill`, { method: 'PATCH' });
    await until(['why', 'k-1'], /was given up/);
    expect((await pawl('send', 'k-1', 'never', '1')).code).toBe(11);
    expect(await pawl('resume', 'k-1')).toMatchObject({
      code: 12,
      err: expect.stringMatching(/was killed/) as string,
    });
  });

  it('an id that runs of two processes have is not guessed at', async () => {
    await pawl('run', 'failing', '--id', 'same', '--input', 'null');
    expect((await pawl('run', 'strict', '--id', 'same', '--input', '1')).err).toMatch(
      /there already, of process 'failing'/,
    );
    await submitted('strict', 'same', 1);
    expect(await until(['show', 'same'], /id same/)).toMatch(/Runs of '\w+' and '\w+' have the id same/);
    expect((await until(['list'], /^same /m)).match(/^same /gm)).toHaveLength(1);
  });

  it('a run that no worker takes waits, and can be taken out', async () => {
    const lonely = defineProcess({ name: 'lonely', run: () => 1 });
    await (await served([lonely])).close();
    await submitted('lonely', 'l-1', { a: 1 });
    // Whose it is is known without a worker.
    expect(await pawl('run', 'lonely', '--id', 'l-1', '--input', '{"a":2}')).toMatchObject({ code: 11 });
    expect(await until(['show', 'l-1'], /Connection\s+refused/)).toMatch(/queued[^]*\{ a: 1 \}/);
    expect((await pawl('queue')).out).toMatch(/l-1/);
    expect((await pawl('cancel', 'l-1')).out).toMatch(/it had not begun/);
  });

  it.for([
    [['show', 'o-11'], 4, /no run 'o-11'[^]*o-1/],
    [['approve', 'nobody'], 4, /no run 'nobody'/],
    [['run', 'nothing'], 4, /No worker has announced a process 'nothing'[^]*There is: [^]*order/],
    [['prune', '--older-than', '1d'], 2, /works on a journal in a file[^]*restate/i],
    [['sql', 'select 1'], 2, /works on a journal in a file[^]*restate sql/],
    [['export', 'o-1'], 2, /Over a file: PAWL_ENGINE= pawl export/],
    [
      ['list', '--engine', 'restate://127.0.0.1:1?admin=127.0.0.1:59999'],
      4,
      /no admin interface[^]*nobody\s+listens[^]*pawl dev/,
    ],
    [['--engine', 'restate://a/b', 'list'], 2, /no address of Restate[^]*restate:\/\/127/],
    [['list', '--engine', 'foo://x'], 2, /no engine that is known/],
    [['list', '--engine', 'restate://x', '--db', 'y'], 2, /not both/],
    [['run', 'order', '--strict'], 2, /--strict is about runs that this program drives/],
  ] as const)('%s is told in words', async ([args, code, words]) => {
    const { code: exitCode, err } = await pawl(...args);
    expect({ exitCode, err }).toEqual({ exitCode: code, err: expect.stringMatching(words) as string });
  });

  it('a server that is something else is told so', async () => {
    const other = `restate://${new URL(server.ingress).host}?admin=${new URL(server.ingress).host}`;
    expect((await pawl('list', '--engine', other)).err).toMatch(/no admin interface of Restate[^]*400/);
    const swapped = `restate://${new URL(server.admin).host}?admin=${new URL(server.admin).host}`;
    expect((await pawl('run', 'patient', '--engine', swapped)).err).toMatch(/no ingress of Restate/);
  });
});

/** Without what each run has of its own. */
function alike(json: string): unknown {
  const own =
    /At$|^(at|id|seed|by|worker|messageId|module|codeHash|from|to|updatedAt|durationMs|parts|took.*|state|since|until|sentence|stack)$/;
  const lines = json
    // Ids of tasks follow from the seed of their run.
    .replaceAll(/o-1\.[0-9a-f]{16}/g, 'task')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  const without = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(without);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, each]) => (own.test(name) ? [] : [[name, without(each)]])),
    );
  };
  return lines.map(without);
}
