import { UnserializableError } from '../errors.ts';

/**
 * A value as it is after JSON, which is what Babysitter keeps of inputs and descriptions: functions and what is
 * undefined are left out, dates are texts.
 * @throws UnserializableError for a cycle or a bigint
 */
export function asJson(what: string, value: unknown): unknown {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new UnserializableError(
      what,
      '$',
      `is no JSON (${error instanceof Error ? error.message : 'unknown'})`,
    );
  }
  return text === undefined ? null : JSON.parse(text);
}

/** The same, unless there is a function somewhere in it: what holds none is recorded as it is. */
export function asOutput(value: unknown): unknown {
  return holdsFunction(value, new Set()) ? asJson('The output of the process', value) : value;
}

function holdsFunction(value: unknown, seen: Set<object>): boolean {
  if (typeof value === 'function') return true;
  if (typeof value !== 'object' || value === null || seen.has(value)) return false;
  seen.add(value);
  return Object.values(value).some((each) => holdsFunction(each, seen));
}

export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Different texts of a list, or of one text, without blanks around them; nothing else of it. */
export function textsOf(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const texts = list.flatMap((each) => (typeof each === 'string' ? [each.trim()] : []));
  return [...new Set(texts)].filter((text) => text !== '');
}
