import { expect, test } from 'vitest';

import { Folder } from './here.fixture.ts';
import { until } from './pawl.fixture.ts';
import { serving, type Answer, type Client } from './server.fixture.ts';

/* People and agents at the real server: what they are asked, what they answer, and what is refused. */

const TOKEN = 'a-token-for-tests-only';

const RELEASE = `
import { externalTask, type Context } from '@pawl/sdk';

const review = externalTask<{ pr: number }, { ok: boolean }>({
  name: 'review',
  kind: 'agent',
  title: ({ pr }) => 'Review ' + pr,
  output: {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value: any) =>
        typeof value?.ok === 'boolean' ? { value } : { issues: [{ message: 'ok is true or false', path: ['ok'] }] },
    },
  } as never,
  timeout: '1h',
});

export async function process(_: unknown, ctx: Context) {
  const go = await ctx.breakpoint({
    title: 'Release',
    question: 'Release it?',
    options: ['now', 'tonight'],
    experts: ['ada', 'grace'],
    strategy: 'all',
  });
  const verdict = await ctx.task(review, { pr: 7 });
  return { when: go.option, by: go.allResponses.map((one) => one.respondedBy), verdict };
}
`;

const asking = async (folder: Folder, env: Readonly<Record<string, string>> = {}): Promise<Client> => {
  folder.write('release.ts', RELEASE);
  const client = await serving(folder, [], env);
  await client.ask('POST', '/runs', { process: 'release', id: 'r1' }, auth(env));
  await untilSome(client, '/runs/r1/waits', 'waits', auth(env));
  return client;
};

const auth = (env: Readonly<Record<string, string>>): Record<string, string> => {
  const token = env['PAWL_TOKEN'];
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
};

