import { createRequire } from 'node:module';

import type StringWidth from 'string-width';

const ELLIPSIS = '…';
/** One column each: ASCII, and what our own views are drawn with. The library that knows all others takes long to load. */
const PLAIN = /^[\x20-\x7e·×–…›→↻∞≠⋮○◌●✓✗\u2500-\u259f\u2800-\u28ff]*$/;

const require = createRequire(import.meta.url);

let segmenter: Intl.Segmenter | undefined;

/** Most texts are plain, and do not wait for what tells these apart. */
function graphemesOf(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  return segmenter.segment(text);
}

/** How many columns a terminal gives the text; colours take none. */
export function columnsOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  const { default: stringWidth } = require('string-width') as { default: typeof StringWidth };
  return stringWidth(text);
}

/** At most `width` columns of a text without colours; what was cut ends in an ellipsis. */
export function fit(text: string, width: number): string {
  if (width <= 0) return '';
  if (columnsOf(text) <= width) return text;
  if (PLAIN.test(text)) return text.slice(0, width - 1).trimEnd() + ELLIPSIS;
  let kept = '';
  let columns = 0;
  for (const { segment } of graphemesOf(text)) {
    columns += columnsOf(segment);
    if (columns > width - 1) break;
    kept += segment;
  }
  return kept.trimEnd() + ELLIPSIS;
}

/** The end of a text matters more than its start, as in a path. */
export function fitEnd(text: string, width: number): string {
  if (columnsOf(text) <= width) return text;
  let kept = '';
  let columns = 0;
  for (const { segment } of [...graphemesOf(text)].toReversed()) {
    columns += columnsOf(segment);
    if (columns > width - 1) break;
    kept = segment + kept;
  }
  return width <= 0 ? '' : ELLIPSIS + kept;
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - columnsOf(text)));
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - columnsOf(text))) + text;
}

/** Breaks at spaces, keeping the indent; a word that is longer than a line is broken where the line ends. */
export function wrap(text: string, width: number): string[] {
  const [indent = ''] = /^ */.exec(text) ?? [];
  if (indent !== '')
    return wrap(text.slice(indent.length), width - indent.length).map((line) => indent + line);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const joined = line === '' ? word : `${line} ${word}`;
    if (columnsOf(joined) <= width) {
      line = joined;
      continue;
    }
    if (line !== '') lines.push(line);
    line = word;
    while (columnsOf(line) > Math.max(1, width)) {
      const head = headOf(line, width);
      lines.push(head);
      line = line.slice(head.length);
    }
  }
  lines.push(line);
  return lines;
}

function headOf(text: string, width: number): string {
  let head = '';
  let columns = 0;
  for (const { segment } of graphemesOf(text)) {
    columns += columnsOf(segment);
    if (columns > width && head !== '') break;
    head += segment;
  }
  return head;
}
