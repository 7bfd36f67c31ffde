/** Values with expressions in them: `${…}` anywhere in their texts. */
import type { WorkflowScope } from '@pawl/sdk';

import { compileExpression, type Expression } from './expression.ts';
import type { Named } from './references.ts';

export type PlacePath = readonly (string | number)[];

export interface TemplateProblem {
  readonly path: PlacePath;
  readonly message: string;
}

/** A value that is made from the scope, or one that is always the same. */
export type Template =
  | { readonly kind: 'fixed'; readonly value: unknown }
  | { readonly kind: 'made'; readonly make: (scope: WorkflowScope, error?: unknown) => unknown };

/** What templates are read for: their problems, and the steps that their expressions name. */
export interface Reader {
  readonly problems: TemplateProblem[];
  readonly named: Named[];
}

/** An anchor of YAML can even hold itself. */
const DEEPEST = 400;

type Part = string | Expression;

export function readTemplate(value: unknown, path: PlacePath, reader: Reader): Template {
  if (typeof value === 'string') return readText(value, path, reader);
  if (path.length > DEEPEST) {
    reader.problems.push({ path, message: `values lie within each other deeper than ${DEEPEST}` });
    return { kind: 'fixed', value: null };
  }
  if (Array.isArray(value)) {
    const entries = value.map((each, at) => readTemplate(each, [...path, at], reader));
    return joined(entries, (made) => made);
  }
  if (typeof value !== 'object' || value === null) return { kind: 'fixed', value };
  const names = Object.keys(value);
  const entries = Object.entries(value).map(([name, each]) => readTemplate(each, [...path, name], reader));
  // Not by assignment: '__proto__' may be a name.
  return joined(entries, (made) => Object.fromEntries(made.map((each, at) => [names[at] ?? '', each])));
}

function joined(entries: readonly Template[], join: (made: unknown[]) => unknown): Template {
  const fixed = entries.flatMap((entry) => (entry.kind === 'fixed' ? [entry.value] : []));
  if (fixed.length === entries.length) return { kind: 'fixed', value: join(fixed) };
  return { kind: 'made', make: (scope, error) => join(entries.map((entry) => valueOf(entry, scope, error))) };
}

export function valueOf(template: Template, scope: WorkflowScope, error?: unknown): unknown {
  return template.kind === 'fixed' ? template.value : template.make(scope, error);
}

/** A text that is one expression gives what that gives; in any other, expressions become text. */
function readText(text: string, path: PlacePath, reader: Reader): Template {
  const parts = partsOf(text, path, reader);
  const [only] = parts;
  if (parts.length === 1 && only !== undefined && typeof only !== 'string')
    return { kind: 'made', make: (scope, error) => only.evaluate(scope, error) };
  if (parts.every((part) => typeof part === 'string')) return { kind: 'fixed', value: parts.join('') };
  return {
    kind: 'made',
    make: (scope, error) =>
      parts.map((part) => (typeof part === 'string' ? part : asText(part.evaluate(scope, error)))).join(''),
  };
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** The text in turns of literal text and expressions; `$${` stands for `${`. */
function partsOf(text: string, path: PlacePath, reader: Reader): Part[] {
  const parts: Part[] = [];
  let literal = '';
  let at = 0;
  while (at < text.length) {
    if (text.startsWith('$${', at)) {
      literal += '${';
      at += 3;
    } else if (text.startsWith('${', at)) {
      const end = endOf(text, at + 2);
      if (end === -1) {
        reader.problems.push({ path, message: "'${' has no '}' (write $${ for the characters themselves)" });
        return [text];
      }
      if (literal !== '') parts.push(literal);
      literal = '';
      const expression = readExpression(text.slice(at + 2, end), path, reader);
      if (expression !== undefined) parts.push(expression);
      at = end + 1;
    } else {
      literal += text[at];
      at += 1;
    }
  }
  if (literal !== '' || parts.length === 0) parts.push(literal);
  return parts;
}

/** Of the brace that closes; those in strings and in maps of the expression do not count. */
function endOf(text: string, start: number): number {
  let depth = 0;
  let quote = '';
  for (let at = start; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (quote !== '') {
      if (char === '\\') at += 1;
      else if (char === quote) quote = '';
    } else if (char === '"' || char === "'") quote = char;
    else if (char === '{') depth += 1;
    else if (char === '}') {
      if (depth === 0) return at;
      depth -= 1;
    }
  }
  return -1;
}

/** An expression by itself, with or without `${ }` around it. */
export function readCondition(text: string, path: PlacePath, reader: Reader): Expression | undefined {
  const trimmed = text.trim();
  const isWrapped = trimmed.startsWith('${') && endOf(trimmed, 2) === trimmed.length - 1;
  return readExpression(isWrapped ? trimmed.slice(2, -1) : trimmed, path, reader);
}

function readExpression(source: string, path: PlacePath, reader: Reader): Expression | undefined {
  const compiled = compileExpression(source);
  if ('message' in compiled) {
    reader.problems.push({
      path,
      message: `the expression '${source.trim()}' is wrong: ${compiled.message}`,
    });
    return undefined;
  }
  for (const step of compiled.steps) reader.named.push({ path, step });
  return compiled;
}
