import { defineProcess, defineTask, type PoolPlan, type ProcessDefinition } from '@pawl/sdk';
import { NEVER } from '@pawl/runtime';
import { encodePayload } from '@pawl/runtime/elsewhere';
import { describe, expect, it } from 'vitest';
import { serve, type ServeOptions } from '../src/index.ts';
import type { ResolvedOptions } from '../src/options.ts';
import { poolsOfAll, refusing } from '../src/refusals.ts';
import { RunSession } from '../src/run-session.ts';

const nothing = defineProcess({ name: 'nothing', run: async (_: null) => 1 });

const named = (name: string): ProcessDefinition<null, number> =>
  defineProcess({ name, run: async (_: null) => 1 });
const inline = defineTask({ name: 'near', run: async () => 1 });
const remote = defineTask({ name: 'far', remote: true, run: async () => 1 });
const pooled = defineTask({ name: 'far', remote: true, pool: 'gpu', run: async () => 1 });
const REMOTE = { ingress: 'http://127.0.0.1:8080' };

describe('calls that have no place on Restate are refused by name', () => {
  const plain = { pool: null, isRead: false };
  const none: ReadonlyMap<string, PoolPlan> = new Map();
  const pools = poolsOfAll({ ...REMOTE, pools: { gpu: 2 } });

  it.for([
    ['a remote task, without an ingress', refusing({}, none), remote, plain, /remote of task 'far'.*ingress/],
    [
      'ctx.stream of a remote task',
      refusing(REMOTE, none),
      remote,
      { ...plain, isRead: true },
      /remote of task 'far'.*ctx.stream/,
    ],
    [
      'a task here, in a pool of all',
      refusing(REMOTE, pools),
      inline,
      { ...plain, pool: 'gpu' },
      /pool of task 'near'.*not remote.*boundsPerRun: true.*or say remote: true/,
    ],
    [
      'a name that no service has',
      refusing(REMOTE, none),
      { ...remote, name: 'a b' },
      plain,
      /'remote' must be left out of a task whose name/,
    ],
  ] as const)('%s', ([, refuse, task, asked, says]) => {
    expect(() => refuse(task, asked)).toThrow(says);
  });

  it('and others are taken', () => {
    expect(refusing(REMOTE, pools)(pooled, { pool: 'gpu', isRead: false })).toBe(pooled);
    expect(refusing(REMOTE, pools)(inline, { pool: 'own', isRead: true })).toBe(inline);
    expect(refusing({ remoteHere: true }, new Map())(remote, { pool: null, isRead: true })).toBe(remote);
    const perRun = { ...REMOTE, boundsPerRun: true };
    expect(refusing(perRun, pools)(inline, { pool: 'gpu', isRead: false })).toBe(inline);
  });
});

describe('what is not there on Restate is refused when a worker starts', () => {
  it.for([
    ['path', { path: 'journal.db' }, /'path' must be left out: there is no journal file/],
    ['encryption', { encryption: { key: 'k' } }, /'encryption' must be left out: values are kept by Restate/],
    ['secretKey', { secretKey: 'k' }, /'secretKey' must be left out/],
    ['telemetry', { telemetry: {} }, /'telemetry' must be left out/],
    ['check', { check: true }, /'check' must be left out/],
    ['a word that nobody knows', { ports: 1 }, /'ports' must be one of admin, boundsPerRun/],
    ['pools', { pools: { gpu: 2 } }, /'pools' must be left out on Restate.*boundsPerRun: true/],
    [
      'a pool with what no holder of slots does',
      { ...REMOTE, pools: { gpu: { maxConcurrent: 2, weight: 3 } } },
      /'pools.gpu.weight' must be left out on Restate.*takes maxConcurrent and limits/,
    ],
    ['a bound of all tasks', { ...REMOTE, pools: { '': 2 } }, /tasks that name no pool are not bound/],
    [
      'both',
      { ...REMOTE, remoteHere: true },
      /'remoteHere' must be left out where remote tasks are asked for/,
    ],
    ['an ingress that is none', { ingress: 'localhost' }, /'ingress' must be an address such as http:/],
    ['nothing to do', { processes: [] }, /'processes' must be at least one, or one of tasks/],
    ['a process named as tasks are', { processes: [named('task.x')] }, /do not begin with 'task.'/],
    ['a task that is not remote', { tasks: [inline] }, /'tasks' must be tasks with remote: true/],
    ['what is no task', { tasks: [nothing] } as never, /'tasks' must be tasks made by defineTask/],
    [
      'a task whose name is none',
      { tasks: [{ ...remote, name: 'a b' }] },
      /'remote' must be left out of a task/,
    ],
    ['a task twice', { tasks: [remote, { task: remote }] }, /'tasks' must be a name of its own/],
    [
      'concurrency of nothing',
      { tasks: [{ task: remote, concurrency: 0 }] },
      /'concurrency of task 'far'' must be an integer >= 1/,
    ],
    [
      'concurrency beside a pool',
      { tasks: [{ task: pooled, concurrency: 2 }] },
      /left out of a task in pool 'gpu': what waits for this worker/,
    ],
  ] as const)('%s', async ([, given, says]) => {
    // As a caller without types would.
    const options = { processes: [nothing], port: 0, ...given } as ServeOptions;
    await expect(serve(options)).rejects.toThrow(says);
  });

  it('and pools are taken where it is said that they bound one run', async () => {
    await using worker = await serve({
      processes: [nothing],
      port: 0,
      pools: { gpu: 2 },
      boundsPerRun: true,
    });
    expect(worker.port).toBeGreaterThan(0);
  });
});

describe('messages for runs that are not there', () => {
  const options: ResolvedOptions = {
    processes: [nothing],
    restAfterMs: 50,
    suspendAfterMs: 60_000,
    attempts: new Set(),
    standIn: (task) => task,
    runtime: {},
  };
  const request = { inputs: encodePayload('The input', null, 100) };

  it('are kept up to a bound, and told of beyond it', () => {
    const warned: string[] = [];
    const runtime = { onWarning: (runId: string, message: string) => warned.push(`${runId}: ${message}`) };
    const session = new RunSession('run', request, nothing, { ...options, runtime });
    for (let i = 0; i < 1002; i += 1)
      session.deliver({ to: 'ghost', message: { kind: 'cancel', id: `m${i}`, reason: 'test' } });
    expect(warned).toEqual(
      Array(2).fill('run: A message for run ghost is not kept: 1000 wait for runs that are not there.'),
    );
  });

  it('reach a run that begins in the same attempt', async () => {
    const child = defineProcess({ name: 'child', run: (_: null, ctx) => ctx.receive('word') });
    const parent = defineProcess({
      name: 'parent',
      run: async (_: null, ctx) => {
        await ctx.sleep(1);
        return ctx.run(child, null, { id: 'child' });
      },
    });
    const session = new RunSession('run', request, parent, { ...options, processes: [parent, child] });
    try {
      session.recorded(await session.next());
      const word = { kind: 'signal', id: 'word', name: 'word', payload: 'heard' } as const;
      session.deliver({ to: 'child', message: word });
      for (;;) {
        const next = session.recorded(await session.next());
        expect(next.type === 'rest' && next.wakeAt === NEVER, 'nobody would wake it').toBe(false);
        if (next.type !== 'ended') continue;
        expect(next.result).toMatchObject({ event: { type: 'RunSucceeded', output: 'heard' } });
        return;
      }
    } finally {
      await session.drop();
    }
  });
});
