/**
 * What `converge.ts` works on: the tests of a small real function, `csvLine(line)`, and a ladder of
 * implementations from the first idea to the one that is right.
 */

export interface Rung {
  readonly name: string;
  /** Tests that this implementation was written for: how the improver finds it. */
  readonly answers: readonly string[];
  readonly source: string;
}

/** A file for `node --test`, to lie beside the candidate. */
export const TESTS: string = String.raw`import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvLine } from './candidate.mjs';

const cases = {
  'splits at commas': ['a,b,c', ['a', 'b', 'c']],
  'keeps empty fields': ['a,,', ['a', '', '']],
  'keeps spaces': [' a , b', [' a ', ' b']],
  'drops the end of the line': ['a,b\r\n', ['a', 'b']],
  'takes quotes off': ['"a","b"', ['a', 'b']],
  'keeps commas within quotes': ['"a,b",c', ['a,b', 'c']],
  'reads two quotes within quotes as one': ['"say ""hi""",x', ['say "hi"', 'x']],
};

for (const [name, [line, fields]] of Object.entries(cases)) {
  test(name, () => assert.deepEqual(csvLine(line), fields));
}
test('refuses a quote that is never closed', () => assert.throws(() => csvLine('"a,b')));
test('refuses text after a closing quote', () => assert.throws(() => csvLine('"a"b')));
`;

/** Prints a line for each test. The reporters that come with Node print durations, which differ each time. */
export const REPORTER: string = String.raw`export default async function* lines(events) {
  for await (const { type, data } of events) {
    if (type === 'test:pass' || type === 'test:fail') yield type.slice(5) + ' ' + data.name + '\n';
  }
}
`;

export const LADDER: readonly Rung[] = [
  {
    name: 'split',
    answers: ['splits at commas'],
    source: String.raw`export function csvLine(line) {
  return line.split(',');
}
`,
  },
  {
    name: 'trim',
    answers: ['drops the end of the line', 'takes quotes off'],
    source: String.raw`export function csvLine(line) {
  return line.replace(/\r?\n$/, '').split(',').map((field) => (field[0] == '"' && field[field.length - 1] == '"' ? field.slice(1, -1) : field));
}
`,
  },
  {
    name: 'match',
    answers: ['keeps commas within quotes'],
    source: String.raw`export function csvLine(line) {
  var fields = [];
  for (const [, quoted, plain] of line.replace(/\r?\n$/, '').matchAll(/(?:^|,)(?:"([^"]*)"|([^,]*))/g)) {
    fields.push(quoted ?? plain);
  }
  return fields;
}
`,
  },
  {
    name: 'scan',
    answers: ['reads two quotes within quotes as one'],
    source: String.raw`export function csvLine(line) {
  const text = line.replace(/\r?\n$/, '');
  const fields = [''];
  let quoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i];
    if (char === '"' && quoted && text[i + 1] === '"') fields[fields.length - 1] += text[(i += 1)];
    else if (char === '"') quoted = !quoted;
    else if (char === ',' && !quoted) fields.push('');
    else fields[fields.length - 1] += char;
  }
  return fields;
}
`,
  },
  {
    name: 'strict',
    answers: ['refuses a quote that is never closed', 'refuses text after a closing quote'],
    source: String.raw`const FIELD = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;

export function csvLine(line) {
  const text = line.replace(/\r?\n$/, '');
  const fields = [];
  FIELD.lastIndex = 0;
  for (let end = ','; end === ','; ) {
    const at = FIELD.lastIndex;
    const match = FIELD.exec(text);
    if (match === null) throw new SyntaxError('no field at column ' + (at + 1));
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2]);
    end = match[3];
  }
  return fields;
}
`,
  },
];
