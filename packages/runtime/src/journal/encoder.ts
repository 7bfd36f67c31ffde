/**
 * One walk of `encode`.
 *
 * Owns: the way from the root to the value at hand, which names the place of a refusal and finds cycles.
 * Talks to: the value, whose getters and proxies may run any code and throw.
 *
 * Invariants:
 * 1. `#at[i]` is what is being read from `#holders[i]`, for every i below `#depth`.
 * 2. Nothing of the input is part of the result but its primitives.
 * 3. What is copied is looked at first: no loop runs longer than what `#size` has paid for, or than
 *    what is in memory anyway (a sparse array may claim four thousand million elements).
 */
import type { Json } from '@pawl/sdk';
import { toBase64 } from './base64.ts';
import { builtinKind, className, isThrown, VIEWS } from './builtin.ts';
import { nativeErrorName } from './native-error.ts';
import { EncodeRefusal, formatPath } from './refusal.ts';
import type { PathStep } from './refusal.ts';
import { SealedSecret, sealedText } from './secret.ts';

type JsonObject = { [key: string]: Json };

/** Tag, see `codec.ts`. */
export const TAG = '$pawl';
export const SECRET = 'Secret';

/** A sparse array costs a tag for each hole, so that a reader never trusts a length in a text. */
const MAX_HOLES = 65_536;
/** Larger ones take a second and more to be written in decimal. */
export const MAX_BIGINT_BITS = 1_048_576;
const BIGINT_BOUND = 1n << BigInt(MAX_BIGINT_BITS);
/** What a value costs in memory at least, about: keeps a small value that refers to itself often small. */
const CONTAINER_SIZE = 32;
const FIELD_SIZE = 8;

/** Own properties of an error that engines hide from its keys. */
const HIDDEN_OF_ERRORS = ['cause', 'errors', 'error', 'suppressed'] as const;

const BOXED = new Set(['Boolean', 'Number', 'String', 'Symbol', 'BigInt']);

function messageOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? thrown.message : String(thrown);
  } catch {
    return 'an unreadable error';
  }
}

function isIndex(key: string, length: number): boolean {
  const index = Number(key);
  return Number.isInteger(index) && index >= 0 && index < length && String(index) === key;
}

function isHidden(error: object, key: PropertyKey): boolean {
  return Object.getOwnPropertyDescriptor(error, key)?.enumerable === false;
}

export class Encoder {
  readonly #maxDepth: number;
  readonly #maxSize: number;
  readonly #at: PathStep[] = [];
  readonly #holders: object[] = [];
  #depth = 0;
  #size = 0;

  constructor(maxDepth: number, maxSize: number) {
    this.#maxDepth = maxDepth;
    this.#maxSize = maxSize;
  }

  /** The only way in: whatever the value's own code throws comes out as a refusal. */
  run(value: unknown): Json {
    try {
      return this.#walk(value);
    } catch (thrown) {
      if (isThrown(thrown, EncodeRefusal)) throw thrown;
      throw this.#refusal(`cannot be read: ${messageOf(thrown)}`);
    }
  }

  #refusal(reason: string, kind: EncodeRefusal['kind'] = 'form'): EncodeRefusal {
    return new EncodeRefusal(formatPath(this.#at, this.#holders, this.#depth), reason, kind);
  }

  #walk(value: unknown): Json {
    switch (typeof value) {
      case 'string':
        this.#grow(value.length);
        return value;
      case 'number':
        if (Number.isFinite(value) && !Object.is(value, -0)) return value;
        return { [TAG]: 'number', value: Object.is(value, -0) ? '-0' : String(value) };
      case 'boolean':
        return value;
      case 'object':
        return value === null ? null : this.#object(value);
      case 'undefined':
        return { [TAG]: 'undefined' };
      case 'bigint':
        return this.#bigint(value);
      default:
        throw this.#refusal(`is a ${typeof value}`);
    }
  }

  #grow(size: number): void {
    this.#size += size;
    if (this.#size > this.#maxSize)
      throw this.#refusal(`makes the value larger than ${this.#maxSize} bytes`, 'size');
  }

  #enter(holder: object, fields: number): void {
    for (let i = 0; i < this.#depth; i += 1) {
      if (this.#holders[i] !== holder) continue;
      throw this.#refusal(`points back to ${formatPath(this.#at, this.#holders, i)} (a cycle)`);
    }
    if (this.#depth >= this.#maxDepth) throw this.#refusal(`is nested deeper than ${this.#maxDepth} levels`);
    this.#grow(CONTAINER_SIZE + FIELD_SIZE * fields);
    this.#holders[this.#depth] = holder;
    this.#depth += 1;
  }

  #leave(): void {
    this.#depth -= 1;
  }

