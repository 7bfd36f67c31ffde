/** What became of an attempt of which nobody knows the end: somebody has looked, and says it. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import type { Wait } from './api.ts';
import { Problem } from './dialog.tsx';
import { JsonEditor } from './json-editor.tsx';
import { runPath } from './route.ts';
import { parseJson } from './schema-draft.ts';
import { useSending } from './sending.ts';

const ANSWERS = [
  ['done', 'It was done', 'the run goes on with what it gave'],
  ['failed', 'It failed', 'as if the attempt had thrown'],
  ['retry', 'Nothing happened', 'it is tried again'],
] as const;

export function OutcomeForm({
  wait,
  onDone,
}: {
  readonly wait: Wait;
  readonly onDone: () => void;
}): JSX.Element {
  const { runId, key } = wait;
  const [as, setAs] = useState<(typeof ANSWERS)[number][0]>();
  const [output, setOutput] = useState('');
  const [message, setMessage] = useState('');
  const { state, error, send } = useSending(onDone);
  const parsed = output.trim() === '' ? { value: null } : parseJson(output);
  const isWrong = as === 'done' && 'problem' in parsed;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (as === undefined || isWrong) return;
        send(`${runPath(runId)}/resolve`, {
          key,
          as,
          ...(as === 'done' && 'value' in parsed ? { output: parsed.value } : {}),
          ...(as === 'failed' && message !== '' ? { message } : {}),
        });
      }}
    >
      <fieldset class="outcome">
        <legend>What became of it?</legend>
        {ANSWERS.map(([answer, name, what]) => (
          <label key={answer} class="option">
            <input
              type="radio"
              name={`${runId} ${key} outcome`}
              checked={as === answer}
              onChange={() => setAs(answer)}
            />
            <span>
              {name} <span class="dim">{what}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {as === 'done' ? (
        <JsonEditor
          label="What it gave, as JSON; empty: nothing"
          text={output}
          rows={2}
          problem={'problem' in parsed ? parsed.problem : undefined}
          onText={setOutput}
        />
      ) : null}
      {as === 'failed' ? (
        <label>
          Why
          <input value={message} onInput={(event) => setMessage(event.currentTarget.value)} />
        </label>
      ) : null}
      <div class="buttons">
        <button type="submit" class="primary" disabled={state !== 'idle' || as === undefined || isWrong}>
          Say so
        </button>
        {state === 'done' ? <span role="status">Said; the run takes it as soon as it is driven.</span> : null}
      </div>
      <Problem error={error} />
    </form>
  );
}
