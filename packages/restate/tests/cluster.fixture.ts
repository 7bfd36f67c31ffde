import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { RuntimeError } from '@pawl/runtime/errors';
import { RestateServer } from './server.fixture.ts';

const NODES = 3;
const PORTS_OF_EACH = 3;
const READY_MS = 60_000;

/** What one of the nodes leads. */
export interface Led {
  readonly node: number;
  readonly partitions: number;
  /** Of the metadata that is kept by all of them (Raft). */
  readonly metadata: boolean;
}

/** Three nodes of one cluster on this machine: metadata on each, each partition and its log on two of them. */
export class RestateCluster {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'pawl-restate-'));
  readonly nodes: readonly RestateServer[];
  readonly #fabric: readonly string[];

  constructor(program: string, ports: readonly number[], settings: Readonly<Record<string, string>>) {
    const own = Array.from({ length: NODES }, (_, i) =>
      ports.slice(i * PORTS_OF_EACH, (i + 1) * PORTS_OF_EACH).map((port) => `http://127.0.0.1:${port}`),
    );
    this.#fabric = own.map(([fabric]) => String(fabric));
    this.nodes = own.map(([, ingress = '', admin = ''], i) => {
      const folder = join(this.folder, `node-${i + 1}`);
      mkdirSync(folder);
      return new RestateServer(program, nodeSettings(i, this.#fabric, settings), {
        name: `node-${i + 1}`,
        folder,
        ingress,
        admin,
      });
    });
  }

  static async start(
    program: string,
    settings: Readonly<Record<string, string>> = {},
  ): Promise<RestateCluster> {
    const cluster = new RestateCluster(program, await freePorts(NODES * PORTS_OF_EACH), settings);
    await Promise.all(cluster.nodes.map((node) => node.start()));
    await cluster.ready();
    return cluster;
  }

  /** Any that is there. */
  get #first(): RestateServer {
    const found = this.nodes.find(({ isUp }) => isUp);
    if (found === undefined) throw new RuntimeError('UNEXPECTED', 'No node of the cluster is up');
    return found;
  }

  get ingress(): string {
    return this.#first.ingress;
  }

  get admin(): string {
    return this.#first.admin;
  }

  /** A node that has just come back answers for others before it knows where they are. */
  async sql<Row>(query: string): Promise<Row[]> {
    for (let waitedMs = 0; ; waitedMs += 100) {
      try {
        return await this.#first.sql<Row>(query);
      } catch (error) {
        if (waitedMs >= READY_MS) throw error;
        await delay(100);
      }
    }
  }

  /** What their programs have used of processors so far. */
  cpuMs(): number {
    return this.nodes.reduce((sum, node) => sum + (node.isUp ? node.cpuMs() : 0), 0);
  }

  writtenBytes(): number {
    return this.nodes.reduce((sum, node) => sum + (node.isUp ? node.writtenBytes() : 0), 0);
  }

  /** As the nodes that are up tell of themselves. */
  async led(): Promise<readonly Led[]> {
    const told = await Promise.all(
      this.nodes.map(async ({ isUp }, node) => {
        if (!isUp) return { node, partitions: 0, metadata: false };
        const metrics = await (await fetch(`${this.#fabric[node]}/metrics`)).text();
        const partitions = metric(metrics, 'restate_num_active_partition_leaders');
        return {
          node,
          partitions,
          metadata: metric(metrics, 'restate_metadata_server_replicated_leader_id') === node + 1,
        };
      }),
    );
    return told;
  }

  /** Every partition has a leader, and the metadata has one. */
  async ready(partitions = 4): Promise<void> {
    for (let waitedMs = 0; waitedMs < READY_MS; waitedMs += 50) {
      const led = await this.led().catch(() => []);
      const sum = led.reduce((all, each) => all + each.partitions, 0);
      if (sum >= partitions && led.some(({ metadata }) => metadata)) return;
      await delay(50);
    }
    throw new RuntimeError('UNEXPECTED', `The cluster in ${this.folder} has no leaders`);
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function nodeSettings(
  i: number,
  fabric: readonly string[],
  settings: Readonly<Record<string, string>>,
): Record<string, string> {
  return {
    RESTATE_USE_RANDOM_PORTS: 'false',
    RESTATE_LISTEN_MODE: 'tcp',
    RESTATE_CLUSTER_NAME: 'test',
    RESTATE_FORCE_NODE_ID: String(i + 1),
    RESTATE_AUTO_PROVISION: String(i === 0),
    RESTATE_DEFAULT_REPLICATION: '2',
    RESTATE_METADATA_CLIENT__ADDRESSES: JSON.stringify(fabric),
    RESTATE_BIND_PORT: new URL(fabric[i] ?? '').port,
    RESTATE_ADVERTISED_ADDRESS: fabric[i] ?? '',
    ...settings,
  };
}

/** Summed over what has the same name. */
function metric(metrics: string, name: string): number {
  return [...metrics.matchAll(new RegExp(String.raw`^${name}\{[^}]*\} (\S+)$`, 'gm'))].reduce(
    (sum, [, value]) => sum + Number(value),
    0,
  );
}

/** They are free when they are told; all are told at once, so that none is told twice. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((done) => {
          const server = createServer();
          server.listen(0, '127.0.0.1', () => done(server));
        }),
    ),
  );
  // They listen on ports.
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}
