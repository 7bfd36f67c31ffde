import type { Encoded } from '../journal/event.ts';

const TYPES: ReadonlySet<unknown> = new Set([
  'null',
  'boolean',
  'object',
  'array',
  'number',
  'string',
  'integer',
]);
/** Keywords that hold a schema, a list of them, or schemas by name. */
const ONE = ['additionalProperties', 'contains', 'else', 'if', 'items', 'not', 'propertyNames', 'then'];
const MANY = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const NAMED = ['$defs', 'definitions', 'dependentSchemas', 'patternProperties', 'properties'];

/**
 * What of a JSON Schema is no schema, with its place; undefined where all of it is. The validator finds such a place
 * only when a value comes to it, and then there is no value that would do.
 */
export function shapeProblem(schema: Encoded, path = '$'): string | undefined {
  if (typeof schema === 'boolean') return undefined;
  if (!isFields(schema)) return `${path} is neither an object nor true or false`;
  const { type, required, enum: values } = schema;
  const types = Array.isArray(type) ? type : [type ?? 'null'];
  if (!types.every((each) => TYPES.has(each)))
    return `${path}.type is ${JSON.stringify(type)}, which is no type of JSON`;
  if (
    required !== undefined &&
    !(Array.isArray(required) && required.every((name) => typeof name === 'string'))
  )
    return `${path}.required is no list of names`;
  if (values !== undefined && !Array.isArray(values)) return `${path}.enum is no list`;
  return innerProblem(schema, path);
}

function innerProblem(schema: Readonly<Record<string, Encoded>>, path: string): string | undefined {
  for (const [keyword, inner] of Object.entries(schema)) {
    const place = `${path}.${keyword}`;
    let problem: string | undefined;
    // An older draft has a list of items.
    if (MANY.includes(keyword) || (keyword === 'items' && Array.isArray(inner)))
      problem = listProblem(inner, place);
    else if (ONE.includes(keyword)) problem = shapeProblem(inner, place);
    else if (NAMED.includes(keyword)) problem = namedProblem(inner, place);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function listProblem(schemas: Encoded, place: string): string | undefined {
  if (!Array.isArray(schemas)) return `${place} is no list`;
  for (const [index, each] of schemas.entries()) {
    const problem = shapeProblem(each, `${place}[${index}]`);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function namedProblem(schemas: Encoded, place: string): string | undefined {
  if (!isFields(schemas)) return `${place} is no object`;
  for (const [name, each] of Object.entries(schemas)) {
    const problem = shapeProblem(each, `${place}.${name}`);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function isFields(value: Encoded | undefined): value is Readonly<Record<string, Encoded>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
