/**
 * What a step costs on one node and on three, in turns, with one worker: how many steps a run, how many runs at once, how
 * many rounds, and how many bytes each step gives.
 *
 *     node --conditions=source packages/restate/tests/costs-main.fixture.ts 50 16 5 100
 */
import { loadavg } from 'node:os';
import { argv, stdout } from 'node:process';
import { defineProcess, defineTask } from '@pawl/sdk';
import { RestateClient, serve } from '../src/index.ts';
import { register } from '../src/register.ts';
import { RestateCluster } from './cluster.fixture.ts';
import { RestateServer, serverProgram } from './server.fixture.ts';

const [steps = 50, runs = 16, rounds = 5, bytes = 100] = argv.slice(2).map(Number);
const program = String(serverProgram());

const step = defineTask({ name: 'step', run: async ({ n }: { n: number }) => String(n).padEnd(bytes, '-') });
const costly = defineProcess({
  name: 'costs',
  run: async (_: null, ctx) => {
    for (let n = 0; n < steps; n += 1) await ctx.task(step, { n });
  },
});

interface Sample {
  /** From the first run's start to the last one's end, for each step of all. */
  readonly ms: number;
  readonly serverCpuMs: number;
  /** To disks, by all nodes: logs, state and what is written again when they are put in order. */
  readonly writtenBytes: number;
}

function median(all: readonly number[]): number {
  return all.toSorted((a, b) => a - b)[all.length >> 1] ?? Number.NaN;
}

const servers = { one: await RestateServer.start(program), three: await RestateCluster.start(program) };
await using worker = await serve({ processes: [costly], port: 0 });
try {
  const samples: Record<keyof typeof servers, Sample[]> = { one: [], three: [] };
  for (const server of Object.values(servers))
    await register(server.admin, `http://127.0.0.1:${worker.port}`);
  for (let round = -1; round < rounds; round += 1) {
    for (const name of ['one', 'three'] as const) {
      const server = servers[name];
      const client = new RestateClient({ ingress: server.ingress });
      const from = performance.now();
      const cpuFrom = server.cpuMs();
      const writtenFrom = server.writtenBytes();
      const started = Array.from({ length: runs }, (_, i) =>
        client.start(costly, null, { id: `r${round}.${i}` }),
      );
      for (const run of await Promise.all(started)) await run.result();
      const all = steps * runs;
      const sample = {
        ms: (performance.now() - from) / all,
        serverCpuMs: (server.cpuMs() - cpuFrom) / all,
        writtenBytes: (server.writtenBytes() - writtenFrom) / all,
      };
      // The first round warms up.
      if (round >= 0) samples[name].push(sample);
    }
  }
  const rows = await servers.one.sql<{ raw: string }>('select raw from sys_journal');
  // In hexadecimal digits.
  const journalBytes = rows.reduce((sum, { raw }) => sum + raw.length / 2, 0) / (steps * runs * (rounds + 1));
  const figures = (['one', 'three'] as const).map((nodes) => {
    const of = (what: keyof Sample): number => median(samples[nodes].map((sample) => sample[what]));
    return {
      nodes,
      ms: of('ms'),
      serverCpuMs: of('serverCpuMs'),
      writtenBytes: Math.round(of('writtenBytes')),
    };
  });
  const ratios = samples.three.map(({ ms }, i) => ms / (samples.one[i]?.ms ?? Number.NaN));
  const told = {
    steps,
    runs,
    rounds,
    bytes,
    figures,
    ratio: median(ratios),
    journalBytes: Math.round(journalBytes),
  };
  stdout.write(`${JSON.stringify({ ...told, load: loadavg()[0] })}\n`);
} finally {
  await worker.close();
  await Promise.all([servers.one.close(), servers.three.close()]);
}
