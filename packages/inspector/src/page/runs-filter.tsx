/** Which runs are shown, beside their status: each choice is a part of the address. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { useData } from './data.ts';
import { Icon } from './icons.tsx';
import { go, placeNow, withQuery } from './route.ts';

/** What counts cannot be told under. */
export const FILTERS = ['process', 'within', 'from', 'to', 'where', 'text'] as const;

const LENGTHS = [
  ['1h', 'in the last hour'],
  ['24h', 'in the last day'],
  ['7d', 'in the last 7 days'],
  ['30d', 'in the last 30 days'],
] as const;

/** Those of the bar: what is typed above it is seen anyway. */
export function filterCount({ searchParams }: URL): number {
  const isTimed = ['within', 'from', 'to'].some((name) => searchParams.has(name));
  return (searchParams.has('process') ? 1 : 0) + (isTimed ? 1 : 0) + searchParams.getAll('where').length;
}

export function FilterButton(props: {
  readonly route: URL;
  readonly isOpen: boolean;
  readonly onToggle: () => void;
}): JSX.Element {
  const active = filterCount(props.route);
  return (
    <button
      type="button"
      class="button filter-button"
      aria-expanded={props.isOpen}
      aria-controls="filters"
      onClick={props.onToggle}
    >
      <Icon name="filter" /> Filters{active > 0 ? <b class="tally">{active}</b> : null}
    </button>
  );
}

function change(changes: Readonly<Record<string, string | undefined>>): void {
  go(withQuery(placeNow(), { ...changes, before: undefined }), 'replace');
}

function changeTerms(from: (terms: readonly string[]) => readonly string[]): void {
  const { pathname, searchParams: query } = placeNow();
  const next = from(query.getAll('where'));
  for (const name of ['where', 'before']) query.delete(name);
  for (const term of next) query.append('where', term);
  go(`${pathname}?${query.toString()}`.replace(/\?$/, ''), 'replace');
}

export function FilterBar({ route }: { readonly route: URL }): JSX.Element {
  const terms = route.searchParams.getAll('where');
  return (
    <div class="filters" id="filters" role="group" aria-label="Filters">
      <ProcessField route={route} onChange={change} />
      <StartedField route={route} onChange={change} />
      <WhereField terms={terms} />
      {filterCount(route) === 0 ? null : (
        <button
          type="button"
          class="link clear"
          onClick={() =>
            change({
              process: undefined,
              within: undefined,
              from: undefined,
              to: undefined,
              where: undefined,
            })
          }
        >
          Clear
        </button>
      )}
    </div>
  );
}

interface FieldProps {
  readonly route: URL;
  readonly onChange: (changes: Readonly<Record<string, string | undefined>>) => void;
}

function ProcessField({ route, onChange }: FieldProps): JSX.Element {
  const known = useData<{ processes: readonly string[] }>('/processes').data?.processes ?? [];
  const chosen = route.searchParams.get('process') ?? '';
  // Whatever else is drawn meanwhile must not take away what is being typed.
  const [text, setText] = useState(chosen);
  useEffect(() => setText(chosen), [chosen]);
  return (
    <label class="field">
      <span>Process</span>
      <input
        type="search"
        list="processes"
        value={text}
        placeholder="any"
        spellcheck={false}
        onInput={(event) => setText(event.currentTarget.value)}
        onChange={(event) => onChange({ process: event.currentTarget.value.trim() })}
      />
      <datalist id="processes">
        {known.map((process) => (
          <option key={process} value={process} />
        ))}
      </datalist>
    </label>
  );
}

function StartedField({ route, onChange }: FieldProps): JSX.Element {
  const { searchParams } = route;
  const within = searchParams.get('within');
  const isBetween = searchParams.has('from') || searchParams.has('to');
  const [asks, setAsks] = useState(isBetween);
  const isAsking = asks || isBetween;
  const known = LENGTHS.some(([length]) => length === within);
  return (
    <>
      <label class="field">
        <span>Started</span>
        <select
          value={isAsking ? 'between' : (within ?? '')}
          onChange={({ currentTarget: { value } }) => {
            setAsks(value === 'between');
            if (value === 'between') onChange({ within: undefined });
            else onChange({ within: value, from: undefined, to: undefined });
          }}
        >
          <option value="">at any time</option>
          {LENGTHS.map(([length, name]) => (
            <option key={length} value={length}>
              {name}
            </option>
          ))}
          {within === null || known ? null : <option value={within}>in the last {within}</option>}
          <option value="between">between…</option>
        </select>
      </label>
      {isAsking ? (
        <>
          <MomentField name="From" at={searchParams.get('from')} onChange={(from) => onChange({ from })} />
          <MomentField name="Until" at={searchParams.get('to')} onChange={(to) => onChange({ to })} />
        </>
      ) : null}
    </>
  );
}

/** Shown in the time of who looks; the address has it in UTC, so that it means the same elsewhere. */
function MomentField(props: {
  readonly name: string;
  readonly at: string | null;
  readonly onChange: (at: string | undefined) => void;
}): JSX.Element {
  const { name, at, onChange } = props;
  return (
    <label class="field">
      <span>{name}</span>
      <input
        type="datetime-local"
        value={at === null ? '' : localOf(at)}
        onChange={({ currentTarget: { value } }) => {
          const moment = value === '' ? Number.NaN : Date.parse(value);
          onChange(Number.isNaN(moment) ? undefined : new Date(moment).toISOString().replace('.000Z', 'Z'));
        }}
      />
    </label>
  );
}

function localOf(at: string): string {
  const moment = new Date(at);
  if (Number.isNaN(moment.getTime())) return '';
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function WhereField({ terms }: { readonly terms: readonly string[] }): JSX.Element {
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string>();
  return (
    <>
      <form
        class="field"
        onSubmit={(event) => {
          event.preventDefault();
          const term = text.trim();
          if (term === '') return;
          if (term.indexOf('=') < 1) {
            setProblem('name=value, as in customer=42');
            return;
          }
          setProblem(undefined);
          setText('');
          changeTerms((others) => [...others.filter((other) => other !== term), term]);
        }}
      >
        <label>
          <span>Says of itself</span>
          <input
            value={text}
            placeholder="customer=42"
            spellcheck={false}
            aria-invalid={problem !== undefined}
            aria-describedby="where-problem"
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <span id="where-problem" class="bad" role="alert">
          {problem}
        </span>
      </form>
      {terms.map((term) => (
        <span key={term} class="term">
          <bdi>{term}</bdi>
          <button
            type="button"
            aria-label={`Take ${term} away`}
            onClick={() => changeTerms((others) => others.filter((other) => other !== term))}
          >
            <Icon name="close" />
          </button>
        </span>
      ))}
    </>
  );
}
