/** A fork, a retry or a rewind: what it would keep and do again comes first, and what is edited before it is made. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { get, post, type CallDetail, type Json, type Plan, type RunDetail } from './api.ts';
import { useData } from './data.ts';
import { Dialog, Problem } from './dialog.tsx';
import { JsonEditor } from './json-editor.tsx';
import { go, runPath, valuePath } from './route.ts';
import { parseJson } from './schema-draft.ts';

type Word = 'fork' | 'retry' | 'rewind';

const SAID: Readonly<Record<Word, readonly [title: string, text: string, act: string]>> = {
  retry: [
    'Try this run again',
    'Another run that shares what came before; this one stays as it is. It goes on where a worker or pawl resume takes it.',
    'Retry',
  ],
  fork: [
    'Fork this run here',
    'Another run that shares what came before; this one stays as it is. It goes on where a worker or pawl resume takes it.',
    'Fork',
  ],
  rewind: [
    'Rewind this run to here',
    'Another run that shares what came before. This one is given up, where it has not ended. It goes on where a worker or pawl resume takes it.',
    'Rewind',
  ],
};

interface ForkProps {
  readonly id: string;
  readonly word: Word;
  readonly at: string | undefined;
  readonly onClose: () => void;
}

/** What is asked of it, what that would come to, and how it is made. */
function useFork({ id, word, at, onClose }: ForkProps) {
  const input = useEdit(`${runPath(id)}`, (found: RunDetail) => found.input, valuePath(id, 'input'));
  const key = encodeURIComponent(at ?? '');
  const callPath = `${runPath(id)}/call?key=${key}&all=1`;
  const output = useEdit(
    callPath,
    (found: { call: CallDetail }) => found.call.output,
    valuePath(id, 'output', at),
  );
  const [reuse, setReuse] = useState(false);
  const kind = useData<{ call: CallDetail }>(word === 'fork' ? callPath : undefined).data?.call.kind;
  const query = new URLSearchParams();
  if (at !== undefined) query.append(output.isOn ? 'set' : 'at', at);
  if (reuse) query.append('reuse', '1');
  const { data: plan, error: refusal } = useData<Plan>(`${runPath(id)}/plan?${query.toString()}`);
  const [error, setError] = useState<Error>();
  const [isBusy, setBusy] = useState(false);
  const risky = (plan?.again ?? []).filter((call) => call.isRisky && call.outcome !== 'failed');
  const make = async (): Promise<void> => {
    setBusy(true);
    const place = at === undefined ? {} : output.isOn ? { set: { [at]: output.value } } : { at };
    try {
      const made = await post<{ id: string }>(`${runPath(id)}/${word}`, {
        yes: risky.length > 0,
        ...place,
        ...(input.isOn ? { input: input.value } : {}),
        ...(reuse ? { reuse } : {}),
      });
      onClose();
      go(runPath(made.id));
    } catch (problem) {
      setError(problem instanceof Error ? problem : new TypeError(String(problem)));
      setBusy(false);
    }
  };
  const isReady = plan !== undefined && input.isReady && output.isReady && !isBusy;
  return { input, output, reuse, setReuse, kind, plan, error: refusal ?? error, risky, make, isReady };
}

export function ForkDialog(props: ForkProps): JSX.Element {
  const { word, onClose } = props;
  const [title, text, act] = SAID[word];
  const { input, output, reuse, setReuse, kind, plan, error, risky, make, isReady } = useFork(props);
  const [isSure, setSure] = useState(false);
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{text}</p>
      {word === 'fork' ? (
        <div class="edits">
          <Edited
            edit={input}
            name="Start its process with another input"
            note="What is kept must be asked for with it in the same way: fork at the first call to change everything. It is not held against a schema, since the page loads no code."
          />
          {kind === 'task' ? (
            <Edited
              edit={output}
              name="Give this call another result"
              note="It comes to that, and is not done."
            />
          ) : null}
          <label class="option">
            <input
              type="checkbox"
              checked={reuse}
              onChange={(event) => setReuse(event.currentTarget.checked)}
            />
            Take later results over where the same is asked
          </label>
        </div>
      ) : null}
      {plan === undefined ? null : <PlanView plan={plan} />}
      {risky.length === 0 ? null : <Sure risky={risky} isSure={isSure} onSure={setSure} />}
      <Problem error={error} />
      <div class="buttons">
        <button
          type="button"
          class={risky.length > 0 ? 'danger' : 'primary'}
          disabled={!isReady || (risky.length > 0 && !isSure)}
          onClick={() => void make()}
        >
          {act}
        </button>
        <button type="button" class="button" onClick={onClose}>
          Leave it
        </button>
      </div>
    </Dialog>
  );
}

