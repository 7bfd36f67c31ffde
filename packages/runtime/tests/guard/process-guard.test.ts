import childProcess, { spawnSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import fs, { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as wait } from 'node:timers/promises';
import { defineTask, type Context, type Process } from '@pawl/sdk';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openRuntime, RuntimeError, type RuntimeOptions } from '../../src/index.ts';
import { MemoryStore } from '../../src/testing.ts';

const folder = mkdtempSync(join(tmpdir(), 'pawl-guard-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, 'file.txt');
writeFileSync(file, '');

const step = defineTask({ name: 'step', run: (n: number) => n });

/** What is told of a run that ends. */
async function warned(process: Process<never, unknown>, options: RuntimeOptions = {}): Promise<string[]> {
  const warnings: string[] = [];
  await using runtime = await openRuntime({
    store: new MemoryStore(),
    guard: 'warn',
    onWarning: (_, message) => {
      // A listener is no process code, whoever makes us call it.
      warnings.push(message, ...(Date.now() > 0 ? [] : ['never']));
    },
    ...options,
  });
  await runtime.start(process, null as never).result();
  return warnings;
}

const HERE = import.meta.filename;

describe('process code that calls', () => {
  const calls: Readonly<Record<string, () => unknown>> = {
    'Math.random': () => Math.random(),
    'Date.now': () => Date.now(),
    'new Date()': () => new Date(),
    'performance.now': () => performance.now(),
    'process.hrtime': () => process.hrtime(),
    'process.hrtime.bigint': () => process.hrtime.bigint(),
    'crypto.randomUUID': () => crypto.randomUUID(),
    'crypto.getRandomValues': () => crypto.getRandomValues(new Uint8Array(1)),
    'fs.readFileSync': () => readFileSync(file),
    'fs.appendFileSync': () => appendFileSync(file, ''),
    'fs.promises.readFile': () => fs.promises.readFile(file),
    'fs.stat': () => fs.stat(file, () => undefined),
    fetch: () => fetch('data:,x'),
    setTimeout: () => new Promise((resolve) => void setTimeout(resolve, 0)),
    setImmediate: () => new Promise((resolve) => void setImmediate(resolve)),
    setInterval: () => clearInterval(setInterval(() => undefined, 1000)),
    'timers/promises.setTimeout': () => wait(0),
    'child_process.spawnSync': () => spawnSync('true'),
  };

  it.each(Object.entries(calls))('%s is named, with its place, once', async (name, call) => {
    const [warning = '', ...more] = await warned(async (_, ctx) => {
      for (let i = 0; i < 3; i += 1) {
        await ctx.task(step, i, { key: `${i}` });
        await call();
      }
    });
    expect(warning).toMatch(
      new RegExp(`^process code calls ${name.replaceAll(/[().]/g, '\\$&')} at .*:\\d+:\\d+: each replay`),
    );
    expect(warning).toContain(HERE);
    expect(more).toEqual([]);
  });

  it('several at several places, in branches and behind a call that failed, each', async () => {
    const warnings = await warned(async (_, ctx: Context) => {
      await ctx.parallel.all([async () => Math.random(), async () => Array.from({ length: 2 }, Math.random)]);
      await ctx.task(step, 1).finally(() => Date.now());
    });
    expect(warnings.map((text) => / calls (\S+) /.exec(text)?.[1])).toEqual([
      'Math.random',
      'Math.random',
      'Date.now',
    ]);
  });
});

describe('nothing is told of', () => {
  const emitter = new EventEmitter();
  const noisy = defineTask({
    name: 'noisy',
    input: z.object({ at: z.date().default(() => new Date()) }),
    run: async () => {
      await wait(1);
      setTimeout(() => emitter.emit('late', Date.now()), 0);
      appendFileSync(file, `${Math.random()}`);
      return { at: new Date().getTime() > 0, read: readFileSync(file, 'utf8').length > 0 };
    },
  });

  it('tasks, sources, schemas of tasks, and what builds an external task', async () => {
    const asked = defineTask('asked', () => ({
      kind: 'agent',
      text: `${readFileSync(file, 'utf8').length} at ${Date.now()}`,
    }));
    const process: Process<never, unknown> = async (_, ctx) => {
      await ctx.task(noisy, {});
      const source = ctx.source('numbers', async function* () {
        yield { item: Date.now(), cursor: 1 };
        await wait(1);
        yield { item: Math.random(), cursor: 2 };
      });
      for await (const each of source) ctx.log(each);
      await Promise.race([ctx.task(asked), ctx.sleep(1)]);
    };
    expect(await warned(process, { onLog: () => void Date.now() })).toEqual([]);
  });

  it('a date that is made of a value, and dates stay dates', async () => {
    const process: Process<never, unknown> = async (_, ctx) => {
      const at = ctx.now();
      const copy = new Date(at);
      class Day extends Date {}
      return [
        copy.constructor === Date,
        copy instanceof Date,
        new Day(0) instanceof Day,
        Date.UTC(2026, 0),
        Date.parse('2026-01-01'),
        typeof Date(),
      ];
    };
    const warnings = await warned(process);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('new Date()');
    let seen: unknown;
    await warned(async (inputs, ctx) => {
      seen = await process(inputs, ctx);
    });
    expect(seen).toEqual([true, true, true, 1_767_225_600_000, 1_767_225_600_000, 'string']);
  });

  it('a module that process code loads, and what it does there', async () => {
    const module = join(folder, 'loaded.mjs');
    writeFileSync(
      module,
      'export const at = [Date.now(), Math.random()];\nsetTimeout(() => undefined, 0);\nexport const f = () => at;\n',
    );
    const commonJs = join(folder, 'loaded.cjs');
    writeFileSync(commonJs, 'module.exports = [Date.now(), Math.random()];\n');
    const process: Process<never, unknown> = async (_, ctx) => {
      await import(pathToFileURL(module).href);
      await import(pathToFileURL(commonJs).href);
      await ctx.task(step, 1);
    };
    expect(await warned(process)).toEqual([]);
  });

  it('a library: a logger with its time and its file', async () => {
    const library = join(folder, 'node_modules', 'logger');
    mkdirSync(library, { recursive: true });
    writeFileSync(
      join(library, 'index.mjs'),
      `import { appendFileSync } from 'node:fs';
       export const log = (text) => appendFileSync(${JSON.stringify(file)}, \`\${new Date().toISOString()} \${text}\`);
       export const timed = async (promise) => { const t = performance.now(); await promise; return performance.now() - t > -1; };`,
    );
    const { log, timed } = (await import(pathToFileURL(join(library, 'index.mjs')).href)) as {
      log(text: string): void;
      timed(promise: Promise<unknown>): Promise<boolean>;
    };
    const process: Process<never, unknown> = async (_, ctx) => {
      log('one');
      console.error('%s', '');
      await timed(ctx.task(step, 1));
      await ctx.task(step, 2);
      AbortSignal.timeout(1000);
    };
    expect(await warned(process)).toEqual([]);
  });

  it('code of the program beside the run, and of a run that has ended', async () => {
    const later = Promise.withResolvers<void>();
    const beside = setInterval(() => Date.now() + Math.random(), 1);
    const warnings = await warned(async (_, ctx) => {
      void later.promise.then(() => Date.now());
      await ctx.sleep(5);
    });
    later.resolve();
    await wait(1);
    clearInterval(beside);
    expect(warnings).toEqual([]);
  });
});

describe('as an error', () => {
  const impure = async (isRight: boolean, ctx: Context): Promise<unknown> => {
    const first = await ctx.task(step, 1);
    const others = ctx.parallel.all([
      async () => {
        await ctx.task(step, 2);
        if (!isRight) appendFileSync(file, 'effect');
        return ctx.task(step, 3);
      },
      () => ctx.task(step, 4),
    ]);
    // Neither this nor what it asks for then hides it.
    const sum = await others.then(
      ([a, b]) => a + b,
      async () => (await ctx.task(step, 100)) as number,
    );
    return first + sum;
  };

  it('the call throws, what is recorded stays, and the run goes on with code that is right', async () => {
    const store = new MemoryStore();
    writeFileSync(file, '');
    const broken = async (_: null, ctx: Context): Promise<unknown> => impure(false, ctx);
    const runtime = await openRuntime({ store, guard: 'error' });
    const error: unknown = await runtime
      .start(broken, null, { id: 'r' })
      .result()
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RuntimeError);
    expect(error).toMatchObject({
      code: 'NON_DETERMINISM',
      exitCode: 7,
      hint: 'Put it right, then: pawl resume r',
      data: { call: 'fs.appendFileSync', where: expect.stringContaining(HERE), runId: 'r' },
    });
    expect(readFileSync(file, 'utf8')).toBe('');
    const types = store.read('r', 0, 100).map(({ event }) => event.type);
    expect(types).not.toContain('ScopeClosed');
    expect(types.filter((type) => type === 'TaskScheduled')).toHaveLength(3);
    // What was done is not done again.
    await expect(runtime.resume('r', broken).result()).rejects.toMatchObject({ code: 'NON_DETERMINISM' });
    expect(store.read('r', 0, 100)).toHaveLength(types.length);
    const right = async (_: null, ctx: Context): Promise<unknown> => impure(true, ctx);
    expect(await runtime.resume('r', right as never).result()).toBe(1 + 3 + 4);
    await runtime.close();
  });

  it('is what strict means, where nothing else is said', async () => {
    await using runtime = await openRuntime({ store: new MemoryStore(), strict: true });
    await expect(runtime.start(async () => Date.now(), null).result()).rejects.toMatchObject({
      code: 'NON_DETERMINISM',
    });
    await using mild = await openRuntime({ store: new MemoryStore(), strict: true, guard: 'off' });
    expect(await mild.start(async () => Date.now() > 0, null).result()).toBe(true);
  });
});

describe('what is replaced', () => {
  const now = (): unknown[] => [
    Date,
    Date.now,
    Math.random,
    performance.now,
    process.hrtime,
    process.hrtime.bigint,
    fetch,
    setTimeout,
    appendFileSync,
    fs.promises.readFile,
    childProcess.spawnSync,
    Date.prototype.constructor,
    Object.getOwnPropertyDescriptor(crypto, 'randomUUID'),
  ];

  it('is back when the last runtime with a guard is closed, and never replaced without one', async () => {
    const before = now();
    const open = (guard?: 'warn' | 'off'): ReturnType<typeof openRuntime> =>
      openRuntime({ store: new MemoryStore(), ...(guard === undefined ? {} : { guard }) });
    await using quiet = await open();
    await using off = await open('off');
    expect(now()).toEqual(before);
    const [first, second] = [await open('warn'), await open('warn')];
    expect(Date).not.toBe(before[0]);
    await first.close();
    await first.close();
    expect(Date).not.toBe(before[0]);
    await second.close();
    for (const [i, value] of now().entries()) expect(value).toEqual(before[i]);
    expect(Date).toBe(before[0]);
    expect([quiet.isIdle, off.isIdle]).toEqual([true, true]);
  });

  it('stays as others have replaced it since', async () => {
    const { random } = Math;
    const runtime = await openRuntime({ store: new MemoryStore(), guard: 'warn' });
    const theirs = (): number => 0.5;
    Math.random = theirs;
    await runtime.close();
    expect(Math.random).toBe(theirs);
    Math.random = random;
  });

  it('is not piled up by fake timers that were in place meanwhile', async () => {
    const before = Date;
    const runtime = await openRuntime({ store: new MemoryStore(), guard: 'warn' });
    const replaced = Date;
    globalThis.Date = before;
    await runtime.close();
    globalThis.Date = replaced;
    const again = await openRuntime({ store: new MemoryStore(), guard: 'warn' });
    await again.close();
    expect(Date).toBe(before);
  });

  it('is told of by Node where nobody listens', async () => {
    const told = new Promise<Error>((resolve) => process.once('warning', resolve));
    await using runtime = await openRuntime({ store: new MemoryStore(), guard: 'warn' });
    await runtime.start(async () => void Math.random(), null, { id: 'r' }).result();
    expect(await told).toMatchObject({
      name: 'PawlWarning',
      message: expect.stringMatching(/^Run r: process code calls Math\.random at /),
    });
  });

  it.each(['on', true, null])('a guard is not %o', async (guard) => {
    await expect(openRuntime({ store: new MemoryStore(), guard: guard as never })).rejects.toThrow('guard');
  });
});
