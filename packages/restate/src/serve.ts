import { createServer, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { definitionOf, type AnyProcess } from '@pawl/runtime/elsewhere';
import { durationMs, InvalidOptionError, type Duration } from '@pawl/sdk';
import { createEndpointHandler } from '@restatedev/restate-sdk';
import type { DriveOptions, ResolvedOptions } from './options.ts';
import { checkServeOptions, driveOptions, refuseShared } from './refusals.ts';
import { register } from './register.ts';
import { runService } from './run-service.ts';

export interface ServeOptions extends DriveOptions {
  /** Functions with a name, or what `defineProcess` gives; each is a workflow of its name. */
  readonly processes: readonly AnyProcess<never, unknown>[];
  /** Where Restate calls this worker (default 9080); 0 = any that is free. */
  readonly port?: number;
  /** Default '127.0.0.1': nobody but this machine reaches it. '0.0.0.0' or '::' for all. */
  readonly host?: string;
  /** Several programs of this machine share the port; the kernel spreads connections over them (Linux). */
  readonly reusePort?: boolean;
  /** A run that has only waited for so long is put down: Restate suspends it, and it needs no memory (default 2 s). */
  readonly restAfter?: Duration;
  /** So long a run that waits stays in this worker, ready for what comes (default 1 min). */
  readonly suspendAfter?: Duration;
  /**
   * What runs of one file share bounds one run and its sub-runs here: pools of this worker, and circuits, rates and kept
   * results of tasks. Each is refused by its name, unless this says that so much is enough (default false).
   */
  readonly boundsPerRun?: boolean;
  /** Only requests that are signed by one of these keys of Restate are taken. */
  readonly identityKeys?: readonly string[];
  /** Address of Restate's admin interface, where this worker is announced; default: it is not. */
  readonly admin?: string;
  /** Under which Restate reaches this worker, where `admin` is given (default http://<host>:<port>). */
  readonly uri?: string;
}

/** A program that does the work of runs. */
export interface RestateWorker extends AsyncDisposable {
  readonly port: number;
  /** Takes nothing more. Runs under way go on in other workers. */
  close(): Promise<void>;
}

/** As Restate takes names of services. */
const SERVICE_NAME = /^[a-zA-Z][a-zA-Z0-9._-]*$/;

/**
 * Serves processes to Restate, until it is closed.
 * @throws InvalidOptionError for a process that cannot be a workflow; RuntimeError where Restate does not take it
 */
export async function serve(options: ServeOptions): Promise<RestateWorker> {
  const { port = 9080, host = '127.0.0.1', reusePort = false, identityKeys, admin } = options;
  const resolved = resolve(options);
  const handler = createEndpointHandler({
    services: resolved.processes.map((definition) => runService(definition, resolved)),
    ...(identityKeys === undefined ? {} : { identityKeys: [...identityKeys] }),
  });
  const server = createServer(handler);
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  await listening(server, { port, host, reusePort });
  // It listens on a port.
  const { port: taken } = server.address() as AddressInfo;
  const worker: RestateWorker = {
    port: taken,
    close: async () => {
      const closed = new Promise((done) => server.close(done));
      for (const session of sessions) session.destroy();
      await Promise.all([closed, ...Array.from(resolved.attempts, (attempt) => attempt.drop())]);
    },
    [Symbol.asyncDispose]: () => worker.close(),
  };
  if (admin !== undefined) await register(admin, options.uri ?? `http://${host}:${taken}`);
  return worker;
}

function resolve(options: ServeOptions): ResolvedOptions {
  checkServeOptions(options);
  const { processes, restAfter = 2000, suspendAfter = 60_000, boundsPerRun = false } = options;
  const definitions = processes.map((process) => definitionOf(process));
  const names = new Set<string>();
  for (const { name } of definitions) {
    if (!SERVICE_NAME.test(name))
      throw new InvalidOptionError(
        'processes',
        name,
        'names of letters, digits, ".", "_" and "-", which begin with a letter',
      );
    if (names.has(name)) throw new InvalidOptionError('processes', name, 'a name of its own for each');
    names.add(name);
  }
  return {
    processes: definitions,
    restAfterMs: durationMs(restAfter, 'restAfter'),
    suspendAfterMs: durationMs(suspendAfter, 'suspendAfter'),
    attempts: new Set(),
    standIn: boundsPerRun ? (task) => task : refuseShared,
    runtime: driveOptions(options),
  };
}

function listening(
  server: Http2Server,
  options: { port: number; host: string; reusePort: boolean },
): Promise<void> {
  return new Promise((done, failed) => {
    server.once('error', failed);
    server.listen(options, () => {
      server.off('error', failed);
      done();
    });
  });
}
