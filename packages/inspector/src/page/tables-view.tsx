import type { ComponentChildren, JSX } from 'preact';

import type { StartLine } from './api.ts';
import { useData, useNow } from './data.ts';
import { Problem } from './dialog.tsx';
import { ago, count, duration } from './format.ts';
import { Link } from './link.tsx';
import { runPath } from './route.ts';

export function Table(props: {
  readonly heads: readonly string[];
  readonly rows: readonly (readonly ComponentChildren[])[];
  readonly label: string;
}): JSX.Element {
  return (
    <div class="table" tabIndex={0} role="region" aria-label={props.label}>
      <table>
        <thead>
          <tr>
            {props.heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.rows.map((cells, index) => (
            <tr key={index}>
              {cells.map((cell, column) => (
                <td key={column} data-head={props.heads[column]}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Page(props: {
  readonly title: string;
  readonly error: Error | undefined;
  readonly isEmpty: boolean;
  readonly empty: readonly [title: string, text: string];
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <>
      <header class="top">
        <h1>{props.title}</h1>
      </header>
      <Problem error={props.error} />
      {props.isEmpty ? (
        <div class="empty">
          <h2>{props.empty[0]}</h2>
          <p>{props.empty[1]}</p>
        </div>
      ) : (
        props.children
      )}
    </>
  );
}

interface SetBack {
  readonly runId: string;
  readonly process: string;
  readonly at: number;
  readonly setbacks: number;
  readonly problem: string;
}

export function QueueView(): JSX.Element {
  const { data, error } = useData<{ starts: readonly StartLine[]; setBack: readonly SetBack[] }>('/queue');
  const now = useNow(1000);
  const starts = (data?.starts ?? []).map(({ id, process, queuedAt, at, held, problem }) => [
    <bdi>{process}</bdi>,
    <bdi class="id">{id}</bdi>,
    ago(Date.parse(queuedAt), now),
    at === null || Date.parse(at) <= now ? 'now' : `in ${duration(Date.parse(at) - now)}`,
    <bdi>{problem ?? (held ? 'a run of its key is under way' : 'a worker begins it')}</bdi>,
  ]);
  const back = (data?.setBack ?? []).map(({ runId, process, at, setbacks, problem }) => [
    <bdi>{process}</bdi>,
    <Link to={runPath(runId)}>
      <bdi class="id">{runId}</bdi>
    </Link>,
    count(setbacks),
    at <= now ? 'now' : `in ${duration(at - now)}`,
    <bdi>{problem}</bdi>,
  ]);
  return (
    <Page
      title="Queue"
      error={error}
      isEmpty={data !== undefined && starts.length === 0 && back.length === 0}
      empty={[
        'Nothing waits for a worker',
        'Starts that pawl enqueue leaves show up here until pawl work begins them.',
      ]}
    >
      {starts.length === 0 ? null : (
        <Table label="Starts" heads={['Process', 'Run', 'Queued', 'Not before', 'Waits for']} rows={starts} />
      )}
      {back.length === 0 ? null : (
        <>
          <h2 class="sub">Runs that could not go on</h2>
          <Table label="Set back" heads={['Process', 'Run', 'Times', 'Again', 'Problem']} rows={back} />
        </>
      )}
    </Page>
  );
}
