/** What would become of each of several runs, and then what did. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { get, post, type Plan, type RunLine } from './api.ts';
import { Dialog } from './dialog.tsx';
import { count } from './format.ts';
import { Link } from './link.tsx';
import { runPath } from './route.ts';
import { StatusBadge } from './status.tsx';

export type BulkAct = 'cancel' | 'retry';

/** How one of them stands. */
type Item =
  | { readonly is: 'looked at' }
  | { readonly is: 'left'; readonly why: string }
  | { readonly is: 'meant'; readonly what: string; readonly risky: number }
  | { readonly is: 'done'; readonly what: string; readonly made?: string }
  | { readonly is: 'failed'; readonly why: string };

const TRIED: ReadonlySet<string> = new Set(['failed', 'cancelled']);
const ENDED: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled', 'continued']);

export function isFor(act: BulkAct, { status }: RunLine): boolean {
  return act === 'retry' ? TRIED.has(status) : !ENDED.has(status);
}

/** Those that were chosen, how each stands, and what goes on. */
function useBulk(act: BulkAct, given: readonly RunLine[]) {
  // Those that were picked when it was opened, as they were then.
  const [runs] = useState(() => given.toSorted((a, b) => Number(isFor(act, b)) - Number(isFor(act, a))));
  const [items, setItems] = useState<ReadonlyMap<string, Item>>(
    () => new Map(runs.map((run) => [run.id, begun(act, run)])),
  );
  const [phase, setPhase] = useState<'asking' | 'working' | 'done'>('asking');
  const note = (id: string, item: Item): void => setItems((now) => new Map(now).set(id, item));
  useEffect(() => {
    let isOver = false;
    const look = async (): Promise<void> => {
      for (const { id } of runs.filter((run) => act === 'retry' && isFor(act, run)))
        if (!isOver) note(id, await planned(id));
    };
    void look();
    return () => {
      isOver = true;
    };
  }, []);
  const work = async (reason: string): Promise<void> => {
    setPhase('working');
    // One after the other: each is said as it is done, and who closes the page has not begun the rest.
    for (const { id } of runs) if (items.get(id)?.is === 'meant') note(id, await done(act, id, reason));
    setPhase('done');
  };
  return { runs, items, phase, work };
}

export function BulkDialog(props: {
  readonly act: BulkAct;
  readonly runs: readonly RunLine[];
  readonly onClose: (isDone: boolean) => void;
}): JSX.Element {
  const { act, onClose } = props;
  const { runs, items, phase, work } = useBulk(act, props.runs);
  const [reason, setReason] = useState('');
  const [isSure, setSure] = useState(false);
  const all = [...items.values()];
  const meant = runs.filter(({ id }) => items.get(id)?.is === 'meant');
  const risky = all.reduce((sum, item) => sum + (item.is === 'meant' ? item.risky : 0), 0);
  const failed = runs.filter(({ id }) => items.get(id)?.is === 'failed');
  const isLooking = all.some(({ is }) => is === 'looked at');
  const word = act === 'retry' ? 'Retry' : 'Cancel';
  const fit = runs.filter((run) => isFor(act, run)).length;
  const title = `${word} ${fit === 1 ? 'one run' : `${count(fit)} runs`}${fit < runs.length ? ` of ${count(runs.length)}` : ''}`;
  return (
    <Dialog title={title} onClose={() => onClose(phase === 'done')}>
      <p>
        {act === 'retry'
          ? 'Each becomes another run that keeps what succeeded. It goes on where a worker or pawl resume takes it.'
          : 'Each is given up; what it registered for its end is still done. What was done stays done.'}
      </p>
      <ul class="bulk-runs">
        {runs.map((run) => (
          <ItemView key={run.id} run={run} item={items.get(run.id) ?? { is: 'looked at' }} />
        ))}
      </ul>
      {phase === 'asking' ? (
        <Asked
          act={act}
          reason={reason}
          onReason={setReason}
          risky={risky}
          isSure={isSure}
          onSure={setSure}
        />
      ) : null}
      <p role="status" class={failed.length > 0 ? 'bad' : 'dim'}>
        {phase === 'done'
          ? ended(meant.length, all, failed)
          : isLooking
            ? 'Looking what it would come to…'
            : ''}
      </p>
      <div class="buttons">
        {phase === 'done' ? null : (
          <button
            type="button"
            class={act === 'cancel' || risky > 0 ? 'danger' : 'primary'}
            disabled={phase === 'working' || isLooking || meant.length === 0 || (risky > 0 && !isSure)}
            onClick={() => void work(reason)}
          >
            {word} {count(meant.length)}
          </button>
        )}
        <button type="button" class="button" onClick={() => onClose(phase === 'done')}>
          {phase === 'done' ? 'Close' : 'Leave them'}
        </button>
      </div>
    </Dialog>
  );
}

