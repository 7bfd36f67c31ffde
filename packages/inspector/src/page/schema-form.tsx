/** The form of a JSON Schema; whoever would rather write JSON does that. */
import type { ComponentChildren, JSX } from 'preact';
import { useId, useMemo, useState } from 'preact/hooks';

import type { Json } from './api.ts';
import { JsonEditor } from './json-editor.tsx';
import {
  emptyDraft,
  fieldOf,
  filled,
  parseJson,
  type Draft,
  type Field,
  type Issue,
  type NamedField,
} from './schema-draft.ts';

interface FormProps {
  /** Null: nothing is known of what is waited for. */
  readonly schema: Json;
  readonly label: string;
  readonly submit: string;
  readonly isBusy: boolean;
  readonly onSubmit: (value: Json) => void;
  /** Beside the button. */
  readonly children?: ComponentChildren;
}

export function SchemaForm({ schema, label, submit, isBusy, onSubmit, children }: FormProps): JSX.Element {
  const name = JSON.stringify(schema);
  const field = useMemo(() => fieldOf(schema), [name]);
  const [draft, setDraft] = useState<Draft>(() => emptyDraft(field, true));
  const [isJson, setJson] = useState(field.kind === 'json');
  const [text, setText] = useState('');
  const [issues, setIssues] = useState<readonly Issue[]>([]);
  const parsed = parseJson(text);
  const change = (next: Draft): void => {
    setDraft(next);
    if (issues.length > 0) setIssues(issuesOf(field, next));
  };
  const turn = (): void => {
    const found = filled(field, draft);
    if (!isJson && found.is === 'value' && text === '') setText(JSON.stringify(found.value, null, 2));
    setJson(!isJson);
  };
  const send = (event: Event): void => {
    event.preventDefault();
    if (isJson) {
      if ('value' in parsed) onSubmit(parsed.value);
      return;
    }
    const found = filled(field, draft);
    if (found.is === 'value') onSubmit(found.value);
    setIssues(issuesOf(field, draft));
  };
  return (
    <form class="schema" onSubmit={send} noValidate>
      {isJson ? (
        <JsonEditor
          label={label}
          text={text}
          problem={'problem' in parsed ? parsed.problem : undefined}
          onText={setText}
        />
      ) : (
        <Part
          named={{ name: '', title: label, field, isRequired: true }}
          path=""
          draft={draft}
          issues={issues}
          onDraft={change}
        />
      )}
      <div class="buttons">
        <button type="submit" class="primary" disabled={isBusy || (isJson && 'problem' in parsed)}>
          {submit}
        </button>
        {children}
        {field.kind === 'json' ? null : (
          <button type="button" class="link" onClick={turn}>
            {isJson ? 'Fill in a form' : 'Write JSON'}
          </button>
        )}
      </div>
    </form>
  );
}

function issuesOf(field: Field, draft: Draft): readonly Issue[] {
  const found = filled(field, draft);
  return found.is === 'wrong' ? found.issues : [];
}

interface PartProps {
  readonly named: NamedField;
  readonly path: string;
  readonly draft: Draft;
  readonly issues: readonly Issue[];
  readonly onDraft: (draft: Draft) => void;
}

function Part(props: PartProps): JSX.Element {
  const { named, path, issues } = props;
  const id = useId();
  const issue = issues.find((each) => each.path === path);
  const { field, title, isRequired } = named;
  const note = [field.description, isRequired || path === '' ? null : 'optional'].filter(
    (each) => each !== null,
  );
  if (field.kind === 'object' || field.kind === 'list')
    return (
      <fieldset class={path === '' ? 'whole' : 'part'}>
        <legend>
          <bdi>{title}</bdi> <Note texts={note} />
        </legend>
        {field.kind === 'list' ? <List {...props} field={field} /> : <Members {...props} field={field} />}
        <IssueLine id={id} issue={issue} />
      </fieldset>
    );
  return (
    <div class={field.kind === 'flag' ? 'field flag' : 'field'}>
      <label for={id}>
        <bdi>{title}</bdi> <Note texts={note} />
      </label>
      <Control {...props} id={id} isWrong={issue !== undefined} />
      <IssueLine id={id} issue={issue} />
    </div>
  );
}

