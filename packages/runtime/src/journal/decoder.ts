/**
 * One walk of `decode`, which trusts nothing: what it reads may have been changed in the file.
 *
 * Owns: the way from the root to the JSON at hand, for the place of a refusal.
 *
 * Invariants:
 * 1. `#at[i]` is what is being read in the i-th open array or object, for every i below `#depth`.
 * 2. What is built is never larger than the text it came from, times a small constant: no length, and
 *    no count, is taken from the text.
 * 3. No code of the recorded value runs; `URL` and `RegExp` only parse.
 */
import type { Json } from '@pawl/sdk';
import { fromBase64 } from './base64.ts';
import { VIEWS } from './builtin.ts';
import { MAX_BIGINT_BITS, SECRET, TAG } from './encoder.ts';
import { defineField, defineHidden, isNativeErrorName, makeNativeError } from './native-error.ts';
import { DecodeRefusal, formatPath } from './refusal.ts';
import type { PathStep } from './refusal.ts';
import { SealedSecret } from './secret.ts';

type JsonObject = { readonly [key: string]: Json };

/** SQLite reads JSON up to this depth, and `encode` stays below it. */
const MAX_JSON_DEPTH = 1000;
const MAX_BIGINT_CHARS = Math.ceil(MAX_BIGINT_BITS * Math.log10(2)) + 2;
const DECIMAL = /^(?:0|-?[1-9][0-9]*)$/;
const NUMBERS: ReadonlyMap<unknown, number> = new Map<unknown, number>([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
  ['-0', -0],
]);
const STANDARD_OF_ERRORS = ['name', 'message', 'stack', 'cause', 'errors', 'error', 'suppressed'] as const;
const KEYS_OF_ERRORS: ReadonlySet<string> = new Set(['class', 'fields', ...STANDARD_OF_ERRORS]);

function isObject(node: Json | undefined): node is JsonObject {
  return typeof node === 'object' && node !== null && !Array.isArray(node);
}

function isHole(node: Json | undefined): boolean {
  return isObject(node) && Object.hasOwn(node, TAG) && node[TAG] === 'hole' && Object.keys(node).length === 1;
}

/** What stands in the value instead of a secret, by its sealed text. */
export type Reveal = (sealed: string) => unknown;

export class Decoder {
  readonly #reveal: Reveal;
  readonly #at: PathStep[] = [];
  #depth = 0;

  constructor(reveal: Reveal = (sealed) => new SealedSecret(sealed)) {
    this.#reveal = reveal;
  }

  /** The only way in: whatever goes wrong inside comes out as a refusal. */
  run(node: Json): unknown {
    try {
      return this.#walk(node);
    } catch (thrown) {
      if (thrown instanceof DecodeRefusal) throw thrown;
      throw this.#refusal(`cannot be decoded: ${thrown instanceof Error ? thrown.message : 'unknown error'}`);
    }
  }

  #refusal(reason: string): DecodeRefusal {
    return new DecodeRefusal(formatPath(this.#at, [], this.#depth), reason);
  }

  #walk(node: Json | undefined): unknown {
    switch (typeof node) {
      case 'string':
      case 'boolean':
      case 'number':
        return node;
      case 'object':
        if (node === null) return null;
        if (Array.isArray(node)) return this.#array(node);
        return Object.hasOwn(node, TAG) ? this.#tagged(node as JsonObject) : this.#fields(node as JsonObject);
      default:
        throw this.#refusal('is not JSON');
    }
  }

  #enter(step: PathStep): void {
    if (this.#depth >= MAX_JSON_DEPTH) throw this.#refusal(`is nested deeper than ${MAX_JSON_DEPTH} levels`);
    this.#at[this.#depth] = step;
    this.#depth += 1;
  }

