/** The runs that somebody has picked: they stay picked from one page of the list to the next. */
import { useEffect, useState } from 'preact/hooks';

import type { RunLine } from './api.ts';

/** More at once are nothing that a person looks through. */
export const MOST_PICKED = 200;

let picked: ReadonlyMap<string, RunLine> = new Map();
let last: string | undefined;
const listeners = new Set<() => void>();

function set(next: ReadonlyMap<string, RunLine>): void {
  picked = new Map([...next].slice(0, MOST_PICKED));
  for (const listener of listeners) listener();
}

export function usePicked(): ReadonlyMap<string, RunLine> {
  const [now, setNow] = useState(picked);
  useEffect(() => {
    const listener = (): void => setNow(picked);
    listeners.add(listener);
    listener();
    return () => listeners.delete(listener);
  }, []);
  return now;
}

/** @param through with those between this one and the one that was picked last */
export function pick(run: RunLine, runs: readonly RunLine[], through: boolean): void {
  const next = new Map(picked);
  const from = through ? runs.findIndex(({ id }) => id === last) : -1;
  const to = runs.findIndex(({ id }) => id === run.id);
  if (from !== -1 && to !== -1)
    for (const each of runs.slice(Math.min(from, to), Math.max(from, to) + 1)) next.set(each.id, each);
  else if (!next.delete(run.id)) next.set(run.id, run);
  last = run.id;
  set(next);
}

export function pickAll(runs: readonly RunLine[]): void {
  set(new Map([...picked, ...runs.map((run) => [run.id, run] as const)]));
}

export function dropPicked(): void {
  last = undefined;
  set(new Map());
}
