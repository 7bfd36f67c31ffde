/** What a run waits for from people, and how they answer. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import type { About, Wait } from './api.ts';
import { Command } from './copy-button.tsx';
import { Problem } from './dialog.tsx';
import { duration, moment } from './format.ts';
import { Link } from './link.tsx';
import { OutcomeForm } from './outcome-form.tsx';
import { runPath, valuePath } from './route.ts';
import { SchemaForm } from './schema-form.tsx';
import { useSending } from './sending.ts';
import { ValueView } from './value-view.tsx';

interface CardProps {
  readonly wait: Wait;
  readonly about: About;
  readonly now: number;
  /** The run that it is of is named. */
  readonly isAlone: boolean;
  readonly onDone: () => void;
}

const KINDS = {
  message: 'message',
  task: 'message to a task',
  breakpoint: 'question',
  outcome: 'outcome',
} as const;

export function WaitCard({ wait, about, now, isAlone, onDone }: CardProps): JSX.Element {
  const { runId, process, kind, name, prompt, data, since, dueAt, breakpoint } = wait;
  return (
    <article class="ask" aria-label={`${KINDS[kind]} ${name}`}>
      <header>
        <span class="mark attention" aria-hidden="true">
          ?
        </span>
        <h2>
          <bdi>{name}</bdi>
        </h2>
        <span class="dim">
          {KINDS[kind]} · waits {duration(now - Date.parse(since))}
          {dueAt === null ? '' : ` · gives up ${moment(dueAt)}`}
        </span>
      </header>
      {isAlone ? null : (
        <p class="of">
          <Link to={runPath(runId)}>
            <bdi>{process}</bdi> <bdi class="id">{runId}</bdi>
          </Link>
        </p>
      )}
      {prompt === null ? null : <p class="question">{prompt}</p>}
      {'value' in data && data.value === null ? null : (
        <ValueView title="Context" given={data} whole={valuePath(runId, 'context', wait.key)} />
      )}
      {breakpoint === undefined || breakpoint.answers.length === 0 ? null : (
        <Answers answers={breakpoint.answers} />
      )}
      {about.readOnly ? (
        <p class="dim">This page is read only.</p>
      ) : kind === 'breakpoint' ? (
        <Approval wait={wait} about={about} onDone={onDone} />
      ) : kind === 'outcome' ? (
        <OutcomeForm wait={wait} onDone={onDone} />
      ) : (
        <Message wait={wait} onDone={onDone} />
      )}
    </article>
  );
}

export function Answers({
  answers,
}: {
  readonly answers: NonNullable<Wait['breakpoint']>['answers'];
}): JSX.Element {
  return (
    <ul class="answers">
      {answers.map(({ by, approved, option, feedback }, index) => (
        <li key={index}>
          <span class={approved ? 'good' : 'bad'}>{approved ? '✓ approved' : '✗ rejected'}</span> by{' '}
          <bdi>{by}</bdi>
          {option === null ? null : (
            <>
              {' '}
              with <bdi>{option}</bdi>
            </>
          )}
          {feedback === null ? null : <q>{feedback}</q>}
        </li>
      ))}
    </ul>
  );
}

function Approval(props: {
  readonly wait: Wait;
  readonly about: About;
  readonly onDone: () => void;
}): JSX.Element {
  const { wait, about, onDone } = props;
  const { runId, key, breakpoint } = wait;
  const [feedback, setFeedback] = useState('');
  const [given, setBy] = useState<string>();
  const by = given ?? about.user;
  const [option, setOption] = useState<string>();
  const { state, error, send } = useSending(onDone);
  if ((breakpoint?.decided ?? null) !== null)
    return (
      <div>
        <p>Answered; the run takes it as soon as it is driven.</p>
        <Command command={`pawl resume ${runId}`} why="go on" />
      </div>
    );
  const answer = (approved: boolean): void =>
    send(`${runPath(runId)}/${approved ? 'approve' : 'reject'}`, {
      wait: key,
      ...(by === '' ? {} : { as: by }),
      ...(feedback === '' ? {} : { feedback }),
      ...(option === undefined || !approved ? {} : { option }),
    });
  return (
    <form onSubmit={(event) => event.preventDefault()}>
      {(breakpoint?.options ?? []).length === 0 ? null : (
        <fieldset>
          <legend>Options</legend>
          {breakpoint?.options.map((each) => (
            <label key={each} class="option">
              <input
                type="radio"
                name={`${runId} ${key}`}
                checked={option === each}
                onChange={() => setOption(each)}
              />
              <bdi>{each}</bdi>
            </label>
          ))}
        </fieldset>
      )}
      <label>
        Feedback
        <textarea
          rows={2}
          value={feedback}
          placeholder="What the process is told; needed for most rejections"
          onInput={(event) => setFeedback(event.currentTarget.value)}
        />
      </label>
      <div class="buttons">
        <button type="button" class="primary" disabled={state !== 'idle'} onClick={() => answer(true)}>
          Approve
        </button>
        <button type="button" class="button" disabled={state !== 'idle'} onClick={() => answer(false)}>
          Reject
        </button>
        <label class="as">
          as
          <input value={by} onInput={(event) => setBy(event.currentTarget.value)} />
        </label>
        {state === 'done' ? <span role="status">Answered</span> : null}
      </div>
      <Problem error={error} />
    </form>
  );
}

function Message({ wait, onDone }: { readonly wait: Wait; readonly onDone: () => void }): JSX.Element {
  const { state, error, send } = useSending(onDone);
  const { runId, name, secret } = wait;
  const schema = 'value' in wait.schema ? wait.schema.value : null;
  return (
    <>
      <SchemaForm
        schema={schema}
        label={`Message${schema === null ? ', as JSON' : ''}${secret ? ' (kept encrypted)' : ''}`}
        submit="Send"
        isBusy={state !== 'idle'}
        onSubmit={(value) => send(`${runPath(runId)}/messages/${encodeURIComponent(name)}`, value)}
      >
        {state === 'done' ? <span role="status">Sent</span> : null}
      </SchemaForm>
      <Problem error={error} />
    </>
  );
}
