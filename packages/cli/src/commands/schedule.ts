import { openRuntime, RuntimeError, type Schedule } from '@pawl/runtime';
import { InvalidOptionError } from '@pawl/sdk';

import { ALIAS_OPTION, givenAliases } from '../alias.ts';
import {
  choice,
  COMMON_OPTIONS,
  defineCommand,
  flag,
  text,
  usage,
  type Command,
  type Use,
} from '../command.ts';
import { configuredAliases, loadConfig } from '../config-file.ts';
import { DONE } from '../exit-codes.ts';
import { readJsonOption } from '../input-value.ts';
import { journalPlace, readJournal, type JournalPlace } from '../journal-place.ts';
import { loadProcess } from '../load-process.ts';
import { findModule } from '../module-file.ts';
import { clean } from '../render/clean.ts';
import { formatDuration, formatTimeIn } from '../render/duration.ts';
import { jsonLine } from '../render/json.ts';
import { renderTable } from '../render/table.ts';
import type { Theme } from '../render/theme.ts';
import { scheduleDocument } from '../schedule-document.ts';

interface Options {
  readonly input: string | undefined;
  readonly tz: string | undefined;
  readonly name: string | undefined;
  readonly missed: 'skip' | 'one' | 'all';
  readonly overlap: 'allow' | 'skip' | 'queue';
  readonly replace: boolean;
  readonly alias: readonly string[];
  readonly json: boolean;
}

const ACTIONS = ['add', 'list', 'remove', 'pause', 'resume'] as const;

export const scheduleCommand: Command = defineCommand({
  description:
    'Workers (pawl work) fire: each firing is one run, whose id is made of the name and the time. A time that the clock skips is made up for right after it; one that comes twice fires once.',
  arguments: [
    { name: '[action]', description: `${ACTIONS.join(', ')} (default: list)` },
    { name: '[what]', description: "with add: the times, such as '0 9 * * 1-5'; else the name" },
    { name: '[module]', description: 'with add: the process' },
  ],
  options: {
    tz: text('--tz <zone>', 'of which place the times are (default: UTC)'),
    input: text('-i, --input <json>', 'of each run: JSON, @file, or - for stdin'),
    name: text('--name <name>', 'default: the name of the process'),
    missed: choice(
      '--missed <policy>',
      'firings without a worker: none of them, the last one, or all',
      ['skip', 'one', 'all'],
      'one',
    ),
    overlap: choice(
      '--overlap <policy>',
      'while an earlier run is there: start all the same, leave it out, or let it wait',
      ['allow', 'skip', 'queue'],
      'allow',
    ),
    replace: flag('--replace', 'with add: take the place of one of the same name'),
    alias: ALIAS_OPTION,
    ...COMMON_OPTIONS,
  },
  examples: [
    { command: `pawl schedule add '0 9 * * 1-5' --tz Europe/Berlin report.ts`, what: 'every working day' },
    { command: 'pawl schedule', what: 'all of them, and when they fire next' },
    { command: 'pawl schedule pause report', what: 'until: pawl schedule resume report' },
  ],
  run: async ({ args, options, io }) => {
    const place = journalPlace(options.db, io);
    const [action = 'list', what] = args;
    switch (action) {
      case 'list': {
        const schedules = await readJournal(place, (reader) => reader.schedules());
        if (options.json) io.out.line(jsonLine({ schedules: schedules.map(scheduleDocument) }));
        else io.out.lines(listLines(schedules, io.now(), io.out.theme));
        return DONE;
      }
      case 'add':
        return await add({ args, options, io }, place);
      case 'remove':
      case 'pause':
      case 'resume':
        return await change(action, what, { args, options, io }, place);
      default:
        throw usage(`'${action.slice(0, 80)}' is no action of schedule, which knows ${ACTIONS.join(', ')}.`);
    }
  },
});

async function add({ args, options, io }: Use<Options>, place: JournalPlace): Promise<number> {
  const [, cron, module] = args;
  if (cron === undefined || module === undefined)
    throw usage(`schedule add takes times and a module: pawl schedule add '0 9 * * *' <module>`);
  const aliases = givenAliases(options.alias, configuredAliases(await loadConfig(io.cwd)));
  const file = findModule(module, io.cwd, aliases);
  const input = await readJsonOption('--input', options.input, io);
  const definition = await loadProcess(file, io.cwd);
  const runtime = await openRuntime({ path: place.path });
  try {
    const { tz: zone = 'UTC', name, missed, overlap, replace } = options;
    const code = { module: file.recorded, codeHash: file.digest };
    const how = { cron, zone, missed, overlap, replace, ...code, ...(name === undefined ? {} : { name }) };
    const schedule = await added(() => runtime.schedules.add(definition, input as never, how));
    if (options.json) io.out.line(jsonLine({ schedule: scheduleDocument(schedule) }));
    else
      io.out.line(
        `${schedule.name} fires next at ${formatTimeIn(schedule.zone, schedule.nextAt)} (${schedule.zone})`,
      );
    return DONE;
  } finally {
    await runtime.close();
  }
}

/** In the words of the command line. */
async function added(work: () => Schedule | Promise<Schedule>): Promise<Schedule> {
  try {
    return await work();
  } catch (error) {
    const argument = error instanceof InvalidOptionError ? ARGUMENTS.get(error.option) : undefined;
    if (argument === undefined) throw error;
    const told = (error as Error).message.replace(/^Option '\w+'/, argument);
    throw new RuntimeError('REFUSED', told, {
      hint: `pawl schedule add '0 9 * * 1-5' --tz Europe/Berlin <module>`,
    });
  }
}

/** By the option of the runtime. */
const ARGUMENTS: ReadonlyMap<string, string> = new Map([
  ['cron', 'The times'],
  ['zone', '--tz'],
  ['name', '--name'],
]);

async function change(
  action: 'remove' | 'pause' | 'resume',
  name: string | undefined,
  { options, io }: Use<Options>,
  place: JournalPlace,
): Promise<number> {
  if (name === undefined)
    throw usage(`schedule ${action} takes the name of a schedule.`, 'pawl schedule list');
  // A journal that is not there is not made.
  await readJournal(place, () => undefined);
  const runtime = await openRuntime({ path: place.path });
  try {
    runtime.schedules[action](name);
  } finally {
    await runtime.close();
  }
  const done = { remove: 'removed', pause: 'paused', resume: 'resumed' }[action];
  if (options.json) io.out.line(jsonLine({ schedule: name, done }));
  else io.out.line(`${clean(name)} is ${done}`);
  return DONE;
}

function listLines(schedules: readonly Schedule[], now: number, theme: Theme): string[] {
  if (schedules.length === 0) return [theme.dim('no schedules')];
  const columns = [
    { head: 'SCHEDULE' },
    { head: 'TIMES' },
    { head: 'ZONE' },
    { head: 'PROCESS' },
    { head: 'NEXT' },
  ];
  const rows = schedules.map(({ name, cron, zone, process, isPaused, nextAt }) => [
    clean(name),
    clean(cron),
    clean(zone),
    clean(process),
    isPaused
      ? theme.attention('paused')
      : `${formatTimeIn(zone, nextAt)}  in ${formatDuration(Math.max(0, nextAt - now))}`,
  ]);
  return renderTable(columns, rows, theme);
}
