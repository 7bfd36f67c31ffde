import type { WorkflowScope } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';

import { readTemplate, valueOf, type Reader } from './template.ts';

const SCOPE: WorkflowScope = {
  inputs: { n: 3, name: 'x', list: [1, 2] },
  results: {},
  errors: {},
  statuses: {},
  item: undefined,
  index: undefined,
  result: () => undefined,
};

function read(value: unknown): {
  readonly kind: string;
  readonly value: unknown;
  readonly problems: string[];
} {
  const reader: Reader = { problems: [], named: [] };
  const template = readTemplate(value, ['input'], reader);
  const problems = reader.problems.map(({ path, message }) => `${path.join('.')}: ${message}`);
  return { kind: template.kind, value: problems.length > 0 ? undefined : valueOf(template, SCOPE), problems };
}

describe('a value with expressions', () => {
  it.each<[unknown, 'fixed' | 'made', unknown]>([
    ['text', 'fixed', 'text'],
    ['', 'fixed', ''],
    ['$5 and {x}', 'fixed', '$5 and {x}'],
    ['$${inputs.n}', 'fixed', '${inputs.n}'],
    ['${inputs.n}', 'made', 3],
    ['${ inputs.list }', 'made', [1, 2]],
    ['n=${inputs.n}, ${inputs.list}', 'made', 'n=3, [1,2]'],
    ['${inputs.name}${inputs.name}', 'made', 'xx'],
    ['${{"a": {"b": "}"}}}', 'made', { a: { b: '}' } }],
    ['${"\\"}" + inputs.name}', 'made', '"}x'],
    [5, 'fixed', 5],
    [null, 'fixed', null],
    [[], 'fixed', []],
    [{}, 'fixed', {}],
    [{ a: ['${inputs.n}', true], b: 'x' }, 'made', { a: [3, true], b: 'x' }],
  ])('%j', (value, kind, expected) => {
    expect(read(value)).toEqual({ kind, value: expected, problems: [] });
  });

  it('keeps an own __proto__', () => {
    const { value } = read(JSON.parse('{"__proto__": "${inputs.n}"}'));
    expect(Object.getOwnPropertyDescriptor(value, '__proto__')?.value).toBe(3);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  it('tells every problem, each with its path', () => {
    expect(read({ a: '${', b: ['${1 +}', '${nope} and ${inputs.n'] }).problems).toEqual([
      "input.a: '${' has no '}' (write $${ for the characters themselves)",
      "input.b.0: the expression '1 +' is wrong: Unexpected token: EOF",
      "input.b.1: the expression 'nope' is wrong: Unknown variable: nope",
      "input.b.1: '${' has no '}' (write $${ for the characters themselves)",
    ]);
  });

  it('that holds itself', () => {
    const endless: unknown[] = [];
    endless.push(endless);
    expect(read(endless).problems[0]).toContain('deeper than 400');
  });
});
