/**
 * What was read of runs that somebody looks at.
 *
 * Owns folds of a few runs. Talks to the reader.
 * 1. A fold goes on behind its last event: a run that grows is not read from its beginning again.
 * 2. It holds bounded values only.
 */
import {
  addEvent,
  addTimelineEvent,
  barsOf,
  createRunTree,
  createTimeline,
  type Bar,
  type JournalReader,
  type RunId,
  type RunTree,
  type Timeline,
} from '@pawl/runtime';

import { addResumeEvent, createResumeMarks, type ResumeMark, type ResumeMarks } from './resume-marks.ts';
import { keepBounded } from './bounded.ts';

interface Fold {
  readonly tree: RunTree;
  readonly timeline: Timeline;
  readonly resumes: ResumeMarks;
}

/** Calls of one place that have a row of their own, unless all are asked for. */
const USUAL = 100;
const MOST_BARS = 20_000;
const MOST_FOLDS = 8;

export class RunFolds {
  readonly #reader: JournalReader;
  readonly #folds = new Map<string, Fold>();

  constructor(reader: JournalReader) {
    this.#reader = reader;
  }

  /** @param isWhole every call has a row, up to 20,000 */
  read(
    id: RunId,
    isWhole: boolean,
  ): {
    readonly tree: RunTree;
    readonly bars: readonly Bar[];
    readonly from: number;
    readonly to: number;
    readonly resumes: readonly ResumeMark[];
  } {
    const name = `${isWhole} ${id}`;
    const fold = this.#folds.get(name) ?? newFold(isWhole);
    // The last that was used goes last.
    this.#folds.delete(name);
    this.#folds.set(name, fold);
    for (const recorded of this.#reader.events(id, fold.tree.lastSeq)) {
      addEvent(fold.tree, recorded);
      addTimelineEvent(fold.timeline, recorded);
      addResumeEvent(fold.resumes, recorded);
    }
    const [oldest] = this.#folds.keys();
    if (this.#folds.size > MOST_FOLDS && oldest !== undefined) this.#folds.delete(oldest);
    const { tree, timeline, resumes } = fold;
    return { tree, bars: barsOf(timeline), from: timeline.from, to: timeline.to, resumes: resumes.marks };
  }
}

function newFold(isWhole: boolean): Fold {
  const limit = isWhole ? MOST_BARS : USUAL;
  return {
    tree: createRunTree(keepBounded),
    timeline: createTimeline(limit, MOST_BARS),
    resumes: createResumeMarks(),
  };
}
