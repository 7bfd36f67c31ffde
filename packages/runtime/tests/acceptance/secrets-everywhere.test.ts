import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { defineTask, externalTask, type Context, type TaskContext } from '@pawl/sdk';
import { afterAll, expect, test, vi } from 'vitest';

import { openJournal, openRuntime } from '../../src/index.ts';

/** A worker looks for its work in real time. */
async function until(holds: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(holds()).toBe(true), { timeout: 20_000, interval: 20 });
}

// C64, all ways at once: whatever a program does with a secret, no byte of it is in any file, at any moment.

const folder = mkdtempSync(join(tmpdir(), 'pawl-secrets-everywhere-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const KEY = randomBytes(32).toString('base64');
const CANARY = 'canary-e2b7\n"quoted"&=';
const NEEDLES = [
  'canary-e2b7',
  KEY,
  ...['utf8', 'utf16le'].map((each) => Buffer.from('canary-e2b7', each as 'utf8').toString('latin1')),
];
const BASE64 = Buffer.from(CANARY).toString('base64').slice(0, 12);

function expectClean(text: string, where: string): void {
  for (const needle of [...NEEDLES, BASE64]) expect(text.includes(needle), `${where}: ${needle}`).toBe(false);
}

let looks = 0;

/** The database, its log, its shared memory, the owners' files. */
function expectCleanFiles(where: string): readonly string[] {
  looks += 1;
  const names = readdirSync(folder);
  for (const name of names)
    expectClean(readFileSync(join(folder, name)).toString('latin1'), `${where}, ${name}`);
  return names;
}

interface Login {
  readonly token: string;
}

const use = defineTask({
  name: 'use',
  retry: { attempts: 2, delay: 1 },
  run: async ({ token }: Login, task: TaskContext) => {
    expect(token).toBe(CANARY);
    expectCleanFiles(`attempt ${task.attempt}`);
    task.log('with', token, new Map([[token, { token }]]));
    await task.progress({ token });
    if (task.attempt === 1) {
      const cause = Object.assign(new Error(token), { token });
      throw Object.assign(new AggregateError([cause], `no: ${token}`, { cause }), { details: [token] });
    }
    return { token, map: new Map([['t', token]]), text: `Bearer ${token}` };
  },
});
const failing = defineTask({
  name: 'failing',
  run: ({ token }: Login): never => {
    throw new TypeError(`never: ${token}`);
  },
});
const drawn = externalTask<{ readonly token: unknown }, string>({ name: 'drawn' });
const child = {
  name: 'child',
  run: async ({ token }: Login, ctx: Context) => ({ seen: token, id: ctx.runId }),
};

const everything = {
  name: 'everything',
  run: async (given: { readonly token?: string }, ctx: Context): Promise<unknown> => {
    if (given.token !== undefined) return { used: await ctx.task(use, { token: given.token }), kept: given };
    const token = await ctx.receive<string>('token', { secret: true });
    ctx.log('the handle', token, String(token), JSON.stringify(token));
    ctx.setState('token', { of: token });
    const told: unknown[] = [];
    const progress = ctx.task(use, { token });
    told.push(await progress);
    await ctx.task(failing, { token }).catch((error: unknown) => told.push(String(error)));
    told.push(await ctx.run(child, { token: token as unknown as string }));
    await ctx.breakpoint({ title: 'Ship?', question: 'Ship?', context: { token } }, { key: 'ask' });
    try {
      await ctx.task(drawn, { token });
    } catch (error) {
      // Who answers from outside would be given it.
      told.push(String(error));
    }
    return ctx.continueAsNew({ token, told } as unknown as { token: string });
  },
};

test('no file of a journal, its backup or its export has it, while it is used and behind', async () => {
  const path = join(folder, 'journal.db');
  const logged: string[] = [];
  const options = {
    path,
    secretKey: KEY,
    processes: [everything, child],
    onLog: (entry: unknown) => logged.push(inspect(entry, { depth: 9 })),
    onWarning: (_: unknown, message: string) => logged.push(message),
  };
  const runtime = await openRuntime(options);
  // It is there before its run is.
  await runtime.enqueue(everything, {}, { id: 'r' });
  expect(await runtime.send('r', 'token', CANARY, { secret: true })).toMatchObject({ status: 'accepted' });
  expectCleanFiles('queued');
  const worker = runtime.work();
  await until(() => runtime.get('r') !== undefined && runtime.waits('r').length > 0);
  expectCleanFiles('asked');
  expect(await runtime.respond('r', ':ask', { approved: true, by: 'ada' })).toMatchObject({
    status: 'accepted',
  });
  await until(() => runtime.query('r').status !== 'running');
  expect(runtime.query('r')).toMatchObject({ error: null, status: 'succeeded' });
  expect(runtime.tasks.list({})).toEqual([]);
  const files = expectCleanFiles('at the end');
  expect(files).toEqual(expect.arrayContaining(['journal.db', 'journal.db-wal', 'journal.db-shm']));
  await worker.drain();

  const text = [...runtime.copies.export('r')].join('');
  expect(text.match(/"\$pawl":"Secret"/g)?.length).toBeGreaterThan(5);
  expect(text).toContain('[secret]');
  expectClean(text, 'exported');
  expectClean([...runtime.copies.export('r', { redact: ['$..token'] })].join(''), 'redacted');
  runtime.copies.backup(join(folder, 'copy.db'));
  await runtime.close();
  expectCleanFiles('closed');
  for (const line of logged) expectClean(line, 'logged');
  expect(logged.length).toBeGreaterThan(3);
  using journal = openJournal({ path: join(folder, 'copy.db') });
  expect(journal.verify().damage).toEqual([]);
  expect(looks).toBeGreaterThanOrEqual(8);
});
