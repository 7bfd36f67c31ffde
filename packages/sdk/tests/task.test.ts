import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import {
  checkSettings,
  defineProcess,
  defineTask,
  InvalidOptionError,
  shellTask,
  type TaskContext,
} from '../src/index.ts';

const context: TaskContext = {
  signal: new AbortController().signal,
  attempt: 1,
  idempotencyKey: 'i',
  runId: 'r',
  key: '0',
  log: Object.assign(() => undefined, {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: () => undefined,
  }),
  heartbeat: () => undefined,
  progress: async () => undefined,
  reconcile: () => undefined,
  receive: () => Promise.reject(new Error('no messages here')),
};

/** What a definition asks for, given arguments. */
const build = (
  task: { readonly build: (args: never, task: TaskContext) => unknown },
  args?: unknown,
): unknown => task.build(args as never, context);

describe('defineTask', () => {
  it('of a function: settings apart from what is run', () => {
    const run = (n: number): number => n + 1;
    const input = z.number();
    const output = z.number();
    const task = defineTask({
      name: 'add',
      run,
      input,
      output,
      timeout: '5s',
      retry: { attempts: 2 },
      pool: 'p',
      version: 2,
    });
    expect(task).toMatchObject({
      name: 'add',
      settings: { timeout: '5s', retry: { attempts: 2 }, pool: 'p', version: 2 },
      input,
      output,
    });
    const spec = build(task, 1) as { kind: string; run: () => unknown };
    expect(spec.kind).toBe('function');
    expect(spec.run()).toBe(2);
  });

  it('hands arguments and context to the function, when the description is run and not before', () => {
    const seen: unknown[] = [];
    const task = defineTask({ name: 'see', run: (...all: [number, TaskContext]) => void seen.push(...all) });
    const spec = build(task, 5) as { run: () => unknown };
    expect(seen).toEqual([]);
    spec.run();
    expect(seen).toEqual([5, context]);
  });

  it('of a builder', () => {
    const task = defineTask('list', (folder: string) => ({ kind: 'shell', command: ['ls', folder] }), {
      timeout: 5,
    });
    expect(task).toMatchObject({ name: 'list', settings: { timeout: 5 } });
    expect(build(task, '.')).toEqual({ kind: 'shell', command: ['ls', '.'] });
    expect(defineTask('plain', () => ({ kind: 'shell', command: 'true' })).settings).toEqual({});
  });

  const run = (): number => 1;
  const refused: Record<string, { task: () => unknown; option: string }> = {
    'no name': { task: () => defineTask({ run } as never), option: 'name' },
    'an empty name': { task: () => defineTask({ name: '', run }), option: 'name' },
    'a name that is no text': { task: () => defineTask({ name: 5, run } as never), option: 'name' },
    'an empty name of a builder': {
      task: () => defineTask('', () => ({ kind: 'shell', command: 'x' })),
      option: 'name',
    },
    'no function': { task: () => defineTask({ name: 'x' } as never), option: 'run' },
    'a function that is none': { task: () => defineTask({ name: 'x', run: 'run' } as never), option: 'run' },
    'no builder': { task: () => defineTask('x', undefined as never), option: 'build' },
    'a builder that is none': { task: () => defineTask('x', { kind: 'shell' } as never), option: 'build' },
    'a setting that there is not': {
      task: () => defineTask({ name: 'x', run, retries: 3 } as never),
      option: 'retries',
    },
    'a setting of a builder that there is not': {
      task: () => defineTask('x', () => ({ kind: 'shell', command: 'x' }), { retries: 3 } as never),
      option: 'retries',
    },
    'no attempt': {
      task: () => defineTask({ name: 'x', run, retry: { attempts: 0 } }),
      option: 'retry.attempts',
    },
    'a timeout of 0': { task: () => defineTask({ name: 'x', run, timeout: 0 }), option: 'timeout' },
    'a timeout below 0': { task: () => defineTask({ name: 'x', run, timeout: -5 }), option: 'timeout' },
    'a deadline of 0': { task: () => defineTask({ name: 'x', run, deadline: '0s' }), option: 'deadline' },
    'a deadline that is no duration': {
      task: () => defineTask({ name: 'x', run, deadline: 'soon' }),
      option: 'deadline',
    },
    'a heartbeat of 0': {
      task: () => defineTask({ name: 'x', run, heartbeatTimeout: 0 }),
      option: 'heartbeatTimeout',
    },
    'an unknown policy': {
      task: () => defineTask({ name: 'x', run, onUnknown: 'ignore' } as never),
      option: 'onUnknown',
    },
    'a policy without its function': {
      task: () => defineTask({ name: 'x', run, onUnknown: 'check' }),
      option: 'check',
    },
    'maxUnknown below 0': {
      task: () => defineTask({ name: 'x', run, maxUnknown: -1 }),
      option: 'maxUnknown',
    },
    'maxUnknown that is no integer': {
      task: () => defineTask({ name: 'x', run, maxUnknown: 1.5 }),
      option: 'maxUnknown',
    },
  };
  it.each(Object.entries(refused))('refuses %s', (_, { task, option }) => {
    expect(task).toThrow(InvalidOptionError);
    expect(task).toThrow(new RegExp(`^Option '${option}' must be `));
  });

  const open: Record<string, () => unknown> = {
    'a pool that is no text': () => defineTask({ name: 'x', run, pool: 5 } as never),
    // It is the name of the pool of those that name none.
    'an empty pool': () => defineTask({ name: 'x', run, pool: '' }),
    'a version that is an object': () => defineTask({ name: 'x', run, version: {} } as never),
    'a schema that is none': () => defineTask({ name: 'x', run, input: { type: 'object' } } as never),
    'a check that is no function': () =>
      defineTask({ name: 'x', run, onUnknown: 'check', check: 'ask' } as never),
    'a circuit without a threshold': () => defineTask({ name: 'x', run, circuit: { openFor: 5 } } as never),
    'a circuit of threshold 0': () => defineTask({ name: 'x', run, circuit: { threshold: 0, openFor: 5 } }),
    'a circuit that is open for no time': () =>
      defineTask({ name: 'x', run, circuit: { threshold: 1, openFor: 0 } }),
    'a circuit without a name': () =>
      defineTask({ name: 'x', run, circuit: { threshold: 1, openFor: 5, name: '' } }),
    'a circuit with half a trial': () =>
      defineTask({ name: 'x', run, circuit: { threshold: 1, openFor: 5, halfOpen: 0.5 } }),
    'a circuit with an option too many': () =>
      defineTask({ name: 'x', run, circuit: { threshold: 1, openFor: 5, timeout: 5 } } as never),
    'a cache for no time': () => defineTask({ name: 'x', run, cache: { ttl: 0 } }),
    'a cache whose key is no function': () =>
      defineTask({ name: 'x', run, cache: { ttl: 5, key: 'id' } } as never),
    'a cache that is a number': () => defineTask({ name: 'x', run, cache: 5 } as never),
    'a shouldRetry that is async': () =>
      defineTask({ name: 'x', run, retry: { attempts: 2, shouldRetry: async () => false } } as never),
    'settings that are null': () => defineTask('x', () => ({ kind: 'shell', command: 'x' }), null as never),
    nothing: () => defineTask(undefined as never),
  };
  it.each(Object.entries(open))('refuses %s', (_, task) => {
    expect(task).toThrow(InvalidOptionError);
  });

  it('tells the value of a setting that there is not', () => {
    expect(() => checkSettings({ retries: 3 } as never)).toThrow(/it is 3\.$/);
  });
});

