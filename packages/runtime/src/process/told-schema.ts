/** What of a schema others can read, who have none of this program's code. */
import type { Schema } from '@pawl/sdk';
import { encode } from '../journal/codec.ts';
import type { Encoded } from '../journal/event.ts';
import { plainJson } from './plain-json.ts';

/**
 * Characters of a schema that is recorded with each wait for it: a longer one is no form that a person fills in, and a
 * process that waits many times would record it as often.
 */
const LONGEST = 16_000;

/** A schema is converted once, however often it is waited for. */
const told = new WeakMap<Schema, Encoded>();

/**
 * JSON Schema of what a wait takes; null where nothing is known of it. It is a help for who answers: the schema itself
 * checks what comes, so one that cannot be told is none, and no error.
 */
export function toldSchema(schema: Schema | undefined): Encoded {
  if (schema === undefined) return null;
  let plain = told.get(schema);
  if (plain === undefined) {
    plain = plainOf(schema);
    told.set(schema, plain);
  }
  return plain;
}

function plainOf(schema: Schema): Encoded {
  try {
    const converted = jsonSchemaOf(schema);
    if (converted === undefined) return null;
    return encode(plainJson('A schema', converted), { maxSize: LONGEST });
  } catch {
    return null;
  }
}

/** Standard JSON Schema, which zod and others give; some schemas cannot be told so. */
export function jsonSchemaOf(schema: Schema): unknown {
  const converter: unknown = Reflect.get(schema['~standard'], 'jsonSchema');
  if (typeof converter !== 'object' || converter === null) return undefined;
  const input: unknown = Reflect.get(converter, 'input');
  if (typeof input !== 'function') return undefined;
  try {
    return (input as (options: { target: string }) => unknown)({ target: 'draft-2020-12' });
  } catch {
    return undefined;
  }
}
