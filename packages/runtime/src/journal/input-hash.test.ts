import { expect, test } from 'vitest';

import { inputHashOf, plainInputHash } from './input-hash.ts';

const digest = (text: string): string => `${'d'.repeat(40)}${text}`;

test('a text of up to 24 characters stands for itself, a longer one is 128 bits of its digest', () => {
  expect(inputHashOf(digest, '')).toBe('=');
  expect(inputHashOf(digest, 'x'.repeat(24))).toBe(`=${'x'.repeat(24)}`);
  expect(inputHashOf(digest, 'x'.repeat(25))).toBe('d'.repeat(32));
});

test('what an input stands for can be told without a digest, where it is short', () => {
  expect(plainInputHash({ b: 1, a: 2 })).toBe('={"a":2,"b":1}');
  expect(plainInputHash('x'.repeat(22))).toBe(`="${'x'.repeat(22)}"`);
  expect(plainInputHash('x'.repeat(23))).toBeUndefined();
});

test('an input that no program wrote stands for nothing', () => {
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  expect(plainInputHash(circle as never)).toBeUndefined();
});
