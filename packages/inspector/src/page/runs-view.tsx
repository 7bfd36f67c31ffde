import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import { CLOSED_STATUSES, isOpenStatus, OPEN_STATUSES } from '../statuses.ts';
import type { About, Counts, RunLine, RunPage } from './api.ts';
import { useData, useNow } from './data.ts';
import { BulkBar, PickBox } from './bulk-bar.tsx';
import { Problem } from './dialog.tsx';
import { ago, count, duration, moment } from './format.ts';
import { LeftOut } from './left-out.tsx';
import { FilterBar, FilterButton, filterCount, FILTERS } from './runs-filter.tsx';
import { moveFocus } from './keys.ts';
import { Link } from './link.tsx';
import { go, placeNow, runPath, withQuery } from './route.ts';
import { Mark, StatusBadge } from './status.tsx';

const PAGE = 50;
/** Until what is typed is looked for. */
const TYPING_MS = 150;

const STATUSES = [...OPEN_STATUSES, ...CLOSED_STATUSES];

export function RunsView({ route, about }: { readonly route: URL; readonly about: About }): JSX.Element {
  const query = new URLSearchParams(route.search);
  query.set('limit', String(PAGE));
  const { data, error } = useData<RunPage>(`/runs?${query.toString()}`);
  const counts = useData<Counts>('/counts').data;
  const now = useNow(1000);
  const [isOpen, setOpen] = useState(filterCount(route) > 0);
  const given = FILTERS.filter((name) => route.searchParams.has(name));
  const isFiltered = given.length > 0 || route.searchParams.has('status') || route.searchParams.has('before');
  return (
    <>
      <header class="top">
        <h1>Runs</h1>
        <Filter route={route} />
        <FilterButton route={route} isOpen={isOpen} onToggle={() => setOpen(!isOpen)} />
      </header>
      <StatusChips route={route} counts={counts} isCounted={given.length === 0} />
      {isOpen ? <FilterBar route={route} /> : null}
      <Problem error={error} />
      <LeftOut runs={data?.leftOut ?? []} />
      {data === undefined ? (
        <div class="list skeleton" aria-busy="true" />
      ) : data.runs.length + data.leftOut.length === 0 ? (
        <NoRuns isFiltered={isFiltered} scanned={data.scanned} />
      ) : (
        <ul class="list">
          {data.runs.map((run) => (
            <li key={run.id}>
              <PickBox run={run} runs={data.runs} />
              <RunRow run={run} now={now} />
            </li>
          ))}
        </ul>
      )}
      <BulkBar runs={data?.runs ?? []} readOnly={about.readOnly} />
      <Pages
        route={route}
        next={data?.next ?? null}
        found={data?.runs.length ?? 0}
        scanned={data?.scanned ?? 0}
      />
    </>
  );
}

function Filter({ route }: { readonly route: URL }): JSX.Element {
  const shown = route.searchParams.get('text') ?? '';
  const [text, setText] = useState(shown);
  // What comes back of what was typed must not take away what was typed since.
  const sent = useRef(shown);
  useEffect(() => {
    if (shown !== sent.current) setText(shown);
    sent.current = shown;
  }, [shown]);
  useEffect(() => {
    if (text === shown) return undefined;
    const timer = setTimeout(() => {
      sent.current = text;
      go(withQuery(placeNow(), { text, before: undefined }), 'replace');
    }, TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label class="search">
      <span class="hidden">Filter by id or process</span>
      <input
        data-filter
        type="search"
        value={text}
        placeholder="Filter by id or process"
        spellcheck={false}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' || event.key === 'ArrowDown') moveFocus(1);
        }}
      />
      <kbd>/</kbd>
    </label>
  );
}

