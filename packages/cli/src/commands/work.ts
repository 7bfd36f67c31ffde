import { CodeLoader } from '../code-loader.ts';
import { COMMON_OPTIONS, defineCommand, flag, text, wholeNumber, type Command } from '../command.ts';
import { loadConfig } from '../config-file.ts';
import { DRIVE_OPTIONS, runtimeOptions } from '../drive-options.ts';
import { DONE } from '../exit-codes.ts';
import { journalPlace } from '../journal-place.ts';
import { clean } from '../render/clean.ts';
import { WorkSession } from '../work-session.ts';

export const workCommand: Command = defineCommand({
  description:
    'Runs until it is stopped. Any number of workers share a journal. A run that waits is put down, and taken up again within a second of its time or its message. SIGTERM: nothing more is begun, attempts have their grace, and all runs can be resumed.',
  arguments: [],
  options: {
    concurrency: wholeNumber('-c, --concurrency <runs>', 'runs at once (default: 100)', 100, 1),
    untilIdle: flag('--until-idle', 'end once nothing can go on now'),
    processes: text('-p, --processes <folder>', 'only the processes of this folder, loaded at the start'),
    external: flag('--external', 'leave external tasks to others, whatever pawl.config.ts says'),
    ...DRIVE_OPTIONS,
    ...COMMON_OPTIONS,
  },
  examples: [
    { command: 'pawl work', what: 'whatever there is' },
    { command: 'pawl work --until-idle', what: 'what can go on now, and no more' },
    { command: 'pawl work --concurrency 20 --processes jobs', what: 'twenty at once, of these processes' },
  ],
  run: async ({ options, io }) => {
    const place = journalPlace(options.db, io);
    const { concurrency, untilIdle, processes: folder, json: isJson } = options;
    const runtime = runtimeOptions(options, io);
    const isOnlyKnown = folder !== undefined;
    const known = isOnlyKnown ? await new CodeLoader(io.cwd).folder(folder) : new Map();
    const { executors } = options.external ? {} : await loadConfig(io.cwd);
    const work = { concurrency, known, isOnlyKnown, untilIdle, executors };
    const session = await WorkSession.open({ io, place, isJson, runtime, ...work });
    if (!isJson) io.err.line(`working on ${clean(place.path)}; stop it with Ctrl-C`);
    try {
      await session.done;
      return DONE;
    } finally {
      await session.close();
    }
  },
});
