import { statSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { Folder } from './here.fixture.ts';
import { HELLO } from './pawl.fixture.ts';
import { showing, type Ui } from './ui.fixture.ts';

/* Who may ask the server of the page, and what it does for them. What the page shows: packages/inspector/tests/browser. */

const REVIEW = `
import { defineTask, type Context } from '@pawl/sdk';
const publish = defineTask({ name: 'publish', run: (title: string) => title });
export async function process(_: unknown, ctx: Context) {
  const { approved, feedback } = await ctx.breakpoint({ title: 'Publish?', question: 'May it go out?' });
  return approved ? await ctx.task(publish, 'out') : feedback;
}
`;

const FAILS = `
import { defineTask, type Context } from '@pawl/sdk';
const charge = defineTask({ name: 'charge', run: () => { throw new RangeError('no'); } });
export async function process(_: unknown, ctx: Context) { return ctx.task(charge); }
`;

const folder = new Folder();
let ui: Ui;

beforeAll(async () => {
  folder.write('hello.ts', HELLO);
  folder.write('review.ts', REVIEW);
  folder.write('fails.ts', FAILS);
  await folder.pawl('run', 'hello.ts', '--id', 'h1', '--input', '{"name":"x"}');
  await folder.pawl('run', 'review.ts', '--id', 'r1');
  await folder.pawl('run', 'fails.ts', '--id', 'f1');
  ui = await showing(folder);
});

afterAll(() => folder[Symbol.dispose]());

async function statuses(
  of: Ui,
  paths: readonly string[],
  headers: Record<string, string>,
): Promise<number[]> {
  const answers = await Promise.all(paths.map((path) => of.get(path, headers)));
  return answers.map(({ status }) => status);
}

const PATHS = ['/', '/runs/h1', '/api/about', '/api/runs', '/api/live', '/assets/x.js'];

test('nothing is told without the token, which the printed address swaps for a cookie', async () => {
  expect(await statuses(ui, PATHS, {})).toEqual([401, 401, 401, 401, 401, 401]);
  const wrong = { cookie: `pawl_${ui.port}=no`, authorization: 'Bearer no' };
  expect(await statuses(ui, PATHS, wrong)).toEqual([401, 401, 401, 401, 401, 401]);
  expect((await ui.get('/?token=guessed')).status).toBe(401);

  const entered = await ui.get(`/runs/h1?token=${ui.token}`);
  expect([entered.status, entered.headers['location']]).toEqual([303, '/runs/h1']);
  const [given = ''] = entered.headers['set-cookie'] ?? [];
  expect(given).toBe(`pawl_${ui.port}=${ui.token}; Path=/; HttpOnly; SameSite=Strict`);
  const cookie = given.split(';', 1)[0] ?? '';
  const page = await ui.get('/runs/h1', { cookie });
  expect([page.status, page.text]).toEqual([200, expect.stringContaining('<div id="app">')]);
  expect(page.headers['content-security-policy']).toMatch(
    /^default-src 'none'; script-src 'self'; style-src 'self';/,
  );
  expect(page.headers['content-security-policy']).not.toContain('unsafe');
  expect((await ui.get('/api/runs', { cookie })).body['runs']).toHaveLength(3);

  // Two slashes would lead elsewhere.
  const elsewhere = await ui.get(`//evil.example/?token=${ui.token}`);
  expect(elsewhere.headers['location'] ?? '/').toMatch(/^\/(?!\/)/);
});

test('a page of elsewhere, another name, another method and another form are refused, with the token too', async () => {
  const { bearer } = ui;
  const refused: readonly (readonly [method: string, headers: Record<string, string>, status: number])[] = [
    ['GET', { host: 'evil.example' }, 403],
    ['GET', { origin: 'https://evil.example' }, 403],
    ['GET', { origin: 'null' }, 403],
    ['GET', { 'sec-fetch-site': 'cross-site' }, 403],
    ['GET', { 'sec-fetch-site': 'same-site' }, 403],
    ['PUT', {}, 405],
    ['DELETE', {}, 405],
    ['OPTIONS', {}, 405],
    ['POST', { 'content-type': 'text/plain' }, 415],
    ['POST', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['POST', { origin: 'https://evil.example', 'content-type': 'application/json' }, 403],
  ];
  for (const [method, headers, status] of refused)
    for (const path of ['/api/runs/r1/cancel', '/api/live']) {
      const answer = await ui.ask(method, path, method === 'POST' ? '{}' : undefined, {
        ...bearer,
        ...headers,
      });
      expect([method, headers, answer.status]).toEqual([method, headers, status]);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
  const huge = await ui.ask('POST', '/api/runs/r1/messages/x', JSON.stringify('x'.repeat(2_000_000)), bearer);
  expect(huge.status).toBe(413);
  // What changes something is never a GET.
  for (const path of ['cancel', 'approve', 'reject', 'retry', 'fork', 'rewind', 'replay', 'resolve'])
    expect((await ui.get(`/api/runs/r1/${path}`, bearer)).status).toBe(404);
  expect((await ui.get('/api/runs/r1', bearer)).body).toMatchObject({ run: { status: 'waiting' } });
});

test('with --read-only nothing is written, and no route is there that would', async () => {
  const files = ['journal.db', 'journal.db-wal'].map((name) => join(folder.path, '.pawl', name));
  const sizes = (): (number | undefined)[] =>
    files.map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs);
  const before = sizes();
  const looking = await showing(folder, ['--read-only']);
  const { bearer } = looking;
  expect((await looking.get('/api/about', bearer)).body).toMatchObject({ readOnly: true });
  expect((await looking.get('/api/runs/r1', bearer)).body).toMatchObject({ run: { status: 'waiting' } });
  for (const path of [
    'r1/approve',
    'r1/cancel',
    'f1/retry',
    'h1/fork',
    'h1/rewind',
    'h1/replay',
    'r1/resolve',
    'r1/messages/x',
  ])
    expect((await looking.ask('POST', `/api/runs/${path}`, {}, bearer)).status).toBe(404);
  expect(await looking.stop()).toBe(0);
  expect(sizes()[0]).toBe(before[0]);
});

test('people answer, retry, fork and cancel', async () => {
  const { bearer } = ui;
  const act = (path: string, body: unknown) => ui.ask('POST', `/api/runs/${path}`, body, bearer);
  expect((await ui.get('/api/waits', bearer)).body).toMatchObject({
    waits: [{ runId: 'r1', name: 'Publish?', prompt: 'May it go out?' }],
  });
  expect((await act('r1/reject', { feedback: 'not yet', as: 'ada', wait: '0' })).status).toBe(202);
  expect((await ui.get('/api/runs/r1', bearer)).body).toMatchObject({
    why: { state: 'answered', next: [{ command: 'pawl resume r1' }, {}] },
  });
  expect((await folder.pawl('resume', 'r1')).stdout).toContain('not yet');

  // What failed had its effect or had not: it failed, so that it is done again without more words.
  expect((await ui.get('/api/runs/f1/plan', bearer)).body).toMatchObject({
    again: [{ name: 'charge', outcome: 'failed' }],
  });
  const retried = await act('f1/retry', {});
  expect([retried.status, retried.body]).toMatchObject([201, { parent: 'f1' }]);
  expect((await ui.get(`/api/runs/${String(retried.body['id'])}`, bearer)).body).toMatchObject({
    run: { status: 'interrupted' },
    forkOf: { runId: 'f1' },
  });
  const risky = await act('h1/fork', { at: '0' });
  expect([risky.status, risky.body]).toMatchObject([409, { error: { code: 'REFUSED' } }]);
  const forked = await act('h1/fork', { at: '0', yes: true });
  expect(forked.status).toBe(201);
  expect((await act(`${String(forked.body['id'])}/cancel`, { reason: 'enough' })).body).toMatchObject({
    result: 'cancelled',
  });
  expect((await ui.get('/api/counts', bearer)).body).toMatchObject({
    counts: { succeeded: 2, failed: 1, interrupted: 1, cancelled: 1 },
    total: 5,
  });
  expect(await ui.stop()).toBe(0);
});

test('a fork is asked with another input and result, a rewind gives the run up, and a replay runs nothing', async () => {
  const steering = await showing(folder);
  const { bearer } = steering;
  const act = (path: string, body: unknown) => steering.ask('POST', `/api/runs/${path}`, body, bearer);
  expect((await steering.get('/api/runs/h1/plan?set=0', bearer)).body).toMatchObject({ again: [] });
  const set = await act('h1/fork', { set: { '0': 'set by hand' } });
  expect(set.status).toBe(201);
  const other = await act('h1/fork', { at: '0', input: { name: 'y' }, reuse: true, yes: true });
  expect(other.status).toBe(201);
  await folder.pawl('resume', '--all');
  for (const [made, output] of [
    [set, 'set by hand'],
    [other, 'Hello, y!'],
  ] as const)
    expect((await steering.get(`/api/runs/${String(made.body['id'])}`, bearer)).body).toMatchObject({
      output: { value: output },
    });
  for (const wrong of [{ set: [] }, { set: { nope: 1 } }, { at: 3 }, { place: '0' }])
    expect([400, 409]).toContain((await act('h1/fork', wrong)).status);

  await folder.pawl('run', 'review.ts', '--id', 'r2');
  expect((await act('r2/rewind', {})).status).toBe(400);
  const back = await act('r2/rewind', { at: '0' });
  expect([back.status, back.body]).toMatchObject([201, { parent: 'r2' }]);
  expect((await steering.get('/api/runs/r2', bearer)).body).toMatchObject({
    run: { status: 'cancelled' },
    cancelReason: expect.stringContaining(String(back.body['id'])),
  });

  const same = await act('h1/replay', {});
  expect(same.body).toMatchObject({ verdicts: [{ run: 'h1', class: 'same' }], more: 0 });
  folder.write('hello.ts', HELLO.replace("name: 'greet'", "name: 'salute'"));
  const changed = await act('h1/replay', {});
  expect(changed.body).toMatchObject({
    verdicts: [{ class: 'diverges', seq: 2, error: { message: expect.any(String) } }],
  });
  expect((await act('none/replay', {})).body).toMatchObject({
    error: { code: 'NOT_FOUND', message: expect.stringContaining("no run 'none'") },
  });
  expect(await steering.stop()).toBe(0);
});

test('it says what is missing, and needs a token that was chosen where others reach it', async () => {
  using empty = new Folder();
  const none = await empty.pawl('ui', '--no-open', '--port', '0');
  expect([none.code, none.stderr]).toEqual([4, expect.stringContaining('There is no journal')]);
  expect(empty.has('.pawl')).toBe(false);
  const open = await empty.pawl('ui', '--host', '0.0.0.0');
  expect([open.code, open.stderr]).toEqual([2, expect.stringContaining('a token is needed')]);
  const short = await empty.pawl('ui', '--token', 'short');
  expect(short.code).toBe(2);
});
