import { DISPLAY_STATUSES } from '@pawl/runtime';

import { choice, PLACE_OPTIONS, defineCommand, text, texts, wholeNumber, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { findRuns, storedStatus } from '../find-runs.ts';
import { anyPlace, checkedRunId, readJournal } from '../journal-place.ts';
import { LeftOut } from '../left-out.ts';
import { jsonLine } from '../render/json.ts';
import { shellWords } from '../render/next-commands.ts';
import { renderRunList } from '../render/run-list.ts';
import { whereOf } from '../where.ts';
import { runDocument } from '../run-document.ts';

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
    const leftOut = new LeftOut();
    const found = await readJournal(
      place,
      (reader) => [...findRuns(reader, { status, where, before, limit: limit + 1, leftOut: leftOut.add })],
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
    leftOut.tell(place);
    return DONE;
  },
});