  #leave(): void {
    this.#depth -= 1;
  }

  #array(nodes: readonly Json[]): unknown[] {
    const items: unknown[] = [...nodes];
    this.#enter(0);
    for (let i = 0; i < items.length; i += 1) {
      const node = nodes[i];
      if (typeof node === 'string' || typeof node === 'number') continue;
      this.#at[this.#depth - 1] = i;
      if (isHole(node)) delete items[i];
      else items[i] = this.#walk(node);
    }
    this.#leave();
    return items;
  }

  #fields(node: JsonObject): { [key: string]: unknown } {
    // A copy by spread has own '__proto__' keys as own fields, so the assignments below never reach a prototype.
    const fields: { [key: string]: unknown } = { ...node };
    this.#enter('');
    for (const key of Object.keys(fields)) {
      const field = fields[key];
      if (typeof field === 'string' || typeof field === 'number') continue;
      this.#at[this.#depth - 1] = key;
      fields[key] = this.#walk(field as Json);
    }
    this.#leave();
    return fields;
  }

  #tagged(node: JsonObject): unknown {
    const kind = node[TAG];
    if (typeof kind !== 'string') throw this.#refusal(`has a ${TAG} that is no name`);
    const bare = kind === 'undefined' || kind === 'hole';
    if (Object.keys(node).length !== (bare ? 1 : 2) || Object.hasOwn(node, 'value') === bare) {
      throw this.#refusal(
        `is no valid ${JSON.stringify(kind.slice(0, 40))}: it must have ${bare ? 'no' : 'just a'} value`,
      );
    }
    if (kind === 'undefined') return undefined;
    if (kind === 'hole') throw this.#refusal('is a hole outside of an array');
    this.#enter('value');
    const value = this.#kind(kind, node['value']);
    this.#leave();
    return value;
  }

  #kind(kind: string, value: Json | undefined): unknown {
    switch (kind) {
      case 'object':
        if (!isObject(value)) throw this.#refusal('is not the fields of an object');
        return this.#fields(value);
      case 'number':
        return NUMBERS.get(value) ?? this.#invalid(kind);
      case 'BigInt':
        return this.#bigint(this.#text(value, kind));
      case 'Date':
        return this.#date(value);
      case 'Map':
        return this.#map(value);
      case 'Set':
        return this.#set(value);
      case 'RegExp':
        return this.#regexp(value);
      case 'URL':
        return this.#url(this.#text(value, kind));
      case 'Error':
        return this.#error(value);
      case SECRET:
        return this.#secret(this.#text(value, kind));
      default:
        return this.#binary(kind, value);
    }
  }

  #invalid(kind: string): never {
    throw this.#refusal(`is no valid ${kind}`);
  }

  #text(value: Json | undefined, kind: string): string {
    return typeof value === 'string' ? value : this.#invalid(kind);
  }

  #bigint(text: string): bigint {
    if (text.length > MAX_BIGINT_CHARS || !DECIMAL.test(text)) this.#invalid('BigInt');
    return BigInt(text);
  }

  #date(value: Json | undefined): Date {
    if (value === null) return new Date(Number.NaN);
    const date = new Date(this.#text(value, 'Date'));
    if (Number.isNaN(date.getTime()) || date.toISOString() !== value) this.#invalid('Date');
    return date;
  }

  #list(value: Json | undefined, kind: string): readonly Json[] {
    return Array.isArray(value) ? (value as readonly Json[]) : this.#invalid(kind);
  }

  #map(value: Json | undefined): Map<unknown, unknown> {
    const map = new Map<unknown, unknown>();
    const nodes = this.#list(value, 'Map');
    this.#enter(0);
    for (const [i, node] of nodes.entries()) {
      this.#at[this.#depth - 1] = i;
      if (!Array.isArray(node) || node.length !== 2) throw this.#refusal('is no entry of a Map');
      const [key, item] = this.#array(node);
      map.set(key, item);
    }
    this.#leave();
    if (map.size !== nodes.length) throw this.#refusal('has a key of a Map twice');
    return map;
  }

  #set(value: Json | undefined): Set<unknown> {
    const items = this.#array(this.#list(value, 'Set'));
    const set = new Set(items);
    if (set.size !== items.length) throw this.#refusal('has a member of a Set twice');
    return set;
  }

  #regexp(value: Json | undefined): RegExp {
    if (!isObject(value)) return this.#invalid('RegExp');
    const { source, flags, lastIndex = 0, ...rest } = value as { [key: string]: Json };
    if (typeof source !== 'string' || typeof flags !== 'string' || Object.keys(rest).length > 0)
      this.#invalid('RegExp');
    if (!Number.isSafeInteger(lastIndex) || (lastIndex as number) < 0) this.#invalid('RegExp');
    let regexp: RegExp;
    try {
      regexp = new RegExp(source, flags);
    } catch {
      return this.#invalid('RegExp');
    }
    regexp.lastIndex = lastIndex as number;
    return regexp;
  }

  #secret(sealed: string): unknown {
    return fromBase64(sealed) === undefined ? this.#invalid(SECRET) : this.#reveal(sealed);
  }

  #url(href: string): URL {
    if (!URL.canParse(href)) this.#invalid('URL');
    const url = new URL(href);
    return url.href === href ? url : this.#invalid('URL');
  }

  #binary(kind: string, value: Json | undefined): ArrayBuffer | ArrayBufferView {
    const View = kind === 'DataView' ? DataView : VIEWS.get(kind);
    if (View === undefined && kind !== 'ArrayBuffer') {
      throw this.#refusal(`is of an unknown kind, ${JSON.stringify(kind.slice(0, 40))}`);
    }
    const bytes = fromBase64(this.#text(value, kind));
    if (bytes === undefined) return this.#invalid(kind);
    if (View === undefined) return bytes.buffer;
    const width = 'BYTES_PER_ELEMENT' in View ? View.BYTES_PER_ELEMENT : 1;
    return bytes.length % width === 0 ? new View(bytes.buffer) : this.#invalid(kind);
  }

  #error(value: Json | undefined): Error {
    if (!isObject(value)) return this.#invalid('Error');
    const native = value['class'];
    if (typeof native !== 'string' || !isNativeErrorName(native)) return this.#invalid('Error');
    if (Object.keys(value).some((key) => !KEYS_OF_ERRORS.has(key))) return this.#invalid('Error');
    const { message, name } = value;
    const error = makeNativeError(native, typeof message === 'string' ? message : '', String(name));
    // The place of decoding must not show as the place of the error.
    defineHidden(error, 'stack', undefined);
    this.#enter('');
    for (const key of STANDARD_OF_ERRORS) {
      if (!Object.hasOwn(value, key)) continue;
      this.#at[this.#depth - 1] = key;
      const standard = this.#walk(value[key]);
      if (!(key in error) || !Object.is(Reflect.get(error, key), standard))
        defineHidden(error, key, standard);
    }
    this.#at[this.#depth - 1] = 'fields';
    const fields = value['fields'];
    if (fields !== undefined && !isObject(fields)) this.#invalid('Error');
    if (isObject(fields))
      for (const [key, field] of Object.entries(this.#fields(fields))) defineField(error, key, field);
    this.#leave();
    return error;
  }
}
