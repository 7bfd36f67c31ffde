import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RestateClient } from '../src/client.ts';
import { register } from '../src/register.ts';
import { journalOf } from './journal.fixture.ts';
import { programs } from './random-process.fixture.ts';
import { RestateServer, serverProgram } from './server.fixture.ts';
import { wrongIn } from './trial.fixture.ts';
import { Workers } from './worker.fixture.ts';

const program = serverProgram();
const RUNS = 20;

describe.skipIf(program === undefined)('random programs while workers are killed', () => {
  let server: RestateServer;
  let workers: Workers;

  beforeAll(async () => {
    server = await RestateServer.start(String(program));
    workers = new Workers(server.folder);
    await workers.start();
    await Promise.all([workers.start(), workers.start()]);
    await register(server.admin, `http://127.0.0.1:${workers.port}`);
  });

  afterAll(async () => {
    await workers.close();
    await server.close();
  });

  it('end as the model says, and no completed task runs again', async () => {
    const client = new RestateClient({ ingress: server.ingress });
    const chosen = programs(0, RUNS);
    const runs = await Promise.all(
      chosen.map((each) =>
        client.start<{ seed: number }, unknown>('random', { seed: each.seed }, { id: `seed-${each.seed}` }),
      ),
    );
    const killed = await workers.killBusy(6, 4);
    expect(killed, 'workers that were killed').toBeGreaterThan(2);
    const results = runs.map((run) => run.result());
    await Promise.allSettled(results);
    const seen = workers.invocations;
    const moved = chosen.filter(
      ({ seed }) =>
        new Set(seen.filter(({ runId }) => runId === `seed-${seed}`).map(({ pid }) => pid)).size > 1,
    );
    expect(moved.length, 'runs that went on in another program').toBeGreaterThan(0);
    for (const [i, each] of chosen.entries()) {
      const runId = `seed-${each.seed}`;
      const journal = await journalOf(server, runId);
      const problem = await wrongIn(
        each,
        journal,
        results[i] ?? Promise.resolve(),
        seen.filter((one) => one.runId === runId),
      );
      expect(problem, runId).toBeUndefined();
    }
  });
});
