/**
 * What was read of runs that somebody looks at.
 *
 * Owns folds of a few runs. Talks to the reader.
 * 1. A fold goes on behind its last event: a run that grows is not read from its beginning again.
 * 2. It holds bounded values only.
 * 3. It knows both the usual rows and all of them: to show all reads nothing again.
 * 4. Nobody waits until a long run is read: who asks gets what is known, and the rest is read a slice at a time, so
 *    that others are answered in between.
 */
import {
  addEvent,
  addOpenCall,
  addTimelineEvent,
  barsOf,
  createOpenCalls,
  createRunTree,
  createTimeline,
  type Bar,
  type JournalReader,
  type OpenCalls,
  type RunId,
  type RunTree,
  type Timeline,
} from '@pawl/runtime';

import { addResumeEvent, createResumeMarks, type ResumeMark, type ResumeMarks } from './resume-marks.ts';
import { keepBounded } from './bounded.ts';

interface Fold {
  readonly tree: RunTree;
  readonly open: OpenCalls;
  readonly brief: Timeline;
  readonly whole: Timeline;
  readonly resumes: ResumeMarks;
  /** The rest of its run is being read. */
  isGoingOn: boolean;
}

export interface ReadFold {
  readonly tree: RunTree;
  readonly open: OpenCalls;
  readonly bars: readonly Bar[];
  readonly from: number;
  readonly to: number;
  readonly resumes: readonly ResumeMark[];
  /** It is not read to its end yet. */
  readonly isPart: boolean;
}

/** Calls of one place that have a row of their own, unless all are asked for. */
const USUAL = 100;
const MOST_BARS = 20_000;
const MOST_FOLDS = 8;
/** Events that are read before the first answer. */
const AT_ONCE = 2000;
const SLICE = 500;

export class RunFolds {
  readonly #reader: JournalReader;
  readonly #closing: AbortSignal;
  readonly #folds = new Map<string, Fold>();

  /** @param closing aborted before the reader is closed */
  constructor(reader: JournalReader, closing: AbortSignal) {
    this.#reader = reader;
    this.#closing = closing;
  }

  /** @param isWhole every call has a row, up to 20,000 */
  read(id: RunId, isWhole: boolean): ReadFold {
    const fold = this.#folds.get(id) ?? newFold();
    // The last that was used goes last.
    this.#folds.delete(id);
    this.#folds.set(id, fold);
    const [oldest] = this.#folds.keys();
    if (this.#folds.size > MOST_FOLDS && oldest !== undefined) this.#folds.delete(oldest);
    if (!fold.isGoingOn && !this.#add(fold, id, AT_ONCE)) this.#goOn(fold, id);
    const timeline = isWhole ? fold.whole : fold.brief;
    const { tree, open, isGoingOn: isPart } = fold;
    const { from, to } = timeline;
    return { tree, open, bars: barsOf(timeline), from, to, resumes: fold.resumes.marks, isPart };
  }

  /** @returns whether that was all of them */
  #add(fold: Fold, id: RunId, most: number): boolean {
    let count = 0;
    for (const recorded of this.#reader.events(id, fold.tree.lastSeq).take(most)) {
      count += 1;
      addEvent(fold.tree, recorded);
      addOpenCall(fold.open, recorded);
      addTimelineEvent(fold.brief, recorded);
      addTimelineEvent(fold.whole, recorded);
      addResumeEvent(fold.resumes, recorded);
    }
    return count < most;
  }

  #goOn(fold: Fold, id: RunId): void {
    fold.isGoingOn = true;
    setImmediate(() => {
      fold.isGoingOn = false;
      // Nobody looks at it any more, or it will say what is wrong with it to who asks next.
      if (this.#closing.aborted || this.#folds.get(id) !== fold) return;
      try {
        if (!this.#add(fold, id, SLICE)) this.#goOn(fold, id);
      } catch {
        this.#folds.delete(id);
      }
    });
  }
}

function newFold(): Fold {
  return {
    tree: createRunTree(keepBounded),
    open: createOpenCalls(),
    brief: createTimeline(USUAL, MOST_BARS),
    whole: createTimeline(MOST_BARS, MOST_BARS),
    resumes: createResumeMarks(),
    isGoingOn: false,
  };
}
