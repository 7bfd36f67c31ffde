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

function conclude(what: string, result: StandardSchemaV1.Result<unknown>): unknown {
  if (result.issues === undefined) return result.value;
  const issues: ValidationIssue[] = result.issues.map((issue) => ({
    path: place(issue.path),
    message: issue.message,
  }));
  throw new ValidationError(what, issues);
}

/**
 * The value as the schema gives it back (defaults filled in, transforms applied).
 * @throws ValidationError
 */
export async function validate(schema: Schema, value: unknown, what: string): Promise<unknown> {
  return conclude(what, await schema['~standard'].validate(value));
}

/**
 * Refuses a bad value where the schema can tell at once; a schema that answers later is asked again
 * by `validate` before the value is used.
 * @throws ValidationError
 */
export function refuseInvalid(schema: Schema, value: unknown, what: string): void {
  const result = schema['~standard'].validate(value);
  if (result instanceof Promise) {
    result.catch(() => undefined);
    return;
  }
  conclude(what, result);
}
