import type { StandardSchemaV1 } from '@standard-schema/spec';
import { ValidationError, type ValidationIssue } from './errors.ts';

export type Schema = StandardSchemaV1;
export type SchemaInput<S extends Schema> = StandardSchemaV1.InferInput<S>;
export type SchemaOutput<S extends Schema> = StandardSchemaV1.InferOutput<S>;

function place(path: StandardSchemaV1.Issue['path']): string {
  let text = '$';
  for (const segment of path ?? []) {
    const key = typeof segment === 'object' ? segment.key : segment;
    if (typeof key === 'number') text += `[${key}]`;
    else if (typeof key === 'string' && /^[A-Za-z_$][\w$]*$/.test(key)) text += `.${key}`;
    else text += `[${JSON.stringify(String(key))}]`;
  }
  return text;
}

/** Schemas are made by others, by hand too. */
function conclude(what: string, result: StandardSchemaV1.Result<unknown>): unknown {
  // Its type is a promise that nobody holds it to.
  const given: unknown = result;
  const isResult =
    typeof given === 'object' &&
    given !== null &&
    (result.issues === undefined ||
      (Array.isArray(result.issues) && result.issues.every((issue) => typeof issue?.message === 'string')));
  if (!isResult)
    throw new ValidationError(
      what,
      [{ path: '$', message: 'its validate gives no { value } and no { issues: [{ message }] }' }],
      'has a schema that is none of Standard Schema',
    );
  if (result.issues === undefined) return result.value;
  const issues: ValidationIssue[] = result.issues.map((issue) => ({
    path: place(issue.path),
    message: issue.message,
  }));
  throw new ValidationError(what, issues);
}

/**
 * The value as the schema gives it back (defaults filled in, transforms applied); a promise of it
 * where the schema answers later.
 * @throws ValidationError
 */
export function checkAgainst(schema: Schema, value: unknown, what: string): unknown {
  const result = schema['~standard'].validate(value);
  return result instanceof Promise ? result.then((later) => conclude(what, later)) : conclude(what, result);
}

/**
 * Refuses a bad value where the schema can tell at once; one that answers later is asked again
 * before the value is used.
 * @throws ValidationError
 */
export function refuseInvalid(schema: Schema, value: unknown, what: string): void {
  const checked = checkAgainst(schema, value, what);
  if (checked instanceof Promise) checked.catch(() => undefined);
}

/** arktype's schemas are functions. */
export function isSchema(value: unknown): value is Schema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const standard: unknown = Reflect.get(value, '~standard');
  return (
    typeof standard === 'object' &&
    standard !== null &&
    typeof Reflect.get(standard, 'validate') === 'function'
  );
}
