/**
 * What the journal keeps of something thrown: plain JSON, bounded, and made without ever throwing
 * itself, since anything can be thrown, even a revoked proxy.
 */
import type { Json } from '@pawl/sdk';
import { decode, DecodeRefusal, encode, EncodeRefusal } from './codec.ts';
import { isErrorLike, isThrown } from './builtin.ts';
import {
  defineField,
  defineHidden,
  isNativeErrorName,
  makeNativeError,
  nativeErrorName,
} from './native-error.ts';

export type ErrorRecord = {
  /** 'TypeError', 'OrderRefused'; 'NonError' where what was thrown is no error. */
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** An own `code` that is a string, such as 'ENOENT'; one that is a number stands in `fields`. */
  readonly code?: string;
  /** Nearest native class, where `name` does not tell: 'TypeError' for a subclass of TypeError. */
  readonly native?: string;
  readonly cause?: ErrorRecord;
  /** Of an AggregateError. */
  readonly errors?: readonly ErrorRecord[];
  /** Other own enumerable properties, encoded; one that cannot be encoded is described in words. */
  readonly fields?: { readonly [key: string]: Json };
  /** The encoded value of a NonError, absent where it cannot be encoded. */
  readonly thrown?: Json;
};

type Draft = { -readonly [K in keyof ErrorRecord]: ErrorRecord[K] };

export const NON_ERROR = 'NonError';

const MAX_TEXT = 64 * 1024;
const MAX_SUMMARY = 1024;
const MAX_FIELD = 64 * 1024;
const MAX_FIELDS = 100;
const MAX_NESTING = 16;
/** For one thrown value with all its causes: a journal row stays a row. */
const MAX_TOTAL = 1024 * 1024;
/** What a record takes beside its texts, so that many small causes end too. */
const RECORD_SIZE = 64;

const OWN_PLACE: ReadonlySet<string> = new Set(['name', 'message', 'stack', 'cause']);

/** The one who writes: `left` is what may still be added, `open` the errors on the way here. */
type Recorder = { left: number; readonly open: object[] };