describe('shellTask', () => {
  it('builds a description, and puts commands in a pool of their own', () => {
    const task = shellTask({
      name: 'test',
      command: 'npm test',
      cwd: '/tmp',
      env: { CI: '1' },
      input: 'x',
      okExitCodes: [0, 1],
      maxOutputBytes: 10,
      timeout: '5m',
    });
    expect(task).toMatchObject({ name: 'test', settings: { timeout: '5m', pool: 'shell' } });
    expect(build(task)).toEqual({
      kind: 'shell',
      command: 'npm test',
      cwd: '/tmp',
      env: { CI: '1' },
      input: 'x',
      okExitCodes: [0, 1],
      maxOutputBytes: 10,
    });
    expect(shellTask({ name: 'x', command: 'true', pool: 'mine' }).settings.pool).toBe('mine');
  });

  it('leaves out what is not given', () => {
    expect(build(shellTask({ name: 'x', command: ['true'] }))).toEqual({ kind: 'shell', command: ['true'] });
  });

  it('makes the command of its arguments', () => {
    const task = shellTask({ name: 'ls', command: ({ folder }: { folder: string }) => ['ls', folder] });
    expect(build(task, { folder: 'src' })).toEqual({ kind: 'shell', command: ['ls', 'src'] });
  });

  const refused: Record<string, { task: () => unknown; option: string }> = {
    'no name': { task: () => shellTask({ command: 'true' } as never), option: 'name' },
    'an option that there is not': {
      task: () => shellTask({ name: 'x', command: 'true', shell: true } as never),
      option: 'shell',
    },
    'a bad timeout': { task: () => shellTask({ name: 'x', command: 'true', timeout: 0 }), option: 'timeout' },
    'a check without its function': {
      task: () => shellTask({ name: 'x', command: 'true', onUnknown: 'check' }),
      option: 'check',
    },
  };
  it.each(Object.entries(refused))('refuses %s', (_, { task, option }) => {
    expect(task).toThrow(InvalidOptionError);
    expect(task).toThrow(new RegExp(`^Option '${option}' must be `));
  });

  const open: Record<string, object> = {
    'no command': {},
    'an empty command': { command: '' },
    'an empty list': { command: [] },
    'a command that is a number': { command: 5 },
    'a list with a number': { command: ['ls', 5] },
    'a folder that is a number': { command: 'true', cwd: 5 },
    'an environment that is a list': { command: 'true', env: ['A=1'] },
    'exit codes that are one number': { command: 'true', okExitCodes: 0 },
    'an exit code that is a text': { command: 'true', okExitCodes: ['0'] },
    'a bound below 0': { command: 'true', maxOutputBytes: -1 },
    'a bound that is no number': { command: 'true', maxOutputBytes: Number.NaN },
  };
  it.each(Object.entries(open))('refuses %s', (_, options) => {
    expect(() => shellTask({ name: 'x', ...options } as never)).toThrow(InvalidOptionError);
  });
});

describe('defineProcess', () => {
  const run = (): number => 1;
  it('gives back what it was given', () => {
    const definition = { name: 'p', run };
    expect(defineProcess(definition)).toBe(definition);
  });

  it.each([
    ['name', { run }],
    ['name', { name: '', run }],
    ['name', { name: 5, run }],
    ['run', { name: 'p' }],
    ['run', { name: 'p', run: 'go' }],
  ])('refuses a bad %s', (option, definition) => {
    expect(() => defineProcess(definition as never)).toThrow(InvalidOptionError);
    expect(() => defineProcess(definition as never)).toThrow(new RegExp(`^Option '${option}' must be `));
  });
});
