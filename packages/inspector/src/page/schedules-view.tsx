import type { JSX } from 'preact';

import type { Status } from './api.ts';
import { useData, useNow } from './data.ts';
import { ago, duration, moment } from './format.ts';
import { Link } from './link.tsx';
import { runPath } from './route.ts';
import { StatusBadge } from './status.tsx';
import { Page, Table } from './tables-view.tsx';

interface ScheduleLine {
  readonly name: string;
  readonly cron: string;
  readonly zone: string;
  readonly process: string;
  readonly missed: 'skip' | 'one' | 'all';
  readonly overlap: 'allow' | 'skip' | 'queue';
  readonly paused: boolean;
  readonly nextAt: string;
  readonly lastAt: string | null;
  readonly last: { readonly id: string; readonly status: Status } | null;
}

export function SchedulesView(): JSX.Element {
  const { data, error } = useData<{ schedules: readonly ScheduleLine[] }>('/schedules');
  const now = useNow(1000);
  const rows = (data?.schedules ?? []).map((schedule) => [
    <bdi>{schedule.name}</bdi>,
    <>
      <code>{schedule.cron}</code> <span class="dim">{schedule.zone}</span>
    </>,
    <Link to={`/?process=${encodeURIComponent(schedule.process)}`}>
      <bdi>{schedule.process}</bdi>
    </Link>,
    <Next schedule={schedule} now={now} />,
    <Last schedule={schedule} now={now} />,
  ]);
  return (
    <Page
      title="Schedules"
      error={error}
      isEmpty={data?.schedules.length === 0}
      empty={['No schedules', 'pawl schedule add starts a process again and again, at times.']}
    >
      <Table label="Schedules" heads={['Schedule', 'Times', 'Process', 'Next', 'Last']} rows={rows} />
    </Page>
  );
}

function Next({ schedule, now }: { readonly schedule: ScheduleLine; readonly now: number }): JSX.Element {
  const { paused, nextAt } = schedule;
  if (paused) return <span class="attention">paused</span>;
  const left = Date.parse(nextAt) - now;
  return (
    <time dateTime={nextAt} title={moment(nextAt)}>
      {left > 0 ? `in ${duration(left)}` : 'due: a worker starts it'}
    </time>
  );
}

function Last({ schedule, now }: { readonly schedule: ScheduleLine; readonly now: number }): JSX.Element {
  const { lastAt, last, overlap } = schedule;
  if (lastAt === null) return <span class="dim">never</span>;
  return (
    <span class="last-firing">
      {last === null ? (
        <span class="dim">
          {overlap === 'skip' ? 'left out, or its run was removed' : 'its run was removed'}
        </span>
      ) : (
        <Link to={runPath(last.id)} label={`The run of the last firing: ${last.status}`}>
          <StatusBadge status={last.status} />
        </Link>
      )}
      <time class="dim" dateTime={lastAt} title={moment(lastAt)}>
        {ago(Date.parse(lastAt), now)}
      </time>
    </span>
  );
}
