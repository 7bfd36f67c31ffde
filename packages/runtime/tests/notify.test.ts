import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from '@pawl/sdk';
import { afterAll, expect, test } from 'vitest';
import { openRuntime, type Notify } from '../src/index.ts';
import { MemoryStore } from '../src/testing.ts';

/* The hooks that are outside this program: a command, and a webhook. */

const folder = mkdtempSync(join(tmpdir(), 'pawl-notify-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const process = (_: unknown, ctx: Context): Promise<unknown> =>
  ctx.breakpoint({ title: "it's $(this)", question: 'ship `it`?' });

/** Runs until it waits for people, which is after the telling. */
async function untilItWaits(notify: Notify): Promise<string[]> {
  const warnings: string[] = [];
  const waiting = Promise.withResolvers<void>();
  const runtime = await openRuntime({
    store: new MemoryStore(),
    notify,
    onWaiting: () => waiting.resolve(),
    onWarning: (_, message) => warnings.push(message),
  });
  runtime
    .start(process, null as never, { id: 'r' })
    .result()
    .catch(() => undefined);
  await waiting.promise;
  await runtime.close();
  return warnings;
}

test('a command gets the notice on stdin and in its environment, and nothing of it in its text', async () => {
  const out = join(folder, 'told');
  expect(
    await untilItWaits(`cat > '${out}'; printf '%s|%s' "$PAWL_RUN $PAWL_CALL" "$PAWL_QUESTION" >> '${out}'`),
  ).toEqual([]);
  const [json = '', more] = readFileSync(out, 'utf8').split('\n');
  expect(JSON.parse(json)).toMatchObject({
    version: 1,
    runId: 'r',
    key: '0',
    kind: 'breakpoint',
    name: "it's $(this)",
    prompt: 'ship `it`?',
    since: expect.stringMatching(/Z$/) as string,
    dueAt: null,
  });
  expect(more).toBe('r 0|ship `it`?');
});

test('a webhook gets it by POST', async () => {
  const asked: { method: string | undefined; key: unknown; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      asked.push({ method: request.method, key: request.headers['idempotency-key'], body });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  expect(await untilItWaits(`http://127.0.0.1:${port}/hook`)).toEqual([]);
  await new Promise((resolve) => server.close(resolve));
  expect(asked).toMatchObject([{ method: 'POST', key: 'r 0' }]);
  expect(JSON.parse(asked[0]?.body ?? '')).toMatchObject({ runId: 'r', prompt: 'ship `it`?' });
});

test.each([['' as Notify], [7 as never], ['https://' as Notify]])('%o is refused', async (notify) => {
  await expect(openRuntime({ store: new MemoryStore(), notify })).rejects.toThrow('notify');
});
