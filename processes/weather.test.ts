import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, execPath } from 'node:process';
import { text } from 'node:stream/consumers';

import { afterEach, beforeEach, expect, test } from 'vitest';

const BIN = env['PAWL_BUILT'] === '1' ? 'dist/bin.js' : 'bin/pawl.js';
const PAWL = join(import.meta.dirname, '..', 'packages', 'cli', BIN);
const FLOW = join(import.meta.dirname, 'weather.yaml');

let folder: string;
const servers: Server[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pawl-weather-'));
});

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
  rmSync(folder, { recursive: true, force: true });
});

/** A source on loopback; undefined: it never answers. */
async function source(
  answer: (city: string) => { readonly status: number; readonly body: unknown } | undefined,
): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const city = new URL(request.url ?? '/', 'http://localhost').searchParams.get('city') ?? '';
    asked.push(city);
    const told = answer(city);
    if (told === undefined) return;
    response.writeHead(told.status, { 'content-type': 'application/json' }).end(JSON.stringify(told.body));
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, asked };
}

async function pawl(
  ...args: readonly string[]
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const child = spawn(execPath, [PAWL, ...args], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code: code as number | null, stdout, stderr };
}

test(
  'the first source that answers is taken; a slow one is given up, a dead one passed over',
  { timeout: 60_000 },
  async () => {
    const metno = await source((city) =>
      city === 'Bern' ? { status: 200, body: { celsius: 7 } } : { status: 500, body: {} },
    );
    const openweather = await source((city) =>
      city === 'Bern'
        ? undefined
        : city === 'Oslo'
          ? { status: 200, body: { celsius: -3 } }
          : { status: 503, body: {} },
    );
    const input = {
      cities: ['Bern', 'Oslo', 'Lima', 'Nowhere'],
      sources: { metno: metno.url, openweather: openweather.url },
      known: { Lima: 19 },
    };
    const { code, stdout, stderr } = await pawl('run', FLOW, '--id', 'w', '-i', JSON.stringify(input));
    expect({ code, stdout }, stderr).toEqual({
      code: 0,
      stdout: 'Bern: 7 °C (metno)\nOslo: -3 °C (openweather)\nLima: 19 °C (known)\nNowhere: unknown\n',
    });
    expect(metno.asked.toSorted()).toEqual(['Bern', 'Lima', 'Nowhere', 'Oslo']);
    // Two attempts where it failed.
    expect(openweather.asked.filter((city) => city === 'Lima')).toHaveLength(2);
    const again = await pawl('resume', 'w');
    expect(again).toMatchObject({ code: 0, stdout });
    expect(metno.asked).toHaveLength(4);
  },
);

test('one source is enough, none is an error', { timeout: 60_000 }, async () => {
  const metno = await source(() => ({ status: 200, body: { celsius: 1 } }));
  const input = { cities: ['Bern'], sources: { metno: metno.url } };
  expect(await pawl('run', FLOW, '-i', JSON.stringify(input))).toMatchObject({
    code: 0,
    stdout: 'Bern: 1 °C (metno)\n',
  });
  expect(await pawl('run', FLOW, '-i', JSON.stringify({ ...input, sources: {} }))).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('Give at least one source.'),
  });
});

test('pawl check finds nothing wrong with it', { timeout: 60_000 }, async () => {
  expect(await pawl('check', FLOW)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('workflow weather, 6 steps'),
  });
});
