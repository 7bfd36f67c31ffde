import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { defineTask, type Context } from '@pawl/sdk';
import { describe, expect, test } from 'vitest';

import {
  keyStatus,
  newKey,
  openJournal,
  openRuntime,
  rotateKey,
  RuntimeError,
  type Runtime,
} from '../../src/index.ts';
import { nextChain } from '../../src/journal/chain.ts';
import { masterKeySource } from '../../src/master-key.ts';
import { sha256 } from '../../src/system.ts';
import { CANARY, expectClean, filesOf, freshPath, KEY, OTHER_KEY } from './sealed.fixture.ts';

const said = defineTask({ name: 'said', run: ({ of }: { readonly of: string }) => ({ back: of }) });
const small = {
  name: 'small',
  run: async ({ of }: { readonly of: string }, ctx: Context) => {
    ctx.setState('of', of);
    await ctx.task(said, { of });
    return ctx.receive('word');
  },
};

async function open(path: string, key: string | undefined): Promise<Runtime> {
  return openRuntime({ path, processes: [small], ...(key === undefined ? {} : { encryption: { key } }) });
}

/** A run that waits for a word. */
async function begin(runtime: Runtime, id: string): Promise<void> {
  const waits = new Promise<void>((resolve) => {
    void (async () => {
      for await (const { event } of runtime.events() as AsyncIterable<{ event?: { type: string } }>)
        if (event?.type === 'SignalAwaited') resolve();
    })();
  });
  runtime
    .start(small, { of: CANARY }, { id })
    .result()
    .catch(() => undefined);
  await waits;
  await runtime.stop(id);
}

async function written(key: string | undefined): Promise<string> {
  const path = freshPath();
  const runtime = await open(path, key);
  await begin(runtime, 'a');
  await begin(runtime, 'b');
  await runtime.close();
  return path;
}

async function refusal(work: () => unknown): Promise<RuntimeError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof RuntimeError) return error;
    throw error;
  }
  return expect.fail('it was not refused');
}

function sqlOn<T>(path: string, work: (db: Database.Database) => T): T {
  const db = new Database(path);
  db.unsafeMode(true);
  try {
    return work(db);
  } finally {
    db.close();
  }
}

describe.each([
  ['without a key', undefined, 'and no key was given'],
  ['with another key', OTHER_KEY, 'was given'],
])('an encrypted journal %s', (_, key, why) => {
  test('refuses what reads, writes or compares values, and leaves the file as it is', async () => {
    const path = await written(KEY);
    const before = sqlOn(path, (db) => db.prepare('select * from events').all());
    const runtime = await open(path, key);
    const start = {
      inputs: null,
      inputsHash: 'x',
      runId: 'c',
      process: 'small',
      module: null,
      codeHash: null,
    };
    const claim = { owner: 'a'.repeat(32), now: 1, ttlMs: 1 };
    for (const work of [
      () => runtime.resume('a', small).result(),
      () => runtime.start(small, { of: 'x' }, { id: 'n' }).result(),
      () => runtime.send('a', 'word', 'x'),
      () => runtime.cancel('a', 'x'),
      () => runtime.enqueue(small, { of: 'x' }, { id: 'q', module: 'm.ts' }),
      () => runtime.schedules.add(small, { of: 'x' }, { name: 's', cron: '0 9 * * 1', module: 'm.ts' }),
      () => runtime.fork('a', { afterSeq: 3, id: 'f', process: small }),
      () => runtime.replay('a', small),
      () => runtime.list({ limit: 9, where: { of: [CANARY] } }),
      () => [...runtime.copies.export('a')],
      () => runtime.store.work.takeDue(claim, 9, undefined),
      () => runtime.store.work.begin({ ...start } as never, {} as never, claim),
    ]) {
      const { code, exitCode, message, hint } = await refusal(work);
      expect([code, exitCode, message, hint]).toEqual([
        'SEALED',
        11,
        expect.stringContaining(why),
        expect.stringContaining('PAWL_KEY'),
      ]);
      expect(message).not.toContain(KEY);
    }
    await runtime.close();
    using journal = openJournal({ path, ...(key === undefined ? {} : { encryption: { key } }) });
    for (const work of [
      () => journal.replayer(),
      () => journal.planFork('a', { afterSeq: 3, retries: false }),
      () => [...journal.export('a')],
      () => journal.needKey(),
    ])
      expect((await refusal(work)).code).toBe('SEALED');
    expect(sqlOn(path, (db) => db.prepare('select * from events').all())).toEqual(before);
  });

  test('lists, shows, verifies, backs up and prunes without values', async () => {
    const path = await written(KEY);
    {
      using journal = openJournal({ path, ...(key === undefined ? {} : { encryption: { key } }) });
      expect(journal.list({ limit: 9 }).map(({ runId, status }) => [runId, status])).toEqual([
        ['b', 'running'],
        ['a', 'running'],
      ]);
      const events = [...journal.events('a')];
      expect(events.map(({ event }) => event.type).join(' ')).toBe(
        'RunStarted StateSet TaskScheduled AttemptStarted TaskSucceeded SignalAwaited',
      );
      expect(events[2]?.event).toMatchObject({
        key: '0',
        task: 'said',
        args: '⟨sealed⟩',
        inputHash: '⟨sealed⟩',
      });
      expect(journal.state('a')).toEqual({ of: '⟨sealed⟩' });
      expect(journal.waits('a')).toMatchObject([{ name: 'word' }]);
      expect(journal.verify()).toMatchObject({ runs: 2, damage: [] });
      expect(journal.describe()).toMatchObject({ encryption: 'locked' });
      const { rows } = await journal.sql(
        `select (select input from runs where run_id = 'a'), input, output, name from steps where run_id = 'a' and kind = 'task'`,
      );
      expect(rows).toEqual([['"⟨sealed⟩"', '"⟨sealed⟩"', '"⟨sealed⟩"', 'said']]);
      journal.backup(join(dirname(path), 'copy.db'));
    }
    const runtime = await open(path, key);
    await runtime.copies.prune({ olderThan: 0 });
    runtime.copies.shrink();
    await runtime.close();
    using copy = openJournal({ path: join(dirname(path), 'copy.db'), encryption: { key: KEY } });
    expect([...copy.events('a')][0]?.event).toMatchObject({ inputs: { of: CANARY } });
  });
});

