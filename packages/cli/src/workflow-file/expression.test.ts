import type { StepStatus, WorkflowScope } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';

import { compileExpression } from './expression.ts';

const SCOPE: WorkflowScope = {
  inputs: { n: 3, half: 1.5, name: 'x', list: [1, 2, 3], nested: { deep: [{ id: 7 }] } },
  results: { a: { rows: [1, 2, 3], none: null } },
  errors: {},
  statuses: { a: 'completed', b: 'skipped' } satisfies Record<string, StepStatus>,
  item: { id: 'i' },
  index: 2,
  result: () => undefined,
};

function evaluate(source: string, error?: unknown): unknown {
  const compiled = compileExpression(source);
  if ('message' in compiled) return `refused: ${compiled.message}`;
  try {
    return compiled.evaluate(SCOPE, error);
  } catch (thrown) {
    return `threw ${(thrown as Error).message.split('\n')[0]}`;
  }
}

describe('values', () => {
  it.each<[string, unknown]>([
    ['inputs.n', 3],
    ['inputs.n + 1', 4],
    ['1 + inputs.n', 4],
    ['inputs.half * 2', 3],
    ['inputs.n % 2 == 1', true],
    ['7 / 2', 3],
    ['inputs.n / 2', 1.5],
    ['10 - inputs.n', 7],
    ['inputs.list.map(x, x * 2)', [2, 4, 6]],
    ['inputs.list.filter(x, x > 1)', [2, 3]],
    ['inputs.list.exists(x, x == 2)', true],
    ['size(results.a.rows) > 2', true],
    ['size(results.a.rows)', 3],
    ['results["a"].rows[0]', 1],
    ['inputs.nested.deep[0].id', 7],
    ['"n is " + string(inputs.n)', 'n is 3'],
    ['{"a": inputs.n, "b": [1, "x"]}', { a: 3, b: [1, 'x'] }],
    ['item.id + string(index)', 'i2'],
    ['inputs.name == "x" ? "yes" : "no"', 'yes'],
    ['parseJson("{\\"a\\": [1]}").a[0]', 1],
    ['toJson({"a": 1})', '{"a":1}'],
    ['lines("a\\nb\\n")', ['a', 'b']],
    ['9007199254740993', 9007199254740993n],
  ])('%s', (source, expected) => {
    expect(evaluate(source)).toEqual(expected);
  });
});

describe('steps', () => {
  it.each<[string, unknown]>([
    ['results.b', null],
    ['results.b == null', true],
    ['statuses.b', 'skipped'],
    ['has(results.c)', false],
    ['results.c', 'threw No such key: c'],
    ['results.?c.orValue("none")', 'none'],
    ['results.a.none', null],
    ['results.a.nothing', 'threw No such key: nothing'],
  ])('%s', (source, expected) => {
    expect(evaluate(source)).toEqual(expected);
  });

  it('are told by name', () => {
    const compiled = compileExpression(
      'has(results.a) && results["b c"].x == statuses.?d && inputs.results.e',
    );
    expect('steps' in compiled && compiled.steps.toSorted()).toEqual(['a', 'b c', 'd']);
  });
});

describe('what there is not', () => {
  // No clock, no randomness, no I/O, no way to JavaScript.
  it.each([
    'now()',
    'random()',
    'uuid()',
    'process.env',
    'globalThis',
    'Date.now()',
    'require("fs")',
    'fetch("http://localhost")',
    'eval("1")',
    'this',
    'constructor',
  ])('%s', (source) => {
    expect(evaluate(source)).toMatch(/^refused: /);
  });

  it.each([
    'inputs.constructor',
    'inputs.__proto__',
    'inputs.list.constructor',
    'results.__proto__',
    'inputs.name.length',
  ])('%s', (source) => {
    expect(evaluate(source)).toMatch(/^threw /);
  });

  it.each([
    '1 +',
    '',
    '"open',
    'a b',
    '((1)',
    `${'('.repeat(1000)}1${')'.repeat(1000)}`,
    `[${'1,'.repeat(20_000)}1]`,
  ])('bad syntax: %.40s', (source) => {
    expect(evaluate(source)).toMatch(/^refused: /);
  });
});

it('an error has its message', () => {
  expect(evaluate('error.message', new TypeError('broken'))).toBe('broken');
  expect(evaluate('error')).toBe(null);
});
