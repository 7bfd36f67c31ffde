import { expect, test } from 'vitest';

import { emptyDraft, fieldOf, filled, parseJson, type Draft } from './schema-draft.ts';

const SCHEMA = {
  type: 'object',
  required: ['name', 'count', 'kind', 'ok', 'tags'],
  properties: {
    name: { type: 'string', title: 'Full name', minLength: 2, description: 'As on the card' },
    count: { type: 'integer', minimum: 1 },
    kind: { enum: ['a', 2, null] },
    ok: { type: 'boolean' },
    tags: { type: 'array', items: { type: 'string' }, maxItems: 2 },
    note: { type: ['string', 'null'] },
    more: {
      type: 'object',
      required: ['x'],
      properties: { x: { anyOf: [{ type: 'number' }, { type: 'null' }] } },
    },
    any: { oneOf: [{ type: 'string' }] },
  },
};

const field = fieldOf(SCHEMA);
const draft = (more: Readonly<Record<string, Draft>>): Draft => ({
  ...(emptyDraft(field, true) as Readonly<Record<string, Draft>>),
  ...more,
});

test('each kind has its field, and what has none is written as JSON', () => {
  expect(field.kind === 'object' ? field.fields.map((each) => [each.title, each.field.kind]) : []).toEqual([
    ['Full name', 'text'],
    ['count', 'number'],
    ['kind', 'choice'],
    ['ok', 'flag'],
    ['tags', 'list'],
    ['note', 'text'],
    ['more', 'object'],
    ['any', 'json'],
  ]);
  for (const odd of [
    null,
    true,
    {},
    { $ref: '#' },
    { type: 'object' },
    { type: ['string', 'number', 'null'] },
  ])
    expect(fieldOf(odd)).toMatchObject({ kind: 'json' });
});

test('what was filled in is the value; what was left out and is not needed is not in it', () => {
  const given = draft({ name: 'Ada', count: '3', kind: '1', ok: true, tags: ['x', ''] });
  expect(filled(field, given)).toEqual({
    is: 'value',
    value: { name: 'Ada', count: 3, kind: 2, ok: true, tags: ['x', ''] },
  });
  const more = { ...(given as object), more: { x: '' }, note: '', any: '{"a":[1]}', kind: '2' } as Draft;
  expect(filled(field, more)).toMatchObject({ value: { kind: null, any: { a: [1] } } });
  expect(filled(fieldOf({ type: ['integer', 'null'] }), '')).toEqual({ is: 'value', value: null });
});

test('what is wrong is named by its place, all of it', () => {
  const found = filled(field, draft({ name: 'A', count: '0', tags: ['a', 'b', 'c'], any: '{' }));
  expect(found.is === 'wrong' ? found.issues : []).toEqual([
    { path: '/name', message: 'has at least 2 characters' },
    { path: '/count', message: 'is at least 1' },
    { path: '/kind', message: 'is needed' },
    { path: '/tags', message: 'has at most 2 entries' },
    { path: '/any', message: expect.stringContaining('not JSON') },
  ]);
  expect(filled(field, draft({ name: 'Ada', count: '1.5', kind: '0' }))).toMatchObject({
    issues: [{ path: '/count', message: 'is a whole number' }],
  });
  expect(filled(fieldOf({ type: 'number' }), 'x')).toMatchObject({ issues: [{ message: 'is a number' }] });
  expect(parseJson('{"a" 1}')).toMatchObject({ problem: expect.stringContaining('line 1') });
});
