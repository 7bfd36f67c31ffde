/** A task that somebody outside does, and the form of its answer. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import type { About, Json, OpenTask } from './api.ts';
import { Command } from './copy-button.tsx';
import { Problem } from './dialog.tsx';
import { duration } from './format.ts';
import { Link } from './link.tsx';
import { runPath, valuePath } from './route.ts';
import { SchemaForm } from './schema-form.tsx';
import { useSending } from './sending.ts';
import { ValueView } from './value-view.tsx';

interface CardProps {
  readonly task: OpenTask;
  readonly about: About;
  readonly now: number;
  /** The run that it is of is named. */
  readonly isAlone: boolean;
  readonly onDone: () => void;
}

export function TaskCard({ task, about, now, isAlone, onDone }: CardProps): JSX.Element {
  const { runId, status, worker, refusal } = task;
  return (
    <article class="ask" aria-label={`task ${task.task}`}>
      <header>
        <span class="mark attention" aria-hidden="true">
          ?
        </span>
        <h2>
          <bdi>{task.task}</bdi>
        </h2>
        <span class="dim">
          external task for <bdi>{task.kind}</bdi> · {status}
          {worker === null ? '' : ` by ${worker}`} · {duration(now - Date.parse(task.offeredAt))}
        </span>
      </header>
      {isAlone ? null : (
        <p class="of">
          <Link to={runPath(runId)}>
            <bdi class="id">{runId}</bdi>
          </Link>
        </p>
      )}
      <ValueView
        title="Description"
        given={task.description}
        whole={valuePath(runId, 'description', task.key)}
      />
      {refusal === null ? null : (
        <p class="problem">
          The last answer was refused: <bdi>{refusal}</bdi>
        </p>
      )}
      {about.readOnly ? null : status === 'answered' ? (
        <p>Answered; the run takes it as soon as it is driven.</p>
      ) : (
        <TaskForm task={task} about={about} onDone={onDone} />
      )}
      <Command command={`pawl task claim ${task.id}`} why="take it in a terminal" />
    </article>
  );
}

function TaskForm(props: {
  readonly task: OpenTask;
  readonly about: About;
  readonly onDone: () => void;
}): JSX.Element {
  const { task, about, onDone } = props;
  const { id, outputSchema } = task;
  const [isFailing, setFailing] = useState(false);
  const [message, setMessage] = useState('');
  const { state, error, send } = useSending(onDone);
  const path = `/tasks/${encodeURIComponent(id)}`;
  const as = about.user === '' ? {} : { as: about.user };
  const schema: Json = 'value' in outputSchema ? outputSchema.value : null;
  if (isFailing)
    return (
      <form
        onSubmit={(event) => {
          event.preventDefault();
          send(`${path}/fail`, { ...as, ...(message === '' ? {} : { message }) });
        }}
      >
        <label>
          Why it failed
          <input value={message} onInput={(event) => setMessage(event.currentTarget.value)} />
        </label>
        <div class="buttons">
          <button type="submit" class="danger" disabled={state !== 'idle'}>
            It failed
          </button>
          <button type="button" class="button" onClick={() => setFailing(false)}>
            Back
          </button>
        </div>
        <Problem error={error} />
      </form>
    );
  return (
    <>
      <SchemaForm
        schema={schema}
        label="Answer"
        submit="Complete"
        isBusy={state !== 'idle'}
        onSubmit={(value) => send(`${path}/complete`, { ...as, value })}
      >
        <button type="button" class="button" onClick={() => setFailing(true)}>
          It failed…
        </button>
        {state === 'done' ? <span role="status">Answered</span> : null}
      </SchemaForm>
      <Problem error={error} />
    </>
  );
}
