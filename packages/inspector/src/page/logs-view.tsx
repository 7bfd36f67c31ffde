/** What a run logged, tasks and process in one order. Lines are kept beside the journal, the newest of each run. */
import { Fragment, type JSX } from 'preact';

import type { LogLine } from './api.ts';
import { Command } from './copy-button.tsx';
import { useData } from './data.ts';
import { Problem } from './dialog.tsx';
import { clock, count } from './format.ts';
import { Link } from './link.tsx';
import { recorded } from './recorded.ts';
import { runPath, withQuery } from './route.ts';

const PAGE = 200;

export function LogsView(props: { readonly id: string; readonly route: URL }): JSX.Element {
  return recorded === undefined ? (
    <Lines {...props} />
  ) : (
    <div class="empty logs">
      <h2>Not in this file</h2>
      <p>What a run logged stays where it was logged.</p>
    </div>
  );
}

function Lines({ id, route }: { readonly id: string; readonly route: URL }): JSX.Element {
  const after = Number(route.searchParams.get('after') ?? 0) || 0;
  const { data, error } = useData<{ lines: readonly LogLine[] }>(
    `${runPath(id)}/logs?after=${after}&limit=${PAGE}`,
  );
  const lines = data?.lines ?? [];
  const last = lines.at(-1);
  return (
    <>
      <Problem error={error} />
      {data !== undefined && lines.length === 0 && after === 0 ? <Nothing id={id} /> : null}
      <div class="log-lines">
        {lines.map((line) => (
          <Fragment key={line.n}>
            {line.leftOut > 0 ? <p class="dim">{count(line.leftOut)} lines left out</p> : null}
            <p class={`log-line ${line.level}`} data-row>
              <time class="dim">{clock(line.at)}</time>
              <span class="level">{line.level}</span>
              <bdi class="who dim">{whoOf(line)}</bdi>
              <bdi class="text">{line.text}</bdi>
            </p>
          </Fragment>
        ))}
      </div>
      <div class="pages">
        {after > 0 ? (
          <Link class="button" to={withQuery(route, { after: undefined })}>
            From the beginning
          </Link>
        ) : null}
        {lines.length === PAGE && last !== undefined ? (
          <Link class="button" to={withQuery(route, { after: String(last.n) })}>
            Later
          </Link>
        ) : null}
      </div>
    </>
  );
}

function whoOf({ key, task, attempt }: LogLine): string {
  if (key === null) return 'process';
  const again = attempt !== null && attempt > 1 ? ` · attempt ${attempt}` : '';
  return `${task ?? ''} ${key}${again}`;
}

function Nothing({ id }: { readonly id: string }): JSX.Element {
  return (
    <div class="empty logs">
      <h2>Nothing was logged</h2>
      <p>
        What <code>ctx.log</code> and the log of tasks say is here. Of a run that kept no logs, the code of
        its process can say its own again:
      </p>
      <Command command={`pawl logs ${id} --replay`} why="in a terminal, in the folder of the code" />
    </div>
  );
}
