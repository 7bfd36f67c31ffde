/** How schemas are written here: each function gives a JSON Schema (2020-12). */
import { JSON_VERSION } from '../render/json.ts';

export type Shape = Readonly<Record<string, unknown>>;

export const TEXT: Shape = { type: 'string' };
export const WHOLE: Shape = { type: 'integer' };
export const NUMBER: Shape = { type: 'number' };
export const YES_NO: Shape = { type: 'boolean' };
/** ISO 8601, UTC, with milliseconds. */
export const TIME: Shape = {
  type: 'string',
  pattern: '^[+-]?\\d{4,6}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$',
};
/** A recorded value: plain JSON, and what JSON lacks as in docs/journal-format.md. */
export const VALUE: Shape = {};
/** An object whose fields are no part of the contract. */
export const DETAILS: Shape = { type: 'object' };

export function orNull(shape: Shape): Shape {
  return { anyOf: [shape, { type: 'null' }] };
}

export function oneOf(...values: readonly (string | number | boolean | null)[]): Shape {
  return { enum: values };
}

export function anyOf(...shapes: readonly Shape[]): Shape {
  return { anyOf: shapes };
}

export function list(items: Shape): Shape {
  return { type: 'array', items };
}

export function byName(values: Shape): Shape {
  return { type: 'object', additionalProperties: values };
}

export function sameAs(name: string): Shape {
  return { $ref: `#/$defs/${name}` };
}

/** Fields may be added to it without a new version. @param maybe fields that can be left out */
export function fields(
  always: Readonly<Record<string, Shape>>,
  maybe: Readonly<Record<string, Shape>> = {},
): Shape {
  return { type: 'object', properties: { ...always, ...maybe }, required: Object.keys(always) };
}

type Fields = Readonly<Record<string, Shape>>;

/** A line of `--json`. */
export function document(always: Fields, maybe: Fields = {}): Shape {
  return fields({ version: oneOf(JSON_VERSION), ...always }, maybe);
}
