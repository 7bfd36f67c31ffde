import { DISPLAY_STATUSES, isRunId, RuntimeError, type RunDamage, type RunId } from '@pawl/runtime';

import { choice, PLACE_OPTIONS, defineCommand, text, texts, wholeNumber, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { findRuns, storedStatus } from '../find-runs.ts';
import { anyPlace, checkedRunId, readJournal, type JournalPlace } from '../journal-place.ts';
import { jsonLine } from '../render/json.ts';
import { shellWords } from '../render/next-commands.ts';
import { renderRunList } from '../render/run-list.ts';
import { whereOf } from '../where.ts';
import { runDocument } from '../run-document.ts';

/** Of which one is named, and how many there are. */
const MOST_DAMAGED = 100;

export const listCommand: Command = defineCommand({
  arguments: [],
  options: {
    limit: wholeNumber('-n, --limit <count>', 'at most so many runs (default: 20)', 20, 1),
    status: choice('-s, --status <status>', 'only runs with this status', DISPLAY_STATUSES, undefined),
    before: text('--before <run>', 'only runs older than this one'),
    where: texts('-w, --where <name=value...>', 'only runs that say so of themselves (ctx.setState)'),
    output: choice('-o, --output <form>', "'ids' prints ids only, one a line", ['table', 'ids'], 'table', {
      conflicts: ['json'],
    }),
    ...PLACE_OPTIONS,
  },
  examples: [
    { command: 'pawl list', what: 'the newest twenty' },
    { command: `pawl list --where 'customer=42' --status waiting`, what: 'by what runs say of themselves' },
    { command: 'pawl list --status failed --json', what: 'for programs' },
    { command: 'pawl list -s interrupted -o ids | xargs -n 1 pawl resume', what: 'act on many' },
  ],
  run: async ({ options, io }) => {
    const { limit, status, output } = options;
    const where = whereOf(options.where);
    const place = anyPlace(options, io);
    const before = options.before === undefined ? undefined : checkedRunId(options.before);
    const damaged = new Map<RunId, RunDamage>();
    const leftOut = (damage: RunDamage): void => {
      if (damaged.size < MOST_DAMAGED) damaged.set(damage.runId, damage);
    };
    const found = await readJournal(
      place,
      (reader) => [...findRuns(reader, { status, where, before, limit: limit + 1, leftOut })],
      {
        before,
        newest: status === undefined && options.where.length === 0 ? limit + 1 : Infinity,
        isOpen: status !== undefined && storedStatus(status) === 'running',
      },
    );
    const runs = found.slice(0, limit);
    const hasMore = found.length > limit;
    const last = runs.at(-1);
    if (options.json) {
      io.out.line(jsonLine({ runs: runs.map(runDocument), hasMore }));
    } else if (output === 'ids') {
      io.out.lines(runs.map((run) => run.runId));
    } else {
      const { width, theme } = io.out;
      io.out.lines(renderRunList({ runs, hasMore, now: io.now(), width, theme }));
      if (hasMore && last !== undefined) {
        const filter = [
          ...(status === undefined ? [] : ['--status', status]),
          ...options.where.flatMap((term) => ['--where', term]),
        ];
        const older = shellWords('pawl', 'list', '--before', last.runId, ...filter, ...place.flags);
        io.err.lines(['', `${io.err.theme.dim('older')}  ${older}`]);
      }
    }
    if (damaged.size > 0) throw withoutRuns([...damaged.values()], place);
    return DONE;
  },
});

/** The others are told already. */
function withoutRuns(damaged: readonly RunDamage[], place: JournalPlace): RuntimeError {
  const [first] = damaged;
  const only = damaged.length === 1 && first !== undefined && isRunId(first.runId) ? [first.runId] : [];
  const count = damaged.length < MOST_DAMAGED ? String(damaged.length - 1) : 'many';
  const others = damaged.length > 1 ? ` (and ${count} more)` : '';
  return new RuntimeError(
    'CORRUPT',
    `Run ${first?.runId} is left out${others}, since its row is damaged: ${first?.problem}.`,
    { hint: shellWords('pawl', 'verify', ...only, ...place.flags), data: { leftOut: damaged } },
  );
}
