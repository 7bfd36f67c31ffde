/** One call: what it got, what it gave, and what became of it. */
import type { JSX } from 'preact';

import { Answers } from './answer-form.tsx';
import type { CallDetail } from './api.ts';
import { CopyButton } from './copy-button.tsx';
import { useData } from './data.ts';
import { Problem } from './dialog.tsx';
import { ErrorView } from './error-view.tsx';
import { clock, count, duration, moment } from './format.ts';
import { Link } from './link.tsx';
import { Icon } from './icons.tsx';
import { runPath, valuePath } from './route.ts';
import { StatusBadge } from './status.tsx';
import type { Steer } from './steer-dialog.tsx';
import { ValueView } from './value-view.tsx';

export function CallPanel(props: {
  readonly id: string;
  readonly callKey: string;
  readonly isAll: boolean;
  readonly onSteer: ((steer: Steer) => void) | undefined;
  readonly onClose: () => void;
}): JSX.Element {
  const { id, callKey, isAll, onSteer, onClose } = props;
  const key = encodeURIComponent(callKey);
  const { data, error } = useData<{ call: CallDetail }>(
    `${runPath(id)}/call?key=${key}${isAll ? '&all=1' : ''}`,
  );
  const call = data?.call;
  return (
    <aside class="panel" aria-label="Call">
      <header>
        <h2>
          <bdi>{call?.name ?? callKey}</bdi>
        </h2>
        <button type="button" class="icon" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <Problem error={error} />
      {call === undefined ? null : (
        <>
          <CallFacts call={call} />
          {call.question === undefined ? null : <p class="question">{call.question}</p>}
          {(call.prompt ?? null) === null ? null : <p class="question">{call.prompt}</p>}
          {call.answers === undefined || call.answers.length === 0 ? null : (
            <Answers answers={call.answers} />
          )}
          {(call.error ?? null) === null ? null : <LastError call={call} />}
          <ValueView title="Input" given={call.input} whole={valuePath(id, 'input', callKey)} />
          <ValueView title="Output" given={call.output} whole={valuePath(id, 'output', callKey)} />
          {onSteer === undefined || call.kind === 'group' ? null : (
            <div class="buttons">
              <button type="button" class="button" onClick={() => onSteer({ what: 'fork', at: callKey })}>
                Fork from here…
              </button>
              <button type="button" class="button" onClick={() => onSteer({ what: 'rewind', at: callKey })}>
                Rewind to here…
              </button>
            </div>
          )}
        </>
      )}
    </aside>
  );
}

function LastError({ call }: { readonly call: CallDetail }): JSX.Element | null {
  const { error, status } = call;
  if (error === null || error === undefined) return null;
  return (
    <ErrorView error={error} title={status === 'failed' ? 'Why it failed' : 'Last attempt that failed'} />
  );
}

function CallFacts({ call }: { readonly call: CallDetail }): JSX.Element {
  const { openedAt, endedAt, attempts, attemptsAllowed, runId } = call;
  const facts: (readonly [string, JSX.Element | string])[] = [
    [
      'Call',
      <span class="idline">
        <code>{call.key}</code> <CopyButton text={call.key} label="Copy the key of the call" />
      </span>,
    ],
    ['Opened', clock(openedAt)],
  ];
  if (endedAt !== null) facts.push(['Took', duration(endedAt - openedAt)]);
  if (attempts !== undefined && attemptsAllowed !== undefined)
    facts.push(['Attempts', `${attempts} of ${attemptsAllowed}`]);
  if ((call.retryAt ?? null) !== null) facts.push(['Next attempt', moment(call.retryAt ?? 0)]);
  if ((call.dueAt ?? null) !== null) facts.push(['Due', moment(call.dueAt ?? 0)]);
  if (call.durationMs !== undefined) facts.push(['For', duration(call.durationMs)]);
  if ((call.pool ?? null) !== null) facts.push(['Pool', call.pool ?? '']);
  if (call.settledBy !== null && call.settledBy !== undefined && call.settledBy !== 'attempt')
    facts.push(['Settled by', call.settledBy]);
  if ((call.reason ?? null) !== null) facts.push(['Reason', call.reason ?? '']);
  if ((call.width ?? null) !== null) facts.push(['Branches', count(call.width ?? 0)]);
  if ((call.outcome ?? null) !== null) facts.push(['Outcome', call.outcome ?? '']);
  if (runId !== undefined)
    facts.push([
      'Run',
      <Link to={runPath(runId)}>
        <bdi class="id">{runId}</bdi>
      </Link>,
    ]);
  return (
    <>
      <p>
        <StatusBadge status={call.status} /> <span class="dim">{call.kind}</span>
      </p>
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}
