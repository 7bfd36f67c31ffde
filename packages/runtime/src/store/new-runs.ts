import type { AppendRun } from '../ports/journal-store.ts';

const NONE: readonly AppendRun[] = [];

/** The runs that an append creates beside its own, each as an append: the successor first. */
export function newRunsOf({ successor, children = [] }: AppendRun): readonly AppendRun[] {
  if (successor === undefined && children.length === 0) return NONE;
  return [...(successor === undefined ? [] : [successor]), ...children].map(
    ({ runId, at, event, parent }) => ({
      runId,
      epoch: 1,
      afterSeq: 0,
      events:
        parent === undefined
          ? [{ at, event }]
          : [
              { at, event },
              { at, event: parent },
            ],
      consumed: [],
    }),
  );
}