async function untilSome(
  client: Client,
  path: string,
  name: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Record<string, unknown>> {
  for (;;) {
    const { status, body } = await client.get(path, headers);
    const list = status === 200 ? body[name] : [];
    if (Array.isArray(list) && list.length > 0) return list[0] as Record<string, unknown>;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('people answer a question, and an agent its task, over HTTP alone', async () => {
  using folder = new Folder();
  const client = await asking(folder);
  const post = (path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer> =>
    client.ask('POST', path, body, headers);

  const wait = {
    runId: 'r1',
    process: 'release',
    kind: 'breakpoint',
    name: 'Release',
    prompt: 'Release it?',
    since: expect.stringMatching(/^\d{4}-.*Z$/),
    breakpoint: { options: ['now', 'tonight'], experts: ['ada', 'grace'], answers: [] },
  };
  expect((await client.get('/runs/r1/waits')).body).toMatchObject({ version: 1, waits: [wait] });
  expect((await client.get('/waits')).body).toMatchObject({ waits: [wait] });
  // The documents are those of the command line.
  const { stdout } = await folder.pawl('waiting', '--json');
  expect((await client.get('/waits')).body).toEqual(JSON.parse(stdout));

  const eve = await post('/runs/r1/approve', { as: 'eve' });
  expect([eve.status, eve.body]).toMatchObject([422, { status: 'invalid', issues: [{ path: '$.by' }] }]);
  const never = await post('/runs/r1/approve', { as: 'ada', option: 'never' });
  expect([never.status, never.body['status']]).toEqual([422, 'invalid']);
  expect((await post('/runs/r1/approve', { as: 'ada', wait: 'Merge' })).status).toBe(404);
  const ada = { wait: 'Release', as: 'ada', option: 'now', feedback: 'gladly', response: { n: 1 } };
  const first = await post('/runs/r1/approve', ada);
  expect([first.status, first.body]).toMatchObject([
    202,
    { status: 'accepted', runId: 'r1', approved: true },
  ]);
  const again = await post('/runs/r1/reject', { as: 'ada' });
  expect([again.status, again.body['status']]).toEqual([200, 'duplicate']);
  expect((await post('/runs/r1/approve', { as: 'grace', option: 'now' })).status).toBe(202);

  const task = await untilSome(client, '/tasks', 'tasks');
  expect(task).toMatchObject({ runId: 'r1', task: 'review', kind: 'agent', status: 'open' });
  const id = String(task['id']);
  expect((await client.get('/runs/r1/tasks')).body).toMatchObject({ tasks: [{ id }] });
  expect((await client.get('/tasks?kind=nobody')).body['tasks']).toEqual([]);
  expect((await client.get(`/tasks/${id}`)).body).toMatchObject({
    task: { id, description: { title: 'Review 7' } },
  });
  // The question is decided.
  const decided = await post('/runs/r1/approve', { as: 'grace' });
  expect([decided.status, decided.body['status']]).toEqual([409, 'closed']);

  const claimed = await post(`/tasks/${id}/claim`, { as: 'a1', lease: '1m' });
  expect([claimed.status, claimed.body]).toMatchObject([
    200,
    { status: 'claimed', worker: 'a1', task: { id } },
  ]);
  const claim = String(claimed.body['claim']);
  const busy = await post(`/tasks/${id}/claim`, { as: 'a2' });
  expect([busy.status, busy.body]).toMatchObject([409, { status: 'busy', worker: 'a1' }]);
  expect((await post(`/tasks/${id}/complete`, { as: 'a2', value: { ok: true } })).status).toBe(409);
  expect((await post(`/tasks/${id}/heartbeat`, { claim, lease: '2m' })).body).toMatchObject({
    status: 'held',
  });
  const lost = await post(`/tasks/${id}/heartbeat`, { claim: 'another' });
  expect([lost.status, lost.body['status']]).toEqual([409, 'lost']);
  expect((await post(`/tasks/${id}/release`, { claim: 'another' })).body['status']).toBe('notHeld');
  expect((await post(`/tasks/${id}/release`, { claim })).body['status']).toBe('released');
  expect((await client.get(`/tasks/${id}`)).body).toMatchObject({ task: { status: 'open' } });

  const bad = await post(`/tasks/${id}/complete`, { value: { ok: 'yes' } });
  expect([bad.status, bad.body]).toMatchObject([
    422,
    { status: 'invalid', issues: [{ message: 'ok is true or false' }] },
  ]);
  const key = { 'idempotency-key': 'k1' };
  expect((await post(`/tasks/${id}/complete`, { value: { ok: true } }, key)).status).toBe(202);
  const twice = await post(`/tasks/${id}/complete`, { value: { ok: true } }, key);
  expect([twice.status, twice.body['status']]).toEqual([200, 'duplicate']);
  expect((await client.get('/runs/r1/result?wait=30s')).body).toMatchObject({
    status: 'succeeded',
    output: { when: 'now', by: ['ada', 'grace'], verdict: { ok: true } },
  });
  const late = await post(`/tasks/${id}/fail`, { message: 'too late' });
  expect([late.status, late.body['status']]).toEqual([409, 'closed']);
  expect((await client.get(`/tasks/${id}`)).status).toBe(404);
  expect((await client.get('/waits')).body['waits']).toEqual([]);
  expect(await client.stop()).toBe(0);
});

test('an answer that is sent again is none to the next question', async () => {
  using folder = new Folder();
  folder.write(
    'chain.ts',
    `
import type { Context } from '@pawl/sdk';
export async function process(_: unknown, ctx: Context) {
  const staging = await ctx.breakpoint({ title: 'Delete staging', question: 'Delete staging?' });
  const prod = await ctx.breakpoint({ title: 'Delete prod', question: 'Delete prod?' });
  return [staging.approved, prod.approved];
}
`,
  );
  const client = await serving(folder);
  await client.ask('POST', '/runs', { process: 'chain', id: 'ch' });
  await untilSome(client, '/runs/ch/waits', 'waits');
  const approve = (body: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer> =>
    client.ask('POST', '/runs/ch/approve', body, headers);
  const key = { 'idempotency-key': 'k1' };
  expect((await approve({ as: 'ada' }, key)).status).toBe(202);
  let name: unknown = 'Delete staging';
  while (name !== 'Delete prod') name = (await untilSome(client, '/runs/ch/waits', 'waits'))['name'];
  // Bound to the question that the first was for, whatever it names now.
  for (const body of [{ as: 'ada' }, { as: 'ada', wait: 'Delete prod' }, { as: 'bob' }]) {
    const again = await approve(body, key);
    expect([again.status, again.body['status']]).toEqual([200, 'duplicate']);
  }
  const bare = await approve({ as: 'ada' });
  expect(bare.status).toBe(409);
  expect(bare.text).toContain('1 (Delete prod)');
  expect(bare.text).toContain('pawl approve ch 1');
  expect((await approve({ as: 'ada', wait: 'Delete staging' })).status).toBe(409);
  expect((await approve({ as: 'ada' }, { 'idempotency-key': 'x'.repeat(201) })).status).toBe(400);
  expect((await client.get('/runs/ch/waits')).body).toMatchObject({
    waits: [{ name: 'Delete prod', breakpoint: { answers: [], decided: null } }],
  });
  expect((await approve({ as: 'ada', wait: '1' }, { 'idempotency-key': 'k2' })).status).toBe(202);
  expect((await client.get('/runs/ch/result?wait=30s')).body).toMatchObject({ output: [true, true] });
  expect((await approve({ as: 'ada' })).status).toBe(409);
  expect((await approve({ as: 'ada' }, key)).status).toBe(200);
  expect(await client.stop()).toBe(0);
});

test('an agent fails a task and gives one up', async () => {
  using folder = new Folder();
  folder.write(
    'two.ts',
    `
import { externalTask, type Context } from '@pawl/sdk';
const work = externalTask<string, string>({ name: 'work', kind: 'agent' });
const said = (error: unknown) => (error instanceof Error ? error.name + ': ' + error.message : String(error));
export async function process(_: unknown, ctx: Context) {
  return [await ctx.task(work, 'a').catch(said), await ctx.task(work, 'b').catch(said)];
}
`,
  );
  const client = await serving(folder);
  await client.ask('POST', '/runs', { process: 'two', id: 't1' });
  const first = String((await untilSome(client, '/tasks', 'tasks'))['id']);
  expect(
    (await client.ask('POST', `/tasks/${first}/fail`, { message: 'no', details: { code: 2 } })).status,
  ).toBe(202);
  let second = first;
  while (second === first) second = String((await untilSome(client, '/tasks', 'tasks'))['id']);
  expect((await client.ask('POST', `/tasks/${second}/cancel`, { message: 'not mine' })).status).toBe(202);
  const { output } = (await client.get('/runs/t1/result?wait=30s')).body as { output: readonly string[] };
  expect(output).toEqual([
    expect.stringMatching(/^TaskError: .*no/),
    expect.stringMatching(/^CancelledError: .*not mine/),
  ]);
  expect(await client.stop()).toBe(0);
});

test('bad answers change nothing: a bad token, a bad body, a wait or a task that is none', async () => {
  using folder = new Folder();
  const env = { PAWL_TOKEN: TOKEN };
  const client = await asking(folder, env);
  const good = auth(env);
  const before = (await client.get('/runs/r1', good)).body;
  for (const authorization of ['', 'Bearer', `Bearer ${TOKEN}x`, `Basic ${TOKEN}`]) {
    for (const path of ['/waits', '/runs/r1/waits', '/tasks', '/runs/r1/tasks', '/tasks/x'])
      expect((await client.get(path, { authorization })).status, path).toBe(401);
    for (const path of ['/runs/r1/approve', '/runs/r1/reject', '/tasks/x/claim', '/tasks/x/complete'])
      expect((await client.ask('POST', path, { as: 'ada' }, { authorization })).status, path).toBe(401);
  }
  const none = 'r1.0123456789abcdef';
  const cases: readonly (readonly [string, unknown, number])[] = [
    ['/runs/r1/approve', '{', 400],
    ['/runs/r1/approve', '', 400],
    ['/runs/r1/approve', [], 400],
    ['/runs/r1/approve', null, 400],
    ['/runs/r1/approve', { approved: false }, 400],
    ['/runs/r1/approve', { as: 7 }, 400],
    ['/runs/r1/approve', { as: '' }, 400],
    ['/runs/r1/approve', { as: 'x'.repeat(201) }, 400],
    ['/runs/r1/approve', { wait: 7 }, 400],
    ['/runs/r1/approve', { as: 'ada', option: ['now'] }, 400],
    ['/runs/r1/approve', '{"as":"ada","__proto__":{"wait":"x"}}', 400],
    ['/runs/r1/approve', { as: 'ada', wait: 'constructor' }, 404],
    ['/runs/r1/reject', { as: 'ada', wait: '__proto__' }, 404],
    ['/runs/none/approve', { as: 'ada' }, 404],
    ['/runs/..%2fr1/approve', { as: 'ada' }, 400],
    ['/runs/r1/approve', { feedback: 'x'.repeat(2 * 1024 * 1024) }, 413],
    ['/runs/r1/cancel', { why: 'x' }, 400],
    ['/runs/r1/cancel', { reason: 7 }, 400],
    ['/runs/r1/cancel', { force: 'true' }, 400],
    ['/runs/r1/messages/m?secret=1', 'x', 400],
    [`/tasks/${none}/claim`, {}, 404],
    [`/tasks/${none}/complete`, { value: 1 }, 404],
    [`/tasks/${none}/heartbeat`, { as: 'x' }, 404],
    [`/tasks/${none}/heartbeat`, {}, 400],
    [`/tasks/${none}/release`, {}, 400],
    ['/tasks/nonsense/complete', { value: 1 }, 404],
    ['/tasks/%00/fail', {}, 404],
    [`/tasks/${none}/steal`, {}, 404],
    [`/tasks/${none}/claim`, { lease: 'soon' }, 400],
    [`/tasks/${none}/claim`, { lease: {} }, 400],
    [`/tasks/${none}/claim`, { value: 1 }, 400],
    [`/tasks/${none}/complete`, { worker: 'x' }, 400],
    [`/tasks/${none}/complete`, [], 400],
    [`/tasks/${none}/complete`, 'nothing', 400],
    [`/tasks/${none}/fail`, { message: {} }, 400],
  ];
  for (const [path, body, status] of cases) {
    const answer = await client.ask('POST', path, body, good);
    const what = `${path} ${String(JSON.stringify(body)).slice(0, 60)}`;
    expect([what, answer.status]).toEqual([what, status]);
    expect(answer.text, what).toMatch(/"message":|"status":"unknown"|"status":"notHeld"/);
    expect(answer.text).not.toMatch(/\bat .*\.ts:\d|select |SQLITE/i);
  }
  expect((await client.get('/runs/r1', good)).body).toEqual(before);
  expect((await client.get('/runs/r1/waits', good)).body).toMatchObject({
    waits: [{ breakpoint: { answers: [] } }],
  });
  expect(client.pawl.stderr).not.toContain(TOKEN);
  client.pawl.child.kill('SIGTERM');
  await until(() => client.pawl.child.exitCode !== null);
});

const PAY = `
import { appendFileSync, existsSync } from 'node:fs';
import { defineTask, type Context } from '@pawl/sdk';
const pay = defineTask({
  name: 'pay',
  onUnknown: 'ask',
  run: async () => {
    appendFileSync('paying', '.');
    while (!existsSync('never')) await new Promise((resolve) => setTimeout(resolve, 20));
  },
});
export async function process(_: unknown, ctx: Context) { return { receipt: await ctx.task(pay) }; }
`;

test('what became of an attempt that nobody knows the end of is said over HTTP', async () => {
  using folder = new Folder();
  folder.write('pay.ts', PAY);
  const dying = folder.start(['run', 'pay.ts', '--id', 'p1']);
  await until(() => folder.has('paying'));
  dying.child.kill('SIGKILL');
  await dying.ended;
  const client = await serving(folder);
  const wait = await untilSome(client, '/runs/p1/waits', 'waits');
  expect(wait).toMatchObject({ kind: 'outcome', key: '0' });
  const say = async (body: unknown): Promise<number> =>
    (await client.ask('POST', '/runs/p1/resolve', body)).status;
  for (const wrong of [{}, { key: '0' }, { key: '0', as: 'well' }, { key: '0', as: 'retry', output: 1 }])
    expect([wrong, await say(wrong)]).toEqual([wrong, 400]);
  expect(await say({ key: '7', as: 'retry' })).toBe(404);
  expect((await client.ask('POST', '/runs/none/resolve', { key: '0', as: 'retry' })).status).toBe(404);
  expect(await say({ key: '0', as: 'done', output: { id: 7 } })).toBe(202);
  expect((await client.get('/runs/p1/result?wait=30s')).body).toMatchObject({
    output: { receipt: { id: 7 } },
  });
  expect(await client.stop()).toBe(0);
});
