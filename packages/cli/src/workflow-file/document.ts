/** A YAML or JSON file as a value that knows where each part of it stands. */
import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
} from 'yaml';

import type { PlacePath } from './template.ts';

export interface Place {
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

export interface ReadDocument {
  readonly value: unknown;
  /** What is wrong with its syntax; with anything here the value is not used. */
  readonly problems: readonly (Place & { readonly message: string })[];
  /** Of a part, or of what is next around it. */
  readonly placeOf: (path: PlacePath) => Place;
}

/** Aliases that one file may use: a few lines can stand for gigabytes. */
const MAX_ALIASES = 1000;

export function readDocument(text: string): ReadDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    merge: false,
  });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const problems = [...document.errors, ...document.warnings].map(({ pos, message }) => ({
    ...placeAt(pos[0]),
    message,
  }));
  return {
    ...valueOf(document, problems),
    placeOf: (path) => placeAt(offsetOf(document, path)),
  };
}

function valueOf(
  document: Document.Parsed,
  problems: ReadDocument['problems'],
): Pick<ReadDocument, 'value' | 'problems'> {
  if (problems.length > 0) return { value: undefined, problems };
  try {
    return { value: document.toJS({ maxAliasCount: MAX_ALIASES }), problems };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { value: undefined, problems: [{ line: 1, column: 1, message }] };
  }
}

/** The name of a property stands for it; so what is wrong with an entry is shown where that begins. */
function offsetOf(document: Document.Parsed, path: PlacePath): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document);
    const next = isMap(node)
      ? node.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(part))
      : isSeq(node)
        ? node.items[Number(part)]
        : undefined;
    if (next === undefined) return offset;
    offset = startOf(isPair(next) ? next.key : next) ?? offset;
    node = isPair(next) ? next.value : next;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}
