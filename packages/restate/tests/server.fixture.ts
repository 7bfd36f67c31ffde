import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { RuntimeError } from '@pawl/runtime/errors';

const START_MS = 30_000;

/** The program itself: the wrapper in the package leaves it behind when it is killed. */
export function serverProgram(): string | undefined {
  const require = createRequire(import.meta.url);
  try {
    const wrapper = require.resolve('@restatedev/restate-server/package.json');
    const name = `@restatedev/restate-server-${process.platform}-${process.arch}/package.json`;
    return join(dirname(createRequire(wrapper).resolve(name)), 'bin', 'restate-server');
  } catch {
    return undefined;
  }
}

/** Who a server is in a cluster; alone it has a folder of its own, and ports that are free. */
export interface NodePlace {
  readonly name: string;
  readonly folder: string;
  readonly ingress: string;
  readonly admin: string;
}

/** A server of Restate in a folder that is gone with it. */
export class RestateServer {
  readonly folder: string;
  readonly #name: string;
  readonly #program: string;
  readonly #settings: Readonly<Record<string, string>>;
  #process: ChildProcess | undefined;
  ingress: string;
  admin: string;

  constructor(program: string, settings: Readonly<Record<string, string>> = {}, place?: NodePlace) {
    this.#program = program;
    this.#settings = settings;
    this.#name = place?.name ?? 'test';
    this.folder = place?.folder ?? mkdtempSync(join(tmpdir(), 'pawl-restate-'));
    this.ingress = place?.ingress ?? '';
    this.admin = place?.admin ?? '';
  }

  get isUp(): boolean {
    return this.#process !== undefined;
  }

  static async start(program: string, settings?: Readonly<Record<string, string>>): Promise<RestateServer> {
    const server = new RestateServer(program, settings);
    await server.start();
    return server;
  }

  /** The second time on the ports and the data of the first. */
  async start(): Promise<void> {
    const log = join(this.folder, 'server.log');
    writeFileSync(log, '');
    const file = openSync(log, 'a');
    this.#process = spawn(
      this.#program,
      ['--base-dir', join(this.folder, 'data'), '--node-name', this.#name],
      {
        stdio: ['ignore', file, file],
        env: { ...process.env, ...this.#ports(), ...this.#settings },
      },
    );
    if (this.admin === '') {
      this.ingress = await this.#addressOf('http-ingress-server', log);
      this.admin = await this.#addressOf('admin-api-server', log);
    }
    await this.#healthy();
  }

  #ports(): Record<string, string> {
    const settings = {
      RESTATE_BIND_IP: '127.0.0.1',
      RESTATE_DISABLE_TELEMETRY: 'true',
      RESTATE_LOG_DISABLE_ANSI_CODES: 'true',
      RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE: '256 MB',
      RESTATE_DEFAULT_NUM_PARTITIONS: '4',
    };
    if (this.admin === '') return { ...settings, RESTATE_USE_RANDOM_PORTS: 'true' };
    return {
      ...settings,
      RESTATE_USE_RANDOM_PORTS: 'true',
      RESTATE_INGRESS__BIND_ADDRESS: new URL(this.ingress).host,
      RESTATE_ADMIN__BIND_ADDRESS: new URL(this.admin).host,
    };
  }

  /** Ports are random, and the log tells them. */
  async #addressOf(name: string, log: string): Promise<string> {
    const port = new RegExp(
      String.raw`server_name: ${name}[^:]*(?:uds.path:.*\s+)?server.address: .*\s+server.port: (\d+)`,
    );
    for (let waitedMs = 0; waitedMs < START_MS; waitedMs += 50) {
      const found = port.exec(readFileSync(log, 'utf8'));
      if (found !== null) return `http://127.0.0.1:${found[1]}`;
      await delay(50);
    }
    throw new RuntimeError('UNEXPECTED', `${name} of Restate did not start: ${readFileSync(log, 'utf8')}`);
  }

  async #healthy(): Promise<void> {
    for (let waitedMs = 0; waitedMs < START_MS; waitedMs += 50) {
      const isUp = await Promise.all(
        [`${this.admin}/health`, `${this.ingress}/restate/health`].map((url) =>
          fetch(url).then(
            ({ ok }) => ok,
            () => false,
          ),
        ),
      );
      if (isUp.every(Boolean)) return;
      await delay(50);
    }
    throw new RuntimeError('UNEXPECTED', `Restate in ${this.folder} is not healthy`);
  }

  /** As a power cut would: it can be started again. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** What its program has used of processors so far (Linux). */
  cpuMs(): number {
    const fields = readFileSync(`/proc/${this.#process?.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }

  /** To disks (Linux). */
  writtenBytes(): number {
    return Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${this.#process?.pid}/io`, 'utf8'))?.[1]);
  }

  /** For a while after its start it is healthy and has no rows to give yet. */
  async sql<Row>(query: string): Promise<Row[]> {
    let answer = '';
    for (let waitedMs = 0; waitedMs < START_MS; waitedMs += 50) {
      const response = await fetch(`${this.admin}/query`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify({ query }),
      });
      answer = await response.text();
      if (response.ok) return (JSON.parse(answer) as { rows: Row[] }).rows;
      await delay(50);
    }
    throw new RuntimeError('UNEXPECTED', `Restate does not answer: ${answer}`);
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
