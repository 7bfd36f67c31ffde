import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { bytesIn, freePort, measure, PeerFailure } from './kit/peer.mjs';
import { finish } from './kit/perform.mjs';

const HERE = import.meta.dirname;
const BUILT = join(HERE, '.well-known', 'workflow', 'v1');
/** How often a run is asked whether it is complete; a handle would do it once a second. */
const POLL_MS = 5;

await measure({
  durability: 'files, no fsync',
  note: 'local world, its queue over HTTP to this process as in its frameworks; resume by start() of the world',
  most: { sequential: 200, fanOut: 100, runs: 50, resume: 200, payload: 100 },

  async serve(dir) {
    if (!existsSync(join(BUILT, 'flow.js'))) {
      rmSync(BUILT, { recursive: true, force: true });
      const stdio = ['ignore', 'ignore', 'inherit'];
      execFileSync(process.execPath, [join('node_modules', '.bin', 'workflow'), 'build'], {
        cwd: HERE,
        stdio,
      });
    }
    const env = { PORT: String(await freePort()), WORKFLOW_LOCAL_DATA_DIR: join(dir, 'workflow') };
    return { env, pids: () => [], stop() {} };
  },

  async open(dir) {
    const { start } = await import('workflow/api');
    const { getWorld } = await import('workflow/runtime');
    const require = createRequire(import.meta.url);
    const handlers = { flow: require(join(BUILT, 'flow.js')), step: require(join(BUILT, 'step.js')) };
    await listen(handlers);
    const world = getWorld();
    await world.start(); // Takes up what was left.
    const { workflows } = JSON.parse(readFileSync(join(BUILT, 'manifest.json'), 'utf8'));
    const { workflowId } = workflows['workflows/case.mjs'].run;
    return {
      async start(inputs) {
        const started = await Promise.all(inputs.map((input) => start({ workflowId }, [input])));
        const ids = started.map(({ runId }) => runId);
        if (ids.length === 0) ids.push((await world.runs.list({})).data[0].runId);
        for (const id of ids) {
          await completed(world, id);
          finish();
        }
      },
      sizes: async () => ({ diskBytes: bytesIn(join(dir, 'workflow'), { allocated: true }), walBytes: null }),
    };
  },
});

async function listen(handlers) {
  const server = createServer(async (request, response) => {
    const handler = handlers[request.url.split('/').at(-1)];
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, headers } = request;
    const answer = await handler.POST(
      new Request(`http://localhost${request.url}`, { method, headers, body: Buffer.concat(chunks) }),
    );
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise((done) => {
    server.listen(Number(process.env.PORT), 'localhost', done);
  });
}

async function completed(world, id) {
  for (;;) {
    const { status, error } = await world.runs.get(id);
    if (status === 'completed') return;
    if (status === 'failed') throw new PeerFailure(`run ${id} failed: ${JSON.stringify(error)}`);
    await delay(POLL_MS);
  }
}
