/** Who drives runs now: programs that have leases in this journal. */
import type { JSX } from 'preact';

import type { RunLine } from './api.ts';
import { CopyButton } from './copy-button.tsx';
import { useData, useNow } from './data.ts';
import { ago, count, duration, moment } from './format.ts';
import { Link } from './link.tsx';
import { runPath } from './route.ts';
import { StatusBadge } from './status.tsx';
import { Page } from './tables-view.tsx';

interface Worker {
  readonly owner: string;
  readonly state: 'alive' | 'silent' | 'gone';
  readonly runs: number;
  readonly lastEventAt: number | null;
  readonly leasedUntil: number | null;
  readonly since: number | null;
  readonly drives: readonly RunLine[];
}

export function WorkersView(): JSX.Element {
  const { data, error } = useData<{ workers: readonly Worker[] }>('/workers');
  const now = useNow(1000);
  return (
    <Page
      title="Workers"
      error={error}
      isEmpty={data?.workers.length === 0}
      empty={[
        'Nobody drives anything',
        'pawl run, pawl resume and pawl work show up here while they drive runs.',
      ]}
    >
      <ul class="workers">
        {data?.workers.map((worker) => (
          <WorkerCard key={worker.owner} worker={worker} now={now} />
        ))}
      </ul>
      <p class="dim note">
        Each program that drives runs has a random name in the journal; which process of the system it is, the
        journal does not say. One that has driven nothing yet is not known.
      </p>
    </Page>
  );
}

const STATES = {
  alive: ['good', '●', 'alive'],
  silent: ['attention', '◌', 'silent'],
  gone: ['bad', '✗', 'gone'],
} as const;

function sentenceOf({ state, runs, leasedUntil }: Worker, now: number): string {
  const its = runs === 1 ? 'its run' : `its ${count(runs)} runs`;
  switch (state) {
    case 'alive':
      return runs === 0
        ? 'It lives, and drives nothing now.'
        : `It drives ${count(runs)} ${runs === 1 ? 'run' : 'runs'}.`;
    case 'gone':
      return `It was killed, or ended without giving back what it had: ${its} can be resumed now.`;
    case 'silent':
      return `It lives, but has not extended its leases${
        leasedUntil === null ? '' : `, which ran out ${ago(leasedUntil, now)}`
      }: ${its} can be taken by others.`;
    default:
      return state satisfies never;
  }
}

function WorkerCard({ worker, now }: { readonly worker: Worker; readonly now: number }): JSX.Element {
  const { owner, state, runs, lastEventAt, leasedUntil, since, drives } = worker;
  const [tone, sign, word] = STATES[state];
  const facts: (readonly [string, string, string | undefined])[] = [];
  if (since !== null) facts.push(['There since', ago(since, now), moment(since)]);
  if (lastEventAt !== null) facts.push(['Last event', ago(lastEventAt, now), moment(lastEventAt)]);
  if (leasedUntil !== null && state === 'alive')
    facts.push(['Leases hold', `for ${duration(leasedUntil - now)}`, moment(leasedUntil)]);
  return (
    <li class={`worker ${state}`}>
      <header>
        <span class={`badge ${tone}`}>
          <span class={`mark ${tone}`} aria-hidden="true">
            {sign}
          </span>
          {word}
        </span>
        <h2>
          <bdi class="id">{owner.slice(0, 8)}</bdi>
        </h2>
        <CopyButton text={owner} label={`Copy the name of ${owner.slice(0, 8)}`} />
      </header>
      <p>{sentenceOf(worker, now)}</p>
      <dl class="facts">
        {facts.map(([name, value, title]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd title={title}>{value}</dd>
          </div>
        ))}
      </dl>
      {drives.length === 0 ? null : (
        <ul class="drives">
          {drives.map((run) => (
            <li key={run.id}>
              <Link to={runPath(run.id)} isRow>
                <StatusBadge status={run.status} /> <bdi class="process">{run.process}</bdi>{' '}
                <bdi class="id">{run.id}</bdi>
              </Link>
            </li>
          ))}
        </ul>
      )}
      {runs > drives.length ? <p class="dim">and {count(runs - drives.length)} more</p> : null}
    </li>
  );
}
