/** Several runs at once: picked by mouse or keyboard, and what is to become of them. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import type { RunLine } from './api.ts';
import { BulkDialog, isFor, type BulkAct } from './bulk-dialog.tsx';
import { count } from './format.ts';
import { useKeys } from './keys.ts';
import { Link } from './link.tsx';
import { comparePath } from './route.ts';
import { dropPicked, pick, pickAll, usePicked } from './picked-runs.ts';

export function PickBox({
  run,
  runs,
}: {
  readonly run: RunLine;
  readonly runs: readonly RunLine[];
}): JSX.Element {
  const isPicked = usePicked().has(run.id);
  return (
    <label class="pick" data-run={run.id}>
      <span class="hidden">Choose {run.id}</span>
      <input type="checkbox" checked={isPicked} onClick={(event) => pick(run, runs, event.shiftKey)} />
    </label>
  );
}

const ACTS: readonly (readonly [act: BulkAct, name: string])[] = [
  ['retry', 'Retry'],
  ['cancel', 'Cancel'],
];

export function BulkBar(props: {
  readonly runs: readonly RunLine[];
  readonly readOnly: boolean;
}): JSX.Element | null {
  const { runs, readOnly } = props;
  const picked = usePicked();
  const [act, setAct] = useState<BulkAct>();
  const pickFocused = (through: boolean): void => {
    const row = document.activeElement?.closest('li');
    const id = row?.querySelector<HTMLElement>('[data-run]')?.dataset['run'];
    const run = runs.find((each) => each.id === id);
    if (run !== undefined) pick(run, runs, through);
  };
  useKeys({ x: () => pickFocused(false), X: () => pickFocused(true) });
  if (picked.size === 0) return null;
  // What became of one since it was picked counts.
  const chosen = [...picked.values()].map((run) => runs.find(({ id }) => id === run.id) ?? run);
  const [a, b, more] = picked.keys();
  return (
    <>
      <div class="bulk" role="region" aria-label="Chosen runs">
        <span role="status">
          <b>{count(picked.size)}</b> chosen
        </span>
        {a !== undefined && b !== undefined && more === undefined ? (
          <Link class="button" to={comparePath(a, b)}>
            Compare
          </Link>
        ) : null}
        {(readOnly ? [] : ACTS).map(([each, name]) => {
          const fit = chosen.filter((run) => isFor(each, run)).length;
          return (
            <button key={each} type="button" class="button" disabled={fit === 0} onClick={() => setAct(each)}>
              {name} {fit === 0 ? '' : count(fit)}…
            </button>
          );
        })}
        <button type="button" class="link" onClick={() => pickAll(runs)}>
          All of this page
        </button>
        <button type="button" class="link" onClick={dropPicked}>
          None
        </button>
      </div>
      {act === undefined ? null : (
        <BulkDialog
          act={act}
          runs={chosen}
          onClose={(isDone) => {
            setAct(undefined);
            if (isDone) dropPicked();
          }}
        />
      )}
    </>
  );
}
