/** Where the page is: its path and its query, which a link carries. */
import { useEffect, useState } from 'preact/hooks';

import { isKept, recorded } from './recorded.ts';

const listeners = new Set<() => void>();

addEventListener('popstate', () => tell());
addEventListener('hashchange', () => tell());

function tell(): void {
  for (const listener of listeners) listener();
}

/** A file has one place, and says the rest behind a `#`. */
function here(): string {
  if (recorded === undefined) return location.href;
  return new URL(location.hash.slice(1) || runPath(recorded.id), 'http://file.invalid').href;
}

/** As it stands in a link. */
export function hrefOf(to: string): string {
  return recorded === undefined ? to : `#${to}`;
}

export function go(to: string, how: 'push' | 'replace' = 'push'): void {
  if (recorded !== undefined) {
    if (!isKept(to)) return;
    if (how === 'push') location.hash = to;
    else location.replace(`#${to}`);
    return;
  }
  if (to === location.pathname + location.search) return;
  if (how === 'push') history.pushState(null, '', to);
  else history.replaceState(null, '', to);
  tell();
  if (how === 'push') scrollTo(0, 0);
}

/** For what is done: where the page is by now, which may not be drawn yet. */
export function placeNow(): URL {
  return new URL(here());
}

export function useRoute(): URL {
  const [href, set] = useState(here());
  useEffect(() => {
    const listener = (): void => set(here());
    listeners.add(listener);
    // It may have changed between the drawing and this.
    listener();
    return () => listeners.delete(listener);
  }, []);
  return new URL(href);
}

/** The same place with other parameters; undefined takes one away. */
export function withQuery(url: URL, changes: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams(url.search);
  for (const [name, value] of Object.entries(changes))
    if (value === undefined || value === '') query.delete(name);
    else query.set(name, value);
  const text = query.toString();
  return `${url.pathname}${text === '' ? '' : `?${text}`}`;
}

export function runPath(id: string): string {
  return `/runs/${encodeURIComponent(id)}`;
}

/** A value as a whole: of a call, or of the run itself where no key is given. */
export function valuePath(
  id: string,
  part: 'input' | 'output' | 'context' | 'description',
  key = '',
): string {
  const call = key === '' ? '' : `&key=${encodeURIComponent(key)}`;
  return `${runPath(id)}/value?part=${part}${call}`;
}

/** Of the page and of the server. */
export function comparePath(a: string, b: string): string {
  return `${runPath(a)}/compare/${encodeURIComponent(b)}`;
}
