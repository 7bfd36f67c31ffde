/** What `pawl show` prints of a run that has begun. What can be known at once of a long one is not waited for. */
import { addEvent, createRunTree, type JournalReader, type RunId, type RunTree } from '@pawl/runtime';

import { OWN_FOLDERS } from './own-folders.ts';
import { endOfRun, Reading } from './read-events.ts';
import { renderRun, renderRunFirst, renderRunRest, type RunView } from './render/run.ts';
import { keepText } from './render/value.ts';
import type { Io } from './terminal.ts';

/** Calls of one place; a map of ten thousand is not read line by line. */
export const SHOWN_CALLS = 12;

/** Fewer events are read before anybody could see anything. */
const SHORT = 2000;

export interface ShowOptions {
  readonly reader: JournalReader;
  readonly io: Io;
  /** Calls of one place that are shown; Infinity = all. */
  readonly limit: number;
  readonly flags: readonly string[];
}

export function showRun(runId: RunId, { reader, io, limit, flags }: ShowOptions): void {
  const run = reader.get(runId);
  const { width, theme } = io.out;
  const places = { cwd: io.cwd, ownFolders: OWN_FOLDERS };
  const state = reader.state(runId);
  const forks = reader.forksOf(runId);
  const look = { run, state, forks, now: io.now(), limit, flags, places, width, theme };
  const first: RunView | undefined =
    run.lastSeq <= SHORT ? undefined : { ...look, tree: briefTree(reader, runId) };
  if (first !== undefined) io.out.lines(renderRunFirst(first));
  const reading = new Reading(io, [run]);
  const tree = createRunTree(keepText, limit);
  for (const recorded of reading.events(reader, runId)) addEvent(tree, recorded);
  reading.end();
  const view: RunView = { ...look, tree, waits: run.asked.length === 0 ? [] : reader.waits(runId) };
  io.out.lines(first === undefined ? renderRun(view) : renderRunRest(view, first));
}

/** Of its first events and the one that ended it: no calls. */
function briefTree(reader: JournalReader, runId: RunId): RunTree {
  const tree = createRunTree(keepText);
  for (const recorded of reader.events(runId)) {
    const { type } = recorded.event;
    if (type !== 'RunStarted' && type !== 'ParentRecorded') break;
    addEvent(tree, recorded);
  }
  const end = endOfRun(reader, reader.get(runId));
  if (end !== undefined) addEvent(tree, end);
  return tree;
}
