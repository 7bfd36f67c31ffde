import { CodeLoader } from '../code-loader.ts';
import { COMMON_OPTIONS, defineCommand, flag, text, wholeNumber, type Command } from '../command.ts';
import { loadConfig } from '../config-file.ts';
import { DRIVE_OPTIONS, runtimeOptions } from '../drive-options.ts';
import { DONE } from '../exit-codes.ts';
import { journalPlace } from '../journal-place.ts';
import { clean } from '../render/clean.ts';
import { addressOf, checkedPort, isLoopback, namesOf, tokenOf, unlessTaken } from '../serve/address.ts';
import { listen } from '../serve/listen.ts';
import { WorkSession } from '../work-session.ts';

const PORT = 8585;
const MAX_BODY_BYTES = 1024 * 1024;

export const serveCommand: Command = defineCommand({
  description:
    'A worker and an HTTP server in one program. On this machine only, unless --host says otherwise: then a token is needed. The token comes from $PAWL_TOKEN: what stands in a command line, everybody on the machine can read.',
  arguments: [],
  options: {
    port: wholeNumber('--port <port>', `to listen at; 0: any that is free (default: ${PORT})`, PORT, 0),
    host: text('--host <address>', 'to listen at (default: 127.0.0.1)'),
    token: text('--token <token>', 'what must be sent as bearer token (better: $PAWL_TOKEN)'),
    processes: text('-p, --processes <folder>', 'what can be started: the processes of this folder'),
    concurrency: wholeNumber(
      '-c, --concurrency <runs>',
      'runs at once; 0 leaves them to others (default: 100)',
      100,
      0,
    ),
    external: flag('--external', 'leave external tasks to others, whatever pawl.config.ts says'),
    ...DRIVE_OPTIONS,
    ...COMMON_OPTIONS,
  },
  examples: [
    { command: 'pawl serve --processes jobs', what: 'on this machine, at port 8585' },
    { command: 'pawl serve --host 0.0.0.0 --processes jobs', what: 'for others, too: with $PAWL_TOKEN' },
  ],
  run: async ({ options, io }) => {
    const place = journalPlace(options.db, io);
    const { host = '127.0.0.1', port, concurrency, processes: folder, json: isJson } = options;
    checkedPort(port);
    const token = tokenOf(options.token ?? io.env['PAWL_TOKEN'], isLoopback(host));
    const runtime = runtimeOptions(options, io);
    const isOnlyKnown = folder !== undefined;
    const processes = isOnlyKnown ? await new CodeLoader(io.cwd).folder(folder) : new Map();
    const { executors } = options.external ? {} : await loadConfig(io.cwd);
    const work = { concurrency, known: processes, isOnlyKnown, untilIdle: false, executors };
    const session = await WorkSession.open({ io, place, isJson, runtime, ...work });
    const closing = new AbortController();
    try {
      // No other command needs it, and each would wait for it.
      const { createApp } = await import('../serve/app.ts');
      const app = createApp({
        runtime: session.runtime,
        processes,
        closing: closing.signal,
        hosts: namesOf(host),
        token,
        maxBodyBytes: MAX_BODY_BYTES,
      });
      const server = await listen((request) => app.fetch(request), host, port).catch(unlessTaken(port));
      io.err.line(`serving ${clean(place.path)} at ${addressOf(host, server.port)}`);
      try {
        await session.done;
      } finally {
        closing.abort();
        server.close();
      }
      return DONE;
    } finally {
      closing.abort();
      await session.close();
    }
  },
});