/** What nothing declares safe to be repeated is asked for in words. */
function Sure(props: {
  readonly risky: Plan['again'];
  readonly isSure: boolean;
  readonly onSure: (isSure: boolean) => void;
}): JSX.Element {
  const { risky, isSure, onSure } = props;
  const [first] = risky;
  return (
    <label class="option sure">
      <input type="checkbox" checked={isSure} onChange={(event) => onSure(event.currentTarget.checked)} />
      <span>
        {risky.length === 1
          ? `Yes, do ${first?.name ?? ''} again: it may have had its effect already,`
          : `Yes, do these ${risky.length} calls again: they may have had their effects already,`}{' '}
        and nothing declares that safe to be repeated.
      </span>
    </label>
  );
}

interface Edit {
  readonly isOn: boolean;
  readonly turn: (isOn: boolean) => void;
  readonly text: string;
  readonly setText: (text: string) => void;
  readonly problem: string | undefined;
  readonly value: Json;
  /** It is off, or it is JSON. */
  readonly isReady: boolean;
}

/** A recorded value that may be edited; it is asked for when somebody wants to. */
function useEdit<T>(path: string, pick: (found: T) => RunDetail['input'] | undefined, whole: string): Edit {
  const [isOn, turn] = useState(false);
  const [text, setText] = useState<string>();
  useEffect(() => {
    if (!isOn || text !== undefined) return;
    const read = async (): Promise<Json> => {
      const given = pick(await get<T>(path)) ?? { value: null };
      return 'value' in given ? given.value : (await get<{ value: Json }>(whole)).value;
    };
    read().then(
      (value) => setText(JSON.stringify(value, null, 2)),
      () => setText(''),
    );
  }, [isOn]);
  const parsed = parseJson(text ?? '');
  const problem = 'problem' in parsed ? parsed.problem : undefined;
  const value = 'value' in parsed ? parsed.value : null;
  return { isOn, turn, text: text ?? '', setText, problem, value, isReady: !isOn || problem === undefined };
}

function Edited({
  edit,
  name,
  note,
}: {
  readonly edit: Edit;
  readonly name: string;
  readonly note: string;
}): JSX.Element {
  return (
    <div class="edit">
      <label class="option">
        <input
          type="checkbox"
          checked={edit.isOn}
          onChange={(event) => edit.turn(event.currentTarget.checked)}
        />
        {name}
      </label>
      {edit.isOn ? (
        <>
          <JsonEditor
            label={`${name}, as JSON`}
            text={edit.text}
            problem={edit.problem}
            rows={3}
            onText={edit.setText}
          />
          <p class="dim note">{note}</p>
        </>
      ) : null}
    </div>
  );
}

const SHOWN = 12;

function PlanView({ plan }: { readonly plan: Plan }): JSX.Element {
  const kept = plan.kept.map(([name, count]) => (count === 1 ? name : `${name} ×${count}`)).join(', ');
  const reused = plan.reused.map(({ name }) => name);
  return (
    <dl class="plan">
      <dt>Kept</dt>
      <dd>{kept === '' ? 'nothing' : <bdi>{kept}</bdi>}</dd>
      {reused.length === 0 ? null : (
        <>
          <dt>Taken over</dt>
          <dd>
            <bdi>{reused.slice(0, SHOWN).join(', ')}</bdi>
            {reused.length > SHOWN ? <span class="dim"> … {reused.length - SHOWN} more</span> : null}
          </dd>
        </>
      )}
      <dt>Done again</dt>
      <dd>
        <ul>
          {plan.again.slice(0, SHOWN).map(({ key, name, outcome, isRisky }) => (
            <li key={key}>
              <bdi>{name}</bdi> <bdi class="id">{key}</bdi>{' '}
              <span class={isRisky && outcome !== 'failed' ? 'attention' : 'dim'}>
                {outcome ?? 'under way'}
                {isRisky && outcome !== 'failed' ? ', not declared safe to repeat' : ''}
              </span>
            </li>
          ))}
          {plan.again.length > SHOWN ? <li class="dim">… {plan.again.length - SHOWN} more</li> : null}
          {plan.again.length === 0 ? <li class="dim">nothing that was begun</li> : null}
        </ul>
      </dd>
    </dl>
  );
}