function Asked(props: {
  readonly act: BulkAct;
  readonly reason: string;
  readonly onReason: (reason: string) => void;
  readonly risky: number;
  readonly isSure: boolean;
  readonly onSure: (isSure: boolean) => void;
}): JSX.Element {
  const { act, reason, onReason, risky, isSure, onSure } = props;
  return (
    <>
      {act === 'cancel' ? (
        <label>
          Reason
          <input value={reason} onInput={(event) => onReason(event.currentTarget.value)} />
        </label>
      ) : null}
      {risky > 0 ? (
        <label class="option sure">
          <input type="checkbox" checked={isSure} onChange={(event) => onSure(event.currentTarget.checked)} />
          <span>
            Yes, do {risky === 1 ? 'this call' : `these ${count(risky)} calls`} again, which may have had an
            effect already and which nothing declares safe to be repeated.
          </span>
        </label>
      ) : null}
    </>
  );
}

function ended(rest: number, all: readonly Item[], failed: readonly RunLine[]): string {
  const good = all.filter(({ is }) => is === 'done').length;
  const total = good + failed.length + rest;
  if (failed.length === 0) return `${count(good)} of ${count(total)} done.`;
  return `${count(good)} of ${count(total)} done. Not done: ${failed.map(({ id }) => id).join(', ')}`;
}

function begun(act: BulkAct, run: RunLine): Item {
  if (!isFor(act, run))
    return { is: 'left', why: act === 'retry' ? 'left: it has not failed' : 'left: it has ended' };
  return act === 'retry' ? { is: 'looked at' } : { is: 'meant', what: 'is given up', risky: 0 };
}

async function planned(id: string): Promise<Item> {
  try {
    const { again, kept } = await get<Plan>(`${runPath(id)}/plan`);
    const names = again.slice(0, 3).map(({ name }) => name);
    const more = again.length > 3 ? ` and ${count(again.length - 3)} more` : '';
    const keeps = kept.reduce((sum, [, times]) => sum + times, 0);
    return {
      is: 'meant',
      what: `keeps ${count(keeps)}, again: ${names.length === 0 ? 'nothing that was begun' : names.join(', ')}${more}`,
      risky: again.filter(({ isRisky, outcome }) => isRisky && outcome !== 'failed').length,
    };
  } catch (problem) {
    return { is: 'left', why: `left: ${messageOf(problem)}` };
  }
}

const CANCELLED: Readonly<Record<string, string>> = {
  asked: 'asked to stop',
  cancelled: 'cancelled',
  removed: 'taken out of the queue',
  ended: 'had ended already',
};

async function done(act: BulkAct, id: string, reason: string): Promise<Item> {
  try {
    if (act === 'cancel') {
      const body = reason === '' ? {} : { reason };
      const { result } = await post<{ result: string }>(`${runPath(id)}/cancel`, body);
      return { is: 'done', what: CANCELLED[result] ?? result };
    }
    // It was asked in words where that repeats what nothing declares safe.
    const made = await post<{ id: string }>(`${runPath(id)}/retry`, { yes: true });
    return { is: 'done', what: 'goes on as', made: made.id };
  } catch (problem) {
    return { is: 'failed', why: messageOf(problem) };
  }
}

function messageOf(problem: unknown): string {
  return problem instanceof Error ? problem.message : String(problem);
}

function ItemView({ run, item }: { readonly run: RunLine; readonly item: Item }): JSX.Element {
  return (
    <li class={item.is === 'left' ? 'dim' : ''}>
      <StatusBadge status={run.status} />
      <span class="who">
        <bdi class="process">{run.process}</bdi> <bdi class="id">{run.id}</bdi>
      </span>
      <span class={`becomes ${item.is === 'done' ? 'good' : item.is === 'failed' ? 'bad' : ''}`}>
        {textOf(item)}
        {item.is === 'done' && item.made !== undefined ? (
          <>
            {' '}
            <Link to={runPath(item.made)}>
              <bdi class="id">{item.made}</bdi>
            </Link>
          </>
        ) : null}
        {item.is === 'meant' && item.risky > 0 ? (
          <span class="attention"> {count(item.risky)} not declared safe to repeat</span>
        ) : null}
      </span>
    </li>
  );
}

function textOf(item: Item): string {
  switch (item.is) {
    case 'looked at':
      return '…';
    case 'left':
      return item.why;
    case 'meant':
      return item.what;
    case 'done':
      return `✓ ${item.what}`;
    case 'failed':
      return `✗ ${item.why}`;
    default:
      return item satisfies never;
  }
}
