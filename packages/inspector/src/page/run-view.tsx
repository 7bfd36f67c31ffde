import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { isOpenStatus } from '../statuses.ts';
import { WaitCard } from './answer-form.tsx';
import type { About, RunDetail, StartDetail, WhyDocument } from './api.ts';
import { CallList } from './call-list.tsx';
import { resumeWords } from './call-marks.tsx';
import { Command, CopyButton } from './copy-button.tsx';
import { useData, useNow } from './data.ts';
import { Problem } from './dialog.tsx';
import { ErrorView } from './error-view.tsx';
import { EventsView } from './events-view.tsx';
import { count, duration, moment } from './format.ts';
import { LineageView } from './lineage-view.tsx';
import { Link } from './link.tsx';
import { LogsView } from './logs-view.tsx';
import { recorded } from './recorded.ts';
import { runPath, valuePath, withQuery } from './route.ts';
import { StatusBadge, toneOf } from './status.tsx';
import { SteerDialog, type Steer } from './steer-dialog.tsx';
import { TaskCard } from './task-card.tsx';
import { ValueView } from './value-view.tsx';

interface RunProps {
  readonly id: string;
  readonly route: URL;
  readonly about: About;
}

export function RunView({ id, route, about }: RunProps): JSX.Element {
  const isAll = route.searchParams.get('all') === '1';
  const { data, error, reload } = useData<RunDetail | StartDetail>(`${runPath(id)}${isAll ? '?all=1' : ''}`);
  const [steer, setSteer] = useState<Steer>();
  const isPart = data !== undefined && 'run' in data && data.isPart;
  useEffect(() => {
    if (isPart) reload();
  }, [data]);
  if (data === undefined)
    return (
      <>
        <header class="top">
          <h1>
            <bdi>{id}</bdi>
          </h1>
        </header>
        <Problem error={error} />
      </>
    );
  if (!('run' in data)) return <StartView id={id} detail={data} />;
  return (
    <>
      <Problem error={error} />
      <Head detail={data} about={about} onSteer={setSteer} />
      {data.waits.map((wait) => (
        <WaitLive key={wait.key} wait={wait} about={about} onDone={reload} />
      ))}
      {data.tasks.map((task) => (
        <TaskLive key={task.id} task={task} about={about} onDone={reload} />
      ))}
      <Tabs route={route} detail={data} />
      <Tab id={id} route={route} detail={data} about={about} onSteer={setSteer} />
      {steer === undefined ? null : <SteerDialog id={id} steer={steer} onClose={() => setSteer(undefined)} />}
    </>
  );
}

function WaitLive(props: {
  readonly wait: RunDetail['waits'][number];
  readonly about: About;
  readonly onDone: () => void;
}): JSX.Element {
  const now = useNow(1000);
  return <WaitCard wait={props.wait} about={props.about} now={now} isAlone={true} onDone={props.onDone} />;
}

function TaskLive(props: {
  readonly task: RunDetail['tasks'][number];
  readonly about: About;
  readonly onDone: () => void;
}): JSX.Element {
  const now = useNow(1000);
  return <TaskCard task={props.task} about={props.about} now={now} isAlone={true} onDone={props.onDone} />;
}

function StartView({ id, detail }: { readonly id: string; readonly detail: StartDetail }): JSX.Element {
  return (
    <>
      <header class="top run-head">
        <div class="title">
          <StatusBadge status="queued" />
          <h1>
            <bdi>{detail.start.process}</bdi>
          </h1>
          <bdi class="id">{id}</bdi>
        </div>
      </header>
      <Why why={detail.why} tone="dim" isOpen={true} />
    </>
  );
}

function Head(props: {
  readonly detail: RunDetail;
  readonly about: About;
  readonly onSteer: (steer: Steer) => void;
}): JSX.Element {
  const { detail, about, onSteer } = props;
  const { run, why } = detail;
  const isClosed = !isOpenStatus(run.status);
  return (
    <header class="run-head">
      <div class="title">
        <StatusBadge status={run.status} />
        <h1>
          <bdi>{run.process}</bdi>
        </h1>
        <span class="idline">
          <bdi class="id">{run.id}</bdi>
          <CopyButton text={run.id} label="Copy the id" />
        </span>
        <div class="buttons">
          {recorded === undefined ? (
            <>
              <a class="button" href={`/api${runPath(run.id)}/page.html`} download>
                Save as a file
              </a>
              <Link class="button" to={`${runPath(run.id)}/compare`}>
                Compare…
              </Link>
            </>
          ) : null}
          {about.readOnly ? null : (
            <>
              <button type="button" class="button" onClick={() => onSteer({ what: 'replay' })}>
                Replay
              </button>
              {run.status === 'failed' || run.status === 'cancelled' ? (
                <button type="button" class="primary" onClick={() => onSteer({ what: 'retry' })}>
                  Retry
                </button>
              ) : null}
              {isClosed ? null : (
                <button type="button" class="button" onClick={() => onSteer({ what: 'cancel' })}>
                  Cancel
                </button>
              )}
            </>
          )}
        </div>
      </div>
      {detail.isPart && !isClosed ? (
        <p class="why dim" role="status">
          Reading its events: {count(detail.read)} of {count(run.lastSeq)}
        </p>
      ) : (
        <Why why={why} tone={toneOf(run.status)} isOpen={!isClosed} />
      )}
      <Facts detail={detail} />
      {detail.forkOf === null && detail.forks.length === 0 ? null : <LineageView id={run.id} />}
    </header>
  );
}

