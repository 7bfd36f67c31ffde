import type { Json } from '@pawl/sdk';
import stringify from 'fast-json-stable-stringify';

/** One text for one value, however its keys were put in: for digests and fixtures. */
export function canonical(value: Json): string {
  return stringify(value);
}

/**
 * As `canonical`, without the stacks of errors: what makes a value the same value on replay. An error of
 * Pawl is made where it is delivered, and so has another stack each time.
 */
export function identityText(value: Json): string {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (typeof value !== 'object') return JSON.stringify(value);
  const text = isFlatInOrder(value) ? JSON.stringify(value) : stringify(value);
  return text.includes('"$pawl":"Error"') ? stringify(withoutStacks(value)) : text;
}

/** What most inputs are: then the text is the one that JSON has anyway, in less time. */
function isFlatInOrder(value: Json): boolean {
  if (!isObject(value)) return false;
  let before = '';
  for (const key of Object.keys(value)) {
    if (key < before || (typeof value[key] === 'object' && value[key] !== null)) return false;
    before = key;
  }
  return true;
}

function withoutStacks(value: Json): Json {
  if (!isObject(value)) return Array.isArray(value) ? value.map(withoutStacks) : value;
  const isError = value['$pawl'] === 'Error';
  const entries = Object.entries(value).map(([key, inner]): [string, Json] => [
    key,
    isError && key === 'value' ? withoutStack(inner) : withoutStacks(inner),
  ]);
  return Object.fromEntries(entries);
}

function withoutStack(error: Json): Json {
  if (!isObject(error)) return error;
  const { stack: _, ...rest } = error;
  return withoutStacks(rest);
}

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
