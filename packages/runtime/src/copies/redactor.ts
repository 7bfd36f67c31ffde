/** Takes values out of events, so that what is left is an event still, and can be looked at. */
import { RuntimeError } from '../errors.ts';
import { cutDigest } from '../journal/chain.ts';
import { parseEvent, storeEvent } from '../journal/stored-event.ts';
import type { JournalRow } from '../journal/journal-text.ts';
import { valueFieldsOf } from '../journal/value-fields.ts';
import { sha256 } from '../system.ts';
import { advance, redactionPath, START, type Progress, type RedactionPath } from './redaction-path.ts';

export const MARK = '[redacted]';

/** Of fields that hold values, what there is how the run went, too. */
const OPEN_PARTS: Readonly<Record<string, ReadonlySet<string>>> = {
  outcome: new Set(['output', 'error', 'reason']),
  source: new Set(['cursor']),
};
/** A digest of a short value is as good as the value: none is told. */
const DIGESTS: ReadonlySet<string> = new Set(['inputHash', 'inputsHash']);
const NO_CHAIN = '0'.repeat(32);

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type Fields = { readonly [name: string]: Json };

/**
 * Owns: how often each path named something.
 */
export class Redactor {
  readonly #paths: readonly RedactionPath[];
  readonly #found: number[];

  /** @throws RuntimeError USAGE */
  constructor(paths: readonly string[]) {
    this.#paths = paths.map(redactionPath);
    this.#found = paths.map(() => 0);
  }

  get isIdle(): boolean {
    return this.#paths.length === 0;
  }

  /** Paths that named nothing by now: a mistyped one takes nothing out. */
  get unused(): readonly string[] {
    return this.#paths.filter((_, i) => this.#found[i] === 0).map(({ text }) => text);
  }

  /** @throws RuntimeError REFUSED for an event that would be none without the value */
  row(row: JournalRow, previousChain: string): JournalRow {
    const fields = JSON.parse(row.payload) as Fields;
    const places = this.#paths.map(() => START);
    const values = valueFieldsOf(row.type);
    const redacted = Object.fromEntries(
      Object.entries(fields).map(([name, value]) => {
        if (DIGESTS.has(name)) return [name, MARK];
        if (row.type === 'RunForked') return [name, this.#forked(name, value, places)];
        return [name, values.has(name) ? this.#field(value, places, name, OPEN_PARTS[name]) : value];
      }),
    );
    const made = { ...row, payload: JSON.stringify(redacted) };
    return row.type === 'Compacted' ? cut(made, previousChain) : this.#checked(made);
  }

  /** What a fork begins with is wrapped; a path names it as in any other run. */
  #forked(name: string, value: Json, places: readonly Progress[]): Json {
    if (name === 'inputs' && isObject(value))
      return { value: this.#below(value['value'] ?? null, places, name), hash: MARK };
    if (name !== 'given' || !isList(value)) return value;
    return value.map((given) =>
      isObject(given) ? { ...given, output: this.#below(given['output'] ?? null, places, 'output') } : given,
    );
  }

  #field(
    value: Json,
    places: readonly Progress[],
    name: string,
    parts: ReadonlySet<string> | undefined,
  ): Json {
    if (parts === undefined || !isObject(value)) return this.#below(value, places, name);
    // Where the whole is named, its parts are.
    const { progress, isNamed } = this.#step(places, name);
    return Object.fromEntries(
      Object.entries(value).map(([part, inner]) => {
        if (!parts.has(part)) return [part, inner];
        return [part, isNamed ? marked(inner) : this.#below(inner, progress, part)];
      }),
    );
  }

  #below(value: Json, places: readonly Progress[], name: string): Json {
    const { progress, isNamed } = this.#step(places, name);
    return isNamed ? marked(value) : this.#inside(value, progress);
  }

  #step(
    places: readonly Progress[],
    name: string,
  ): { readonly progress: readonly Progress[]; readonly isNamed: boolean } {
    let isNamed = false;
    const progress = this.#paths.map((path, i) => {
      const step = advance(path, places[i] ?? [], name);
      if (step.isNamed) {
        isNamed = true;
        this.#found[i] = (this.#found[i] ?? 0) + 1;
      }
      return step.progress;
    });
    return { progress, isNamed };
  }

  #inside(value: Json, places: readonly Progress[]): Json {
    if (typeof value !== 'object' || value === null || places.every((place) => place.length === 0))
      return value;
    if (isList(value)) return value.map((inner, i) => this.#below(inner, places, String(i)));
    const kind = value['$pawl'];
    if (kind !== undefined && 'value' in value)
      return { ...value, value: this.#wrapped(kind, value['value'] ?? null, places) };
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, this.#below(inner, places, name)]),
    );
  }

  #wrapped(kind: Json, value: Json, places: readonly Progress[]): Json {
    if (kind !== 'Map' || !isList(value)) return this.#inside(value, places);
    return value.map((entry) => {
      if (!isList(entry)) return entry;
      const [key = null, inner = null] = entry;
      return [key, this.#below(inner, places, typeof key === 'string' ? key : JSON.stringify(key))];
    });
  }

  #checked(row: JournalRow): JournalRow {
    try {
      const event = parseEvent(row);
      // What stands for itself where it is short is derived again, from what is left.
      return { ...row, payload: storeEvent(event).payload };
    } catch (cause) {
      throw new RuntimeError(
        'REFUSED',
        `Event ${row.seq} (${row.type}) would be no event without what the paths name in it.`,
        { hint: 'Name less of it, such as its parts', data: { seq: row.seq, type: row.type }, cause },
      );
    }
  }
}

/** An error is told by its name and message: without them it would be none. */
function marked(value: Json): Json {
  const isError = isObject(value) && typeof value['message'] === 'string' && 'name' in value;
  return isError ? { name: 'Error', message: MARK } : MARK;
}

/** Its checksums are of rows that are not told. */
function cut(row: JournalRow, previous: string): JournalRow {
  const event = parseEvent(row);
  if (event.type !== 'Compacted') return row;
  const said = { ...event, chain: NO_CHAIN };
  return { ...row, payload: storeEvent({ ...said, digest: cutDigest(sha256, previous, row, said) }).payload };
}

function isObject(value: Json): value is Fields {
  return typeof value === 'object' && value !== null && !isList(value);
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