  /** Encodes what was read from the container at hand under `step`. */
  #child(step: PathStep, value: unknown): Json {
    this.#at[this.#depth - 1] = step;
    return this.#walk(value);
  }

  #object(value: object): Json {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (Array.isArray(value)) return this.#array(value, prototype);
    if (prototype === Object.prototype || prototype === null) return this.#plain(value);
    switch (builtinKind(value, prototype as object)) {
      case 'Object':
        return this.#plain(value);
      case 'Date':
        return this.#date(value as Date);
      case 'Map':
        return this.#map(value as Map<unknown, unknown>);
      case 'Set':
        return this.#set(value as Set<unknown>);
      case 'RegExp':
        return this.#regexp(value as RegExp);
      case 'URL':
        this.#refuseExtras(value, 'URL');
        return { [TAG]: 'URL', value: this.#text(String((value as URL).href)) };
      case 'ArrayBuffer':
      case 'DataView':
      case 'TypedArray':
        return this.#binary(value as ArrayBuffer | ArrayBufferView);
      case 'Error':
        return this.#error(value as Error);
      default: {
        if (value instanceof SealedSecret) return { [TAG]: SECRET, value: this.#text(sealedText(value)) };
        const name = className(value);
        throw this.#refusal(
          BOXED.has(name) ? `is a boxed primitive (new ${name})` : `is an instance of ${name}`,
        );
      }
    }
  }

  #text(text: string): string {
    this.#grow(text.length);
    return text;
  }

  #refuseSymbols(value: object): void {
    const symbols = Object.getOwnPropertySymbols(value);
    if (symbols.length > 0) throw this.#refusal(`has a symbol as key, ${String(symbols[0])}`);
  }

  /** Kinds with a content of their own hold nothing else, so that nothing is lost in silence. */
  #refuseExtras(value: object, kind: string): void {
    this.#refuseSymbols(value);
    const extra = Object.keys(value)[0];
    if (extra !== undefined)
      throw this.#refusal(`is a ${kind} with the extra property ${JSON.stringify(extra)}`);
  }

  #plain(value: object): Json {
    this.#refuseSymbols(value);
    const fields = this.#plainFields(value);
    return Object.hasOwn(fields, TAG) ? { [TAG]: 'object', value: fields } : fields;
  }

  /** Spreading keeps own '__proto__' and 'constructor' keys own and is the engine's fastest copy. */
  #plainFields(value: object): JsonObject {
    const keys = Object.keys(value);
    this.#enter(value, keys.length);
    const fields: { [key: string]: unknown } = this.#spread(value, keys);
    for (const key of keys) {
      this.#size += key.length;
      const field = fields[key];
      if (typeof field === 'string') this.#size += field.length;
      else if (typeof field !== 'boolean' && field !== null) {
        const encoded = this.#child(key, field);
        if (encoded !== field) fields[key] = encoded;
      }
    }
    this.#leave();
    this.#grow(0);
    return fields as JsonObject;
  }

  #spread(value: object, keys: readonly string[]): { [key: string]: unknown } {
    try {
      return { ...value };
    } catch (thrown) {
      // The spread does not say which getter threw; each is asked again, to name it.
      for (const key of keys) {
        this.#at[this.#depth - 1] = key;
        Reflect.get(value, key);
      }
      throw thrown;
    }
  }

  #array(value: readonly unknown[], prototype: unknown): Json {
    const foreign = prototype !== Array.prototype;
    if (foreign && (prototype === null || builtinKind(value, prototype as object) !== 'Array')) {
      throw this.#refusal(`is an instance of ${className(value)}`);
    }
    this.#refuseSymbols(value);
    const keys = Object.keys(value);
    const { length } = value;
    const dense = keys.length === length && (length === 0 || keys[length - 1] === String(length - 1));
    if (!dense) this.#refuseOdd(value, keys);
    this.#enter(value, keys.length);
    const items = dense ? this.#dense(value) : this.#sparse(value);
    this.#leave();
    this.#grow(0);
    return items;
  }

  #dense(value: readonly unknown[]): Json[] {
    const items: unknown[] = [...value];
    for (let i = 0; i < items.length; i += 1) {
      const item = items[i];
      if (typeof item === 'string') this.#size += item.length;
      else if (typeof item !== 'boolean' && item !== null) {
        const encoded = this.#child(i, item);
        if (encoded !== item) items[i] = encoded;
      }
    }
    return items as Json[];
  }

  /** Of arrays that are not just their elements, those with a few holes can be held. */
  #refuseOdd(value: readonly unknown[], keys: readonly string[]): void {
    const extra = keys.find((key) => !isIndex(key, value.length));
    if (extra !== undefined)
      throw this.#refusal(`is an array with the extra property ${JSON.stringify(extra)}`);
    const holes = value.length - keys.length;
    if (holes > MAX_HOLES) throw this.#refusal(`is an array with more than ${MAX_HOLES} holes`);
    this.#grow(holes * CONTAINER_SIZE);
  }

  #sparse(value: readonly unknown[]): Json[] {
    const items: Json[] = [];
    for (let i = 0; i < value.length; i += 1) {
      items.push(Object.hasOwn(value, i) ? this.#child(i, value[i]) : { [TAG]: 'hole' });
    }
    return items;
  }

  #bigint(value: bigint): Json {
    if (value >= BIGINT_BOUND || value <= -BIGINT_BOUND) {
      throw this.#refusal(`is a BigInt of more than ${MAX_BIGINT_BITS} bits`);
    }
    return { [TAG]: 'BigInt', value: this.#text(value.toString()) };
  }

  #date(value: Date): Json {
    this.#refuseExtras(value, 'Date');
    const ms = Date.prototype.getTime.call(value);
    return { [TAG]: 'Date', value: Number.isNaN(ms) ? null : new Date(ms).toISOString() };
  }

  #map(value: ReadonlyMap<unknown, unknown>): Json {
    this.#refuseExtras(value, 'Map');
    const pairs = Map.prototype.entries.call(value);
    this.#enter(value, 0);
    const entries: Json[] = [];
    for (const [key, item] of pairs) {
      this.#grow(CONTAINER_SIZE);
      const step = 2 * entries.length;
      entries.push([this.#child(step, key), this.#child(step + 1, item)]);
    }
    this.#leave();
    return { [TAG]: 'Map', value: entries };
  }

  #set(value: ReadonlySet<unknown>): Json {
    this.#refuseExtras(value, 'Set');
    const members = Set.prototype.values.call(value);
    this.#enter(value, 0);
    const items: Json[] = [];
    for (const item of members) {
      this.#grow(FIELD_SIZE);
      items.push(this.#child(items.length, item));
    }
    this.#leave();
    return { [TAG]: 'Set', value: items };
  }

  #regexp(value: RegExp): Json {
    this.#refuseExtras(value, 'RegExp');
    const { source, flags, lastIndex } = value;
    const fields: JsonObject = { source: this.#text(source), flags };
    if (!Number.isSafeInteger(lastIndex) || lastIndex < 0)
      throw this.#refusal('has a lastIndex that is no index');
    if (lastIndex !== 0) fields['lastIndex'] = lastIndex;
    return { [TAG]: 'RegExp', value: fields };
  }

  #binary(value: ArrayBuffer | ArrayBufferView): Json {
    const isView = ArrayBuffer.isView(value);
    const buffer = isView ? value.buffer : value;
    if (Object.prototype.toString.call(buffer) !== '[object ArrayBuffer]') {
      throw this.#refusal('is shared memory, which others may change meanwhile');
    }
    if ((buffer as ArrayBuffer).detached) throw this.#refusal('is detached, its bytes were transferred away');
    const name = Object.prototype.toString.call(value).slice('[object '.length, -1);
    // The keys of a typed array are its elements, and listing millions of them only to see whether
    // there is one more costs more than all the rest; there, and only there, an extra is dropped.
    if (!VIEWS.has(name)) this.#refuseExtras(value, name);
    const bytes = isView
      ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
      : new Uint8Array(value);
    this.#grow(CONTAINER_SIZE + Math.ceil(bytes.length / 3) * 4);
    return { [TAG]: name, value: toBase64(bytes) };
  }

  /** Own keys are `fields`; what an engine hides, such as `message`, has its own place beside them. */
  #error(value: Error): Json {
    const symbol = Object.getOwnPropertySymbols(value).find((key) => !isHidden(value, key));
    if (symbol !== undefined) throw this.#refusal(`has a symbol as key, ${String(symbol)}`);
    const keys = Object.keys(value);
    this.#enter(value, keys.length);
    const encoded: JsonObject = { class: nativeErrorName(value) };
    for (const key of ['name', 'message', 'stack'] as const) {
      this.#at[this.#depth - 1] = key;
      const standard: unknown = value[key];
      // An own name or message of undefined hides what the class says. A missing stack is just none.
      const isOwn = key !== 'stack' && isHidden(value, key);
      if (standard !== undefined || isOwn) encoded[key] = this.#walk(standard);
    }
    for (const key of HIDDEN_OF_ERRORS) {
      if (isHidden(value, key)) encoded[key] = this.#child(key, Reflect.get(value, key));
    }
    const fields = this.#errorFields(value, keys);
    if (fields !== undefined) encoded['fields'] = fields;
    this.#leave();
    return { [TAG]: 'Error', value: encoded };
  }

  #errorFields(value: Error, keys: readonly string[]): JsonObject | undefined {
    if (keys.length === 0) return undefined;
    const fields: JsonObject = { ...this.#spread(value, keys) } as JsonObject;
    for (const key of keys) {
      this.#grow(key.length);
      fields[key] = this.#child(key, fields[key]);
    }
    return fields;
  }
}