function cut(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit)}… (${text.length - limit} more characters)`;
}

function spend(recorder: Recorder, text: string): string {
  const kept = cut(text, Math.max(0, Math.min(MAX_TEXT, recorder.left)));
  recorder.left -= kept.length;
  return kept;
}

function reasonOf(refusal: unknown): string {
  return isThrown(refusal, EncodeRefusal) || isThrown(refusal, DecodeRefusal)
    ? refusal.message
    : 'cannot be read';
}

/** Encodes a part of an error, or says in words why that is not possible. */
function encodeOr(value: unknown, maxSize: number): { readonly json: Json } | { readonly refused: string } {
  try {
    return { json: encode(value, { maxSize }) };
  } catch (refusal) {
    return { refused: cut(`[not recorded: ${reasonOf(refusal)}]`, MAX_SUMMARY) };
  }
}

/** One line for a value that is no text. */
function summary(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'function' ? '[a function]' : String(value);
  }
  const encoded = encodeOr(value, MAX_FIELD);
  return 'json' in encoded ? cut(JSON.stringify(encoded.json), MAX_SUMMARY) : encoded.refused;
}

function readText(error: object, key: string): string | undefined {
  try {
    const value: unknown = Reflect.get(error, key);
    return value === undefined ? undefined : summary(value);
  } catch {
    return `[${key} cannot be read]`;
  }
}

/** What an own property of `error` is, undefined where there is none or it cannot be read. */
function readOwn(error: object, key: string): { readonly value: unknown } | undefined {
  try {
    return Object.hasOwn(error, key) ? { value: Reflect.get(error, key) } : undefined;
  } catch {
    return undefined;
  }
}

function isErrorSafely(thrown: unknown): thrown is Error {
  try {
    return typeof thrown === 'object' && thrown !== null && isErrorLike(thrown);
  } catch {
    return false;
  }
}

function nativeNameSafely(error: object): string {
  try {
    return nativeErrorName(error);
  } catch {
    return 'Error';
  }
}

/** The class that a reader takes where `native` is absent. */
function inferredNative(name: string): string {
  return isNativeErrorName(name) ? name : 'Error';
}

function ownKeys(error: object): readonly string[] {
  try {
    return Object.keys(error);
  } catch {
    return [];
  }
}

function readFields(error: object, skip: ReadonlySet<string>, recorder: Recorder): { [key: string]: Json } {
  const fields: { [key: string]: Json } = {};
  // A key may be of any length too; such a field is left out, there is no short name for it.
  const keys = ownKeys(error).filter((key) => !skip.has(key) && key.length <= MAX_SUMMARY);
  for (const key of keys.slice(0, MAX_FIELDS)) {
    let encoded: ReturnType<typeof encodeOr>;
    try {
      encoded = encodeOr(Reflect.get(error, key), Math.min(MAX_FIELD, Math.max(0, recorder.left)));
    } catch {
      encoded = { refused: '[not recorded: it cannot be read]' };
    }
    const json = 'json' in encoded ? encoded.json : encoded.refused;
    defineField(fields, key, json);
    recorder.left -= key.length + JSON.stringify(json).length;
  }
  return fields;
}

function nonError(thrown: unknown, recorder: Recorder): ErrorRecord {
  const encoded = encodeOr(thrown, Math.min(MAX_TEXT, Math.max(0, recorder.left)));
  const own = typeof thrown === 'object' && thrown !== null ? readOwn(thrown, 'message')?.value : undefined;
  const message = spend(recorder, typeof own === 'string' ? own : summary(thrown));
  if (!('json' in encoded)) return { name: NON_ERROR, message };
  recorder.left -= JSON.stringify(encoded.json).length;
  return { name: NON_ERROR, message, thrown: encoded.json };
}

/** `errors` of an AggregateError, undefined for any other error. */
function readErrors(error: object, recorder: Recorder): readonly ErrorRecord[] | undefined {
  const errors = readOwn(error, 'errors')?.value;
  try {
    if (!Array.isArray(errors)) return undefined;
    const records: ErrorRecord[] = [];
    for (const one of errors as readonly unknown[]) {
      if (recorder.left <= 0) {
        records.push({
          name: NON_ERROR,
          message: `[${errors.length - records.length} more errors are not recorded]`,
        });
        break;
      }
      records.push(record(one, recorder));
    }
    return records;
  } catch {
    return undefined;
  }
}

function record(thrown: unknown, recorder: Recorder): ErrorRecord {
  recorder.left -= RECORD_SIZE;
  if (!isErrorSafely(thrown)) return nonError(thrown, recorder);
  if (recorder.open.includes(thrown)) return { name: NON_ERROR, message: '[the same error again]' };
  if (recorder.open.length >= MAX_NESTING || recorder.left <= 0) {
    return { name: NON_ERROR, message: '[further causes are not recorded]' };
  }
  recorder.open.push(thrown);
  const draft = describe(thrown, recorder);
  recorder.open.pop();
  return draft;
}

function describe(error: Error, recorder: Recorder): ErrorRecord {
  const name = cut(readText(error, 'name') ?? 'Error', MAX_SUMMARY);
  // A NonError that comes back from a record, such as through a sub-run, stays what it was.
  const was = name === NON_ERROR ? readOwn(error, 'thrown') : undefined;
  if (was !== undefined) return nonError(was.value, recorder);
  const draft: Draft = { name, message: spend(recorder, readText(error, 'message') ?? '') };
  const skip = new Set(OWN_PLACE);
  const stack = readText(error, 'stack');
  if (stack !== undefined) draft.stack = spend(recorder, stack);
  const code = readOwn(error, 'code');
  if (typeof code?.value === 'string') {
    draft.code = cut(code.value, MAX_SUMMARY);
    skip.add('code');
  }
  const native = nativeNameSafely(error);
  if (native !== inferredNative(name)) draft.native = native;
  const cause = readOwn(error, 'cause');
  if (cause !== undefined) draft.cause = record(cause.value, recorder);
  const errors = native === 'AggregateError' ? readErrors(error, recorder) : undefined;
  if (errors !== undefined) {
    draft.errors = errors;
    skip.add('errors');
  }
  const fields = readFields(error, skip, recorder);
  if (Object.keys(fields).length > 0) draft.fields = fields;
  return draft;
}

/** Never throws, whatever was thrown; the record takes about 1 MiB at most. */
export function toErrorRecord(thrown: unknown): ErrorRecord {
  return record(thrown, { left: MAX_TOTAL, open: [] });
}

function decodeOrSay(json: Json): unknown {
  try {
    return decode(json);
  } catch (refusal) {
    return `[not readable: ${reasonOf(refusal)}]`;
  }
}

/** A cause may be any value; one that was no error comes back as that value. */
function reviveCause(cause: ErrorRecord): unknown {
  return cause.name === NON_ERROR && cause.thrown !== undefined
    ? decodeOrSay(cause.thrown)
    : reviveError(cause);
}

/**
 * A native error with the recorded name, message, stack, cause, errors and fields; an Error named
 * NonError, with the value as its property `thrown`, for what was thrown and was no error.
 */
export function reviveError(source: ErrorRecord): Error {
  const { name, message } = source;
  const error = makeNativeError(source.native ?? inferredNative(name), message, name);
  if (error.name !== name) defineHidden(error, 'name', name);
  // Without a recorded stack there is none: the place of reviving is not the place of the error.
  defineHidden(error, 'stack', source.stack ?? `${name}: ${message}`);
  if (source.cause !== undefined) defineHidden(error, 'cause', reviveCause(source.cause));
  if (source.errors !== undefined) defineHidden(error, 'errors', source.errors.map(reviveCause));
  for (const [key, field] of Object.entries(source.fields ?? {})) defineField(error, key, decodeOrSay(field));
  if (source.code !== undefined) defineField(error, 'code', source.code);
  if (source.thrown !== undefined) defineHidden(error, 'thrown', decodeOrSay(source.thrown));
  return error;
}
