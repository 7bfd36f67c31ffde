import { expect, test } from 'vitest';

import { clean, cleanLines } from './clean.ts';

const ESC = '\u001b';

/** What no terminal may get from a journal. */
const ATTACKS: readonly (readonly [what: string, text: string, shown: string])[] = [
  ['clear the screen', `${ESC}[2J${ESC}[H`, '\\u001b[2J\\u001b[H'],
  ['colour', `${ESC}[31mred`, '\\u001b[31mred'],
  ['a link (OSC 8)', `${ESC}]8;;http://x${ESC}\\text`, '\\u001b]8;;http://x\\u001b\\text'],
  ['the clipboard (OSC 52)', `${ESC}]52;c;ZXZpbA==\u0007`, '\\u001b]52;c;ZXZpbA==\\u0007'],
  ['a title (OSC 0)', `${ESC}]0;pwned\u0007`, '\\u001b]0;pwned\\u0007'],
  ['a device string (DCS)', `${ESC}P+q544e${ESC}\\`, '\\u001bP+q544e\\u001b\\'],
  ['8-bit controls', '\u009b31m \u009d0;x\u009c \u0090', '\\u009b31m \\u009d0;x\\u009c \\u0090'],
  ['a forged line', 'done\n✓ paid', 'done\\n✓ paid'],
  ['an overwritten line', 'failed\rdone  ', 'failed\\rdone  '],
  ['a backspace, a bell, NUL, DEL', 'a\b\u0007\0\u007f', 'a\\u0008\\u0007\\u0000\\u007f'],
  ['vertical tab, form feed', '\v\f', '\\u000b\\u000c'],
  ['a tab', 'a\tb', 'a\\tb'],
  ['text turned around', 'user\u202egpj.exe', 'user\\u202egpj.exe'],
  ['isolates and marks', '\u2066x\u2069\u200e\u200f\u061c', '\\u2066x\\u2069\\u200e\\u200f\\u061c'],
  ['invisible characters', 'ad\u200bmin\u200d\u2060\ufeff\u00ad', 'ad\\u200bmin\\u200d\\u2060\\ufeff\\u00ad'],
  ['a joiner of nothing', 'a\u200db 👩\u200d 👩\u200d\u200d👧', 'a\\u200db 👩\\u200d 👩\\u200d\\u200d👧'],
  ['separators', 'a\u2028b\u2029c\u0085', 'a\\u2028b\\u2029c\\u0085'],
  ['tag characters', 'x\u{e0041}', 'x\\udb40\\udc41'],
  ['half a character', 'x\ud83d', 'x\\ud83d'],
];

test.each(ATTACKS)('%s is shown, not obeyed', (_what, text, shown) => {
  expect(clean(text)).toBe(shown);
});

test.each(ATTACKS)('%s does no harm in text of several lines', (_what, text) => {
  for (const line of cleanLines(text)) expect(line).toMatch(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]*$/u);
});

test('what is harmless stays as it is', () => {
  const text = 'Zoë 東京 🎉 ✓ naïve — “quoted” 𝒳 👩‍👩‍👧‍👦 👩🏽‍💻 🏳️‍🌈 ❤️‍🔥';
  expect(clean(text)).toBe(text);
});

test('cleaned JSON is the same JSON', () => {
  const value = Object.fromEntries(ATTACKS.map(([what, text]) => [what, text]));
  expect(JSON.parse(clean(JSON.stringify(value)))).toEqual(value);
});

test('lines of text that a command printed lose their colours and keep their lines', () => {
  expect(cleanLines(`${ESC}[31mFAIL${ESC}[0m\ta.test.ts\r\n  at b\rc`)).toEqual([
    'FAIL  a.test.ts',
    '  at b',
    'c',
  ]);
});
