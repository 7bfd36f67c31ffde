import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { defineTask, type Context } from '@pawl/sdk';
import { afterAll, describe, expect, test } from 'vitest';

import { importText } from '../src/copies/import-text.ts';
import { textLines } from '../src/copies/text-lines.ts';
import { openJournal, openRuntime, RuntimeError, type ImportOptions, type Runtime } from '../src/index.ts';
import { ManualClock, seededEntropy } from '../src/testing.ts';
import { JOURNAL_FILE, untilStill, waitingOf } from './journal-file.fixture.ts';
import { until } from './until.fixture.ts';

// Runs as text: out of a journal, into another one, and out again.

const FIXTURES = join(import.meta.dirname, '..', '..', '..', 'journal-fixtures');
const folder = mkdtempSync(join(tmpdir(), 'pawl-one-file-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let made = 0;

function fresh(): string {
  made += 1;
  return join(folder, `${made}.db`);
}

function exported(path: string, id?: string, redact: readonly string[] = []): string {
  using journal = openJournal({ path });
  return [...journal.export(id, { redact })].join('');
}

async function imported(options: ImportOptions, path: string = fresh()): Promise<string> {
  const runtime = await openRuntime({ path });
  try {
    runtime.copies.import(options);
  } finally {
    await runtime.close();
  }
  return path;
}

async function refusal(options: ImportOptions, path?: string): Promise<RuntimeError | undefined> {
  return imported(options, path).then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof RuntimeError) return error;
      throw error;
    },
  );
}

function runsIn(path: string): string[] {
  using journal = openJournal({ path });
  expect(journal.verify().damage).toEqual([]);
  return journal.list({ limit: 100 }).map(({ runId }) => runId);
}

const double = defineTask({ name: 'double', run: (n: number) => n * 2 });
const child = async (n: number, ctx: Context): Promise<number> => ctx.task(double, n);
/** Runs within it, and one that follows it, which waits for a word. */
const parent = async ({ round }: { round: number }, ctx: Context): Promise<unknown> => {
  const sum = await ctx.run({ name: 'child', run: child }, round, { id: `child-${round}` });
  if (round === 0) return ctx.continueAsNew({ round: 1 });
  return { sum, word: await ctx.receive<string>('word') };
};
const family = { name: 'family', run: parent };

async function withRuntime<T>(path: string, work: (runtime: Runtime) => Promise<T>): Promise<T> {
  const runtime = await openRuntime({ path, processes: [family] });
  try {
    return await work(runtime);
  } finally {
    await runtime.close();
  }
}

/** As far as its word. */
async function familyFile(): Promise<string> {
  const path = fresh();
  await withRuntime(path, async (runtime) => {
    runtime
      .start(family, { round: 0 }, { id: 'first' })
      .result()
      .catch(() => undefined);
    await until(() => runtime.get('first') !== undefined && runtime.waits('first').length === 1);
  });
  return path;
}

