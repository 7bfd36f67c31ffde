import { setTimeout as sleep } from 'node:timers/promises';

import { durationMs, type Duration } from '@pawl/sdk';

import { RuntimeError } from '../errors.ts';
import { runOf } from '../find-run.ts';
import type { RunId } from '../journal/ids.ts';
import type { Clock } from '../ports/clock.ts';
import type { RunStatus } from '../journal/run-summary.ts';
import type { CopyStore, PrunableFamily } from '../ports/copy-store.ts';
import type { JournalStore } from '../ports/journal-store.ts';
import { importText, type ImportedRunNote, type TextImportOptions } from './import-text.ts';
import { exportText, type ExportOptions, type Exported } from './export-text.ts';
import { fileLines, textLines } from './text-lines.ts';

export interface ImportOptions extends TextImportOptions {
  /** A file that holds the text. One of `file` and `text`. */
  readonly file?: string;
  readonly text?: string;
}

export interface BackupOptions {
  /** Puts it in the place of a file that is there. Default false: that is refused. */
  readonly replace?: boolean;
}

export interface PruneOptions {
  /** Only what ended so long ago, with all that belongs to it. */
  readonly olderThan: Duration;
  /** Only what ended so. Default: any. */
  readonly statuses?: readonly RunStatus[];
  /** Says what would go, and removes nothing. */
  readonly dryRun?: boolean;
}

export interface Pruned {
  /** Each with what belongs to it, the oldest first. */
  readonly families: readonly PrunableFamily[];
  readonly runs: number;
  readonly events: number;
  /** Room in the file that is free for what comes; `shrink` gives it back to the disk. */
  readonly freeBytes: number;
}

const PAGE = 1000;
/** Others wait for the end of a transaction: so many events are removed in one, or those of one family. */
const PRUNED_EVENTS = 5000;
/** In which they have their turn. */
const PAUSE_MS = 10;

/** Runs on their way out of a journal, and into it. */
export class CopyDesk {
  readonly #store: JournalStore;
  readonly #clock: Clock;

  constructor(store: JournalStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * A run as text, line by line, with all that belong to it: those that follow it, and those that it started.
   * @throws RuntimeError NOT_FOUND; USAGE or REFUSED for `redact`; CORRUPT
   */
  export(id: RunId, options: ExportOptions = {}): Generator<string, Exported, void> {
    return exportRuns(this.#store, id, options, this.#clock.now());
  }

  /** Takes in what an export made. @throws RuntimeError REFUSED, NEWER, CORRUPT; errors of the file */
  import({ file, text = '', as }: ImportOptions): readonly ImportedRunNote[] {
    const source = (): Iterable<string> => (file === undefined ? textLines(text) : fileLines(file));
    const isSealed = this.#store.sealing?.isOn === true;
    const copies = copiesOf(this.#store);
    return importText(copies, source, { ...(as === undefined ? {} : { as }), isSealed }, this.#clock.now());
  }

  /**
   * Removes runs that have ended, with those that they started and those that follow them; never one that has not, nor
   * one that a fork which stays needs, nor the newest of the journal. A crash leaves families as a whole, or not at all.
   * @throws InvalidOptionError; RuntimeError BUSY, STORAGE
   */
  async prune({ olderThan, statuses, dryRun = false }: PruneOptions): Promise<Pruned> {
    const copies = copiesOf(this.#store);
    const endedBefore = this.#clock.now() - durationMs(olderThan, 'olderThan');
    const families = copies.prunable({ endedBefore, statuses });
    const gone: PrunableFamily[] = [];
    let left = dryRun ? [] : families;
    // One that a fork needs can go once that fork's batch is gone.
    for (let before = -1; before !== left.length && left.length > 0;) {
      before = left.length;
      for (const batch of batchesOf(left)) {
        gone.push(...copies.prune(batch));
        await sleep(PAUSE_MS);
      }
      const isGone = new Set(gone);
      left = left.filter((family) => !isGone.has(family));
    }
    const told = dryRun ? families : gone;
    const runs = told.flatMap((family) => family.runs);
    return {
      families: told,
      runs: runs.length,
      events: runs.reduce((sum, { lastSeq }) => sum + lastSeq, 0),
      freeBytes: copies.freeBytes(),
    };
  }

  /**
   * Gives what is free in the file back to the disk: all of it is written anew, twice, and others wait.
   * @returns bytes of the file @throws RuntimeError BUSY while other programs drive runs; STORAGE without room
   */
  shrink(): { readonly before: number; readonly after: number } {
    return copiesOf(this.#store).shrink();
  }

  /** As JournalReader.backup. */
  backup(path: string, options: BackupOptions = {}): number {
    return backupTo(this.#store, path, options);
  }
}

export function backupTo(store: JournalStore, path: string, { replace = false }: BackupOptions): number {
  return copiesOf(store).backup(path, replace);
}

function* batchesOf(families: readonly PrunableFamily[]): Generator<readonly PrunableFamily[], void, void> {
  let batch: PrunableFamily[] = [];
  let events = 0;
  for (const family of families) {
    batch.push(family);
    events += family.runs.reduce((sum, { lastSeq }) => sum + lastSeq, 0);
    if (events < PRUNED_EVENTS) continue;
    yield batch;
    batch = [];
    events = 0;
  }
  if (batch.length > 0) yield batch;
}

/** As `CopyDesk.export`, for who only reads. @param id undefined: all runs, in the order in which they came */
export function exportRuns(
  store: JournalStore,
  id: RunId | undefined,
  options: ExportOptions,
  now: number,
): Generator<string, Exported, void> {
  const ids = id === undefined ? allIds(store, now) : [runOf(store, id, now).runId];
  return exportText(copiesOf(store), ids, options, store.sealing?.isOn === true);
}

function allIds(store: JournalStore, now: number): RunId[] {
  const ids: RunId[] = [];
  for (;;) {
    const before = ids.at(-1);
    const page = store.queryRuns({ limit: PAGE, ...(before === undefined ? {} : { before }) }, now);
    for (const { runId } of page) ids.push(runId);
    if (page.length < PAGE) return ids.toReversed();
  }
}

/** @throws RuntimeError REFUSED */
function copiesOf({ copies }: JournalStore): CopyStore {
  if (copies !== undefined) return copies;
  throw new RuntimeError('REFUSED', 'This store has no file, and so no copies of its runs.', {
    hint: 'Open the runtime with a path; a test runtime tells a run by its journal()',
  });
}