test('queries see values where there is the key', async () => {
  const path = await written(KEY);
  using journal = openJournal({ path, encryption: { key: KEY } });
  const { rows } = await journal.sql(
    `select r.input, r.state, s.input, s.output, (select payload ->> '$.inputs.of' from events e where e.run_id = 'a' and seq = 1)
     from runs r join steps s on s.run_id = r.run_id where r.run_id = 'a' and s.kind = 'task'`,
  );
  const of = JSON.stringify({ of: CANARY });
  expect(rows).toEqual([[of, of, of, JSON.stringify({ back: CANARY }), CANARY]]);
  expect(journal.describe()).toMatchObject({ encryption: 'on' });
});

test('a journal that was in the clear is encrypted from then on, and says how much is not', async () => {
  const path = await written(undefined);
  const plain = keyStatus({ path });
  expect(plain).toMatchObject({ state: 'off', master: null, dataKeys: [], events: { sealed: 0, clear: 8 } });
  const runtime = await open(path, KEY);
  expect(runtime.store.read('a', 0, 9)[0]?.event).toMatchObject({ inputs: { of: CANARY } });
  expect(runtime.list({ limit: 9, where: { of: [CANARY] } })).toHaveLength(2);
  await begin(runtime, 'c');
  expect(runtime.list({ limit: 9, where: { of: [CANARY] } })).toHaveLength(3);
  const result = runtime.resume('a', small).result();
  await runtime.send('a', 'word', 'the word');
  expect(await result).toBe('the word');
  expect(runtime.store.verify().damage).toEqual([]);
  await runtime.close();
  const { state, master, given, dataKeys, events } = keyStatus({ path, encryption: { key: KEY } });
  expect({ state, isOurs: master === given, events }).toEqual({
    state: 'open',
    isOurs: true,
    events: { sealed: 6, clear: 8, plain: expect.any(Number) as number },
  });
  expect(dataKeys).toMatchObject([{ id: 1, events: 6 }]);
});

