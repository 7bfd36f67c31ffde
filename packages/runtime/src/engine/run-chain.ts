import type { Millis, RunId } from '../journal/ids.ts';
import type { JournalStore, RunRecord } from '../ports/journal-store.ts';
import { RuntimeError } from '../errors.ts';
import type { RunDriver } from './run-driver.ts';
import { restedError } from './run-exits.ts';
import type { FinalEvent, RunExit } from './run-plan.ts';
import { terminalEventOf } from './run-result.ts';

/** How a run that is driven ends, or the last of those that follow it. */
export async function outcomeOf(first: RunDriver): Promise<FinalEvent> {
  for (let driver = first; ;) {
    driver.standstill.rest.stay();
    const exit = await driver.exit;
    switch (exit.status) {
      case 'ended':
        return exit.event;
      case 'continued':
        driver = exit.next;
        break;
      case 'left':
        throw exit.error;
      case 'rested':
        throw restedError(driver.runId);
      default:
        throw new RuntimeError('UNEXPECTED', `run ${driver.runId} was only replayed`);
    }
  }
}

/** Settles when none is under way any more, those included that come meanwhile. */
export async function allLeft(runs: ReadonlyMap<RunId, RunDriver>): Promise<void> {
  for (let [run] = runs.values(); run !== undefined; [run] = runs.values()) await run.exit;
}

/** Stops a run so that it can be resumed, and those that follow it. */
export async function stopAll(first: RunDriver): Promise<void> {
  for (let driver: RunDriver | undefined = first; driver !== undefined;) {
    driver.stop();
    const exit: RunExit = await driver.exit;
    driver = exit.status === 'continued' ? exit.next : undefined;
  }
}

function noEnd(record: RunRecord): RuntimeError {
  return new RuntimeError('CORRUPT', `Run ${record.runId} is marked ${record.status} and has no end.`, {
    hint: `pawl verify ${record.runId}`,
  });
}

/** The last of the runs that follow this one, itself where it was not continued. */
export function lastOf(store: JournalStore, record: RunRecord, now: Millis): RunRecord {
  let last = record;
  while (last.status === 'continued') {
    const event = terminalEventOf(store, last);
    const next = event.type === 'RunContinued' ? store.getRun(event.nextRunId, now) : undefined;
    if (next === undefined) throw noEnd(last);
    last = next;
  }
  return last;
}

/** @param record of the last of a chain, which has ended */
export function finalEvent(store: JournalStore, record: RunRecord): FinalEvent {
  const event = terminalEventOf(store, record);
  if (event.type === 'RunContinued') throw noEnd(record);
  return event;
}

/** Until it is in the journal's file, or left. */
export async function firstCommit(
  driver: RunDriver,
  watch: (runId: RunId, callback: () => void) => () => void,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const unwatch = watch(driver.runId, () => resolve(undefined));
  await Promise.race([promise, driver.exit]);
  unwatch();
}
