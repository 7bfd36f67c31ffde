/** Runs within a run, in the rows of the one that is shown. */
import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';

import type { RunDetail, Row, StartDetail } from './api.ts';
import { useData } from './data.ts';
import { go, placeNow, runPath } from './route.ts';

/** So many are open at once. */
const MOST_OPEN = 20;
const OPEN = 'open';

export interface Children {
  readonly rows: readonly Row[];
  readonly isOpen: (runId: string) => boolean;
  readonly toggle: (runId: string) => void;
  /** Asks for them; nothing is to be seen of it. */
  readonly feeds: JSX.Element;
}

/** Which are open stands in the address. */
export function useChildren(route: URL, own: readonly Row[]): Children {
  const asked = route.searchParams.getAll(OPEN).slice(0, MOST_OPEN);
  const [known, setKnown] = useState<ReadonlyMap<string, readonly Row[]>>(new Map());
  const keep = (runId: string, rows: readonly Row[]): void =>
    setKnown((now) => (now.get(runId) === rows ? now : new Map(now).set(runId, rows)));
  // The same rows are the same list: what was drawn of them is kept.
  const rows = useMemo(() => {
    const open = new Map(asked.map((runId) => [runId, known.get(runId) ?? []]));
    return open.size === 0 ? own : [...withChildren(own, open, 0, undefined)];
  }, [own, known, asked.join(' ')]);
  return {
    rows,
    isOpen: (runId) => asked.includes(runId),
    toggle,
    feeds: (
      <>
        {asked.map((runId) => (
          <Feed key={runId} runId={runId} onRows={keep} />
        ))}
      </>
    ),
  };
}

function toggle(runId: string): void {
  const place = placeNow();
  const open = place.searchParams.getAll(OPEN);
  if (open.includes(runId)) place.searchParams.delete(OPEN, runId);
  else if (open.length < MOST_OPEN) place.searchParams.append(OPEN, runId);
  go(`${place.pathname}${place.search}`, 'replace');
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
