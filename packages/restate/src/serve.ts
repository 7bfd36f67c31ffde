import { createServer, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { definitionOf, TaskRunner, type AnyProcess } from '@pawl/runtime/elsewhere';
import { durationMs, InvalidOptionError, type Duration } from '@pawl/sdk';
import { createEndpointHandler } from '@restatedev/restate-sdk';
import { emitWarning } from 'node:process';
import { checkProcessName, offeredTasks, type TaskOffer } from './offered-tasks.ts';
import type { DriveOptions, ResolvedOptions, Served } from './options.ts';
import { Outlet } from './outlet.ts';
import { poolObject } from './pool-object.ts';
import { checkServeOptions, driveOptions, poolsOfAll, refusing } from './refusals.ts';
import { register } from './register.ts';
import { IngressTasks } from './remote-tasks.ts';
import { runService } from './run-service.ts';
import { taskWorkflow } from './task-service.ts';

export interface ServeOptions extends DriveOptions {
  /** Functions with a name, or what `defineProcess` gives; each is a workflow of its name. A worker may do tasks alone. */
  readonly processes?: readonly AnyProcess<never, unknown>[];
  /** Tasks with `remote: true` that this worker does, for runs of all workers; each is a workflow `task.<name>`. */
  readonly tasks?: readonly TaskOffer[];
  /** Address of Restate's ingress, by which runs of this worker ask for remote tasks, such as http://127.0.0.1:8080. */
  readonly ingress?: string;
  /** Remote tasks of this worker's runs run in it, as over a file; for one worker alone (default false). */
  readonly remoteHere?: boolean;
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
   * What runs of one file share bounds one run and its sub-runs here: pools of tasks that are not remote, and circuits,
   * rates and kept results of tasks. Each is refused by its name, unless this says that so much is enough (default false).
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

/**
 * Serves processes to Restate, until it is closed.
 * @throws InvalidOptionError for a process or a task that cannot be a workflow; RuntimeError where Restate does not take it
 */
export async function serve(options: ServeOptions): Promise<RestateWorker> {
  const { port = 9080, host = '127.0.0.1', reusePort = false, identityKeys, admin } = options;
  const { runs, tasks, pools } = resolve(options);
  const runner = new TaskRunner(runs.runtime);
  const handler = createEndpointHandler({
    services: [
      ...runs.processes.map((definition) => runService(definition, runs)),
      ...tasks.map((task) => taskWorkflow(task, runner, runs.suspendAfterMs)),
      ...(pools.size === 0 ? [] : [poolObject(runs.suspendAfterMs)]),
    ],
    ...(identityKeys === undefined ? {} : { identityKeys: [...identityKeys] }),
  });
  const server = createServer((request, response) =>
    new Outlet(response).within(() => handler(request, response)),
  );
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
      await Promise.all([closed, ...Array.from(runs.attempts, (attempt) => attempt.drop())]);
      await runner.close();
    },
    [Symbol.asyncDispose]: () => worker.close(),
  };
  if (admin !== undefined) await register(admin, options.uri ?? `http://${host}:${taken}`);
  return worker;
}

function resolve(options: ServeOptions): Served {
  checkServeOptions(options);
  const { processes = [], tasks = [], restAfter = 2000, suspendAfter = 60_000, ingress } = options;
  const definitions = processes.map((process) => definitionOf(process));
  const names = new Set<string>();
  for (const { name } of definitions) {
    checkProcessName(name);
    if (names.has(name)) throw new InvalidOptionError('processes', name, 'a name of its own for each');
    names.add(name);
  }
  const { onWarning = (_, text) => emitWarning(text) } = options;
  const pools = poolsOfAll(options);
  const remote = ingress === undefined ? undefined : new IngressTasks(ingress, pools, onWarning);
  const runs: ResolvedOptions = {
    processes: definitions,
    restAfterMs: durationMs(restAfter, 'restAfter'),
    suspendAfterMs: durationMs(suspendAfter, 'suspendAfter'),
    attempts: new Set(),
    standIn: refusing(options, pools),
    runtime: { ...driveOptions(options), ...(remote === undefined ? {} : { remote }) },
  };
  return { runs, tasks: offeredTasks(tasks), pools };
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
