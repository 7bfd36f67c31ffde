import { defineProcess } from '@pawl/sdk';
import { NEVER } from '@pawl/runtime';
import { encodePayload } from '@pawl/runtime/elsewhere';
import { describe, expect, it } from 'vitest';
import { serve, type ServeOptions } from '../src/index.ts';
import type { ResolvedOptions } from '../src/options.ts';
import { RunSession } from '../src/run-session.ts';

const nothing = defineProcess({ name: 'nothing', run: async (_: null) => 1 });

describe('what is not there on Restate is refused when a worker starts', () => {
  it.for([
    ['path', { path: 'journal.db' }, /'path' must be left out: there is no journal file/],
    ['encryption', { encryption: { key: 'k' } }, /'encryption' must be left out: values are kept by Restate/],
    ['secretKey', { secretKey: 'k' }, /'secretKey' must be left out/],
    ['telemetry', { telemetry: {} }, /'telemetry' must be left out/],
    ['check', { check: true }, /'check' must be left out/],
    ['a word that nobody knows', { ports: 1 }, /'ports' must be one of admin, boundsPerRun/],
    ['pools', { pools: { gpu: 2 } }, /'pools' must be left out on Restate.*boundsPerRun: true/],
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