function Why(props: {
  readonly why: WhyDocument;
  readonly tone: string;
  readonly isOpen: boolean;
}): JSX.Element {
  const { why, tone, isOpen } = props;
  return (
    <div class="why">
      <p class={`sentence ${tone}`}>{why.sentence}</p>
      {isOpen ? (
        <div class="commands">
          {why.next.map(({ command, why: what }) => (
            <Command key={command} command={command} why={what} />
          ))}
        </div>
      ) : null}
    </div>
  );
}

function RunLink({ id }: { readonly id: string }): JSX.Element {
  return (
    <Link to={runPath(id)}>
      <bdi class="id">{id}</bdi>
    </Link>
  );
}

function Facts({ detail }: { readonly detail: RunDetail }): JSX.Element {
  const { run, isDriven, parent, forkOf, continuedAs, resumes } = detail;
  const now = useNow(1000);
  const started = Date.parse(run.startedAt);
  const end = detail.endedAt ?? (isDriven ? now : Date.parse(run.updatedAt));
  const facts: (readonly [string, JSX.Element | string])[] = [
    ['Started', moment(run.startedAt)],
    [detail.endedAt === null ? 'So far' : 'Took', duration(end - started)],
    ['Tasks', `${count(run.tasks.settled)} of ${count(run.tasks.scheduled)}`],
    ['Events', count(run.lastSeq)],
  ];
  if (isOpenStatus(run.status))
    facts.push([
      'Driven',
      isDriven
        ? 'by a living program'
        : detail.why.driven === 'gone'
          ? 'by nobody: its program is gone'
          : 'by nobody',
    ]);
  const lastResume = resumes.at(-1);
  if (lastResume !== undefined)
    facts.push([
      'Resumed',
      `${count(resumes.length)} ${resumes.length === 1 ? 'time' : 'times'}; last ${resumeWords(lastResume.after).replace('went on ', '')}, ${moment(lastResume.at)}`,
    ]);
  if (run.module !== null) facts.push(['Module', <bdi>{run.module}</bdi>]);
  if (parent !== null) facts.push(['Started by', <RunLink id={parent.runId} />]);
  if (forkOf !== null)
    facts.push([
      'Fork of',
      <>
        <RunLink id={forkOf.runId} /> behind event {count(forkOf.seq)}
      </>,
    ]);
  if (continuedAs !== null) facts.push(['Continued as', <RunLink id={continuedAs} />]);
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const TABS = [
  ['', 'Timeline'],
  ['values', 'Input and output'],
  ['events', 'Events'],
  ['logs', 'Logs'],
] as const;

function Tabs({ route, detail }: { readonly route: URL; readonly detail: RunDetail }): JSX.Element {
  const chosen = route.searchParams.get('tab') ?? '';
  return (
    <nav class="tabs" aria-label="Parts of the run">
      {TABS.map(([tab, name]) => (
        <Link
          key={tab}
          to={withQuery(route, { tab, after: undefined, call: undefined })}
          current={chosen === tab}
        >
          {name}
          {tab === 'events' ? <span class="dim"> {count(detail.run.lastSeq)}</span> : null}
        </Link>
      ))}
    </nav>
  );
}

function Tab(
  props: RunProps & { readonly detail: RunDetail; readonly onSteer: (steer: Steer) => void },
): JSX.Element {
  const { id, route, detail, about, onSteer } = props;
  switch (route.searchParams.get('tab')) {
    case 'events':
      return <EventsView id={id} route={route} />;
    case 'logs':
      return <LogsView id={id} route={route} />;
    case 'values':
      return (
        <div class="values">
          {detail.failure === null ? null : <ErrorView error={detail.failure} title="Why it failed" />}
          <ValueView title="Input" given={detail.input} whole={valuePath(id, 'input')} />
          <ValueView title="Output" given={detail.output} whole={valuePath(id, 'output')} />
          {Object.entries(detail.state).map(([name, value]) => (
            <ValueView key={name} title={`State: ${name}`} given={value} whole={undefined} />
          ))}
        </div>
      );
    default:
      return (
        <>
          {detail.failure === null ? null : <ErrorView error={detail.failure} title="Why it failed" />}
          <CallList detail={detail} route={route} onSteer={about.readOnly ? undefined : onSteer} />
        </>
      );
  }
}
