import type {
  ErrorRecord,
  JournalReader,
  OpenCalls,
  OpenTask,
  QueuedStart,
  Recorded,
  RunDamage,
  RunId,
  RunQuery,
  RunRecord,
  Schedule,
} from '@pawl/runtime';

export type Document = Readonly<Record<string, unknown>>;

/** A comparison that is fed with slices of both runs. */
export interface DiffFold {
  add(side: 'a' | 'b', events: Iterable<Recorded>): void;
  /** As `pawl diff --json`: calls of the same key beside each other. */
  end(): Document;
}

/** What is said of things: the same words and documents as the commands have, which whoever serves the page gives. */
export interface Describe {
  run(run: RunRecord): Document;
  /**
   * One sentence, its state, and the commands to type next.
   * @param open what is open in the run, where that is known: it is not read again
   * @throws RuntimeError NOT_FOUND
   */
  why(reader: JournalReader, id: RunId, open?: OpenCalls): Document;
  /** What all runs wait for, or one does. @param leftOut told of those of all that are damaged */
  waits(
    reader: JournalReader,
    id: RunId | undefined,
    leftOut?: (damage: RunDamage) => void,
  ): readonly Document[];
  /** External tasks that are open, of all runs. @param leftOut told of those that are damaged */
  openTasks(reader: JournalReader, leftOut: (damage: RunDamage) => void, limit: number): readonly OpenTask[];
  task(task: OpenTask): Document;
  start(start: QueuedStart): Document;
  schedule(schedule: Schedule): Document;
  /** Two runs to be compared, whose events are added to it. @throws RuntimeError NOT_FOUND, SEALED */
  diff(reader: JournalReader, a: RunId, b: RunId): DiffFold;
  /** What runs say of themselves, as `pawl list --where` takes it. @throws RuntimeError USAGE */
  where(terms: readonly string[]): NonNullable<RunQuery['where']>;
  /** Where an error is first in the user's code: `src/pay.ts:12:9`. */
  place(error: ErrorRecord): string | undefined;
}
