/** A value of the user's: as much of it as is sent, and all of it where somebody asks; searched, folded and copied. */
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';

import { get, type Bounded, type Json } from './api.ts';
import { CopyButton } from './copy-button.tsx';
import { Problem } from './dialog.tsx';
import { count, size } from './format.ts';
import { Icon } from './icons.tsx';
import { searchIn } from './json-search.ts';
import { JsonNode } from './json-tree.tsx';
import { isThere } from './recorded.ts';

/** Levels that are open: as it comes, where all is opened, and where it is folded. */
const DEPTHS = { usual: 2, all: 8, none: 1 } as const;
const NOTHING: Json = null;

export function ValueView(props: {
  readonly title: string;
  readonly given: Bounded | null | undefined;
  /** Where the whole is, if it is cut. */
  readonly whole: string | undefined;
}): JSX.Element | null {
  const { title, given, whole } = props;
  const [loaded, setLoaded] = useState<{ readonly value: Json }>();
  const [error, setError] = useState<Error>();
  if (given === null || given === undefined) return null;
  const known = loaded ?? ('value' in given ? given : undefined);
  const load = (): void => {
    if (whole === undefined) return;
    get<{ value: Json }>(whole).then(setLoaded, setError);
  };
  if (known !== undefined) return <Shown title={title} value={known.value} />;
  return (
    <section class="value" aria-label={title}>
      <header>
        <h2>{title}</h2>
      </header>
      <Problem error={error} />
      {'cut' in given ? (
        <div>
          <pre class="json cut">{given.cut}…</pre>
          {whole === undefined ? null : !isThere(whole) ? (
            <p class="dim note">Its beginning: all of it ({size(given.size)}) was left out of this file.</p>
          ) : (
            <button type="button" class="button" onClick={load}>
              Show all ({size(given.size)})
            </button>
          )}
        </div>
      ) : null}
    </section>
  );
}

function Shown({ title, value }: { readonly title: string; readonly value: Json }): JSX.Element {
  const [text, setText] = useState('');
  const [fold, setFold] = useState<{ readonly to: keyof typeof DEPTHS; readonly times: number }>({
    to: 'usual',
    times: 0,
  });
  const search = useMemo(() => searchIn(text === '' ? NOTHING : value, text), [value, text]);
  const turn = (to: keyof typeof DEPTHS): void => setFold(({ times }) => ({ to, times: times + 1 }));
  const isTree = typeof value === 'object' && value !== null && JSON.stringify(value).length > 80;
  return (
    <section class="value" aria-label={title}>
      <header>
        <h2>{title}</h2>
        {isTree ? (
          <>
            <span class="found dim" role="status">
              {text === '' ? '' : search.count === 1 ? '1 match' : `${count(search.count)} matches`}
            </span>
            <input
              type="search"
              aria-label={`Find in ${title}`}
              placeholder="Find"
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
            />
            <button
              type="button"
              class="icon"
              aria-label={`${fold.to === 'none' ? 'Open' : 'Fold'} ${title}`}
              title={fold.to === 'none' ? 'Open all' : 'Fold all'}
              onClick={() => turn(fold.to === 'none' ? 'all' : 'none')}
            >
              <Icon name={fold.to === 'none' ? 'open' : 'fold'} />
            </button>
          </>
        ) : null}
        <CopyButton text={() => JSON.stringify(value, null, 2)} label={`Copy ${title}`} />
      </header>
      <div class="json">
        <JsonNode
          key={`${text} ${fold.times}`}
          path=""
          value={value}
          depth={0}
          openDepth={DEPTHS[fold.to]}
          search={search}
        />
      </div>
    </section>
  );
}
