/** Where a text is in a value, and how a place in it is written. */
import type { Json } from './api.ts';

export interface Search {
  /** In lower case; empty: nothing is sought. */
  readonly sought: string;
  /** Names and plain values that have it. */
  readonly count: number;
  /** Objects and lists in which it is. */
  readonly within: ReadonlySet<object>;
}

export function searchIn(value: Json, text: string): Search {
  const sought = text.toLowerCase();
  const within = new Set<object>();
  let count = 0;
  const walk = (each: Json): boolean => {
    if (typeof each !== 'object' || each === null) {
      const has = hasText(JSON.stringify(each), sought);
      if (has) count += 1;
      return has;
    }
    let has = false;
    for (const [name, inner] of Object.entries(each)) {
      if (!Array.isArray(each) && hasText(name, sought)) {
        count += 1;
        has = true;
      }
      if (walk(inner as Json)) has = true;
    }
    if (has) within.add(each);
    return has;
  };
  if (sought !== '') walk(value);
  return { sought, count, within };
}

export function hasText(text: string, sought: string): boolean {
  return text.toLowerCase().includes(sought);
}

/** Whether an entry is to be seen while something is sought. */
export function isFound(name: string, value: Json, isList: boolean, { sought, within }: Search): boolean {
  if (!isList && hasText(name, sought)) return true;
  return typeof value === 'object' && value !== null
    ? within.has(value)
    : hasText(JSON.stringify(value), sought);
}

/** `items[0].name`, `["odd name"]` */
export function pathWith(path: string, name: string, isList: boolean): string {
  if (isList) return `${path}[${name}]`;
  if (!/^[A-Za-z_$][\w$]*$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === '' ? name : `${path}.${name}`;
}
