/**
 * Where values are taken out: the part of JSONPath that names places by their names.
 *
 *     $.inputs.email     $..password     $.output.rows[*].card     $.args[0]     $["odd name"]
 *
 * `$` is an event. What the codec wraps (`{"$pawl":"Map",…}`) is passed through: a Map's keys are names, a Set and an
 * Array have indices.
 */
import { RuntimeError } from '../errors.ts';

type Step =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'any' }
  /** What follows may lie at any depth. */
  | { readonly kind: 'deep' };

export interface RedactionPath {
  readonly text: string;
  readonly steps: readonly Step[];
}

/** How far a path has come on its way down: the steps that may be next. */
export type Progress = readonly number[];

export const START: Progress = [0];

const STEP = /(\.\.)?(?:\.?(?:([\p{L}\p{N}_$-]+)|(\*))|\[(?:(\d+)|(\*)|"((?:[^"\\]|\\.)*)"|'([^']*)')\])/uy;

/** @throws RuntimeError USAGE */
export function redactionPath(text: string): RedactionPath {
  const steps: Step[] = [];
  if (!text.startsWith('$')) throw badPath(text);
  for (STEP.lastIndex = 1; STEP.lastIndex < text.length;) {
    const at = STEP.lastIndex;
    const found = STEP.exec(text);
    // A name needs a point before it.
    if (found === null || !/^[.[]/.test(text.slice(at))) throw badPath(text);
    const [, deep, name, star, index, every, quoted, single] = found;
    if (deep !== undefined) steps.push({ kind: 'deep' });
    if (star !== undefined || every !== undefined) steps.push({ kind: 'any' });
    else steps.push({ kind: 'name', name: name ?? index ?? single ?? unquoted(quoted ?? '', text) });
  }
  if (steps.length === 0) throw badPath(text);
  return { text, steps };
}

function unquoted(quoted: string, path: string): string {
  try {
    return String(JSON.parse(`"${quoted}"`));
  } catch {
    throw badPath(path);
  }
}

function badPath(text: string): RuntimeError {
  return new RuntimeError('USAGE', `'${text.slice(0, 80)}' is no path of values to take out.`, {
    hint: "Such as '$.inputs.email', '$..password' or '$.output.rows[*].card': $ is an event, as pawl events --json shows it",
    data: { path: text },
  });
}

/** Where a path stands one name further down, and whether it names what is there. */
export function advance(
  { steps }: RedactionPath,
  from: Progress,
  name: string,
): { readonly progress: Progress; readonly isNamed: boolean } {
  const next = new Set<number>();
  for (const at of from) {
    const step = steps[at];
    const isDeep = step?.kind === 'deep';
    if (isDeep) next.add(at);
    const wanted = isDeep ? steps[at + 1] : step;
    const isMatch = wanted?.kind === 'any' || (wanted?.kind === 'name' && wanted.name === name);
    if (isMatch) next.add(at + (isDeep ? 2 : 1));
  }
  return { progress: [...next], isNamed: next.has(steps.length) };
}
