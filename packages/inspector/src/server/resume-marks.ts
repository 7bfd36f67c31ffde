/**
 * When a run went on after a stop or a crash in the middle of an attempt: a fold of its events. Others leave no trace
 * in a journal. The rule is that of `pawl stats`: a second start without an end between is a crash.
 */
import type { CallKey, Millis, Recorded } from '@pawl/runtime';

export interface ResumeMark {
  readonly at: Millis;
  readonly after: 'stop' | 'crash';
}

export interface ResumeMarks {
  readonly marks: ResumeMark[];
  /** Attempts under way, by call: when they began. */
  readonly started: Map<CallKey, Millis>;
  resumedAt: Millis;
  wasStopped: boolean;
}

const MOST_MARKS = 200;

export function createResumeMarks(): ResumeMarks {
  return { marks: [], started: new Map(), resumedAt: 0, wasStopped: false };
}

export function addResumeEvent(fold: ResumeMarks, { event, at }: Recorded): void {
  const { started } = fold;
  switch (event.type) {
    case 'RunForked':
      // What was under way was so in the other run.
      started.clear();
      fold.wasStopped = false;
      return;
    case 'AttemptInterrupted':
      fold.wasStopped = true;
      started.delete(event.key);
      return;
    case 'AttemptStarted': {
      const before = started.get(event.key);
      const isCrash = before !== undefined && before >= fold.resumedAt;
      if (isCrash || fold.wasStopped) {
        if (fold.marks.length < MOST_MARKS)
          fold.marks.push({ at, after: fold.wasStopped ? 'stop' : 'crash' });
        fold.resumedAt = at;
        fold.wasStopped = false;
      }
      started.set(event.key, at);
      return;
    }
    case 'AttemptFailed':
    case 'TaskSucceeded':
    case 'TaskFailed':
    case 'TaskCancelled':
      started.delete(event.key);
      return;
    default:
  }
}
