/** A form from a JSON Schema: what can be filled in, and what that comes to. What has no form is written as JSON. */
import type { Json } from './api.ts';

export type Field = { readonly description: string | null; readonly isNullable: boolean } & (
  | { readonly kind: 'text'; readonly isLong: boolean; readonly min: number; readonly max: number }
  | { readonly kind: 'number'; readonly isWhole: boolean; readonly min: number; readonly max: number }
  | { readonly kind: 'flag' }
  | { readonly kind: 'choice'; readonly options: readonly Json[] }
  | { readonly kind: 'object'; readonly fields: readonly NamedField[] }
  | { readonly kind: 'list'; readonly item: Field; readonly min: number; readonly max: number }
  | { readonly kind: 'json' }
);

export interface NamedField {
  readonly name: string;
  readonly title: string;
  readonly field: Field;
  readonly isRequired: boolean;
}

/** What stands in the fields: numbers and JSON as they are typed, choices by their place; null: not touched. */
export type Draft = string | boolean | null | readonly Draft[] | { readonly [name: string]: Draft };

export interface Issue {
  /** As in the answers of the server: `/items/0/name`. */
  readonly path: string;
  readonly message: string;
}

export type Filled =
  | { readonly is: 'value'; readonly value: Json }
  | { readonly is: 'absent' }
  | { readonly is: 'wrong'; readonly issues: readonly Issue[] };

type JsonObject = { readonly [name: string]: Json };

/** Deeper, people write JSON. */
const MOST_DEPTH = 6;
const LONG_TEXT = 120;
const UNREADABLE = ['oneOf', 'anyOf', 'allOf', 'not', 'if', '$ref', 'patternProperties', 'prefixItems'];

export function fieldOf(schema: Json, depth = 0): Field {
  const json = { kind: 'json', description: null, isNullable: false } as const;
  if (!isObject(schema) || depth > MOST_DEPTH) return json;
  const description = typeof schema['description'] === 'string' ? schema['description'] : null;
  const inner = withoutNull(schema);
  const isNullable = inner !== schema;
  const common = { description, isNullable };
  if (UNREADABLE.some((name) => name in inner)) return { ...json, ...common };
  const options = 'const' in inner ? [inner['const'] ?? null] : inner['enum'];
  if (Array.isArray(options)) return { ...common, kind: 'choice', options: options as readonly Json[] };
  switch (inner['type']) {
    case 'string': {
      const max = numberIn(inner, 'maxLength', Infinity);
      const isLong = max !== Infinity ? max > LONG_TEXT : inner['format'] === undefined;
      return { ...common, kind: 'text', isLong, min: numberIn(inner, 'minLength', 0), max };
    }
    case 'number':
    case 'integer':
      return {
        ...common,
        kind: 'number',
        isWhole: inner['type'] === 'integer',
        min: numberIn(inner, 'minimum', -Infinity),
        max: numberIn(inner, 'maximum', Infinity),
      };
    case 'boolean':
      return { ...common, kind: 'flag' };
    case 'object':
      return objectField(inner, depth, common) ?? { ...json, ...common };
    case 'array': {
      const item = fieldOf(inner['items'] ?? null, depth + 1);
      const [min, max] = [numberIn(inner, 'minItems', 0), numberIn(inner, 'maxItems', Infinity)];
      return { ...common, kind: 'list', item, min, max };
    }
    default:
      return { ...json, ...common };
  }
}

function objectField(
  schema: JsonObject,
  depth: number,
  common: Pick<Field, 'description' | 'isNullable'>,
): Field | undefined {
  const { properties, required, additionalProperties } = schema;
  if (!isObject(properties ?? null) || isObject(additionalProperties ?? null)) return undefined;
  const needed = Array.isArray(required) ? required : [];
  const fields = Object.entries(properties as JsonObject).map(([name, inner]): NamedField => ({
    name,
    title: isObject(inner) && typeof inner['title'] === 'string' ? inner['title'] : name,
    field: fieldOf(inner, depth + 1),
    isRequired: needed.includes(name),
  }));
  return { ...common, kind: 'object', fields };
}

/** The same object where null was not among what it takes. */
function withoutNull(schema: JsonObject): JsonObject {
  const { type, anyOf } = schema;
  if (Array.isArray(type) && type.includes('null')) {
    const [only, ...more] = type.filter((each) => each !== 'null');
    return more.length === 0 && only !== undefined ? { ...schema, type: only } : { ...schema, type: 'any' };
  }
  if (!Array.isArray(anyOf) || anyOf.length !== 2) return schema;
  const [first = null, second = null] = anyOf as readonly Json[];
  const isNull = (each: Json): boolean => isObject(each) && each['type'] === 'null';
  const other = isNull(second) ? first : isNull(first) ? second : null;
  return isObject(other) ? other : schema;
}

