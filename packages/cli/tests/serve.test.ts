import { connect } from 'node:net';

import { expect, test } from 'vitest';

import { Folder } from './here.fixture.ts';
import { HELLO } from './pawl.fixture.ts';
import { serving, type Answer, type Client } from './server.fixture.ts';

/* The server, as others see it: what it does, and what it refuses. */

const TOKEN = 'a-token-for-tests-only';

const ASKS = `
import type { Context } from '@pawl/sdk';
export async function process(_: unknown, ctx: Context) { return await ctx.receive('answer', { prompt: 'Well?' }); }
`;

function bothServing(
  folder: Folder,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Client> {
  folder.write('hello.ts', HELLO);
  folder.write('asks.ts', ASKS);
  return serving(folder, args, env);
}

/** Until the run waits for something. */
async function waiting(client: Client, id: string): Promise<void> {
  for (;;) {
    const { body } = await client.get(`/runs/${id}/waits`);
    if (Array.isArray(body['waits']) && body['waits'].length === 1) return;
  }
}

test('a run is started, asked about, answered and read over HTTP', async () => {
  using folder = new Folder();
  const client = await bothServing(folder);
  expect((await client.get('/healthz')).body).toEqual({ version: 1, status: 'alive' });
  expect((await client.get('/readyz')).status).toBe(200);
  expect((await client.get('/processes')).body['processes']).toEqual(['asks', 'hello']);

  const start = { process: 'hello', input: { name: 'x' }, id: 'h1' };
  expect((await client.ask('POST', '/runs', start)).body).toEqual({ version: 1, id: 'h1', status: 'queued' });
  const result = await client.get('/runs/h1/result?wait=30s');
  expect([result.status, result.body]).toEqual([
    200,
    { version: 1, id: 'h1', status: 'succeeded', output: 'Hello, x!' },
  ]);
  const again = await client.ask('POST', '/runs', start);
  expect([again.status, again.body['status']]).toEqual([200, 'duplicate']);
  const other = await client.ask('POST', '/runs', { ...start, input: { name: 'y' } });
  expect([other.status, other.body['error']]).toMatchObject([409, { code: 'REFUSED' }]);
  expect((await client.get('/runs/h1')).body).toMatchObject({ run: { id: 'h1', status: 'succeeded' } });
  expect((await client.get('/runs?limit=1')).body).toMatchObject({ runs: [{ id: 'h1' }] });

  expect((await client.get('/runs/h1/logs')).body).toEqual({ version: 1, logs: [], after: 0 });
  expect((await client.get('/runs/h1/logs?level=loud')).status).toBe(400);

  await client.ask('POST', '/runs', { process: 'asks', id: 'a1' });
  expect((await client.get('/runs/a1/result')).status).toBe(202);
  const events = client.get('/runs/a1/events');
  await waiting(client, 'a1');
  const message = (value: unknown, id: string): Promise<Answer> =>
    client.ask('POST', '/runs/a1/messages/answer', value, { 'idempotency-key': id });
  expect((await message({ ok: 1 }, 'm1')).body).toMatchObject({ status: 'accepted', messageId: 'm1' });
  expect((await message({ ok: 1 }, 'm1')).status).toBe(200);
  const told = (await events).text;
  const types = Array.from(told.matchAll(/^event: (.+)$/gm), ([, type]) => type);
  expect(types).toEqual(['RunStarted', 'SignalAwaited', 'SignalReceived', 'RunSucceeded']);
  const rest = (await client.get('/runs/a1/events', { 'last-event-id': '2' })).text;
  expect(Array.from(rest.matchAll(/^id: (.+)$/gm), ([, id]) => id)).toEqual(['3', '4']);
  expect((await message(1, 'm2')).status).toBe(409);
  expect((await client.ask('POST', '/runs/a1/cancel', {})).body['result']).toBe('ended');
  expect(await client.stop()).toBe(0);
});

test('a stop ends the streams that are open, and the runs can go on', async () => {
  using folder = new Folder();
  const client = await bothServing(folder);
  await client.ask('POST', '/runs', { process: 'asks', id: 'a1' });
  const events = client.get('/runs/a1/events').catch(() => 'closed');
  await waiting(client, 'a1');
  expect(await client.stop()).toBe(0);
  await events;
  expect((await folder.pawl('list', '--status', 'waiting', '-o', 'ids')).stdout).toBe('a1\n');
});

test('a token is asked for, but by monitors', async () => {
  using folder = new Folder();
  const client = await bothServing(folder, [], { PAWL_TOKEN: TOKEN });
  expect((await client.get('/healthz')).status).toBe(200);
  for (const authorization of [
    '',
    'Bearer',
    'Bearer x',
    `Basic ${TOKEN}`,
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN} x`,
  ]) {
    const answer = await client.get('/runs', { authorization });
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
  }
  expect((await client.get('/runs', { authorization: `Bearer ${TOKEN}` })).status).toBe(200);
  expect(client.pawl.stderr).not.toContain(TOKEN);
  expect(await client.stop()).toBe(0);
});

test('pages of elsewhere, and names that lead here, are refused', async () => {
  using folder = new Folder();
  const client = await bothServing(folder);
  const own = `127.0.0.1:${client.port}`;
  const refused: Readonly<Record<string, string>>[] = [
    { host: 'evil.example' },
    { host: `evil.example:${client.port}` },
    { host: '127.0.0.1.evil.example' },
    { host: own, origin: 'https://evil.example' },
    { host: own, origin: 'null' },
    { host: own, 'sec-fetch-site': 'cross-site' },
    { host: own, 'sec-fetch-site': 'same-site' },
  ];
  for (const headers of refused) {
    const get = await client.get('/runs', headers);
    expect([get.status, headers]).toEqual([403, headers]);
    const post = await client.ask('POST', '/runs', { process: 'hello', id: 'evil' }, headers);
    expect(post.status).toBe(403);
    expect(Object.keys(post.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  }
  for (const host of [own, 'localhost', `LOCALHOST:${client.port}`, `[::1]:${client.port}`])
    expect((await client.get('/runs', { host })).status).toBe(200);
  expect((await client.get('/runs', { host: own, origin: `http://${own}` })).status).toBe(200);
  // What a form can send changes nothing.
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', ''])
    expect((await client.ask('POST', '/runs', '{}', { 'content-type': type })).status).toBe(415);
  for (const method of ['OPTIONS', 'PUT', 'DELETE', 'PATCH'])
    expect((await client.ask(method, '/runs')).status).toBe(405);
  expect((await client.get('/runs')).body['runs']).toEqual([]);
  expect(await client.stop()).toBe(0);
});

test('what makes no sense is refused in words, and nothing is recorded', async () => {
  using folder = new Folder();
  const client = await bothServing(folder);
  const long = 'x'.repeat(10_000);
  const cases: readonly (readonly [string, string, unknown, number])[] = [
    ['GET', '/nowhere', undefined, 404],
    ['GET', '/runs/none', undefined, 404],
    ['GET', '/runs/none/result', undefined, 404],
    ['GET', '/runs/none/events', undefined, 404],
    ['GET', '/runs/..%2f..%2fetc%2fpasswd', undefined, 400],
    ['GET', '/runs/%00', undefined, 400],
    ['GET', '/runs/%F0%9F%92%A9', undefined, 400],
    ['GET', `/runs/${long.slice(0, 200)}`, undefined, 400],
    ['GET', '/runs?limit=0', undefined, 400],
    ['GET', '/runs?limit=1e9', undefined, 400],
    ['GET', "/runs?before='%20or%201=1", undefined, 200],
    ['GET', '/runs/none/events?after=-1', undefined, 404],
    ['GET', '/runs/none/result?wait=soon', undefined, 400],
    ['GET', '/runs/none/logs', undefined, 404],
    ['POST', '/runs', '{', 400],
    ['POST', '/runs', '', 400],
    ['POST', '/runs', [], 400],
    ['POST', '/runs', null, 400],
    ['POST', '/runs', { process: 7 }, 400],
    ['POST', '/runs', { process: 'constructor' }, 404],
    ['POST', '/runs', { process: '__proto__' }, 404],
    ['POST', '/runs', { process: 'hello', module: '/etc/passwd' }, 400],
    ['POST', '/runs', { process: 'hello', id: '../x' }, 409],
    ['POST', '/runs', { process: 'hello', priority: 1e9 }, 400],
    ['POST', '/runs', { process: 'hello', delay: -1 }, 400],
    ['POST', '/runs', '{"process":"hello","__proto__":{"id":"x"}}', 400],
    ['POST', '/runs', { process: 'hello', input: 'x'.repeat(2 * 1024 * 1024) }, 413],
    ['POST', '/runs/none/messages/x', 1, 404],
    ['POST', '/runs/none/cancel', {}, 404],
  ];
  for (const [method, path, body, status] of cases) {
    const answer = await client.ask(method, path, body);
    expect([method, path.slice(0, 60), body === undefined, answer.status]).toEqual([
      method,
      path.slice(0, 60),
      body === undefined,
      status,
    ]);
    if (status !== 200) expect(answer.text, path.slice(0, 60)).toMatch(/"message":|"status":"unknown"/);
    expect(answer.text).not.toMatch(/\bat .*\.ts:\d|select |SQLITE/i);
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
  }
  expect((await client.get('/runs')).body['runs']).toEqual([]);
  expect((await client.get('/healthz')).status).toBe(200);
  expect(await client.stop()).toBe(0);
});

test('a body without an end, and what is no HTTP, do not keep it from others', async () => {
  using folder = new Folder();
  const client = await bothServing(folder);
  const raw = (text: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect(client.port, '127.0.0.1', () => socket.write(text));
      let got = '';
      socket.on('data', (part) => (got += String(part)));
      socket.on('error', () => resolve(got));
      socket.on('close', () => resolve(got));
    });
  const head = 'POST /runs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';
  const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
  expect(await raw(`${head}transfer-encoding: chunked\r\n\r\n${chunk.repeat(17)}`)).toMatch(
    /^HTTP\/1\.1 413/,
  );
  expect(await raw(`${head}content-length: 99999999\r\n\r\nx`)).toMatch(/^HTTP\/1\.1 413/);
  // Who is still sending is not cut off: its answer would be lost.
  const large = 'x'.repeat(32 * 1024 * 1024);
  for (let i = 0; i < 5; i += 1) expect((await client.ask('POST', '/runs', large)).status).toBe(413);
  expect(await raw('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400/);
  expect(await raw('GET http://[ HTTP/1.1\r\nhost: localhost\r\n\r\n')).toMatch(/^HTTP\/1\.1 400/);
  expect((await client.get('/healthz')).status).toBe(200);
  expect(await client.stop()).toBe(0);
});

test('who asks for a stream and reads nothing of it keeps no other from one', async () => {
  using folder = new Folder();
  const client = await bothServing(folder);
  await client.ask('POST', '/runs', { process: 'asks', id: 'a1' });
  await waiting(client, 'a1');
  const events = '/runs/a1/events';
  // More than there may be at once; a body announces what never comes.
  for (let i = 0; i < 300; i += 1) expect((await client.ask('HEAD', events)).status).toBe(200);
  for (let i = 0; i < 3; i += 1)
    expect((await client.get(events, { 'content-length': '5' })).status).toBe(400);
  expect((await client.get('/healthz', { 'content-length': '0' })).status).toBe(200);
  const read = client.get(events);
  expect((await client.ask('POST', '/runs/a1/messages/answer', 1)).body['status']).toBe('accepted');
  expect((await read).text).toContain('event: RunSucceeded');
  expect(await client.stop()).toBe(0);
});

test.each([
  [['--host', '0.0.0.0'], 2, 'a token is needed'],
  [['--token', 'short'], 2, 'at least 16'],
  [['--port', '70000'], 2, 'no port'],
])('serve %j ends with %i', async (args, code, words) => {
  using folder = new Folder();
  folder.write('hello.ts', HELLO);
  const ended = await folder.pawl('serve', '--processes', '.', ...args);
  expect([ended.code, ended.stderr]).toEqual([code, expect.stringContaining(words)]);
});
