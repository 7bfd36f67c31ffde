/** A worker as a program of its own, for tests that kill it: it drives runs whose tasks are remote, or does these tasks. */
import { env } from 'node:process';
import { serve } from '../src/index.ts';
import { remoteWorld } from './remote.fixture.ts';

const world = remoteWorld(String(env['PAWL_FILE']));
const { work, asking, pooled } = world.tasks;

const worker = await serve({
  ...(env['PAWL_ROLE'] === 'driver'
    ? { processes: world.processes, ingress: String(env['PAWL_INGRESS']), pools: { gpu: 3 } }
    : { tasks: [work, asking, pooled] }),
  admin: String(env['PAWL_ADMIN']),
  port: Number(env['PAWL_PORT']),
  reusePort: true,
  restAfter: 50,
  suspendAfter: 1000,
  graceMs: 200,
});
process.stdout.write(`listens on ${worker.port}\n`);
