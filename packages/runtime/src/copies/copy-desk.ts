import { RuntimeError } from '../errors.ts';
import { runOf } from '../find-run.ts';
import type { RunId } from '../journal/ids.ts';
import type { Clock } from '../ports/clock.ts';
import type { CopyStore } from '../ports/copy-store.ts';
import type { JournalStore } from '../ports/journal-store.ts';
import { importText, type ImportedRunNote, type TextImportOptions } from './import-text.ts';
import { exportText, type ExportOptions, type Exported } from './export-text.ts';
import { fileLines, textLines } from './text-lines.ts';

export interface ImportOptions extends TextImportOptions {
  /** A file that holds the text. One of `file` and `text`. */
  readonly file?: string;
  readonly text?: string;
}

const PAGE = 1000;

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
    return importText(copiesOf(this.#store), source, as === undefined ? {} : { as }, this.#clock.now());
  }
}

/** As `CopyDesk.export`, for who only reads. @param id undefined: all runs, in the order in which they came */
export function exportRuns(
  store: JournalStore,
  id: RunId | undefined,
  options: ExportOptions,
  now: number,
): Generator<string, Exported, void> {
  const ids = id === undefined ? allIds(store, now) : [runOf(store, id, now).runId];
  return exportText(copiesOf(store), ids, options);
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
