import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { drawing, isAsked, isOneRound, roundCount } from './hostile-rounds.fixture.ts';
import { HOSTILE_TEXTS } from './hostile.fixture.ts';
import { Folder, HELLO } from './pawl.fixture.ts';
import { serving, type Client } from './server.fixture.ts';
import { showing, type Ui } from './ui.fixture.ts';

// What pages of elsewhere, other programs and other people send to the two servers: refused in words, and nothing changes.

const ROUNDS = roundCount(300);
const FIRST = 9_000_000;

const folder = new Folder();
let server: Client;
let ui: Ui;

beforeAll(async () => {
  folder.write('hello.ts', HELLO);
  await folder.pawl('run', 'hello.ts', '--id', 'h1', '--input', '{"name":"x"}');
  server = await serving(folder);
  ui = await showing(folder);
});

afterAll(() => folder[Symbol.dispose]());

/** What is in the journal, as a reader sees it. */
async function recorded(): Promise<string> {
  const { stdout } = await folder.pawl('events', 'h1', '--json');
  const { stdout: runs } = await folder.pawl('list', '--json', '--all');
  const { stdout: few } = await folder.pawl('list', '--json');
  return stdout + runs + few;
}

/** Names under which a page could be led to this machine, and that are not ours. */
const HOSTS: readonly string[] = [
  'evil.example',
  'evil.example:PORT',
  '127.0.0.1.evil.example:PORT',
  'localhost.evil.example:PORT',
  'evil.example#127.0.0.1:PORT',
  '127.0.0.1:PORT@evil.example',
  'evil.example@127.0.0.1:PORT',
  '127.0.0.1.:PORT',
  'localhost.:PORT',
  '0.0.0.0:PORT',
  '0:PORT',
  '127.1:PORT',
  '2130706433:PORT',
  '0x7f.1:PORT',
  '[::ffff:127.0.0.1]:PORT',
  '[::]:PORT',
  'lоcalhost:PORT',
  '127.0.0.1:PORT, evil.example',
  '127.0.0.1:PORT evil.example',
  '127.0.0.1:99999999',
  '-',
];

const ORIGINS: readonly string[] = [
  'null',
  'https://evil.example',
  'http://evil.example:PORT',
  'http://127.0.0.1:1',
  'http://127.0.0.1',
  'https://127.0.0.1:PORT.evil.example',
  'http://127.0.0.1:PORT@evil.example',
  'http://evil.example/127.0.0.1:PORT',
  'http://evil.example?http://127.0.0.1:PORT',
  'http://evil.example#127.0.0.1:PORT',
  'http://localhost:PORT',
  'http://[::1]:PORT',
  'file://',
  'data:text/html,x',
  'chrome-extension://abcdef',
  '127.0.0.1:PORT',
  'http://127.0.0.1:PORT http://evil.example',
  'http://127.0.0.1:PORT, http://evil.example',
  'http:evil.example',
  '//evil.example',
  'x',
];

function latin(text: string): string {
  return text.replaceAll(/[^\u0020-\u007e]/g, '?');
}

