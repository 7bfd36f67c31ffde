import { expect, it } from 'vitest';
import type { Json } from '@pawl/sdk';
import { schemaProblem } from './json-schema.ts';

it.each<[Json, string | undefined]>([
  [true, undefined],
  [{}, undefined],
  [{ type: ['string', 'null'], enum: ['a', null] }, undefined],
  [
    { properties: { type: { type: 'string' }, items: { type: 'array', items: { type: 'number' } } } },
    undefined,
  ],
  [{ items: [{ type: 'string' }], additionalProperties: false }, undefined],
  [null, '$ is neither'],
  [[], '$ is neither'],
  ['string', '$ is neither'],
  [{ type: 'any' }, `$.type is "any"`],
  [{ type: ['string', 'text'] }, '$.type is'],
  [{ properties: { ok: { type: 'string[]' } } }, '$.properties.ok.type is'],
  [{ properties: { ok: 'boolean' } }, '$.properties.ok is neither'],
  [{ properties: ['ok'] }, '$.properties is no object'],
  [{ properties: { ok: { type: 'string', required: true } } }, '$.properties.ok.required is no list'],
  [{ required: [1] }, '$.required is no list'],
  [{ enum: 'a|b' }, '$.enum is no list'],
  [{ anyOf: {} }, '$.anyOf is no list'],
  [{ anyOf: [{ items: 'text' }] }, '$.anyOf[0].items is neither'],
  [{ $ref: '#/nowhere' }, 'nowhere'],
])('%j', (schema, problem) => {
  if (problem === undefined) expect(schemaProblem(schema)).toBeUndefined();
  else expect(schemaProblem(schema)).toContain(problem);
});