test('what would go on writing in the clear keeps a journal from being encrypted', async () => {
  const path = await written(undefined);
  const plain = await open(path, undefined);
  // In the same program, and in another one.
  expect(await refusal(() => open(path, KEY))).toMatchObject({ code: 'BUSY', exitCode: 5 });
  const script = `import { openSqliteStore } from ${JSON.stringify(join(import.meta.dirname, '../../src/store/sqlite/sqlite-store.ts'))};
    try { openSqliteStore({ path: ${JSON.stringify(path)}, durability: 'full', busyTimeoutMs: 100, master: () => Buffer.alloc(32, 1) }); }
    catch ({ code, message }) { console.log(code, message); }`;
  const run = (): string =>
    spawnSync(process.execPath, ['--conditions=source', '--input-type=module', '-e', script], {
      encoding: 'utf8',
    }).stdout;
  expect(run()).toContain('BUSY');
  await begin(plain, 'c');
  await plain.close();
  expect(keyStatus({ path })).toMatchObject({ state: 'off' });
  expect(run()).toBe('');
  expect(keyStatus({ path })).toMatchObject({ state: 'locked' });
});

/** A copy of the files as they are at this moment: what a crash leaves. */
function crashed(path: string): string {
  const copy = freshPath();
  for (const end of ['', '-wal']) if (existsSync(path + end)) copyFileSync(path + end, copy + end);
  return copy;
}

/** Whether a key opens everything in it. */
async function opens(path: string, key: string): Promise<boolean> {
  const copy = crashed(path);
  const runtime = await open(copy, key);
  try {
    const [first] = runtime.store.read('a', 0, 9);
    expect(first?.event).toMatchObject({ inputs: { of: CANARY } });
    expect(runtime.store.verify().damage).toEqual([]);
    await begin(runtime, 'z');
    return true;
  } catch (error) {
    if (error instanceof RuntimeError && error.code === 'SEALED') return false;
    throw error;
  } finally {
    await runtime.close();
  }
}

/** Calls `at` before and after each statement that writes. */
function watchingWrites<T>(at: () => void, work: () => T): T {
  const db = new Database(':memory:');
  const proto = Object.getPrototypeOf(db.prepare('select 1')) as { run: (...args: unknown[]) => unknown };
  db.close();
  const { run } = proto;
  proto.run = function (this: unknown, ...args: unknown[]): unknown {
    at();
    const result = run.apply(this, args);
    at();
    return result;
  };
  try {
    return work();
  } finally {
    proto.run = run;
  }
}