describe.each<[string, () => { client: Client; own: Record<string, string>; reads: string; writes: string }]>(
  [
    ['pawl serve', () => ({ client: server, own: {}, reads: '/runs', writes: '/runs/h1/cancel' })],
    ['pawl ui', () => ({ client: ui, own: ui.bearer, reads: '/api/runs', writes: '/api/runs/h1/cancel' })],
  ],
)('%s', (_, of) => {
  test('is not asked for by another name, nor by a page of elsewhere, with the token too', async () => {
    const { client, own, reads, writes } = of();
    const port = String(client.port);
    const own127 = `127.0.0.1:${port}`;
    for (const host of HOSTS) {
      for (const [method, path] of [
        ['GET', reads],
        ['POST', writes],
      ] as const) {
        const headers = { ...own, host: latin(host.replaceAll('PORT', port)) };
        const { status, text } = await client.ask(method, path, method === 'POST' ? {} : undefined, headers);
        expect([400, 403], `${host} ${status}`).toContain(status);
        expect(text).not.toContain('h1');
      }
    }
    for (const origin of ORIGINS) {
      for (const [method, path] of [
        ['GET', reads],
        ['POST', writes],
      ] as const) {
        const headers = { ...own, host: own127, origin: origin.replaceAll('PORT', port) };
        const answer = await client.ask(method, path, method === 'POST' ? {} : undefined, headers);
        expect(answer.status, origin).toBe(403);
        expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
      }
    }
    // Else all of the above was refused for something else.
    expect((await client.get(reads, { ...own, host: own127, origin: `http://${own127}` })).status).toBe(200);
  });

  test('what is no HTTP, or two requests in one, changes nothing and ends nothing', async () => {
    const { client, own, reads } = of();
    const host = `127.0.0.1:${client.port}`;
    const body = '{"reason":"smuggled"}';
    const bearer = own['authorization'] === undefined ? '' : `authorization: ${own['authorization']}\r\n`;
    const raws = [
      'GET\r\n\r\n',
      '\u0000'.repeat(100),
      `GET ${reads} HTTP/9.9\r\nhost: ${host}\r\n\r\n`,
      `GET ${reads} HTTP/1.1\r\nhost: \r\n${bearer}\r\n`,
      `GET ${reads} HTTP/1.0\r\n${bearer}\r\n`,
      `GET ${reads} HTTP/1.1\r\nhost: ${host}\r\nhost: evil.example\r\n\r\n`,
      `GET http://evil.example${reads} HTTP/1.1\r\nhost: evil.example\r\n${bearer}\r\n`,
      `POST ${reads} HTTP/1.1\r\nhost: ${host}\r\n${bearer}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n`,
      `POST ${reads}/h1/cancel HTTP/1.1\r\nhost: ${host}\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      `GET ${reads} HTTP/1.1\r\nhost: ${host}\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`,
      `GET /${'a/'.repeat(20_000)} HTTP/1.1\r\nhost: ${host}\r\n\r\n`,
      `GET ${reads} HTTP/1.1\r\nhost: ${host}\r\nx: a\nb: c\r\n\r\n`,
    ];
    for (const raw of raws) {
      const said = await answerTo(client.port, raw);
      expect(said).not.toMatch(/^HTTP\/1\.1 (2|5)\d\d/);
    }
    expect((await client.get(reads, { ...own, host })).status).toBe(200);
  });
});

/** What is sent back until the connection ends, or nothing comes any more. */
function answerTo(port: number, raw: string): Promise<string> {
  return new Promise((resolve) => {
    let said = '';
    const socket = connect(port, '127.0.0.1', () => socket.end(raw));
    socket.setEncoding('latin1').on('data', (part: string) => (said += part));
    socket.on('error', () => resolve(said));
    socket.on('close', () => resolve(said));
  });
}

/** Everything that takes a filter, an order, a name or a place; `?` is what somebody gives. */
const READS: readonly string[] = [
  '/api/runs?status=?',
  '/api/runs?process=?',
  '/api/runs?text=?',
  '/api/runs?before=?',
  '/api/runs?within=?',
  '/api/runs?from=?&to=?',
  '/api/runs?where=?',
  '/api/runs?limit=?',
  '/api/runs?sort=?&order=?',
  '/api/runs/?',
  '/api/runs/h1/call?key=?',
  '/api/runs/h1/value?key=?&part=?',
  '/api/runs/h1/events?after=?&limit=?',
  '/api/runs/h1/events/?',
  '/api/runs/h1/logs?after=?&level=?&task=?',
  '/api/runs/h1/plan?at=?&set=?',
  '/api/runs/h1/compare/?',
  '/api/graph?process=?',
  '/assets/?',
  '/?',
];

const SERVED: readonly string[] = [
  '/runs?limit=?',
  '/runs?before=?',
  '/runs/?',
  '/runs/?/result?wait=?',
  '/runs/h1/result?wait=?',
  '/runs/h1/logs?after=?&level=?&task=?',
  '/runs/?/waits',
  '/tasks?kind=?',
  '/tasks/?',
  '/runs/?/tasks',
];

test(`${ROUNDS} hostile requests: the rows that a literal match gives, no text of SQLite, and the journal as it was`, async () => {
  const before = await recorded();
  const { bearer } = ui;
  let refused = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    if (!isAsked(round)) continue;
    const random = drawing(FIRST, round);
    const isUi = round % 3 !== 0;
    const paths = isUi ? READS : SERVED;
    const path = paths[Math.floor(random() * paths.length)] ?? '/';
    const given: string[] = [];
    const filled = path.replaceAll('?', (mark, at: number) => {
      // The first one that follows a path begins the query.
      if (path[at + 1] !== undefined && /[a-z]/.test(path[at + 1] ?? '') && !path.slice(0, at).includes('?'))
        return mark;
      const text = HOSTILE_TEXTS[Math.floor(random() * HOSTILE_TEXTS.length)] ?? '';
      given.push(text);
      return encodeURIComponent(text.toWellFormed());
    });
    const { status, text, body } = await (isUi ? ui : server).get(filled, isUi ? bearer : {});
    const where = `round ${round}: ${filled.slice(0, 300)} ${status} ${text.slice(0, 500)}`;
    expect(status, where).toBeLessThan(500);
    if (status >= 400) refused += 1;
    expect(text, where).not.toMatch(
      /SQLITE|sqlite_|near ".*": syntax|no such (column|table)|\bat .*\.ts:\d+/i,
    );
    expect(text, where).not.toMatch(/root:x:0/);
    // There is one process, of one name: nothing that is given matches it.
    if (status === 200 && path === '/api/runs?process=?') expect(body['runs'], where).toEqual([]);
  }
  if (!isOneRound) expect(refused).toBeGreaterThan(ROUNDS / 5);
  expect(await recorded()).toBe(before);
  expect(readFileSync(join(folder.path, 'hello.ts'), 'utf8')).toBe(HELLO);
  expect(folder.has('pwned')).toBe(false);
  expect(await server.stop()).toBe(0);
});
