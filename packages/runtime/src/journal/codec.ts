/**
 * Turns any value that a task takes or gives into JSON and back, so that it looks the same live and on
 * replay. Plain JSON is its own encoding, for SQL's `->>`; everything else is an object with the key
 * `$pawl`:
 *
 * | value | encoded |
 * |---|---|
 * | `undefined`, a hole of an array | `{"$pawl":"undefined"}`, `{"$pawl":"hole"}` |
 * | `NaN`, `Infinity`, `-Infinity`, `-0` | `{"$pawl":"number","value":"NaN"}` |
 * | BigInt | `{"$pawl":"BigInt","value":"12"}` |
 * | Date | `{"$pawl":"Date","value":"2026-11-21T09:00:00.000Z"}`, null if invalid |
 * | Map, Set | `{"$pawl":"Map","value":[[key, item], …]}`, `{"$pawl":"Set","value":[item, …]}` |
 * | RegExp | `{"$pawl":"RegExp","value":{"source":"a+","flags":"g","lastIndex":2}}`, the last if not 0 |
 * | URL | `{"$pawl":"URL","value":"https://example.org/"}` |
 * | typed arrays, DataView, ArrayBuffer | `{"$pawl":"Uint8Array","value":"<base64>"}`, bytes as in memory |
 * | Error | `{"$pawl":"Error","value":{"class":"TypeError","name":…,"message":…,"stack":…,"cause":…,"fields":{…}}}` |
 * | a secret | `{"$pawl":"Secret","value":"<base64>"}`, encrypted |
 * | an object with an own key `$pawl` | `{"$pawl":"object","value":{"$pawl":…}}` |
 *
 * What comes back is in some ways simpler than what went in, so a live value too is handed on only
 * after a round trip: two references to one object become two objects, null prototypes become plain
 * objects, getters become values, a Buffer a Uint8Array, a view loses the rest of its buffer, and an
 * error of a class of the user's own becomes an instance of the nearest native class, with its name.
 */
import type { Json } from '@pawl/sdk';
import { Decoder, type Reveal } from './decoder.ts';
import { Encoder, SECRET, TAG } from './encoder.ts';

export { DecodeRefusal, EncodeRefusal } from './refusal.ts';

/** A level of a value is at most three of JSON (Map), and SQLite reads a thousand. */
const HIGHEST_MAX_DEPTH = 300;
const DEFAULT_MAX_DEPTH = 200;
const DEFAULT_MAX_SIZE = 128 * 1024 * 1024;

export interface EncodeLimits {
  /** Objects, arrays, Maps, Sets and errors within each other; 200, at most 300. */
  readonly maxDepth?: number;
  /** About the bytes that the encoded value takes in memory; 128 MiB. */
  readonly maxSize?: number;
}

/**
 * `value` as JSON that shares nothing with it.
 *
 * @throws EncodeRefusal for what cannot come back as it was: a function, a symbol, a cycle, an instance
 * of a class, a getter that throws, shared memory, and for what is over a limit. Throws nothing else.
 */
export function encode(value: unknown, limits: EncodeLimits = {}): Json {
  if (isPlain(value, limits.maxSize ?? DEFAULT_MAX_SIZE)) return value;
  const maxDepth = Math.min(limits.maxDepth ?? DEFAULT_MAX_DEPTH, HIGHEST_MAX_DEPTH);
  return new Encoder(maxDepth, limits.maxSize ?? DEFAULT_MAX_SIZE).run(value);
}

/**
 * The value that `encode` was given, sharing nothing with `encoded`.
 *
 * @param reveal gives what stands instead of a secret; default: its handle. It must not throw.
 * @throws DecodeRefusal for what `encode` does not write. Throws nothing else.
 */
export function decode(encoded: Json, reveal?: Reveal): unknown {
  return isPlain(encoded, Infinity) ? encoded : new Decoder(reveal).run(encoded);
}

/** What is its own encoding, without a walk. */
export function isPlain(value: unknown, maxSize: number): value is string | number | boolean | null {
  switch (typeof value) {
    case 'string':
      return value.length <= maxSize;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0);
    case 'boolean':
      return true;
    default:
      return value === null;
  }
}

const SECRET_TEXT = `"${TAG}":"${SECRET}"`;

/** Whether a text of encoded values may hold secrets; one that has such a text itself counts, too. */
export function mayHoldSecrets(text: string): boolean {
  return text.includes(SECRET_TEXT);
}

/** What is encrypted in an encoded value that is a secret as a whole. */
export function sealedOf(encoded: Json): string | undefined {
  if (typeof encoded !== 'object' || encoded === null || Array.isArray(encoded)) return undefined;
  const { [TAG]: kind, value } = encoded as { readonly [key: string]: Json };
  return kind === SECRET && typeof value === 'string' ? value : undefined;
}

/** The encoded form of a secret. */
export function encodedSecret(sealed: string): Json {
  return { [TAG]: SECRET, value: sealed };
}
