import { openRuntime, type Enqueued, type EnqueueOptions } from '@pawl/runtime';

import { ALIAS_OPTION, givenAliases } from '../alias.ts';
import {
  COMMON_OPTIONS,
  defineCommand,
  duration,
  text,
  usage,
  wholeNumber,
  type Command,
  type OptionSpec,
} from '../command.ts';
import { configuredAliases, loadConfig } from '../config-file.ts';
import { DONE } from '../exit-codes.ts';
import { readJsonOption } from '../input-value.ts';
import { checkedRunId, journalPlace } from '../journal-place.ts';
import { loadProcess } from '../load-process.ts';
import { findModule } from '../module-file.ts';
import { clean } from '../render/clean.ts';
import { jsonLine } from '../render/json.ts';
import { shellWords } from '../render/next-commands.ts';

const SAID: Readonly<Record<Enqueued['status'], string>> = {
  queued: 'waits for a worker',
  duplicate: 'is there already, and is one run',
  exists: 'is there already; nothing was added',
  debounced: 'waits anew, with this input',
};

const singleton: OptionSpec<boolean | string> = {
  flags: '--singleton [key]',
  description: 'nothing where a start or a run of this process (and key) is there',
  initial: false,
};

const priority: OptionSpec<number | undefined> = {
  flags: '--priority <n>',
  description: 'from -100 to 100, the higher goes first (default: 0)',
  initial: undefined,
  parse: (given) => {
    if (/^-?\d{1,3}$/.test(given) && Math.abs(Number(given)) <= 100) return Number(given);
    throw usage(`'${given}' is no whole number from -100 to 100, which --priority takes.`);
  },
};

export const enqueueCommand: Command = defineCommand({
  description: 'Checks the input, and keeps the start in the journal: a worker (pawl work) begins it once.',
  arguments: [{ name: '<module>', description: 'a .ts or .js file that exports a process, or a workflow' }],
  options: {
    input: text('-i, --input <json>', 'the input: JSON, @file, or - for stdin'),
    id: text('--id <run>', 'the id of the run; given twice it is the same run'),
    delay: duration('--delay <duration>', 'not before, such as 30s, 2h'),
    priority,
    concurrencyKey: text('--concurrency-key <key>', 'at most --limit runs of this key are under way'),
    limit: wholeNumber('--limit <runs>', 'with --concurrency-key (default: 1)', undefined, 1),
    singleton,
    alias: ALIAS_OPTION,
    debounce: duration('--debounce <duration>', 'once nothing more came for so long, with the newest input'),
    ...COMMON_OPTIONS,
  },
  examples: [
    { command: `pawl enqueue order.ts --input '{"n":7}' --id order-7`, what: 'at most one run of that id' },
    { command: 'pawl enqueue deploy.ts --concurrency-key prod --limit 1', what: 'one after the other' },
    { command: 'pawl enqueue index.ts --debounce 30s', what: 'once it is quiet' },
  ],
  run: async ({ args, options, io }) => {
    const place = journalPlace(options.db, io);
    if (options.limit !== undefined && options.concurrencyKey === undefined)
      throw usage('--limit goes with --concurrency-key <key>.');
    const id = options.id === undefined ? undefined : checkedRunId(options.id);
    const aliases = givenAliases(options.alias, configuredAliases(await loadConfig(io.cwd)));
    const file = findModule(args[0] ?? '', io.cwd, aliases);
    const input = await readJsonOption('--input', options.input, io);
    const definition = await loadProcess(file, io.cwd);
    const how: EnqueueOptions = {
      module: file.recorded,
      codeHash: file.digest,
      singleton: options.singleton,
      ...(id === undefined ? {} : { id }),
      ...(options.delay === undefined ? {} : { delay: options.delay }),
      ...(options.priority === undefined ? {} : { priority: options.priority }),
      ...(options.debounce === undefined ? {} : { debounce: options.debounce }),
      ...(options.concurrencyKey === undefined
        ? {}
        : { concurrency: { key: options.concurrencyKey, limit: options.limit ?? 1 } }),
    };
    const runtime = await openRuntime({ path: place.path });
    try {
      const enqueued = await runtime.enqueue(definition, input as never, how);
      if (options.json) io.out.line(jsonLine({ ...enqueued, process: definition.name }));
      else io.out.line(`${enqueued.id} ${SAID[enqueued.status]}`);
      if (enqueued.status === 'queued' && !options.json)
        io.err.line(`a worker begins it: ${clean(shellWords('pawl', 'work', ...place.flags))}`);
      return DONE;
    } finally {
      await runtime.close();
    }
  },
});
