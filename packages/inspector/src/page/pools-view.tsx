import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';

import { LineChart, type Sample } from './chart.tsx';
import { useData, useNow } from './data.ts';
import { clock, count, duration } from './format.ts';
import { Page } from './tables-view.tsx';

interface Times {
  readonly count: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly maxMs: number;
}

interface Pool {
  readonly name: string;
  readonly parent: string | null;
  /** Null: unlimited. */
  readonly limits: Readonly<Record<string, number | null>>;
  readonly used: Readonly<Record<string, number>>;
  readonly isSet: boolean;
  readonly queueLength: number;
  readonly active: number;
  readonly utilization: number | null;
  readonly owners: number;
  readonly stats: {
    readonly started: number;
    readonly failed: number;
    readonly timedOut: number;
    readonly retries: number;
    readonly wait: Times;
    readonly run: Times;
  };
}

const LEAST_WINDOW_MS = 60_000;
const MOST_WINDOW_MS = 5 * 60_000;
const MOST_SAMPLES = 1500;

interface Seen {
  readonly used: Sample[];
  readonly queued: Sample[];
}

/** By pool, as long as the page is open: the journal keeps what a pool does now, and not what it did. */
const seen = new Map<string, Seen>();
let seenSince = 0;

function look(pools: readonly Pool[]): void {
  const at = Date.now();
  for (const pool of pools) {
    const kept = seen.get(pool.name) ?? { used: [], queued: [] };
    seen.set(pool.name, kept);
    kept.used.push({ at, value: pool.utilization ?? pool.active });
    kept.queued.push({ at, value: pool.queueLength });
    for (const samples of [kept.used, kept.queued]) if (samples.length > MOST_SAMPLES) samples.shift();
  }
}

export function PoolsView(): JSX.Element {
  const { data, error } = useData<{ pools: readonly Pool[] }>('/pools');
  const now = useNow(1000);
  seenSince ||= now;
  useEffect(() => {
    if (data !== undefined) look(data.pools);
  }, [data]);
  return (
    <Page
      title="Pools"
      error={error}
      isEmpty={data?.pools.length === 0}
      empty={['No pools', 'A pool bounds what runs at once; tasks that name one show up here.']}
    >
      <ul class="pools">
        {data?.pools.map((pool) => (
          <PoolCard key={pool.name} pool={pool} now={now} />
        ))}
      </ul>
      <p class="dim note">
        The lines are what this page saw since {clock(seenSince).slice(0, 8)}, five minutes at most. Times and
        attempts are of the newest 20 runs.
      </p>
    </Page>
  );
}

function PoolCard({ pool, now }: { readonly pool: Pool; readonly now: number }): JSX.Element {
  const { name, parent, limits, used, isSet, active, queueLength, utilization, stats } = pool;
  const kept = seen.get(name);
  const windowMs = Math.min(MOST_WINDOW_MS, Math.max(LEAST_WINDOW_MS, now - seenSince));
  const isBound = Object.values(limits).some((limit) => limit !== null);
  const usedNow = isBound ? `${Math.round((utilization ?? 0) * 100)} %` : count(active);
  const mostUsed = isBound ? 1 : Math.max(1, ...(kept?.used ?? []).map(({ value }) => value));
  const mostQueued = Math.max(1, ...(kept?.queued ?? []).map(({ value }) => value));
  const amounts = Object.entries(limits).map(
    ([resource, limit]) =>
      `${count(used[resource] ?? 0)} of ${limit === null ? '∞' : count(limit)} ${resource}`,
  );
  return (
    <li class="pool">
      <header>
        <h2>
          <bdi>{name === '' ? 'All other tasks' : name}</bdi>
        </h2>
        {parent === null ? null : <span class="tag">in {parent}</span>}
        {isSet ? <span class="tag attention">set by hand</span> : null}
        <span class="dim amounts">{amounts.join(', ')}</span>
      </header>
      <div class="pair-of-charts">
        <Measure
          name={isBound ? 'In use' : 'Running'}
          now={usedNow}
          top={isBound ? '100 %' : count(mostUsed)}
          windowMs={windowMs}
        >
          <LineChart
            label={`${isBound ? 'In use' : 'Running'}: ${usedNow} now`}
            samples={kept?.used ?? []}
            from={now - windowMs}
            to={now}
            most={mostUsed}
          />
        </Measure>
        <Measure name="Waiting" now={count(queueLength)} top={count(mostQueued)} windowMs={windowMs}>
          <LineChart
            label={`Waiting: ${count(queueLength)} now`}
            samples={kept?.queued ?? []}
            from={now - windowMs}
            to={now}
            most={mostQueued}
          />
        </Measure>
      </div>
      <dl class="facts">
        <Spread name="Waited for a slot" times={stats.wait} />
        <Spread name="Attempts took" times={stats.run} />
        <div>
          <dt>Attempts</dt>
          <dd>
            {count(stats.started)}
            {stats.retries > 0 ? `, ${count(stats.retries)} tried again` : ''}
            {stats.failed + stats.timedOut > 0 ? (
              <span class="bad">, {count(stats.failed + stats.timedOut)} failed</span>
            ) : null}
          </dd>
        </div>
      </dl>
    </li>
  );
}

function Measure(props: {
  readonly name: string;
  readonly now: string;
  readonly top: string;
  readonly windowMs: number;
  readonly children: JSX.Element;
}): JSX.Element {
  return (
    <figure>
      <figcaption>
        <span class="dim">{props.name}</span> <b>{props.now}</b>
      </figcaption>
      <div class="plot">
        {props.children}
        <span class="y-label">{props.top}</span>
      </div>
      <div class="x-labels" aria-hidden="true">
        <span>{duration(props.windowMs)} ago</span>
        <span>now</span>
      </div>
    </figure>
  );
}

function Spread({ name, times }: { readonly name: string; readonly times: Times }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {times.count === 0
          ? 'nothing yet'
          : `p50 ${duration(times.p50Ms)} · p95 ${duration(times.p95Ms)} · max ${duration(times.maxMs)}`}
      </dd>
    </div>
  );
}
