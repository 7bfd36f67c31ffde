import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import {
  defineTask,
  InvalidArgumentError,
  InvalidOptionError,
  processTask,
  shellTask,
  threadTask,
  type Context,
  type Process,
  type TaskContext,
} from '@pawl/sdk';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { openJournal, rowOf, RuntimeError, toText } from '../../src/index.ts';
import type { RuntimeOptions } from '../../src/runtime-options.ts';
import { openRuntime, type Runtime } from '../../src/runtime.ts';
import { MemoryStore } from '../../src/testing.ts';
import { journal, shape, transcript } from '../lab.fixture.ts';
import { until } from '../until.fixture.ts';
import { replays, Stage, t, watchForLeaks, type Program } from './stage.fixture.ts';

watchForLeaks();

const MODULE = new URL('module-main.fixture.ts', import.meta.url);
const CANARY = 'canary-7f3a/"x"\n9b1c&=';
const KEY = randomBytes(32).toString('base64');
const OTHER_KEY = randomBytes(32).toString('hex');
const NEEDLES = [CANARY, JSON.stringify(CANARY).slice(1, -1), encodeURIComponent(CANARY), 'canary-7f3a'];

const folder = mkdtempSync(join(tmpdir(), 'pawl-secrets-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

const isWaiting = (store: MemoryStore): boolean => {
  const lines = shape(store);
  const is = (type: string) => (line: string) => line.startsWith(type);
  return lines.filter(is('SignalAwaited')).length > lines.filter(is('SignalReceived')).length;
};

/** Runs run 'r' to its end; whoever sends does so as the run waits. */
async function attended(
  program: Program,
  send: (runtime: Runtime, stage: Stage) => Promise<unknown>,
  { store = new MemoryStore(), ...options }: Partial<RuntimeOptions> & { store?: MemoryStore } = {},
): Promise<{ readonly value: unknown; readonly store: MemoryStore; readonly stage: Stage }> {
  const stage = new Stage();
  const value = await stage.use(store, { secretKey: KEY, ...options }, async (runtime) => {
    const process = program(stage);
    const known = runtime.get('r') !== undefined;
    const handle = known ? runtime.resume('r', process) : runtime.start(process, null as never, { id: 'r' });
    const result = handle.result().catch((error: unknown) => error);
    let isOver = false;
    void result.then(() => (isOver = true));
    await until(() => isOver || isWaiting(store));
    if (!isOver) await send(runtime, stage);
    return result;
  });
  return { value, store, stage };
}

const sendToken = (runtime: Runtime): Promise<unknown> => runtime.send('r', 'token', CANARY);

/** What tasks were given, in the order of their attempts. */
const seen: unknown[] = [];
const logIn = defineTask({
  name: 'logIn',
  run: async ({ token }: { token: string }) => {
    seen.push(token);
    return { userId: token === CANARY ? 7 : 0 };
  },
});

const login: Program = (stage) => async (_, ctx: Context) => {
  const token = await ctx.receive<string>('token', { secret: true });
  await ctx.task(stage.step, t(5));
  return ctx.task(logIn, { token });
};

function expectClean(text: string, where: string): void {
  for (const needle of NEEDLES) expect(text.includes(needle), `${where}: ${needle}`).toBe(false);
}

function expectCleanFolder(path: string, where: string): void {
  for (const name of readdirSync(path))
    expectClean(readFileSync(join(path, name)).toString('latin1'), `${where}, ${name}`);
}

describe('C64 credentials by message to a task', () => {
  test('the file, its log, the export and what is told never hold them; the result is there', async () => {
    const path = mkdtempSync(join(folder, 'c64-'));
    const told: string[] = [];
    const leaky = defineTask({
      name: 'leaky',
      retry: { attempts: 2, delay: 1 },
      run: async ({ account }: { account: { token: string; pin: number } }, task: TaskContext) => {
        expectCleanFolder(path, `in attempt ${task.attempt}`);
        task.log('the token', account.token, { deep: [account] });
        await task.progress({ of: account.token });
        if (task.attempt === 1) throw new Error(`refused: ${account.token}`, { cause: account });
        return { userId: 7, said: `Bearer ${account.token}`, pin: account.pin, url: account.token };
      },
    });
    const process = async (_: null, ctx: Context): Promise<unknown> => {
      const account = await ctx.receive('account', {
        secret: true,
        schema: z.object({ token: z.string(), pin: z.number() }),
      });
      ctx.log('got', account, `${String(account)}`, JSON.stringify({ account }));
      return ctx.task(leaky, { account });
    };
    const runtime = await openRuntime({
      path: join(path, 'journal.db'),
      secretKey: KEY,
      onLog: (entry) => told.push(inspect(entry, { depth: 9 })),
      onWarning: (_, message) => told.push(message),
    });
    const events = runtime.events();
    const handle = runtime.start(process, null, { id: 'r' });
    await until(() => runtime.get('r')?.asked.length === 1);
    const shell = shellTask({ name: 'list', command: () => ['printenv'] });
    vi.stubEnv('PAWL_SECRET_KEY', OTHER_KEY);
    const listed = runtime.start((_inputs: null, ctx: Context) => ctx.task(shell), null);
    expect(JSON.stringify(await listed.result())).not.toContain(OTHER_KEY);
    expect(await runtime.send('r', 'account', { token: CANARY, pin: 12_345_678 })).toMatchObject({
      status: 'accepted',
    });
    const key = runtime.store.keyOf('r') ?? '';
    expect(key).not.toBe('');
    const result = await handle.result();
    told.push(...[...runtime.logs('r')].map(({ text }) => `kept ${text}`));
    expect(told.filter((line) => line.startsWith('kept') && line.includes('[secret]'))).toHaveLength(3);
    expect(result).toEqual({ userId: 7, said: 'Bearer [secret]', pin: '[secret]', url: '[secret]' });
    expectCleanFolder(path, 'at the end');
    await runtime.close();
    expectCleanFolder(path, 'closed');
    // Nor is there what could open what is kept of them.
    for (const name of readdirSync(path))
      expect(readFileSync(join(path, name)).includes(key), name).toBe(false);
    for await (const event of events) told.push(inspect(event, { depth: 9 }));
    expect(told.filter((line) => line.includes('[secret]')).length).toBeGreaterThan(4);
    for (const line of told) expectClean(line, 'told');

    const reader = openJournal({ path: join(path, 'journal.db') });
    const text = toText({ runId: 'r', rows: [...reader.events('r')].map(rowOf) });
    reader.close();
    expectClean(text, 'exported');
  });

  test('⟲ replayed, and crashed after every event', async () => {
    const { value, store } = await attended(login, sendToken);
    expect(value).toEqual({ userId: 7 });
    expectClean(transcript(store).join('\n'), 'the journal');
    await replays(store, login);
    const events = journal(store);
    for (let seq = 1; seq <= events.length; seq += 1) {
      const again = await attended(login, sendToken, { store: store.prefix('r', seq) });
      expect(again.value, `after ${seq}`).toEqual({ userId: 7 });
      await replays(again.store, login);
    }
  });

  test('⟲ a message that nobody has taken yet survives the program', async () => {
    const store = new MemoryStore();
    const { value } = await attended(login, (runtime) => runtime.stop('r'), { store });
    expect(value).toMatchObject({ code: 'STOPPED' });
    await new Stage().use(store, { secretKey: KEY }, async (runtime) => {
      // By the journal it is known that the run waits for a secret.
      expect(await runtime.send('r', 'token', CANARY)).toMatchObject({ status: 'accepted' });
      expect(await runtime.send('r', 'token', CANARY, { secret: false })).toMatchObject({
        status: 'invalid',
      });
    });
    expectClean(JSON.stringify(store.takeInbox('r')), 'the inbox');
    // It needs no key to take the message, and one to use it.
    const left = await attended(login, async () => undefined, { store, secretKey: undefined });
    expect(left.value).toMatchObject({
      code: 'REFUSED',
      message: expect.stringContaining('there is none here'),
    });
    const again = await attended(login, async () => undefined, { store });
    expect(again.value).toEqual({ userId: 7 });
  });

  test('nothing opens it once the run has ended', async () => {
    const { store } = await attended(login, sendToken);
    expect(store.keyOf('r')).toBeUndefined();
    const received = journal(store).find(({ event }) => event.type === 'SignalReceived');
    expect(JSON.stringify(received)).toContain('"$pawl":"Secret"');
    await new Stage().use(store, { secretKey: KEY }, async (runtime) => {
      expect(await runtime.send('r', 'token', CANARY, { secret: true })).toEqual({ status: 'closed' });
      expect(await runtime.send('nobody', 'token', CANARY, { secret: true })).toEqual({ status: 'unknown' });
    });
  });
});

describe('keys', () => {
  test('without one it is refused with the remedy, and nothing is stored', async () => {
    vi.stubEnv('PAWL_SECRET_KEY', '');
    const { value } = await attended(
      login,
      async (runtime) => {
        const refused = await runtime.send('r', 'token', CANARY).catch((error: unknown) => error);
        expect(refused).toBeInstanceOf(RuntimeError);
        expect(refused).toMatchObject({ code: 'REFUSED', hint: expect.stringContaining('openssl rand') });
        expect(runtime.store.takeInbox('r')).toEqual([]);
        expect(runtime.store.keyOf('r')).toBeUndefined();
        await runtime.stop('r');
      },
      { secretKey: undefined },
    );
    expect(value).toMatchObject({ code: 'STOPPED' });
  });

  test('the environment has it, in hex as well', async () => {
    vi.stubEnv('PAWL_SECRET_KEY', OTHER_KEY);
    const { value } = await attended(login, sendToken, { secretKey: undefined });
    expect(value).toEqual({ userId: 7 });
  });

  test('another key leaves the run as it is, and with the right one it goes on', async () => {
    const store = new MemoryStore();
    const first = await attended(login, sendToken, { store });
    expect(first.value).toEqual({ userId: 7 });
    const scheduled = journal(store).findLast(({ event }) => event.type === 'TaskScheduled')?.seq ?? 0;
    const prefix = store.prefix('r', scheduled);
    const before = transcript(prefix);
    const wrong = await attended(login, sendToken, { store: prefix, secretKey: OTHER_KEY });
    expect(wrong.value).toMatchObject({ code: 'REFUSED', message: expect.stringContaining('another key') });
    expect(transcript(prefix)).toEqual(before);
    const right = await attended(login, sendToken, { store: prefix });
    expect(right.value).toEqual({ userId: 7 });
    expect(transcript(prefix).join('\n')).not.toContain('AttemptFailed');
  });

  test('a sender with another key is refused', async () => {
    const { value } = await attended(login, async (runtime) => {
      await runtime.send('r', 'later', 'something', { secret: true });
      const other = await openRuntime({ store: runtime.store, secretKey: OTHER_KEY });
      await expect(other.send('r', 'token', CANARY, { secret: true })).rejects.toMatchObject({
        code: 'REFUSED',
      });
      await sendToken(runtime);
    });
    expect(value).toEqual({ userId: 7 });
  });

  test.each([['short'], [`${KEY}=`], ['0'.repeat(63)], [7]])(
    'a key of another form: %s',
    async (secretKey) => {
      const refused = await openRuntime({ store: new MemoryStore(), secretKey: secretKey as string }).catch(
        (error: unknown) => error,
      );
      expect(refused).toBeInstanceOf(InvalidOptionError);
      expect(String(refused)).not.toContain(String(secretKey));
    },
  );
});

describe('the handle', () => {
  const shown: Program = () => async (_, ctx: Context) => {
    const token = await ctx.receive<string>('token', { secret: true });
    ctx.log(token);
    return {
      token,
      text: `${token as unknown as string}`,
      json: JSON.stringify([token]),
      keys: Reflect.ownKeys(token),
      inspected: 'x'.concat(String(token)),
    };
  };

  test('has nothing to read, and stays one in the output', async () => {
    const { value, store } = await attended(shown, sendToken);
    expect(value).toMatchObject({ text: '[secret]', json: '["[secret]"]', keys: [], inspected: 'x[secret]' });
    expect(inspect(value)).toContain('token: [secret]');
    expectClean(inspect(value, { depth: 9, showHidden: true }), 'the output');
    await replays(store, shown);
    // It is of a run that has ended.
    const stage = new Stage();
    await stage.use(new MemoryStore(), { secretKey: KEY }, async (runtime) => {
      const { token } = value as { token: string };
      expect(inspect(token)).toBe('[secret]');
      await expect(runtime.send('r', 'token', token)).rejects.toBeInstanceOf(InvalidArgumentError);
      const failed = runtime.start((inputs: { token: string }, ctx: Context) => ctx.task(logIn, inputs), {
        token,
      });
      await expect(failed.result()).rejects.toMatchObject({
        code: 'RUN_FAILED',
        message: expect.stringContaining('its value is gone'),
      });
    });
  });

  const nested: Program = (stage) => async (_, ctx: Context) => {
    const a = await ctx.receive<string>('a', { secret: true });
    const b = await ctx.receive<{ deep: number[] }>('b', { secret: true });
    const look = defineTask({
      name: 'look',
      run: (args: unknown) => inspect(args, { depth: 9 }).replaceAll('alphabet', 'ALPHA'),
    });
    await ctx.task(stage.step, t(1));
    return ctx.task(look, {
      list: [a, new Map([['k', b]])],
      set: new Set([a]),
      own: { $pawl: 'Secret', value: 'x' },
    });
  };

  test('⟲ is found at any depth of an input, several at once', async () => {
    const send = async (runtime: Runtime): Promise<void> => {
      await runtime.send('r', 'a', 'alphabet', { secret: true, id: '1' });
      await runtime.send('r', 'b', { deep: [1, 2] }, { secret: true, id: '2' });
    };
    const { value, store } = await attended(nested, send);
    expect(value).toBe(
      inspect(
        {
          list: ['ALPHA', new Map([['k', { deep: [1, 2] }]])],
          set: new Set(['ALPHA']),
          own: { $pawl: 'Secret', value: 'x' },
        },
        { depth: 9 },
      ),
    );
    await replays(store, nested);
    for (let seq = 1; seq <= journal(store).length; seq += 1) {
      const again = await attended(nested, send, { store: store.prefix('r', seq) });
      expect(again.value, `after ${seq}`).toBe(value);
    }
  });

  test('an input is checked by the schema in the attempt, and what it then says is clean', async () => {
    const strict = defineTask({
      name: 'strict',
      input: z.object({
        token: z.string().refine((text) => text === 'good', { error: ({ input }) => `bad ${String(input)}` }),
      }),
      run: ({ token }) => token.length,
    });
    const program: Program = () => async (_, ctx: Context) => {
      const token = await ctx.receive<string>('token', { secret: true });
      return ctx.task(strict, { token }).catch((error: unknown) => String(error));
    };
    const bad = await attended(program, sendToken);
    expect(bad.value).toContain('bad [secret]');
    expectClean(transcript(bad.store).join('\n') + String(bad.value), 'refused');
    expect((await attended(program, (runtime) => runtime.send('r', 'token', 'good'))).value).toBe(4);
  });

  test('goes on into the run that follows', async () => {
    const again: Program = () => async (inputs: unknown, ctx: Context) => {
      if (inputs !== null) return ctx.task(logIn, inputs as { token: string });
      const token = await ctx.receive<string>('token', { secret: true });
      return ctx.continueAsNew({ token });
    };
    const { value, store } = await attended(again, sendToken);
    expect(value).toEqual({ userId: 7 });
    expect(store.getRun('r~2', 0)?.status).toBe('succeeded');
    expect([store.keyOf('r'), store.keyOf('r~2')]).toEqual([undefined, undefined]);
  });
});

describe('messages', () => {
  const checked: Program = (stage) => async (_, ctx: Context) => {
    await ctx.task(stage.step, t(5));
    const token = await ctx.receive('token', {
      secret: true,
      schema: z
        .string()
        .min(8)
        .transform((text) => text.trim()),
    });
    return ctx.task(logIn, { token });
  };

  test('a plain one that came early is dropped with a warning, and gone from the inbox', async () => {
    const store = new MemoryStore();
    const stage = new Stage();
    await stage.use(store, { secretKey: KEY }, async (runtime) => {
      const handle = runtime.start(checked(stage), null as never, { id: 'r' });
      await runtime.send('r', 'token', CANARY);
      // What is sealed is looked into as it is taken, and what the schema makes of it is sealed again.
      await runtime.send('r', 'token', 'short', { secret: true });
      await runtime.send('r', 'token', `  ${CANARY}  `, { secret: true });
      expect(await handle.result()).toEqual({ userId: 7 });
    });
    expect(stage.warnings).toEqual([
      expect.stringContaining('as a secret only'),
      expect.stringContaining('was dropped'),
    ]);
    expect(store.takeInbox('r')).toEqual([]);
    expectClean(transcript(store).join('\n') + stage.warnings.join('\n'), 'the journal');
    await replays(store, checked);
  });

  test('who sends what is not taken is told, without the secret', async () => {
    const quoting: Program = () => async (_, ctx: Context) => {
      const schema = z
        .string()
        .refine((text) => text !== CANARY, { error: ({ input }) => `not ${String(input)}` });
      const token = await ctx.receive('token', { secret: true, schema });
      const plain = await ctx.receive('plain');
      return [await ctx.task(logIn, { token }), plain];
    };
    const { value } = await attended(quoting, async (runtime) => {
      expect(await runtime.send('r', 'token', CANARY)).toEqual({
        status: 'invalid',
        issues: [{ path: '$', message: 'not [secret]' }],
      });
      expect(await runtime.send('r', 'token', 'fine', { secret: false })).toMatchObject({
        status: 'invalid',
      });
      expect(await runtime.send('r', 'token', 'fine', { id: 'm' })).toMatchObject({ status: 'accepted' });
      expect(await runtime.send('r', 'token', 'fine', { id: 'm', secret: true })).toMatchObject({
        status: 'duplicate',
      });
      await until(() => shape(runtime.store as MemoryStore).includes('SignalAwaited 1'));
      expect(await runtime.send('r', 'plain', 'x', { secret: true })).toMatchObject({
        status: 'invalid',
        issues: [{ message: 'the wait takes no secret' }],
      });
      await runtime.send('r', 'plain', 'y');
    });
    expect(value).toEqual([{ userId: 0 }, 'y']);
  });

  test('a task receives plain messages only', async () => {
    const hears = defineTask({
      name: 'hears',
      run: (_args: void, task: TaskContext) => task.receive('token'),
    });
    const stage = new Stage();
    await stage.use(new MemoryStore(), { secretKey: KEY }, async (runtime) => {
      const handle = runtime.start((_inputs: null, ctx: Context) => ctx.task(hears), null, { id: 'r' });
      await until(() => runtime.get('r') !== undefined && runtime.waits('r').length === 1);
      expect(await runtime.send('r', 'token', CANARY, { secret: true })).toMatchObject({
        status: 'invalid',
        issues: [{ message: 'the wait takes no secret' }],
      });
      await runtime.send('r', 'token', 'plain');
      expect(await handle.result()).toBe('plain');
    });
  });

  test('a wait that was plain and is secret now is another', async () => {
    const plain: Program = (stage) => async (_, ctx: Context) => {
      await ctx.receive('token');
      await ctx.task(stage.step, t(5));
    };
    const { store } = await attended(plain, sendToken);
    const now = await attended(login, sendToken, { store: store.prefix('r', journal(store).length - 1) });
    expect(now.value).toMatchObject({ code: 'NON_DETERMINISM' });
  });

  test.each([['yes'], [1], [null]])('bad option secret: %s', async (secret) => {
    const { value, store } = await attended(
      () => async (_, ctx) =>
        ctx.receive('token', { secret: secret as unknown as true }).catch((error: unknown) => error),
      sendToken,
    ).catch((error: unknown) => ({ value: error, store: new MemoryStore() }));
    expect(String(value)).toContain('secret');
    expect(shape(store).join()).not.toContain('SignalAwaited');
  });
});

describe('elsewhere', () => {
  test.each([
    ['thread', threadTask<{ token: string }, unknown>({ name: 'login', module: MODULE, export: 'leaky' })],
    ['process', processTask<{ token: string }, unknown>({ name: 'login', module: MODULE, export: 'leaky' })],
  ])('a task in another %s gets the value, and tells nothing of it', async (_, task) => {
    const logs: unknown[] = [];
    const store = new MemoryStore();
    const runtime = await openRuntime({ store, secretKey: KEY, onLog: ({ values }) => logs.push(values) });
    const process: Process = async (_inputs, ctx) => {
      const token = await ctx.receive<string>('token', { secret: true });
      return ctx.task(task, { token });
    };
    const handle = runtime.start(process, null as never, { id: 'r' });
    await until(() => isWaiting(store));
    await runtime.send('r', 'token', CANARY);
    expect(await handle.result()).toEqual({ length: CANARY.length, token: '[secret]' });
    expect(logs).toEqual([['with [secret]']]);
    expect(store.logs('r', 0, 9)).toMatchObject([{ task: 'login', key: '1', text: 'with [secret]' }]);
    await runtime.close();
    expectClean(transcript(store).join('\n'), 'the journal');
  });
});