export function emptyDraft(field: Field, isRequired: boolean): Draft {
  switch (field.kind) {
    case 'flag':
      return isRequired && !field.isNullable ? false : null;
    case 'choice':
      return isRequired && field.options.length === 1 ? '0' : '';
    case 'object':
      return Object.fromEntries(
        field.fields.map(({ name, field: inner, isRequired: needed }) => [name, emptyDraft(inner, needed)]),
      );
    case 'list':
      return Array.from({ length: Math.min(field.min, 20) }, () => emptyDraft(field.item, true));
    case 'text':
    case 'number':
    case 'json':
      return '';
    default:
      return field satisfies never;
  }
}

export function filled(field: Field, draft: Draft, isRequired = true, path = ''): Filled {
  const found = contentOf(field, draft, isRequired, path);
  if (found.is !== 'absent' || !isRequired) return found;
  return field.isNullable ? { is: 'value', value: null } : wrong(path, 'is needed');
}

function contentOf(field: Field, draft: Draft, isRequired: boolean, path: string): Filled {
  switch (field.kind) {
    case 'text': {
      const text = String(draft ?? '');
      if (text === '' && (!isRequired || field.isNullable || field.min > 0)) return { is: 'absent' };
      if (text.length < field.min) return wrong(path, `has at least ${field.min} characters`);
      return text.length > field.max ? wrong(path, `has at most ${field.max} characters`) : value(text);
    }
    case 'number':
      return numberFrom(field, String(draft ?? '').trim(), path);
    case 'flag':
      return draft === null ? { is: 'absent' } : value(draft === true);
    case 'choice': {
      const option = draft === '' ? undefined : field.options[Number(draft)];
      return option === undefined ? { is: 'absent' } : value(option);
    }
    case 'json': {
      const parsed = parseJson(String(draft ?? ''));
      if (String(draft ?? '').trim() === '') return { is: 'absent' };
      return 'problem' in parsed ? wrong(path, parsed.problem) : value(parsed.value);
    }
    case 'list':
      return listFrom(field, Array.isArray(draft) ? draft : [], isRequired, path);
    case 'object':
      return objectFrom(field, draft as { readonly [name: string]: Draft }, isRequired, path);
    default:
      return field satisfies never;
  }
}

function numberFrom(field: Field & { kind: 'number' }, text: string, path: string): Filled {
  if (text === '') return { is: 'absent' };
  const number = Number(text);
  if (!Number.isFinite(number)) return wrong(path, 'is a number');
  if (field.isWhole && !Number.isInteger(number)) return wrong(path, 'is a whole number');
  if (number < field.min) return wrong(path, `is at least ${field.min}`);
  return number > field.max ? wrong(path, `is at most ${field.max}`) : value(number);
}

function listFrom(
  field: Field & { kind: 'list' },
  drafts: readonly Draft[],
  isRequired: boolean,
  path: string,
): Filled {
  if (drafts.length === 0 && field.min === 0 && !isRequired) return { is: 'absent' };
  if (drafts.length < field.min) return wrong(path, `has at least ${field.min} entries`);
  if (drafts.length > field.max) return wrong(path, `has at most ${field.max} entries`);
  const all = drafts.map((draft, index) => filled(field.item, draft, true, `${path}/${index}`));
  const issues = all.flatMap((each) => (each.is === 'wrong' ? each.issues : []));
  if (issues.length > 0) return { is: 'wrong', issues };
  return value(all.flatMap((each) => (each.is === 'value' ? [each.value] : [])));
}

function objectFrom(
  field: Field & { kind: 'object' },
  draft: { readonly [name: string]: Draft },
  isRequired: boolean,
  path: string,
): Filled {
  const all = field.fields.map(({ name, field: inner, isRequired: needed }) => ({
    name,
    found: filled(inner, draft[name] ?? emptyDraft(inner, needed), needed, `${path}/${name}`),
  }));
  const isUntouched = all.every(({ name, found }) => found.is === 'absent' || isEmpty(draft[name] ?? null));
  if (!isRequired && isUntouched) return { is: 'absent' };
  const issues = all.flatMap(({ found }) => (found.is === 'wrong' ? found.issues : []));
  if (issues.length > 0) return { is: 'wrong', issues };
  const entries = all.flatMap(({ name, found }) =>
    found.is === 'value' ? [[name, found.value] as const] : [],
  );
  return value(Object.fromEntries(entries));
}

/** Nothing in it was written or chosen. */
function isEmpty(draft: Draft): boolean {
  if (draft === null || draft === '' || draft === false) return true;
  return typeof draft === 'object' && Object.values(draft).every((each) => isEmpty(each as Draft));
}

export function parseJson(text: string): { readonly value: Json } | { readonly problem: string } {
  try {
    return { value: JSON.parse(text) as Json };
  } catch (error) {
    const said = error instanceof Error ? error.message.replace(/ in JSON at position \d+/, '') : '';
    return { problem: text.trim() === '' ? 'Some JSON is needed.' : `That is not JSON yet: ${said}` };
  }
}

function value(found: Json): Filled {
  return { is: 'value', value: found };
}

function wrong(path: string, message: string): Filled {
  return { is: 'wrong', issues: [{ path, message }] };
}

function numberIn(schema: JsonObject, name: string, otherwise: number): number {
  const found = schema[name];
  return typeof found === 'number' ? found : otherwise;
}

function isObject(json: Json): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
