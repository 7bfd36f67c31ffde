import { nearest, openRuntime, RuntimeError, type JournalReader, type PoolStatus } from '@pawl/runtime';

import { COMMON_OPTIONS, defineCommand, flag, usage, wholeNumber, text, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { journalPlace, readJournal, type JournalPlace } from '../journal-place.ts';
import { jsonLine } from '../render/json.ts';
import { renderPoolList } from '../render/pool-list.ts';

const RUNS = 20;

type Limits = number | Readonly<Record<string, number>> | null;

export const poolsCommand: Command = defineCommand({
  description:
    'What living programs have of each pool, and statistics of the newest runs. With set: other limits than are declared, for all programs of the journal, at once.',
  arguments: [
    { name: '[set]', description: "'set' to change the limits of a pool" },
    { name: '[pool]', description: 'its name' },
  ],
  options: {
    runs: wholeNumber('-n, --runs <count>', `statistics of so many runs (default: ${RUNS})`, RUNS, 0),
    max: wholeNumber('--max <slots>', 'with set: so many slots', undefined, 1),
    limits: text('--limits <amounts>', 'with set: by resource, such as gpu=2,mem=8', { conflicts: ['max'] }),
    declared: flag('--declared', 'with set: what is declared, again', { conflicts: ['max', 'limits'] }),
    ...COMMON_OPTIONS,
  },
  examples: [
    { command: 'pawl pools', what: 'all of them' },
    { command: 'pawl pools set gpu --max 2', what: 'at most two at once; a star marks it' },
    { command: 'pawl pools set gpu --declared', what: 'as its program declares it' },
  ],
  run: async ({ args, options, io }) => {
    const place = journalPlace(options.db, io);
    const [action, name] = args;
    const limits = limitsOf(options);
    if (action !== undefined) await set(place, action, name, limits);
    else if (limits !== undefined) throw usage('Limits are changed by: pawl pools set <pool> --max <slots>');
    const pools = await readJournal(place, (reader) => reader.pools(options.runs));
    const shown = action === undefined ? pools : pools.filter((pool) => pool.name === name);
    if (options.json) io.out.line(jsonLine({ pools: shown.map(poolDocument), runs: options.runs }));
    else
      io.out.lines(
        renderPoolList({ pools: shown, runs: options.runs, width: io.out.width, theme: io.out.theme }),
      );
    return DONE;
  },
});

/** Undefined where nothing is to be set. */
function limitsOf(options: {
  readonly max: number | undefined;
  readonly limits: string | undefined;
  readonly declared: boolean;
}): Limits | undefined {
  if (options.declared) return null;
  if (options.limits === undefined) return options.max;
  const entries = options.limits.split(',').map((part): [string, number] => {
    const [, resource = '', amount = ''] =
      /^([A-Za-z][\w.-]{0,63})=(\d{1,9}(?:\.\d{1,6})?)$/.exec(part.trim()) ?? [];
    if (resource === '' || Number(amount) <= 0)
      throw usage(`'${options.limits}' is no list of limits, which --limits takes: such as gpu=2,mem=8.`);
    return [resource, Number(amount)];
  });
  return Object.fromEntries(entries);
}

async function set(
  place: JournalPlace,
  action: string,
  name: string | undefined,
  limits: Limits | undefined,
): Promise<void> {
  if (action !== 'set') throw usage(`'${action.slice(0, 80)}' is no action of pools, which knows 'set'.`);
  if (name === undefined || limits === undefined)
    throw usage('pools set takes a pool, and --max, --limits or --declared.');
  await readJournal(place, (reader) => known(reader, name));
  const runtime = await openRuntime({ path: place.path });
  try {
    runtime.setLimits(name, limits);
  } finally {
    await runtime.close();
  }
}

/** @throws RuntimeError NOT_FOUND with the nearest names */
function known(reader: JournalReader, name: string): void {
  const names = reader.pools(0).map((pool) => pool.name);
  if (names.includes(name)) return;
  const near = nearest(name, names);
  throw new RuntimeError('NOT_FOUND', `There is no pool '${name.slice(0, 128)}' in this journal.`, {
    hint: near.length === 0 ? 'See the pools: pawl pools' : `Did you mean ${near.join(' or ')}?`,
    data: { nearest: near },
  });
}

/** JSON has no Infinity: null is unlimited. */
function poolDocument({ isSet, ...status }: PoolStatus): Readonly<Record<string, unknown>> {
  return { ...status, set: isSet };
}
