import { resolve } from 'node:path';

import { RuntimeError } from '@pawl/runtime';
import type { ProcessDefinition } from '@pawl/sdk';

import { ALIAS_OPTION, givenAliases } from '../alias.ts';
import { COMMON_OPTIONS, defineCommand, text, usage, wholeNumber, type Command } from '../command.ts';
import { configuredAliases, loadConfig } from '../config-file.ts';
import { loadRestate } from '../engine.ts';
import { SIGNAL_EXIT_CODES, type StopSignal } from '../exit-codes.ts';
import { processesIn } from '../load-process.ts';
import { findModule } from '../module-file.ts';
import { clean } from '../render/clean.ts';
import { renderFacts } from '../render/facts.ts';
import { jsonLine } from '../render/json.ts';
import { logDocument, logLines } from '../render/log.ts';
import { renderNext, shellWords } from '../render/next-commands.ts';
import { checkedPort } from '../serve/address.ts';
import type { Io } from '../terminal.ts';

const INGRESS_PORT = 8080;
const ADMIN_PORT = 9070;
/** The same each time: runs go on at the address that Restate knows. */
const WORKER_PORT = 9080;
const SIGNALS = Object.keys(SIGNAL_EXIT_CODES) as readonly StopSignal[];

interface Server {
  readonly ingress: string;
  readonly admin: string;
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

interface ServerOptions {
  readonly ingressPort: number;
  readonly adminPort: number;
  readonly workerPort: number;
  readonly folder: string | undefined;
  readonly from: string;
}

type Log = Parameters<typeof logDocument>[0];

/** As much of `@pawl/restate` as is needed here. */
interface DevPackage {
  readonly DevServer: { start(options: ServerOptions): Promise<Server> };
  serve(options: {
    readonly processes: readonly ProcessDefinition[];
    readonly remoteHere: boolean;
    readonly port: number;
    readonly admin: string;
    readonly onLog: (entry: Log) => void;
    readonly onWarning: (runId: string, message: string) => void;
  }): Promise<{ readonly port: number; close(): Promise<void> }>;
}

export const devCommand: Command = defineCommand({
  description:
    'A server of Restate and a worker with these processes, on this machine, for trying: both end with Ctrl-C, and nothing is left. A module that changes is loaded when you start it again.',
  arguments: [{ name: '<modules...>', description: 'files that export a process, or workflows' }],
  options: {
    engine: text('--engine <engine>', "what to start: 'restate' (default)"),
    port: wholeNumber(
      '--port <port>',
      `where runs are started and answered (default: ${INGRESS_PORT})`,
      INGRESS_PORT,
      1,
    ),
    adminPort: wholeNumber(
      '--admin-port <port>',
      `where runs are looked at (default: ${ADMIN_PORT})`,
      ADMIN_PORT,
      1,
    ),
    workerPort: wholeNumber(
      '--worker-port <port>',
      `where Restate calls the worker (default: ${WORKER_PORT})`,
      WORKER_PORT,
      1,
    ),
    data: text('--data <folder>', 'where its data stay (default: a folder that goes with it)'),
    alias: ALIAS_OPTION,
    ...COMMON_OPTIONS,
  },
  examples: [
    { command: 'pawl dev order.ts refund.ts', what: 'a server, and a worker of both' },
    { command: 'pawl dev order.ts --data .pawl/restate', what: 'runs are there again the next time' },
  ],
  run: async ({ args, options, io }) => {
    if (options.engine !== undefined && options.engine !== 'restate')
      throw usage(
        `'${clean(options.engine.slice(0, 80))}' is nothing that pawl dev starts.`,
        'pawl dev --engine restate <module>',
      );
    checkedPort(options.port);
    checkedPort(options.adminPort);
    checkedPort(options.workerPort);
    const processes = await processesOf(args, options.alias, io);
    // Its SDK tells each start and end of an attempt.
    process.env['RESTATE_LOGGING'] ??= 'ERROR';
    const { DevServer, serve } = await loadRestate<DevPackage>('@pawl/restate', io);
    const stopped = untilStopped(io);
    const server = await DevServer.start({
      ingressPort: options.port,
      adminPort: options.adminPort,
      workerPort: options.workerPort,
      folder: options.data === undefined ? undefined : resolve(io.cwd, options.data),
      from: resolve(io.cwd, 'x.js'),
    });
    try {
      const worker = await serve({
        processes,
        remoteHere: true,
        port: options.workerPort,
        admin: server.admin,
        ...told(options.json, io),
      });
      try {
        tell({ server, workerPort: worker.port, processes, isJson: options.json }, io);
        const gone = server.ended.then(() => undefined);
        const signal = await Promise.race([stopped, gone]);
        if (signal !== undefined) return SIGNAL_EXIT_CODES[signal];
        throw serverGone();
      } finally {
        await worker.close();
      }
    } finally {
      await server.close();
    }
  },
});

/** Every process of every module. @throws RuntimeError REFUSED, USAGE */
async function processesOf(
  args: readonly (string | undefined)[],
  alias: readonly string[],
  io: Io,
): Promise<readonly ProcessDefinition[]> {
  const aliases = givenAliases(alias, configuredAliases(await loadConfig(io.cwd)));
  const loaded: ProcessDefinition[] = [];
  for (const given of args)
    loaded.push(...(await processesIn(findModule(given ?? '', io.cwd, aliases), io.cwd)).values());
  return loaded;
}

function told(isJson: boolean, io: Io): Pick<Parameters<DevPackage['serve']>[0], 'onLog' | 'onWarning'> {
  const { theme } = io.err;
  return {
    onLog: (entry) =>
      io.err.lines(
        isJson ? [jsonLine({ log: logDocument(entry) })] : logLines(entry, entry.task ?? undefined, theme),
      ),
    onWarning: (runId, message) =>
      io.err.line(
        isJson ? jsonLine({ warning: { runId, message } }) : `${theme.attention('!')} ${clean(message)}`,
      ),
  };
}

interface Started {
  readonly server: Server;
  readonly workerPort: number;
  readonly processes: readonly ProcessDefinition[];
  readonly isJson: boolean;
}

function tell({ server, workerPort, processes, isJson }: Started, io: Io): void {
  const { ingress, admin } = server;
  const [host, adminHost] = [new URL(ingress).host, new URL(admin).host];
  const isUsual = adminHost === `127.0.0.1:${ADMIN_PORT}`;
  const engine = `restate://${host}${isUsual ? '' : `?admin=${adminHost}`}`;
  const worker = `http://127.0.0.1:${workerPort}`;
  const names = processes.map(({ name }) => name);
  if (isJson) {
    io.out.line(jsonLine({ dev: { engine, ingress, admin, worker, processes: names } }));
    return;
  }
  const { theme, width } = io.err;
  const next = `${shellWords('pawl', '--engine', engine, 'run', names[0] ?? '')} --input <json>`;
  io.err.lines([
    `${theme.bold('Restate')} of this machine, with ${names.map(clean).join(', ')}`,
    '',
    ...renderFacts(
      [
        ['engine', engine],
        ['its page', admin],
        ['worker', worker],
      ],
      width,
      theme,
    ),
    '',
    ...renderNext(
      [
        { command: clean(next), why: 'in another terminal' },
        { command: clean(shellWords('pawl', '--engine', engine, 'list')), why: 'what runs' },
      ],
      width,
      theme,
    ),
    '',
    theme.dim('Ctrl-C ends both.'),
  ]);
}

/** The first signal ends both, the second one at once. */
function untilStopped(io: Io): Promise<StopSignal> {
  const { promise, resolve: stop } = Promise.withResolvers<StopSignal>();
  let isStopping = false;
  for (const signal of SIGNALS)
    process.on(signal, () => {
      if (isStopping) io.exit(SIGNAL_EXIT_CODES[signal]);
      isStopping = true;
      stop(signal);
    });
  return promise;
}

function serverGone(): RuntimeError {
  return new RuntimeError('STORAGE', 'The server of Restate has ended, and so its runs have.', {
    hint: 'Start it again: pawl dev <module>   (with --data <folder> runs are there again)',
  });
}
