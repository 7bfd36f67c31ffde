/** A value of the user's: text, whatever it says; folded, searched and copied. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { get, type Bounded, type Json } from './api.ts';
import { CopyButton } from './copy-button.tsx';
import { Problem } from './dialog.tsx';
import { count, size } from './format.ts';

/** Entries of one list or object that are shown at once. */
const SHOWN = 100;
/** Levels that are open from the beginning. */
const OPEN_DEPTH = 2;
const LONGEST_TEXT = 2000;

export function ValueView(props: {
  readonly title: string;
  readonly given: Bounded | null | undefined;
  /** Where the whole is, if it is cut. */
  readonly whole: string | undefined;
}): JSX.Element | null {
  const { title, given, whole } = props;
  const [loaded, setLoaded] = useState<{ readonly value: Json }>();
  const [error, setError] = useState<Error>();
  const [sought, setSought] = useState('');
  if (given === null || given === undefined) return null;
  const known = loaded ?? ('value' in given ? given : undefined);
  const load = (): void => {
    if (whole === undefined) return;
    get<{ value: Json }>(whole).then(setLoaded, setError);
  };
  return (
    <section class="value" aria-label={title}>
      <header>
        <h3>{title}</h3>
        {known === undefined || !isLarge(known.value) ? null : (
          <input
            type="search"
            aria-label={`Find in ${title}`}
            placeholder="Find"
            value={sought}
            onInput={(event) => setSought(event.currentTarget.value)}
          />
        )}
        {known === undefined ? null : (
          <CopyButton text={JSON.stringify(known.value, null, 2)} label={`Copy ${title}`} />
        )}
      </header>
      <Problem error={error} />
      {known === undefined && 'cut' in given ? (
        <div>
          <pre class="json cut">{given.cut}…</pre>
          <button type="button" class="button" onClick={load}>
            Show all ({size(given.size)})
          </button>
        </div>
      ) : known === undefined ? null : (
        <div class="json">
          <Node key={sought} value={known.value} depth={0} sought={sought.toLowerCase()} />
        </div>
      )}
    </section>
  );
}

function isLarge(value: Json): boolean {
  return typeof value === 'object' && value !== null && JSON.stringify(value).length > 300;
}

interface NodeProps {
  readonly name?: string;
  readonly value: Json;
  readonly depth: number;
  readonly sought: string;
}

function Node({ name, value, depth, sought }: NodeProps): JSX.Element {
  const tagged = tagOf(value);
  const shown = tagged === undefined ? value : tagged.value;
  if (typeof shown !== 'object' || shown === null)
    return (
      <div class="entry">
        <Name name={name} sought={sought} />
        {tagged === undefined ? null : <span class="type">{tagged.tag} </span>}
        <Plain value={shown} sought={sought} />
      </div>
    );
  return <Composite name={name} value={shown} tag={tagged?.tag} depth={depth} sought={sought} />;
}

/** What JSON has no form for is kept as an object that says what it is. */
function tagOf(value: Json): { readonly tag: string; readonly value: Json } | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const fields = value as { readonly [name: string]: Json };
  const tag = fields['$pawl'];
  if (typeof tag !== 'string' || Object.keys(fields).some((key) => key !== '$pawl' && key !== 'value'))
    return undefined;
  return { tag, value: fields['value'] ?? '' };
}

function Composite(props: {
  readonly name: string | undefined;
  readonly value: object;
  readonly tag: string | undefined;
  readonly depth: number;
  readonly sought: string;
}): JSX.Element {
  const { name, value, tag, depth, sought } = props;
  const isFound = sought !== '' && JSON.stringify(value).toLowerCase().includes(sought);
  const [isOpen, setOpen] = useState(depth < OPEN_DEPTH || isFound);
  const [limit, setLimit] = useState(SHOWN);
  const isList = Array.isArray(value);
  const entries = Object.entries(value as Readonly<Record<string, Json>>);
  const ends = isList ? '[]' : '{}';
  const more = entries.length - limit;
  return (
    <div class="entry">
      <button type="button" class="fold" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <Name name={name} sought={sought} />
        {tag === undefined ? null : <span class="type">{tag} </span>}
        <span class="ends">
          {ends[0]}
          {isOpen ? '' : '…'}
          {isOpen && entries.length > 0 ? '' : ends[1]}
        </span>
        <span class="dim"> {entries.length === 0 || isOpen ? '' : count(entries.length)}</span>
      </button>
      {isOpen && entries.length > 0 ? (
        <>
          <div class="inner">
            {entries.slice(0, limit).map(([key, entry]) => (
              <Node key={key} name={isList ? '' : key} value={entry} depth={depth + 1} sought={sought} />
            ))}
            {more > 0 ? (
              <button type="button" class="fold dim" onClick={() => setLimit(limit + SHOWN * 10)}>
                … {count(more)} more
              </button>
            ) : null}
          </div>
          <span class="ends">{ends[1]}</span>
        </>
      ) : null}
    </div>
  );
}

function Name({
  name,
  sought,
}: {
  readonly name: string | undefined;
  readonly sought: string;
}): JSX.Element | null {
  if (name === undefined || name === '') return null;
  return (
    <span class="name">
      <Found text={name} sought={sought} />:{' '}
    </span>
  );
}

function Plain({ value, sought }: { readonly value: Json; readonly sought: string }): JSX.Element {
  const [isWhole, setWhole] = useState(false);
  const text = JSON.stringify(value);
  const isCut = text.length > LONGEST_TEXT && !isWhole;
  return (
    <>
      <bdi class={value === null ? 'null' : typeof value}>
        <Found text={isCut ? text.slice(0, LONGEST_TEXT) : text} sought={sought} />
      </bdi>
      {isCut ? (
        <button type="button" class="fold dim" onClick={() => setWhole(true)}>
          … {size(text.length)}
        </button>
      ) : null}
    </>
  );
}

function Found({ text, sought }: { readonly text: string; readonly sought: string }): JSX.Element {
  const at = sought === '' ? -1 : text.toLowerCase().indexOf(sought);
  if (at === -1) return <>{text}</>;
  return (
    <>
      {text.slice(0, at)}
      <mark>{text.slice(at, at + sought.length)}</mark>
      {text.slice(at + sought.length)}
    </>
  );
}
