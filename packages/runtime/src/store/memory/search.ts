/** Which runs are meant, the newest first. */
import type { Millis } from '../../journal/ids.ts';
import type { Driver, RunQuery, RunRecord, RunSearch, RunsFound } from '../../ports/journal-store.ts';
import { hasSought, soughtTexts } from '../run-states.ts';
import type { Run } from './rows.ts';

export function runsOf(runs: ReadonlyMap<string, Run>, query: RunQuery): Run[] {
  // A map keeps the order in which its keys came.
  const newestFirst = [...runs.values()].toReversed();
  const { before, statuses } = query;
  const sought = soughtTexts(query);
  const start =
    before === undefined ? 0 : newestFirst.findIndex(({ summary }) => summary.runId === before) + 1;
  if (before !== undefined && start === 0) return [];
  return newestFirst
    .slice(start)
    .filter(({ summary }) => statuses === undefined || statuses.includes(summary.status))
    .filter(({ states }) => hasSought(states, sought));
}

export function foundIn(runs: readonly Run[], search: RunSearch, record: (run: Run) => RunRecord): RunsFound {
  const looked = runs.slice(0, search.lookAt);
  const found = looked.filter((run) => isMeant(run, search)).slice(0, search.limit);
  const last = found.length === search.limit ? found.at(-1) : looked.at(-1);
  const hasMore = found.length === search.limit || runs.length >= search.lookAt;
  return {
    runs: found.map(record),
    next: hasMore ? (last?.summary.runId ?? null) : null,
    lookedAt: found.length === search.limit ? looked.indexOf(last as Run) + 1 : looked.length,
  };
}

function isMeant({ summary }: Run, { process, startedFrom, startedBefore, text }: RunSearch): boolean {
  const { runId, process: own, startedAt } = summary;
  if (process !== undefined && own !== process) return false;
  if (startedFrom !== undefined && startedAt < startedFrom) return false;
  if (startedBefore !== undefined && startedAt >= startedBefore) return false;
  if (text === undefined) return true;
  return lower(runId).includes(lower(text)) || lower(own).includes(lower(text));
}

/** As SQLite has it. */
function lower(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

export function driversOf(
  runs: ReadonlyMap<string, Run>,
  isAlive: (run: Run) => boolean,
  now: Millis,
): readonly Driver[] {
  const owned = Map.groupBy(
    [...runs.values()].filter(({ owner }) => owner !== null),
    ({ owner }) => owner ?? '',
  );
  const drivers = [...owned].map(([owner, own]): Driver => {
    const leasedUntil = Math.max(...own.map(({ until }) => until));
    const state = own.some(isAlive) ? 'alive' : leasedUntil > now ? 'gone' : 'silent';
    const lastEventAt = Math.max(...own.map(({ summary }) => summary.updatedAt));
    return { owner, state, runs: own.length, lastEventAt, leasedUntil, since: null };
  });
  return drivers.toSorted((a, b) => b.runs - a.runs);
}