describe('export(import(export(x)))', () => {
  const versions = readdirSync(FIXTURES).filter((name) => existsSync(join(FIXTURES, name, JOURNAL_FILE)));

  test.each(versions)('the file of %s: equal byte for byte, and what is open goes on', async (version) => {
    const original = fresh();
    cpSync(join(FIXTURES, version, JOURNAL_FILE), original);
    const text = exported(original);
    const path = await imported({ text });
    expect(exported(path)).toBe(text);
    expect(runsIn(path)).toEqual(runsIn(original));
    const clock = new ManualClock(Date.UTC(2040, 0, 1));
    const runtime = await openRuntime({
      path,
      clock,
      entropy: seededEntropy(3),
      processes: [await waitingOf(version)],
    });
    // A worker does not take it: it may go on where it came from.
    const worker = runtime.work();
    await untilStill(runtime, clock);
    expect(runtime.get('open')).toMatchObject({ status: 'running', owner: null });
    await worker.drain();
    const result = runtime.resume('open').result();
    await untilStill(runtime, clock);
    const [task] = runtime.tasks.list({ runId: 'open' });
    runtime.tasks.complete(task?.id ?? '', 'a drawing', { worker: 'grace' });
    await runtime.respond('open', '2/1/0', { approved: true, by: 'ada' });
    await runtime.send('open', 'word', 'go', { id: 'word 2' });
    await untilStill(runtime, clock);
    expect(await result).toMatchObject({ drawing: 'a drawing', word: 'go', end: 'shipped open' });
    await runtime.close();
    expect(runsIn(path)).toContain('open');
  });

  const texts = versions.flatMap((version) =>
    readdirSync(join(FIXTURES, version))
      .filter((name) => /\.(jsonl|txt)$/.test(name) && name !== 'events.txt')
      .map((name) => join(version, name)),
  );
  test.each(texts)('%s, which says no checksum', async (name) => {
    const text = readFileSync(join(FIXTURES, name), 'utf8');
    const runtime = await openRuntime({ path: fresh() });
    const [note] = runtime.copies.import({ text });
    expect(note).toMatchObject({ outcome: 'imported', isVerified: false });
    const again = [...runtime.copies.export(note?.runId ?? '')].join('');
    expect(again.replace(/"chain":"[0-9a-f]{32}",/, '')).toBe(text);
    expect(runtime.store.verify().damage).toEqual([]);
    await runtime.close();
  });
});

