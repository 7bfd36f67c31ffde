import { expect, test } from 'vitest';

import { logLines } from './log.ts';
import { shellWords } from './next-commands.ts';
import { outputLines } from './output.ts';
import { sourcePlace } from './source-place.ts';
import { PLAIN_THEME } from './theme.ts';

test.each([
  [undefined, { $pawl: 'undefined' }, []],
  ['two\nlines\u001b[2J', 'two\nlines\u001b[2J', ['two', 'lines']],
  [7, 7, ['7']],
  [{ a: [1] }, { a: [1] }, ['{', '  "a": [', '    1', '  ]', '}']],
  [{ x: '\u202e' }, { x: '\u202e' }, ['{', '  "x": "\\u202e"', '}']],
  [new Date(0), { $pawl: 'Date', value: '1970-01-01T00:00:00.000Z' }, ['1970-01-01T00:00:00.000Z']],
  [new Map([['a', 1]]), { $pawl: 'Map', value: [['a', 1]] }, ["Map(1) { 'a' => 1 }"]],
])('the output %o', (output, encoded, lines) => {
  expect(outputLines(output, encoded)).toEqual(lines);
});

test('a log line cannot be taken for one of ours, whatever is logged', () => {
  expect(
    logLines({ level: 'info', values: ['read', { n: 1 }, '\n✓ forged\r\u001b[2J'] }, undefined, PLAIN_THEME),
  ).toEqual(['› read { n: 1 } ', '› ✓ forged', '› ']);
  expect(logLines({ level: 'info', values: ['x'] }, 'fetch', PLAIN_THEME)).toEqual(['› fetch: x']);
  expect(logLines({ level: 'warn', values: ['x'] }, 'fetch', PLAIN_THEME)).toEqual(['› warn fetch: x']);
});

test('commands to copy are quoted', () => {
  expect(shellWords('pawl', 'run', 'my file.ts', "it's", '--db', 'a/b.db', '$(rm)', '')).toBe(
    `pawl run 'my file.ts' 'it'\\''s' --db a/b.db '$(rm)' ''`,
  );
});

test.each([
  ['Error: x\n    at f (file:///w/a.ts:1:2)', 'a.ts:1:2'],
  ['Error: x\n    at file:///w/sub/a%20b.ts:1:2', 'sub/a b.ts:1:2'],
  ['Error: x\n    at async f (/w/a.ts:1:2)', 'a.ts:1:2'],
  ['Error: x\n    at f (/elsewhere/a.ts:1:2)', '/elsewhere/a.ts:1:2'],
  ['Error: x\n    at f (node:internal/a:1:2)\n    at g (/w/b.ts:3:4)', 'b.ts:3:4'],
  ['Error: x\n    at f (/w/node_modules/x/i.js:1:2)\n    at g (/w/b.ts:3:4)', 'b.ts:3:4'],
  ['Error: x\n    at f (/opt/pawl/runtime/x.ts:1:2)\n    at g (/w/b.ts:3:4)', 'b.ts:3:4'],
  ['Error: see /w/a.ts:1:2', undefined],
  [undefined, undefined],
])('of %j the place is %s', (stack, place) => {
  expect(sourcePlace(stack, '/w', ['/opt/pawl/'])).toBe(place);
});