describe('another master key', () => {
  test('at each moment of a rotation the journal has the old one, or the new one, and never both', async () => {
    const path = await written(KEY);
    const moments: string[] = [];
    watchingWrites(
      () => moments.push(crashed(path)),
      () => rotateKey({ path, encryption: { key: KEY }, to: { key: OTHER_KEY } }),
    );
    moments.push(crashed(path));
    const keys: string[] = [];
    for (const moment of moments) {
      const [old, other] = [await opens(moment, KEY), await opens(moment, OTHER_KEY)];
      expect([old, other].filter(Boolean)).toHaveLength(1);
      keys.push(old ? 'old' : 'new');
    }
    expect(moments.length).toBeGreaterThan(8);
    expect(new Set(keys)).toEqual(new Set(['old', 'new']));
    expect(keys).toEqual(keys.toSorted().toReversed());
  });

  test('the old one opens nothing of the file, and rows are as they were', async () => {
    const path = await written(KEY);
    const rows = (): unknown => sqlOn(path, (db) => db.prepare('select * from events').all());
    const wrapped = sqlOn(path, (db) => db.prepare('select wrapped from pawl_data_keys').pluck().get());
    const before = rows();
    const rotated = rotateKey({ path, encryption: { key: KEY }, to: { key: OTHER_KEY } });
    expect(rotated).toMatchObject({ wrapped: 1, dataKey: 2, isLogEmptied: true });
    expect(rows()).toEqual(before);
    for (const [name, bytes] of filesOf(path)) expect(bytes.includes(String(wrapped)), name).toBe(false);
    expect(await opens(path, KEY)).toBe(false);
    const runtime = await open(path, OTHER_KEY);
    await begin(runtime, 'c');
    await runtime.close();
    expect(keyStatus({ path, encryption: { key: OTHER_KEY } })).toMatchObject({
      state: 'open',
      master: rotated.to,
      dataKeys: [{ id: 1 }, { id: 2, events: 4 }],
    });
    expectClean(path, 'rotated');
  });

  test('a program that runs meanwhile goes on, and is told where it cannot', async () => {
    const path = await written(KEY);
    const runtime = await open(path, KEY);
    const result = runtime.resume('a', small).result();
    const script = `import { openRuntime, rotateKey } from ${JSON.stringify(join(import.meta.dirname, '../../src/index.ts'))};
      const path = ${JSON.stringify(path)};
      rotateKey({ path, encryption: { key: '${KEY}' }, to: { key: '${OTHER_KEY}' } });
      const runtime = await openRuntime({ path, encryption: { key: '${OTHER_KEY}' } });
      await runtime.start({ name: 'other', run: async () => 'new' }, null, { id: 'new' }).result();
      await runtime.send('b', 'word', 'of the new one');
      await runtime.close();`;
    const args = ['--conditions=source', '--input-type=module', '-e', script];
    expect(spawnSync(process.execPath, args, { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
    await runtime.send('a', 'word', CANARY);
    expect(await result).toBe(CANARY);
    const refused = await refusal(() => runtime.store.read('new', 0, 9));
    expect(refused).toMatchObject({
      code: 'SEALED',
      hint: expect.stringContaining('Start the program again') as string,
    });
    expect(runtime.list({ limit: 9 }).map(({ runId, status }) => `${runId} ${status}`)).toContain(
      'new succeeded',
    );
    await runtime.close();
    const later = await open(path, OTHER_KEY);
    expect(later.store.verify().damage).toEqual([]);
    expect(await later.resume('b', small).result()).toBe('of the new one');
    expect(later.store.read('a', 0, 99).at(-1)?.event).toMatchObject({ output: CANARY });
    await later.close();
    expectClean(path, 'rotated beside');
  });

  test.each([
    ['without the old one', {}, { key: OTHER_KEY }, 'SEALED'],
    ['with a wrong one', { key: newKey() }, { key: OTHER_KEY }, 'SEALED'],
    ['with the same one', { key: KEY }, { key: KEY }, 'REFUSED'],
    ['without a new one', { key: KEY }, undefined, 'REFUSED'],
  ])('is refused %s', async (_, encryption, to, code) => {
    const path = await written(KEY);
    const refused = await refusal(() => rotateKey({ path, encryption, to }));
    expect(refused.code).toBe(code);
    expect(await opens(path, KEY)).toBe(true);
  });

  test('is refused where nothing is encrypted, and nothing is then', async () => {
    const path = await written(undefined);
    const refused = await refusal(() =>
      rotateKey({ path, encryption: { key: KEY }, to: { key: OTHER_KEY } }),
    );
    expect(refused).toMatchObject({ code: 'REFUSED', hint: expect.stringContaining('PAWL_KEY') as string });
    expect(keyStatus({ path })).toMatchObject({ state: 'off' });
  });
});

interface Row {
  readonly run: number;
  readonly seq: number;
  readonly at: number;
  readonly type: number;
  readonly version: number;
  readonly payload: string;
}

/** Puts other payloads into rows of run 1, with checksums as if they had always been there. */
function forge(path: string, change: (rows: readonly Row[]) => ReadonlyMap<number, string>): void {
  sqlOn(path, (db) => {
    const rows = db.prepare<[], Row>('select * from events order by run, seq').all();
    const changed = change(rows);
    let chain = '';
    for (const { run, seq, at, type, version, payload } of rows.filter((row) => row.run === 1)) {
      const text = changed.get(seq) ?? payload;
      chain = nextChain(sha256, chain, { seq, at, code: type, version }, text);
      const update = 'update events set payload = ?, chain = unhex(?) where run = ? and seq = ?';
      db.prepare(update).run(text, chain, run, seq);
    }
    db.prepare('update runs set chain = unhex(?) where id = 1').run(chain);
  });
}

describe('damage that checksums do not show', () => {
  const flip = (payload: string): string =>
    payload.replace(
      /("\$sealed":"1\..{30})(.)/,
      (_, start: string, digit: string) => start + (digit === 'A' ? 'B' : 'A'),
    );
  const of = (rows: readonly Row[], run: number, seq: number): string =>
    rows.find((row) => row.run === run && row.seq === seq)?.payload ?? '';

  test.each([
    ['a flipped bit', 3, (rows: readonly Row[]) => new Map([[3, flip(of(rows, 1, 3))]])],
    ['the same event of another run', 1, (rows: readonly Row[]) => new Map([[1, of(rows, 2, 1)]])],
    [
      'what is sealed of another event',
      5,
      (rows: readonly Row[]) => {
        const sealed = /"\$sealed":".*"/.exec(of(rows, 1, 3))?.[0] ?? '';
        return new Map([[5, of(rows, 1, 5).replace(/"\$sealed":".*"/, () => sealed)]]);
      },
    ],
    [
      'another name beside it',
      3,
      (rows: readonly Row[]) => new Map([[3, of(rows, 1, 3).replace('said', 'done')]]),
    ],
    [
      'a key that is not there',
      5,
      (rows: readonly Row[]) => new Map([[5, of(rows, 1, 5).replace('"$sealed":"1.', '"$sealed":"9.')]]),
    ],
  ])('%s is told with run and seq', async (_, seq, change) => {
    const path = await written(KEY);
    forge(path, change);
    const runtime = await open(path, KEY);
    const { code, exitCode, data } = await refusal(() => runtime.store.read('a', 0, 99));
    expect([code, exitCode, data['runId'], data['seq']]).toEqual(['CORRUPT', 8, 'a', seq]);
    expect(runtime.store.verify().damage).toMatchObject([{ runId: 'a', seq }]);
    expect(runtime.store.read('b', 0, 99)).toHaveLength(6);
    await runtime.close();
  });

  test('of a data key, and of values beside events', async () => {
    const path = await written(KEY);
    sqlOn(path, (db) => {
      const text = String(db.prepare('select value from run_state where run = 1').pluck().get());
      db.prepare('update run_state set value = ? where run = 2').run(text);
    });
    const runtime = await open(path, KEY);
    expect((await refusal(() => runtime.query('b'))).code).toBe('CORRUPT');
    expect(runtime.store.verify().damage).toMatchObject([{ runId: 'b' }]);
    await runtime.close();
    sqlOn(path, (db) => db.exec(`update pawl_data_keys set wrapped = 'A' || substr(wrapped, 2)`));
    expect(await refusal(() => open(path, KEY))).toMatchObject({ code: 'CORRUPT', exitCode: 8 });
    rmSync(path);
  });
});

describe('where the key comes from', () => {
  const printing = [process.execPath, '-e', `process.stdout.write('${KEY}\\n')`];
  const source = (env: Record<string, string>, ms?: number): string | undefined => {
    const bytes = masterKeySource(undefined, { PATH: process.env['PATH'], ...env }, undefined, ms)();
    return bytes === undefined ? undefined : Buffer.from(bytes).toString('base64');
  };

  test('given, in the environment, or printed by a program without a shell', async () => {
    expect(Buffer.from(masterKeySource({ key: OTHER_KEY }, { PAWL_KEY: KEY })() ?? []).toString('hex')).toBe(
      OTHER_KEY,
    );
    expect(Buffer.from(masterKeySource({ keyCommand: printing }, {})() ?? []).toString('base64')).toBe(KEY);
    expect([source({}), source({ PAWL_KEY: KEY, PAWL_KEY_COMMAND: 'false' })]).toEqual([undefined, KEY]);
    expect(source({ PAWL_KEY_COMMAND: JSON.stringify(printing) })).toBe(KEY);
    expect(source({ PAWL_KEY_COMMAND: `echo ${KEY}` })).toBe(KEY);
  });

  test.each([
    ['no key', { PAWL_KEY: 'secret-words' }, /32 bytes in base64 or hex/],
    ['signs of a shell', { PAWL_KEY_COMMAND: 'cat secret-words | head' }, /mean nothing here/],
    ['no list', { PAWL_KEY_COMMAND: '["secret-words"' }, /as words or as a JSON list/],
    ['no program', { PAWL_KEY_COMMAND: 'secret-words' }, /cannot be run \(ENOENT\)/],
    ['one that fails', { PAWL_KEY_COMMAND: 'false secret-words' }, /ended with exit code 1/],
    ['one that prints something else', { PAWL_KEY_COMMAND: 'echo secret-words' }, /prints no key/],
    ['one that takes too long', { PAWL_KEY_COMMAND: 'sleep 60' }, /took more than/],
  ] as const)('%s is refused, and what was given is not told', (_, env, message) => {
    let told = '';
    try {
      source(env, 200);
    } catch (error) {
      told = String(error);
    }
    expect(told).toMatch(message);
    expect(told).not.toContain('secret-words');
  });
});
