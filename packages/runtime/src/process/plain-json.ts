import { UnserializableError, type Json } from '@pawl/sdk';

/** Deeper than what people write down for each other. */
const MAX_DEPTH = 100;

/**
 * A value as others read it, who have no more than JSON: dates are texts, and what is undefined is left out.
 * @throws UnserializableError for what that would lose
 */
export function plainJson(what: string, value: unknown): Json {
  return plain(what, value, '$', 0);
}

function plain(what: string, value: unknown, path: string, depth: number): Json {
  const refuse = (why: string): never => {
    throw new UnserializableError(what, path, why);
  };
  if (depth > MAX_DEPTH) return refuse(`more than ${MAX_DEPTH} levels deep, or within itself`);
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? value : refuse('a text that is no well-formed Unicode');
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : refuse(`${value}, which JSON does not have`);
    case 'undefined':
      return null;
    case 'object':
      break;
    default:
      return refuse(`a ${typeof value}, which JSON does not have`);
  }
  if (value === null) return null;
  if (Array.isArray(value))
    return value.map((entry, index) => plain(what, entry, `${path}[${index}]`, depth + 1));
  if (value instanceof Date)
    return Number.isFinite(value.getTime()) ? value.toISOString() : refuse('an invalid date');
  if (value instanceof URL) return value.href;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype && Object.getPrototypeOf(prototype) !== null)
    return refuse('an instance of a class');
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, entry]) => entry !== undefined)
      .map(([name, entry]): [string, Json] => [name, plain(what, entry, `${path}.${name}`, depth + 1)]),
  );
}