function Note({ texts }: { readonly texts: readonly string[] }): JSX.Element | null {
  return texts.length === 0 ? null : (
    <span class="dim note">
      <bdi>{texts.join(' · ')}</bdi>
    </span>
  );
}

function IssueLine({
  id,
  issue,
}: {
  readonly id: string;
  readonly issue: Issue | undefined;
}): JSX.Element | null {
  return issue === undefined ? null : (
    <p id={`${id}-issue`} class="issue" role="alert">
      {issue.message}
    </p>
  );
}

function Members(props: PartProps & { readonly field: Field & { kind: 'object' } }): JSX.Element {
  const { field, path, issues, onDraft } = props;
  const draft = props.draft as { readonly [name: string]: Draft };
  return (
    <>
      {field.fields.map((named) => (
        <Part
          key={named.name}
          named={named}
          path={`${path}/${named.name}`}
          draft={draft[named.name] ?? ''}
          issues={issues}
          onDraft={(next) => onDraft({ ...draft, [named.name]: next })}
        />
      ))}
    </>
  );
}

function List(props: PartProps & { readonly field: Field & { kind: 'list' } }): JSX.Element {
  const { named, field, path, issues, onDraft } = props;
  const drafts = Array.isArray(props.draft) ? (props.draft as readonly Draft[]) : [];
  return (
    <>
      {drafts.map((draft, index) => (
        <div key={index} class="entry-row">
          <Part
            named={{
              name: String(index),
              title: `${named.title} ${index + 1}`,
              field: field.item,
              isRequired: true,
            }}
            path={`${path}/${index}`}
            draft={draft}
            issues={issues}
            onDraft={(next) => onDraft(drafts.with(index, next))}
          />
          <button
            type="button"
            class="link"
            aria-label={`Take ${named.title} ${index + 1} away`}
            onClick={() => onDraft(drafts.toSpliced(index, 1))}
          >
            Take away
          </button>
        </div>
      ))}
      <button
        type="button"
        class="button small"
        disabled={drafts.length >= field.max}
        onClick={() => onDraft([...drafts, emptyDraft(field.item, true)])}
      >
        Add to {named.title}
      </button>
    </>
  );
}

function Control(props: PartProps & { readonly id: string; readonly isWrong: boolean }): JSX.Element | null {
  const { named, draft, id, isWrong, onDraft } = props;
  const { field, isRequired } = named;
  const common = {
    id,
    'aria-invalid': isWrong,
    'aria-describedby': isWrong ? `${id}-issue` : undefined,
  } as const;
  const text = typeof draft === 'string' ? draft : '';
  const typed = (event: { readonly currentTarget: { readonly value: string } }): void =>
    onDraft(event.currentTarget.value);
  switch (field.kind) {
    case 'text':
      return field.isLong ? (
        <textarea {...common} rows={1} value={text} onInput={typed} />
      ) : (
        <input {...common} value={text} onInput={typed} />
      );
    case 'number':
      return (
        <input {...common} inputMode={field.isWhole ? 'numeric' : 'decimal'} value={text} onInput={typed} />
      );
    case 'json':
      return <textarea {...common} class="code" rows={3} placeholder="JSON" value={text} onInput={typed} />;
    case 'flag':
      return (
        <input
          {...common}
          type="checkbox"
          checked={draft === true}
          onChange={(event) => onDraft(event.currentTarget.checked)}
        />
      );
    case 'choice':
      return (
        <select {...common} value={text} onChange={typed}>
          <option value="">{isRequired ? 'Choose…' : 'Leave out'}</option>
          {field.options.map((option, index) => (
            <option key={index} value={String(index)}>
              {typeof option === 'string' ? option : JSON.stringify(option)}
            </option>
          ))}
        </select>
      );
    default:
      return null;
  }
}