/** Counts are of all runs: where something else is filtered by they would be wrong, and are not shown. */
function StatusChips(props: {
  readonly route: URL;
  readonly counts: Counts | undefined;
  readonly isCounted: boolean;
}): JSX.Element {
  const { route, counts, isCounted } = props;
  const chosen = route.searchParams.get('status');
  const chips = STATUSES.filter((status) => status === chosen || (counts?.counts[status] ?? 0) > 0);
  const nav = useRef<HTMLElement>(null);
  // On a telephone not all of them are in sight.
  useEffect(() => {
    const chip = nav.current?.querySelector('[aria-current]');
    if (nav.current === null || chip === null || chip === undefined) return;
    nav.current.scrollLeft +=
      chip.getBoundingClientRect().left - nav.current.getBoundingClientRect().left - 14;
  }, [chosen, chips.length]);
  return (
    <nav class="chips" aria-label="Status" ref={nav}>
      <Link
        to={withQuery(route, { status: undefined, before: undefined })}
        class="chip"
        current={chosen === null}
      >
        All {isCounted ? <b>{counts === undefined ? '' : count(counts.total)}</b> : null}
      </Link>
      {chips.map((status) => (
        <Link
          key={status}
          to={withQuery(route, { status, before: undefined })}
          class="chip"
          current={chosen === status}
        >
          <Mark status={status} /> {status}{' '}
          {isCounted ? (
            <b>
              {count(counts?.counts[status] ?? 0)}
              {counts?.isPart === true && isOpenStatus(status) ? '+' : ''}
            </b>
          ) : null}
        </Link>
      ))}
    </nav>
  );
}

function RunRow({ run, now }: { readonly run: RunLine; readonly now: number }): JSX.Element {
  const started = Date.parse(run.startedAt);
  const isOpen = isOpenStatus(run.status);
  const took = (run.status === 'running' ? now : Date.parse(run.updatedAt)) - started;
  const { scheduled, settled } = run.tasks;
  return (
    <a
      class="run-row"
      data-row
      href={runPath(run.id)}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        go(runPath(run.id));
      }}
    >
      <StatusBadge status={run.status} />
      <span class="what">
        <bdi class="process">{run.process}</bdi>
        <bdi class="id">{run.id}</bdi>
        {run.error === null ? null : (
          <bdi class={run.status === 'failed' ? 'error' : 'error dim'}>{run.error}</bdi>
        )}
      </span>
      <span class="tasks" title={`${settled} of ${scheduled} tasks are settled`}>
        {isOpen && scheduled > settled ? (
          <progress max={Math.max(1, scheduled)} value={settled} aria-label="Settled tasks" />
        ) : null}
        {count(settled)}
        <span class="dim">/{count(scheduled)}</span>
      </span>
      <span class="took" title={isOpen ? 'since its start' : 'from start to end'}>
        {duration(took)}
      </span>
      <time class="when dim" dateTime={run.startedAt} title={moment(run.startedAt)}>
        {ago(started, now)}
      </time>
    </a>
  );
}

function NoRuns({
  isFiltered,
  scanned,
}: {
  readonly isFiltered: boolean;
  readonly scanned: number;
}): JSX.Element {
  if (isFiltered)
    return (
      <div class="empty">
        <h2>No run fits</h2>
        <p>{count(scanned)} runs were looked at.</p>
        <p>
          <Link to="/" class="button">
            Show all runs
          </Link>
        </p>
      </div>
    );
  return (
    <div class="empty">
      <h2>Nothing has run yet</h2>
      <p>Start a process from one file; it shows up here as it begins.</p>
      <p>
        <code>pawl run hello.ts</code>
      </p>
    </div>
  );
}

function Pages(props: {
  readonly route: URL;
  readonly next: string | null;
  readonly found: number;
  readonly scanned: number;
}): JSX.Element {
  const { route, next, found, scanned } = props;
  return (
    <div class="pages">
      {route.searchParams.has('before') ? (
        <Link class="button" to={withQuery(route, { before: undefined })}>
          Newest
        </Link>
      ) : null}
      {next === null ? null : (
        <Link class="button" to={withQuery(route, { before: next })}>
          {found < PAGE ? `Look further than ${count(scanned)} runs` : 'Older'}
        </Link>
      )}
    </div>
  );
}
