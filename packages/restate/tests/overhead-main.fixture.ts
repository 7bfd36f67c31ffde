/**
 * What our layer adds to a step, beside Restate's own SDK used directly, in turns and on one server: ms a step. How many
 * steps, how many rounds, how long a step takes in ms, how many runs go on at once; with `map` behind them the steps of a
 * run are side by side, and not one after the other.
 *
 *     node --conditions=source packages/restate/tests/overhead-main.fixture.ts 200 5 2
 *     node --conditions=source packages/restate/tests/overhead-main.fixture.ts 150 7 0 20 map
 */
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { loadavg } from 'node:os';
import { argv, stdout } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { defineProcess, defineTask } from '@pawl/sdk';
import {
  createEndpointHandler,
  RestatePromise,
  workflow,
  type WorkflowContext,
} from '@restatedev/restate-sdk';
import { connect } from '@restatedev/restate-sdk-clients';
import { RestateClient, serve } from '../src/index.ts';
import { register } from '../src/register.ts';
import { RestateServer, serverProgram } from './server.fixture.ts';

interface Sample {
  readonly ms: number;
  readonly cpuMs: number;
  readonly serverCpuMs: number;
}

const WARM_UP = 5;

const quantile = (all: readonly number[], share: number): number =>
  all.toSorted((a, b) => a - b)[Math.floor(all.length * share)] ?? Number.NaN;
const median = (all: readonly number[]): number => quantile(all, 0.5);

const [steps = 200, rounds = 5, stepMs = 0, atOnce = 1] = argv.slice(2, 6).map(Number);
const isMap = argv[6] === 'map';
const numbers = Array.from({ length: steps }, (_, n) => n);

async function work(n: number): Promise<number> {
  if (stepMs > 0) await delay(stepMs);
  return n;
}

const step = defineTask({ name: 'step', run: ({ n }: { n: number }) => work(n) });
const ours = defineProcess({
  name: 'ours',
  run: async (_: null, ctx) => {
    if (isMap) await ctx.parallel.map(numbers, (n) => ctx.task(step, { n }));
    else for (const n of numbers) await ctx.task(step, { n });
  },
});
const direct = workflow({
  name: 'direct',
  handlers: {
    run: async (ctx: WorkflowContext) => {
      if (isMap) await RestatePromise.all(numbers.map((n) => ctx.run('step', () => work(n))));
      else for (const n of numbers) await ctx.run('step', () => work(n));
    },
  },
});

const server = await RestateServer.start(String(serverProgram()));
const plain = createServer(createEndpointHandler({ services: [direct] }));
await new Promise<void>((done) => plain.listen(0, '127.0.0.1', done));
await using worker = await serve({ processes: [ours], port: 0, admin: server.admin });
try {
  await register(server.admin, `http://127.0.0.1:${(plain.address() as AddressInfo).port}`);
  const client = new RestateClient({ ingress: server.ingress });
  const ingress = connect({ url: server.ingress });
  const runs = {
    ours: async (id: string) => (await client.start(ours, null, { id })).result(),
    direct: async (id: string) => {
      const run = ingress.workflowClient<{ run: (ctx: WorkflowContext) => Promise<void> }>(direct, id);
      await run.workflowSubmit();
      await run.workflowAttach();
    },
  };
  const rows: Record<keyof typeof runs, Sample[]> = { ours: [], direct: [] };
  for (let round = -WARM_UP; round < rounds; round += 1) {
    // In turns who is first, and the first rounds warm up: what is compiled late costs several times as much until then.
    for (const name of round % 2 === 0 ? (['direct', 'ours'] as const) : (['ours', 'direct'] as const)) {
      const from = performance.now();
      const cpu = process.cpuUsage();
      const serverCpu = server.cpuMs();
      await Promise.all(Array.from({ length: atOnce }, (_, i) => runs[name](`${name}-${round}-${i}`)));
      const { user, system } = process.cpuUsage(cpu);
      if (round < 0) continue;
      rows[name].push({
        ms: (performance.now() - from) / steps / atOnce,
        cpuMs: (user + system) / 1000 / steps / atOnce,
        serverCpuMs: (server.cpuMs() - serverCpu) / steps / atOnce,
      });
    }
  }
  const medians = (samples: readonly Sample[]): Sample => ({
    ms: median(samples.map(({ ms }) => ms)),
    cpuMs: median(samples.map(({ cpuMs }) => cpuMs)),
    serverCpuMs: median(samples.map(({ serverCpuMs }) => serverCpuMs)),
  });
  const ratios = rows.ours.map(({ ms }, i) => ms / (rows.direct[i]?.ms ?? Number.NaN));
  stdout.write(
    `${JSON.stringify({ steps, rounds, atOnce, stepMs, direct: medians(rows.direct), ours: medians(rows.ours), ratio: median(ratios), quartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)], load: loadavg()[0] })}\n`,
  );
} finally {
  await worker.close();
  plain.close();
  await server.close();
}
