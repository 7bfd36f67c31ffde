import { spawn } from 'node:child_process';

import { openRuntime, type JournalReader, type Runtime } from '@pawl/runtime';

import { PLACE_OPTIONS, defineCommand, flag, text, wholeNumber, type Command } from '../command.ts';
import { openEngine, type About } from '../engine.ts';
import { DONE, SIGNAL_EXIT_CODES, type StopSignal } from '../exit-codes.ts';
import { anyPlace, beginCommand, readJournal, type JournalPlace } from '../journal-place.ts';
import { clean } from '../render/clean.ts';
import { jsonLine } from '../render/json.ts';
import { addressOf, checkedPort, isLoopback, namesOf, tokenOf, unlessTaken } from '../serve/address.ts';
import { listen } from '../serve/listen.ts';
import type { Io } from '../terminal.ts';
import { userName } from '../user-name.ts';

const PORT = 8686;
/** Of runs that an engine has. */
const SHOWN: About = { newest: 200, open: true };
const MAX_BODY_BYTES = 1024 * 1024;
const SIGNALS = Object.keys(SIGNAL_EXIT_CODES) as StopSignal[];

interface UiOptions {
  readonly host: string;
  readonly port: number;
  readonly token: string | undefined;
  readonly opens: boolean;
  readonly isReadOnly: boolean;
  readonly isJson: boolean;
}

export const uiCommand: Command = defineCommand({
  description:
    'A page in your browser, of this machine only, over the journal: what runs, why it waits, a timeline of each run; and people answer there. It drives nothing: runs go on where they are driven. The address that it prints lets a browser in.',
  arguments: [],
  options: {
    port: wholeNumber('--port <port>', `to listen at; 0: any that is free (default: ${PORT})`, PORT, 0),
    host: text('--host <address>', 'to listen at (default: 127.0.0.1); with another one, a token is needed'),
    token: text('--token <token>', 'what lets a browser in (default: a new one; better: $PAWL_TOKEN)'),
    readOnly: flag('--read-only', 'nothing can be answered or changed, and nothing is written'),
    open: { flags: '--no-open', description: 'only print the address', initial: true },
    ...PLACE_OPTIONS,
  },
  examples: [
    { command: 'pawl ui', what: 'the journal of this folder' },
    { command: 'pawl ui --read-only --db backup.db', what: 'only to look at' },
  ],
  run: async ({ options, io }) => {
    const { host = '127.0.0.1', port, readOnly: isReadOnly, open, json: isJson } = options;
    checkedPort(port);
    const token = tokenOf(options.token ?? io.env['PAWL_TOKEN'], isLoopback(host));
    const place = anyPlace(options, io);
    const told: UiOptions = { host, port, token, opens: open, isReadOnly, isJson };
    if (place.engine !== undefined) {
      const engine = await openEngine(place.path, { io, isJson });
      await engine.look(SHOWN, ({ reader, runtime, sent }) =>
        serve({ io, place, reader, runtime: isReadOnly ? undefined : runtime, sent }, told),
      );
      return DONE;
    }
    // A runtime makes a journal where there is none; to look at one is no reason to.
    await readJournal(place, () => undefined);
    const runtime = isReadOnly ? undefined : await openRuntime({ path: place.path });
    try {
      await readJournal(place, (reader) => serve({ io, place, reader, runtime }, told));
    } finally {
      await runtime?.close();
    }
    return DONE;
  },
});

interface Served {
  readonly io: Io;
  readonly place: JournalPlace;
  readonly reader: JournalReader;
  readonly runtime: Runtime | undefined;
  readonly sent?: () => Promise<void>;
}

async function serve({ io, place, reader, runtime, sent }: Served, options: UiOptions): Promise<void> {
  const { host, port, isJson, isReadOnly } = options;
  const closing = new AbortController();
  // No other command needs them, and each would wait for them.
  const [{ createUiApp }, { PageDoor }, { PAGE_POLICY }] = await Promise.all([
    import('../serve/ui-app.ts'),
    import('../serve/page-door.ts'),
    import('@pawl/inspector'),
  ]);
  const door = new PageDoor(PAGE_POLICY, options.token);
  const app = createUiApp({
    reader,
    runtime,
    closing: closing.signal,
    cwd: io.cwd,
    env: io.env,
    flags: place.flags,
    begin: beginCommand(place),
    isElsewhere: place.engine !== undefined,
    sent,
    journal: place.path,
    user: userName(io.env),
    hosts: namesOf(host),
    token: door.token,
    maxBodyBytes: MAX_BODY_BYTES,
    page: door,
  });
  const stopped = untilStopped(io);
  const server = await listen((request) => app.fetch(request), host, port).catch(unlessTaken(port));
  try {
    const address = addressOf(host, server.port);
    const url = `${address}/?token=${encodeURIComponent(door.token)}`;
    if (isJson) io.out.line(jsonLine({ ui: { url, journal: place.path, readOnly: isReadOnly } }));
    else
      io.err.lines([
        `${io.err.theme.bold('Pawl inspector')} of ${clean(place.path)}${isReadOnly ? ', read only' : ''}`,
        '',
        `  ${url}`,
        '',
        io.err.theme.dim('Ctrl-C ends it; runs go on where they are driven.'),
      ]);
    if (options.opens && !isJson && io.err.isTerminal)
      openBrowser(`${address}/?token=${door.newTicket()}`, io);
    await stopped;
  } finally {
    closing.abort();
    server.close();
  }
}

/** The first signal ends it, the second one at once. */
function untilStopped(io: Io): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isStopping = false;
  for (const signal of SIGNALS)
    process.on(signal, () => {
      if (isStopping) io.exit(SIGNAL_EXIT_CODES[signal]);
      isStopping = true;
      resolve();
    });
  return promise;
}

/** As well as it goes: the address stands there, too. */
function openBrowser(url: string, io: Io): void {
  const openers: Readonly<Record<string, readonly string[]>> = {
    darwin: ['open'],
    win32: ['rundll32', 'url.dll,FileProtocolHandler'],
  };
  const hasScreen = io.env['DISPLAY'] !== undefined || io.env['WAYLAND_DISPLAY'] !== undefined;
  const [program, ...args] = openers[process.platform] ?? (hasScreen ? ['xdg-open'] : []);
  if (program === undefined) return;
  const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
}