describe('a family', () => {
  test('is taken as a whole, and goes on as one; a part of it takes what belongs to the part', async () => {
    const original = await familyFile();
    const text = exported(original, 'first');
    const ids = [...text.matchAll(/^\{"chain".*"run":"([^"]+)"\}$/gm)].map(([, id]) => id);
    expect(ids.slice(0, 2)).toEqual(['first', 'child-0']);
    expect(ids.length).toBe(4);
    expect(exported(original, 'child-1').match(/"journal":"pawl"/g)).toHaveLength(1);
    const path = await imported({ text });
    expect(exported(path, 'first')).toBe(text);
    const result = await withRuntime(path, async (runtime) => {
      await runtime.send('first', 'word', 'on');
      return runtime.resume('first').result();
    });
    expect(result).toEqual({ sum: 2, word: 'on' });
    expect(await refusal({ text, as: 'other' })).toMatchObject({ code: 'REFUSED', message: /4 runs/ });
  });

  test('a message that was consumed before is known where it was imported', async () => {
    const original = await familyFile();
    await withRuntime(original, async (runtime) => {
      await runtime.send('first', 'word', 'on', { id: 'm1' });
      await runtime.resume('first').result();
    });
    const path = await imported({ text: exported(original, 'first') });
    await withRuntime(path, async (runtime) => {
      expect(await runtime.send('first', 'word', 'on', { id: 'm1' })).toMatchObject({ status: 'duplicate' });
    });
  });
});

describe('a fork', () => {
  const CANARY = 'canary-1f0c';
  const process = async (inputs: { email: string }, ctx: Context): Promise<unknown> => {
    const first = await ctx.task(double, 1);
    const second = await ctx.task(double, 20);
    return { first, second, word: await ctx.receive<string>('word'), to: inputs.email.length };
  };
  const forked = { name: 'forked', run: process };

  async function forkFile(): Promise<string> {
    const path = fresh();
    const runtime = await openRuntime({ path });
    runtime
      .start(forked, { email: CANARY }, { id: 'p' })
      .result()
      .catch(() => undefined);
    await until(() => runtime.get('p') !== undefined && runtime.waits('p').length === 1);
    const fork = await runtime.fork('p', {
      id: 'f',
      at: '1',
      set: { '1': 7 },
      inputs: { email: `${CANARY}!` },
    });
    fork.result().catch(() => undefined);
    await until(() => runtime.waits('f').length === 1);
    await runtime.close();
    return path;
  }

  test('is taken with the events that it shares, and goes on without its parent', async () => {
    const text = exported(await forkFile(), 'f');
    const path = await imported({ text });
    expect(exported(path)).toBe(text);
    expect(runsIn(path)).toEqual(['f']);
    const runtime = await openRuntime({ path, processes: [forked] });
    await runtime.send('f', 'word', 'on');
    expect(await runtime.resume('f').result()).toEqual({
      first: 2,
      second: 7,
      word: 'on',
      to: CANARY.length + 1,
    });
    await runtime.close();
  });

  test('what it was given is taken out as in any other run', async () => {
    const text = exported(await forkFile(), 'f', ['$.inputs.email', '$.output']);
    expect(text).not.toContain(CANARY);
    expect(text).toContain('"given":[{"key":"1","output":"[redacted]"}]');
    expect(runsIn(await imported({ text }))).toEqual(['f']);
  });
});

describe('an id that is taken', () => {
  test('by the very same history: nothing is written, and that is said', async () => {
    const path = await familyFile();
    await withRuntime(path, async (runtime) => {
      const text = [...runtime.copies.export('first')].join('');
      expect(runtime.copies.import({ text }).map(({ outcome }) => outcome)).toEqual(Array(4).fill('same'));
    });
  });

  test('by another history: refused as a whole, unless it gets another id', async () => {
    const text = exported(await familyFile(), 'child-0');
    const path = fresh();
    await withRuntime(path, async (runtime) => {
      await runtime.start({ name: 'child', run: child }, 7, { id: 'child-0' }).result();
    });
    const before = exported(path);
    expect(await refusal({ text }, path)).toMatchObject({
      code: 'REFUSED',
      exitCode: 11,
      hint: /--as child-0-2/,
    });
    expect(exported(path)).toBe(before);
    await imported({ text, as: 'child-0-2' }, path);
    expect(runsIn(path)).toEqual(['child-0-2', 'child-0']);
  });
});

describe('what is no export', async () => {
  const original = await familyFile();
  const text = exported(original, 'first');
  const lines = text.split('\n');
  const line = (n: number, change: (old: string) => string): string =>
    lines.map((old, i) => (i + 1 === n ? change(old) : old)).join('\n');
  const output = lines.findIndex((each) => each.includes('"TaskSucceeded"')) + 1;

  test.each([
    ['nothing', '', 'REFUSED', 1, 1, 'no JSON'],
    ['another file', '# readme\n', 'REFUSED', 1, 1, 'no JSON'],
    [
      'a broken line',
      line(3, (old) => `${old.slice(0, 40)}\u0001${old.slice(40)}`),
      'REFUSED',
      3,
      41,
      'no JSON',
    ],
    ['a line that ends early', line(3, (old) => old.slice(0, 30)), 'REFUSED', 3, 31, 'no JSON'],
    ['a text that ends within a line', text.slice(0, -9), 'REFUSED', lines.length - 1, 1, 'cut off'],
    [
      'a text without its last line',
      `${lines.slice(0, -2).join('\n')}\n`,
      'REFUSED',
      undefined,
      1,
      'events, and',
    ],
    ['a line twice', line(2, (old) => `${old}\n${old}`), 'REFUSED', 3, 21, 'where 2 should be'],
    [
      'a bad field',
      line(output, (old) => old.replace('"key":"', '"key":7,"k":"')),
      'REFUSED',
      output,
      undefined,
      'key',
    ],
    ['a run twice', text + text, 'REFUSED', undefined, 1, 'twice'],
    [
      'a run without events',
      '{"events":0,"format":1,"journal":"pawl","run":"r"}\n',
      'REFUSED',
      1,
      1,
      'no events',
    ],
    [
      'time that goes back',
      line(3, (old) => old.replace(/"at":\d+/, '"at":5')),
      'REFUSED',
      3,
      2,
      'happened at 5',
    ],
    [
      'an event that cannot follow',
      line(2, (old) =>
        old.replace(/"type":.*/, '"type":"AttemptStarted","version":1,"payload":{"key":"0"}}'),
      ),
      'REFUSED',
      2,
      1,
      'cannot follow',
    ],
    [
      'another value',
      line(output, (old) => old.replace(/"output":\d+/, '"output":77')),
      'CORRUPT',
      undefined,
      undefined,
      'was changed',
    ],
    [
      'another checksum',
      line(1, (old) => old.replace(/[0-9a-f]{32}/, '0'.repeat(32))),
      'CORRUPT',
      undefined,
      undefined,
      'was changed',
    ],
    [
      'a newer text',
      line(1, (old) => old.replace('"format":1', '"format":2')),
      'NEWER',
      1,
      undefined,
      'format 2',
    ],
    [
      'a newer event',
      line(output, (old) => old.replace('"version":1', '"version":9')),
      'NEWER',
      output,
      undefined,
      'version 9',
    ],
    [
      'an unknown event',
      line(output, (old) => old.replace('TaskSucceeded', 'TaskTransmuted')),
      'NEWER',
      output,
      undefined,
      'Transmuted',
    ],
  ] as const)('%s', async (_, bad, code, lineNumber, column, message) => {
    const path = fresh();
    expect(await refusal({ text: bad }, path)).toMatchObject({
      code,
      message: expect.stringContaining(message),
      data: {
        ...(lineNumber === undefined ? {} : { line: lineNumber }),
        ...(column === undefined ? {} : { column }),
      },
    });
    expect(runsIn(path)).toEqual([]);
  });

  test('bytes that are no text', async () => {
    const file = join(folder, 'bytes.pawl');
    const bytes = Buffer.from(text);
    bytes[text.indexOf('\n') + 12] = 0xff;
    const { writeFileSync } = await import('node:fs');
    writeFileSync(file, bytes);
    expect(await refusal({ file })).toMatchObject({ code: 'REFUSED', data: { line: 2, column: 12 } });
  });

  test('cut at any byte: refused, and nothing is written', async () => {
    const runtime = await openRuntime({ path: fresh() });
    const single = exported(original, 'child-0');
    for (let end = 0; end < single.length; end += 7)
      expect(() => runtime.copies.import({ text: single.slice(0, end) })).toThrow(RuntimeError);
    expect(runtime.list({ limit: 5 })).toEqual([]);
    await runtime.close();
  });

  test('changed between its two readings: taken back as a whole', async () => {
    const runtime = await openRuntime({ path: fresh() });
    const { copies } = runtime.store;
    if (copies === undefined) expect.unreachable();
    const other = exported(original, 'first').replaceAll('"output":2', '"output":3');
    const readings = [text, other];
    expect(other).not.toBe(text);
    expect(() => importText(copies, () => textLines(readings.shift() ?? ''), {}, 0)).toThrow(/changed while/);
    expect(runtime.list({ limit: 5 })).toEqual([]);
    await runtime.close();
  });
});

describe('redacted', () => {
  const CANARY = 'canary-9d1e';
  const leak = defineTask({
    name: 'leak',
    run: ({ email }: { email: string }) => {
      if (email === CANARY) return { rows: [{ card: CANARY, n: 1 }], ['odd name']: CANARY };
      throw Object.assign(new Error('refused'), { password: CANARY });
    },
  });
  const process = async (
    inputs: { email: string; login: { password: string } },
    ctx: Context,
  ): Promise<unknown> => {
    ctx.setState('who', { email: CANARY });
    await ctx.task(leak, { email: inputs.email });
    await ctx.task(leak, { email: 'x' }).catch(() => undefined);
    await ctx.receive('go', { data: { email: CANARY } as never });
    return new Map<string, unknown>([
      ['password', CANARY],
      ['kept', 'kept-value'],
    ]);
  };
  const paths = ['$..email', '$..password', '$.output.rows[*].card', "$.output['odd name']"];

  async function recorded(isEnded: boolean): Promise<string> {
    const path = fresh();
    const runtime = await openRuntime({ path });
    const inputs = { email: CANARY, login: { password: CANARY } };
    const result = runtime.start({ name: 'leaky', run: process }, inputs, { id: 'r' }).result();
    result.catch(() => undefined);
    await until(() => runtime.get('r') !== undefined && runtime.waits('r').length === 1);
    if (isEnded) {
      await runtime.send('r', 'go', null);
      await result;
    }
    await runtime.close();
    return path;
  }

  test.each([true, false])(
    'no value that a path names is told, nor a digest of it (ended: %s)',
    async (isEnded) => {
      const path = await recorded(isEnded);
      expect(exported(path, 'r')).toContain(CANARY);
      const text = exported(path, 'r', paths);
      expect(text).not.toContain(CANARY);
      expect(text).toContain('"rows":[{"card":"[redacted]","n":1}]');
      expect(text).toContain('"inputsHash":"[redacted]"');
      if (isEnded)
        expect(text).toContain('{"$pawl":"Map","value":[["password","[redacted]"],["kept","kept-value"]]}');
      expect(text.split('\n')[0]).toContain('"redacted":true');
      const copy = await imported({ text });
      expect(exported(copy, 'r')).toBe(text);
      expect(runsIn(copy)).toEqual(['r']);
    },
  );

  test('can be looked at, and nobody goes on with it', async () => {
    const copy = await imported({ text: exported(await recorded(false), 'r', paths) });
    const runtime = await openRuntime({ path: copy, processes: [{ name: 'leaky', run: process }] });
    expect(runtime.waits('r')).toHaveLength(1);
    expect(() => runtime.resume('r')).toThrow(/redacted export/);
    expect(() => runtime.cancel('r')).toThrow(/redacted export/);
    expect(await runtime.send('r', 'go', null)).toMatchObject({ status: 'closed' });
    const worker = runtime.work();
    runtime.store.work.wake('r', 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(runtime.get('r')).toMatchObject({ status: 'running', owner: null });
    await worker.drain();
    await runtime.close();
    expect(runsIn(copy)).toEqual(['r']);
  });

  test.each([
    ['$.inptus.email', 'REFUSED', 'nothing was written'],
    ['$.key', 'REFUSED', 'nothing was written'],
    ['inputs', 'USAGE', 'no path'],
    ['$', 'USAGE', 'no path'],
    ['$..', 'USAGE', 'no path'],
    ['$.a[', 'USAGE', 'no path'],
    ['$name', 'USAGE', 'no path'],
  ])('%s: %s', async (path, code, message) => {
    const file = await familyFile();
    expect(() => exported(file, 'first', [path])).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });

  test('a whole error leaves an error', async () => {
    const text = exported(await recorded(true), 'r', ['$.error']);
    expect(text).toContain('"error":{"name":"Error","message":"[redacted]"}');
    await imported({ text });
  });
});

test('a long run goes out and in again in bounded memory', async () => {
  const path = fresh();
  const runtime = await openRuntime({ path });
  const value = 'x'.repeat(20_000);
  const events = 1500;
  function* lines(): Generator<string, void, void> {
    yield `{"events":${events},"format":1,"journal":"pawl","run":"long"}`;
    yield `{"at":1,"seq":1,"type":"RunStarted","version":1,"payload":{"engine":"0","inputs":null,"inputsHash":"=null","process":"long","seed":"s"}}`;
    for (let seq = 2; seq <= events; seq += 1)
      yield `{"at":${seq},"seq":${seq},"type":"StateSet","version":1,"payload":{"key":"state","name":"s","value":"${value}${seq}"}}`;
  }
  const { copies } = runtime.store;
  if (copies === undefined) expect.unreachable();
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const before = process.memoryUsage().heapUsed;
  let most = 0;
  const look = (): void => {
    // What is held counts, and not what was dropped.
    collect();
    most = Math.max(most, process.memoryUsage().heapUsed - before);
  };
  function* watched(): Generator<string, void, void> {
    let n = 0;
    for (const each of lines()) {
      n += 1;
      if (n % 250 === 0) look();
      yield each;
    }
  }
  expect(importText(copies, watched, {}, 0)).toMatchObject([{ events, outcome: 'imported' }]);
  let chars = 0;
  let pieces = 0;
  for (const piece of runtime.copies.export('long')) {
    chars += piece.length;
    pieces += 1;
    if (pieces % 250 === 0) look();
  }
  expect(pieces).toBe(events + 1);
  expect(chars).toBeGreaterThan(30_000_000);
  expect(most).toBeLessThan(15_000_000);
  await runtime.close();
}, 60_000);
