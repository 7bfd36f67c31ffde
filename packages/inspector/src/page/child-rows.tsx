/** Runs within a run, in the rows of the one that is shown. */
import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';

import type { RunDetail, Row, StartDetail } from './api.ts';
import { useData } from './data.ts';
import { runPath } from './route.ts';

/** So many are open at once. */
const MOST_OPEN = 20;

export interface Children {
  readonly rows: readonly Row[];
  readonly isOpen: (runId: string) => boolean;
  readonly toggle: (runId: string) => void;
  /** Asks for them; nothing is to be seen of it. */
  readonly feeds: JSX.Element;
}

export function useChildren(own: readonly Row[]): Children {
  const [open, setOpen] = useState<ReadonlyMap<string, readonly Row[]>>(new Map());
  const toggle = (runId: string): void => {
    const next = new Map(open);
    if (!next.delete(runId) && next.size < MOST_OPEN) next.set(runId, []);
    setOpen(next);
  };
  const keep = (runId: string, rows: readonly Row[]): void =>
    setOpen((now) => (now.has(runId) ? new Map(now).set(runId, rows) : now));
  // The same rows are the same list: what was drawn of them is kept.
  const rows = useMemo(
    () => (open.size === 0 ? own : [...withChildren(own, open, 0, undefined)]),
    [own, open],
  );
  return {
    rows,
    isOpen: (runId) => open.has(runId),
    toggle,
    feeds: (
      <>
        {[...open.keys()].map((runId) => (
          <Feed key={runId} runId={runId} onRows={keep} />
        ))}
      </>
    ),
  };
}

function* withChildren(
  rows: readonly Row[],
  open: ReadonlyMap<string, readonly Row[]>,
  depth: number,
  of: string | undefined,
): Generator<Row, void, void> {
  for (const row of rows) {
    yield { ...row, depth: row.depth + depth, ...(of === undefined ? {} : { of }) };
    const within = row.runId === undefined ? undefined : open.get(row.runId);
    // What is open in itself would be so without end.
    if (within !== undefined && row.runId !== of)
      yield* withChildren(within, open, depth + row.depth + 1, row.runId);
  }
}

function Feed(props: {
  readonly runId: string;
  readonly onRows: (runId: string, rows: readonly Row[]) => void;
}): null {
  const { runId, onRows } = props;
  const { data } = useData<RunDetail | StartDetail>(runPath(runId));
  useEffect(() => {
    if (data !== undefined && 'run' in data) onRows(runId, data.rows);
  }, [data]);
  return null;
}
