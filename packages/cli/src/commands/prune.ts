import { openRuntime, type Pruned } from '@pawl/runtime';

import { choice, COMMON_OPTIONS, defineCommand, duration, flag, usage, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { journalPlace, readJournal } from '../journal-place.ts';
import { renderPruned } from '../render/copies.ts';
import { jsonLine } from '../render/json.ts';
import { timestamp } from '../run-document.ts';

const ENDS = ['succeeded', 'failed', 'cancelled'] as const;

export const pruneCommand: Command = defineCommand({
  description:
    'Removes runs that ended long ago, with those that they started and those that follow them. What has not ended stays, and so does what a fork needs. The room is used again; pawl compact gives it back to the disk.',
  arguments: [],
  options: {
    olderThan: duration('--older-than <duration>', 'only what ended so long ago, such as 30d'),
    status: choice('-s, --status <status>', 'only runs that ended so', ENDS, undefined),
    keepFailed: flag('--keep-failed', 'not those that failed', { conflicts: ['status'] }),
    dryRun: flag('--dry-run', 'list what would go, and remove nothing'),
    ...COMMON_OPTIONS,
  },
  examples: [
    { command: 'pawl prune --older-than 30d --dry-run', what: 'what would go' },
    { command: 'pawl prune --older-than 30d --keep-failed', what: 'all but what failed' },
  ],
  run: async ({ options, io }) => {
    const place = journalPlace(options.db, io);
    const { olderThan, keepFailed, dryRun } = options;
    if (olderThan === undefined)
      throw usage('Say how old a run has to be.', 'pawl prune --older-than 30d --dry-run');
    await readJournal(place, () => undefined);
    const kept = keepFailed ? ENDS.filter((status) => status !== 'failed') : undefined;
    const statuses = options.status === undefined ? kept : [options.status];
    const runtime = await openRuntime({ path: place.path });
    try {
      const filter = statuses === undefined ? {} : { statuses };
      const pruned = await runtime.copies.prune({ olderThan, dryRun, ...filter });
      if (options.json) io.out.line(jsonLine(documentOf(pruned, dryRun)));
      else io.out.lines(renderPruned(pruned, dryRun, place.flags, io.out.width, io.out.theme));
      return DONE;
    } finally {
      await runtime.close();
    }
  },
});

function documentOf(
  { families, runs, events, freeBytes }: Pruned,
  isDryRun: boolean,
): Record<string, unknown> {
  return {
    dryRun: isDryRun,
    runs,
    events,
    freeBytes,
    families: families.map(({ runs: [first, ...others], status, endedAt }) => ({
      id: first?.runId,
      process: first?.process,
      status,
      endedAt: timestamp(endedAt),
      others: others.map(({ runId }) => runId),
    })),
  };
}
