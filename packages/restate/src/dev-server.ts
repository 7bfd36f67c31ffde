/**
 * A server of Restate for trying, on this machine.
 *
 * Owns its program and, where nobody names one, its folder. Invariant: it is gone with the program that started it,
 * however that one ends: a shell that waits for nothing but that end sees to it.
 */
import { RuntimeError } from '@pawl/runtime/errors';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, openSync, closeSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const START_MS = 30_000;
const LOOK_MS = 50;
/** Between the request to end and the force. */
const END_MS = 5000;
const LAST_LINES = 5;

/** Ends with what is written to it: the program that holds the other end. $1: whom it ends then; $2: a folder to remove. */
const WATCH = 'cat > /dev/null; kill -9 "$1" 2> /dev/null; [ -z "$2" ] || rm -rf -- "$2"';

export interface DevServerOptions {
  readonly ingressPort: number;
  readonly adminPort: number;
  /** Of the worker that is to be: it is looked at whether it is free. */
  readonly workerPort: number;
  /** Where its data stay; default: a folder that goes with it. */
  readonly folder?: string | undefined;
  /** Where `@restatedev/restate-server` is looked for, beside this package. */
  readonly from: string;
}

export class DevServer {
  readonly ingress: string;
  readonly admin: string;
  /** Resolves when the server is gone. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #watch: ChildProcess | undefined;
  readonly #folder: string;
  readonly #isOurs: boolean;

  /** @throws RuntimeError NOT_FOUND where its program is not installed; BUSY where a port is taken; STORAGE */
  static async start(options: DevServerOptions): Promise<DevServer> {
    const program = serverProgram(options.from);
    for (const port of [options.ingressPort, options.adminPort, options.workerPort]) await refuseTaken(port);
    const server = new DevServer(program, options);
    try {
      await server.#healthy();
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  private constructor(program: string, { ingressPort, adminPort, folder }: DevServerOptions) {
    this.ingress = `http://127.0.0.1:${ingressPort}`;
    this.admin = `http://127.0.0.1:${adminPort}`;
    this.#isOurs = folder === undefined;
    this.#folder = folder ?? mkdtempSync(join(tmpdir(), 'pawl-dev-'));
    const temporary = join(this.#folder, 'tmp');
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(temporary, { recursive: true });
    const log = openSync(this.#log, 'w', 0o600);
    this.#child = spawn(program, ['--base-dir', join(this.#folder, 'data'), '--node-name', 'dev'], {
      // A group of its own: Ctrl-C is for who started it, who ends the worker first.
      detached: true,
      stdio: ['ignore', log, log],
      // It leaves folders there when it is killed.
      env: { ...process.env, ...settings(ingressPort, adminPort), TMPDIR: temporary },
    });
    closeSync(log);
    this.ended = once(this.#child, 'exit').then(
      () => undefined,
      () => undefined,
    );
    this.#watch = this.#watched();
  }

  get #log(): string {
    return join(this.#folder, 'server.log');
  }

  #watched(): ChildProcess | undefined {
    const { pid } = this.#child;
    if (pid === undefined || process.platform === 'win32') return undefined;
    const folder = this.#isOurs ? this.#folder : '';
    return spawn('/bin/sh', ['-c', WATCH, 'pawl-dev', String(pid), folder], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
  }

  async #healthy(): Promise<void> {
    const urls = [`${this.admin}/health`, `${this.ingress}/restate/health`];
    for (let waitedMs = 0; waitedMs < START_MS; waitedMs += LOOK_MS) {
      const { exitCode, signalCode } = this.#child;
      if (exitCode !== null || signalCode !== null) break;
      const answers = await Promise.all(
        urls.map((url) =>
          fetch(url).then(
            ({ ok }) => ok,
            () => false,
          ),
        ),
      );
      if (answers.every(Boolean)) return;
      await delay(LOOK_MS);
    }
    const said = readFileSync(this.#log, 'utf8').trimEnd().split('\n').slice(-LAST_LINES).join('\n');
    throw new RuntimeError('STORAGE', `The server of Restate did not start:\n${said}`, {
      hint: 'Give it other ports, or another folder: pawl dev --help',
    });
  }

  /** Nothing of it is left, but the folder that was named. */
  async close(): Promise<void> {
    const isGone = (): boolean => this.#child.exitCode !== null || this.#child.signalCode !== null;
    if (!isGone()) this.#child.kill('SIGTERM');
    await Promise.race([this.ended, delay(END_MS, undefined, { ref: false })]);
    if (!isGone()) {
      this.#child.kill('SIGKILL');
      await this.ended;
    }
    // Its process id may be another's by now.
    this.#watch?.kill('SIGKILL');
    if (this.#isOurs) rmSync(this.#folder, { recursive: true, force: true });
  }
}

function settings(ingressPort: number, adminPort: number): Readonly<Record<string, string>> {
  return {
    RESTATE_BIND_IP: '127.0.0.1',
    RESTATE_USE_RANDOM_PORTS: 'true',
    RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingressPort}`,
    RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${adminPort}`,
    RESTATE_DISABLE_TELEMETRY: 'true',
    RESTATE_LOG_DISABLE_ANSI_CODES: 'true',
    RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE: '256 MB',
    RESTATE_DEFAULT_NUM_PARTITIONS: '4',
  };
}

/** The program itself: the wrapper in the package leaves it behind when it is killed. */
function serverProgram(from: string): string {
  const name = `@restatedev/restate-server-${process.platform}-${process.arch}`;
  for (const place of [import.meta.filename, from]) {
    try {
      const wrapper = createRequire(place).resolve('@restatedev/restate-server/package.json');
      return join(dirname(createRequire(wrapper).resolve(`${name}/package.json`)), 'bin', 'restate-server');
    } catch {
      // It may be installed at the other place.
    }
  }
  throw new RuntimeError('NOT_FOUND', "Restate's server is not installed here.", {
    hint: 'npm install --save-dev @restatedev/restate-server   (or start one as you like, and: pawl --engine restate://<host>:<port> …)',
  });
}

async function refuseTaken(port: number): Promise<void> {
  const probe = createServer();
  const taken = new Promise<boolean>((resolve) => {
    probe.once('error', () => resolve(true));
    probe.listen(port, '127.0.0.1', () => resolve(false));
  });
  const isTaken = await taken;
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  if (isTaken)
    throw new RuntimeError('BUSY', `Port ${port} is taken: a server of Restate may be there already.`, {
      hint: 'Take others: pawl dev --port <port> --admin-port <port> --worker-port <port>   (or use it: pawl --engine restate://127.0.0.1:8080 list)',
      data: { port },
    });
}
