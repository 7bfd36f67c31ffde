/** A value as a tree: text, whatever it says; folded, and copied by its parts. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import type { Json } from './api.ts';
import { CopyButton } from './copy-button.tsx';
import { count, size } from './format.ts';
import { isFound, pathWith, type Search } from './json-search.ts';

/** Entries of one list or object that are shown at once. */
const SHOWN = 100;
const LONGEST_TEXT = 2000;

interface NodeProps {
  readonly name?: string | undefined;
  /** Of the value, from the outermost on. */
  readonly path: string;
  readonly value: Json;
  readonly depth: number;
  /** Levels that are open from the beginning. */
  readonly openDepth: number;
  readonly search: Search;
}

export function JsonNode({ name, path, value, depth, openDepth, search }: NodeProps): JSX.Element {
  const { sought } = search;
  const tagged = tagOf(value);
  const shown = tagged === undefined ? value : tagged.value;
  if (typeof shown !== 'object' || shown === null)
    return (
      <div class="entry">
        <Name name={name} sought={sought} />
        {tagged === undefined ? null : <span class="type">{tagged.tag} </span>}
        <Plain value={shown} sought={sought} />
        <Copies path={path} value={value} />
      </div>
    );
  return (
    <Composite
      name={name}
      path={tagged === undefined ? path : pathWith(path, 'value', false)}
      value={shown}
      tag={tagged?.tag}
      depth={depth}
      openDepth={openDepth}
      search={search}
    />
  );
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

function Composite(
  props: Omit<NodeProps, 'value'> & { readonly value: object; readonly tag: string | undefined },
): JSX.Element {
  const { name, path, value, tag, depth, openDepth, search } = props;
  const { sought } = search;
  const [isOpen, setOpen] = useState(sought === '' ? depth < openDepth : search.within.has(value));
  const [limit, setLimit] = useState(SHOWN);
  const [isAll, setAll] = useState(false);
  const isList = Array.isArray(value);
  const all = Object.entries(value as Readonly<Record<string, Json>>);
  const isFiltered = sought !== '' && !isAll && search.within.has(value);
  const entries = isFiltered ? all.filter(([key, entry]) => isFound(key, entry, isList, search)) : all;
  const others = all.length - entries.length;
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
          {isOpen && all.length > 0 ? '' : ends[1]}
        </span>
        <span class="dim"> {all.length === 0 || isOpen ? '' : count(all.length)}</span>
      </button>
      <Copies path={path} value={value as Json} />
      {isOpen && all.length > 0 ? (
        <>
          <div class="inner">
            {entries.slice(0, limit).map(([key, entry]) => (
              <JsonNode
                key={key}
                {...(isList ? {} : { name: key })}
                path={pathWith(path, key, isList)}
                value={entry}
                depth={depth + 1}
                openDepth={openDepth}
                search={search}
              />
            ))}
            {more > 0 ? (
              <button type="button" class="fold dim" onClick={() => setLimit(limit + SHOWN * 10)}>
                … {count(more)} more
              </button>
            ) : null}
            {others > 0 ? (
              <button type="button" class="fold dim" onClick={() => setAll(true)}>
                … {count(others)} without it
              </button>
            ) : null}
          </div>
          <span class="ends">{ends[1]}</span>
        </>
      ) : null}
    </div>
  );
}

/** Seen where somebody points, or comes by keyboard. */
function Copies({ path, value }: { readonly path: string; readonly value: Json }): JSX.Element {
  const text = (): string => (typeof value === 'string' ? value : JSON.stringify(value, null, 2));
  return (
    <span class="copies">
      <CopyButton text={text} label={path === '' ? 'Copy the value' : `Copy the value of ${path}`} />
      {path === '' ? null : <CopyButton text={path} label={`Copy the path ${path}`} icon="path" />}
    </span>
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
