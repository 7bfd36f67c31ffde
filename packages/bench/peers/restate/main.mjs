import { openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http2';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { bytesIn, freePort, measure, PeerFailure, serverOf } from './kit/peer.mjs';
import { perform } from './kit/perform.mjs';

const START_MS = 30_000;
const WARM_UPS = 100;
/** All at once is far slower at 10,000 (its journal is a stream of messages): PEER_CHUNK=Infinity shows it. */
const CHUNK = Number(process.env.PEER_CHUNK ?? 100);

await measure({
  durability: 'RocksDB, fsync on (one node, defaults)',
  note: `fan-out in chunks of ${CHUNK}; resume has the wait of the server's retry in it`,

  async serve(dir) {
    const program = serverProgram();
    if (program === undefined) return { skipped: 'no restate-server for this platform in the npm registry' };
    const path = join(dir, 'restate.log');
    // The wrapper in the package would leave the real program behind when it is killed.
    const server = serverOf(program, ['--base-dir', join(dir, 'restate'), '--node-name', 'peer'], {
      signal: 'KILL',
      log: openSync(path, 'a'),
      env: {
        ...process.env,
        RESTATE_USE_RANDOM_PORTS: 'true',
        RESTATE_BIND_IP: '127.0.0.1',
        RESTATE_DISABLE_TELEMETRY: 'true',
        RESTATE_LOG_DISABLE_ANSI_CODES: 'true',
      },
    });
    const env = {
      PEER_INGRESS: await addressOf('http-ingress-server', path),
      PEER_ADMIN: await addressOf('admin-api-server', path),
      PEER_PORT: String(await freePort()),
      RESTATE_LOGGING: 'ERROR', // Of the SDK: else two lines an invocation.
    };
    return { ...server, env };
  },

  async open(dir, resumes) {
    const { createEndpointHandler, RestatePromise, workflow } = await import('@restatedev/restate-sdk');
    const { connect } = await import('@restatedev/restate-sdk-clients');
    const { PEER_INGRESS, PEER_ADMIN, PEER_PORT } = process.env;
    const service = workflow({
      name: 'case',
      handlers: {
        async run(ctx, input) {
          if (input === 'warm up') return;
          const all = async (thunks) => {
            const results = [];
            for (let i = 0; i < thunks.length; i += CHUNK) {
              results.push(...(await RestatePromise.all(thunks.slice(i, i + CHUNK).map((f) => f()))));
            }
            return results;
          };
          await perform(input, (name, fn) => ctx.run(name, fn), all);
        },
      },
    });
    await new Promise((done) => {
      createServer(createEndpointHandler({ services: [service] })).listen(
        Number(PEER_PORT),
        '127.0.0.1',
        done,
      );
    });
    const ingress = connect({ url: PEER_INGRESS });
    const each = (inputs, name, act) =>
      Promise.all(inputs.map((input, i) => act(ingress.workflowClient(service, `${name}-${i}`), input)));
    if (!resumes) {
      await register(PEER_ADMIN, `http://127.0.0.1:${PEER_PORT}`);
      // Until each partition of a new server has its leader, a call waits for seconds.
      await each(Array(WARM_UPS).fill('warm up'), 'warm-up', async (client, input) => {
        await client.workflowSubmit(input);
        await client.workflowAttach();
      });
    }
    return {
      start: (inputs) => each(inputs, 'run', (client, input) => client.workflowSubmit(input)),
      sizes: async () => ({ diskBytes: bytesIn(join(dir, 'restate'), { allocated: false }), walBytes: null }),
    };
  },
});

function serverProgram() {
  const require = createRequire(import.meta.url);
  try {
    const name = `@restatedev/restate-server-${process.platform}-${process.arch}/package.json`;
    return join(dirname(require.resolve(name)), 'bin', 'restate-server');
  } catch {
    return undefined;
  }
}

/** Ports are random, and the log tells them. */
async function addressOf(server, log) {
  const port = new RegExp(
    `server_name: ${server}[^:]*(?:uds.path:.*\\s+)?server.address: .*\\s+server.port: (\\d+)`,
  );
  for (let waitedMs = 0; waitedMs < START_MS; waitedMs += 50) {
    const found = port.exec(readFileSync(log, 'utf8'));
    if (found !== null) return `http://127.0.0.1:${found[1]}`;
    await delay(50);
  }
  throw new PeerFailure(`${server} of Restate did not start within ${START_MS} ms`);
}

/** Tells the server of our endpoint; once more where it is not ready for that yet. */
async function register(admin, uri) {
  for (let waitedMs = 0; waitedMs < START_MS; waitedMs += 200) {
    const response = await fetch(`${admin}/deployments`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ uri, force: true }),
    }).catch(() => undefined);
    if (response?.ok) return;
    await delay(200);
  }
  throw new PeerFailure(`Restate did not take the deployment ${uri}`);
}
