/** What a request names, checked. */
import { isRunId, RuntimeError, type RunRecord, type Runtime } from '@pawl/runtime';
import type { Context } from 'hono';

type Fields<Name extends string> = { readonly [N in Name]?: unknown };

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws RuntimeError USAGE */
export function idOf(c: Context): string {
  const id = c.req.param('id') ?? '';
  if (isRunId(id)) return id;
  throw new RuntimeError('USAGE', 'That is no run id.');
}

/** @throws RuntimeError NOT_FOUND */
export function mustGet(runtime: Runtime, id: string): RunRecord {
  const run = runtime.get(id);
  if (run === undefined) throw notFound(id);
  return run;
}

export function notFound(id: string): RuntimeError {
  return new RuntimeError('NOT_FOUND', `There is no run '${id}' in this journal.`);
}

/** @throws RuntimeError USAGE */
export async function bodyOf(c: Context): Promise<unknown> {
  const text = await c.req.text();
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new RuntimeError('USAGE', 'The body is not JSON.');
  }
}

/**
 * The body as an object that has no other fields: one that is misspelled is not passed over.
 * @param what of which the message speaks, such as 'A start'
 * @throws RuntimeError USAGE
 */
export function fieldsOf<const Name extends string>(
  body: unknown,
  names: readonly Name[],
  what: string,
): Fields<Name> {
  if (!isObject(body)) throw new RuntimeError('USAGE', `${what} is an object: { … }.`);
  const unknown = Object.keys(body).find((field) => !names.some((name) => name === field));
  if (unknown !== undefined) {
    const taken = names.length === 0 ? 'no fields' : names.join(', ');
    throw new RuntimeError('USAGE', `${what} takes ${taken}; not '${unknown.slice(0, 60)}'.`);
  }
  const given = Object.entries(body).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Fields<Name>;
}

/** @throws RuntimeError USAGE */
export function textField(value: unknown, name: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw new RuntimeError('USAGE', `'${name}' is a text.`);
}

/** @throws RuntimeError USAGE: what was meant as a yes must not pass for a no */
export function flagField(value: unknown, name: string): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value;
  throw new RuntimeError('USAGE', `'${name}' is true or false.`);
}
