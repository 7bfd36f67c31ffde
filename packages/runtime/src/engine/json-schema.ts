import { createRequire } from 'node:module';
import type * as JsonSchema from '@cfworker/json-schema';
import type { ValidationIssue } from '@pawl/sdk';
import type { Encoded } from '../journal/event.ts';
import { inWords } from '../journal/in-words.ts';
import { shapeProblem } from './schema-shape.ts';

type Given = ConstructorParameters<typeof JsonSchema.Validator>[0];

/** More say nothing that the first ones do not. */
const MAX_ISSUES = 20;

const DRAFTS = [
  ['draft-04', '4'],
  ['draft-07', '7'],
  ['2019-09', '2019-09'],
] as const;

function draftOf(schema: Encoded): ConstructorParameters<typeof JsonSchema.Validator>[1] {
  const said = typeof schema === 'object' && schema !== null ? Reflect.get(schema, '$schema') : undefined;
  const known = DRAFTS.find(([part]) => typeof said === 'string' && said.includes(part));
  return known?.[1] ?? '2020-12';
}

const require = createRequire(import.meta.url);

function validator(schema: Encoded): JsonSchema.Validator {
  // Loaded by programs that have such a schema only.
  const library = require('@cfworker/json-schema') as typeof JsonSchema;
  // It writes into what it is given.
  return new library.Validator(structuredClone(schema) as Given, draftOf(schema), false);
}

/** Why a JSON Schema cannot be used; undefined where it can. */
export function schemaProblem(schema: Encoded): string | undefined {
  const problem = shapeProblem(schema);
  if (problem !== undefined) return problem;
  try {
    const check = validator(schema);
    for (const sample of [null, {}, [], '', 0]) check.validate(sample);
    return undefined;
  } catch (error) {
    return inWords(error);
  }
}

/** What of a value is not as a JSON Schema says; none where all is. */
export function schemaIssues(schema: Encoded, value: unknown): readonly ValidationIssue[] {
  let result: ReturnType<JsonSchema.Validator['validate']>;
  try {
    result = validator(schema).validate(value);
  } catch (error) {
    return [{ path: '$', message: `cannot be checked: ${inWords(error)}` }];
  }
  if (result.valid) return [];
  // What encloses a place only says that something in it is wrong.
  const inner = result.errors.filter(
    ({ instanceLocation: place }) =>
      !result.errors.some(({ instanceLocation: other }) => other !== place && other.startsWith(`${place}/`)),
  );
  return (inner.length === 0 ? result.errors : inner)
    .slice(0, MAX_ISSUES)
    .map(({ instanceLocation, error }) => ({ path: pathOf(instanceLocation), message: error }));
}

/** `#/a/0` as `$.a[0]`. */
function pathOf(pointer: string): string {
  const parts = pointer
    .replace(/^#\/?/, '')
    .split('/')
    .filter((part) => part !== '');
  return parts.reduce((path, part) => {
    const name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
    if (/^\d+$/.test(name)) return `${path}[${name}]`;
    return /^[A-Za-z_$][\w$]*$/.test(name) ? `${path}.${name}` : `${path}[${JSON.stringify(name)}]`;
  }, '$');
}
