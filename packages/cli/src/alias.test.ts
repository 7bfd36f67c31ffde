import { expect, it } from 'vitest';

import { aliasesFor, partsOfRecorded, recordedName } from './alias.ts';

const BOTH = new Map([
  ['@a5c-ai/babysitter-sdk', '@pawl/sdk/babysitter'],
  ['theirs', './lib/mine.js'],
]);

it('is recorded with the module, and read back', () => {
  const recorded = 'p.js?alias=@a5c-ai/babysitter-sdk=@pawl/sdk/babysitter&alias=theirs=./lib/mine.js';
  expect(recordedName('p.js', BOTH)).toBe(recorded);
  expect(partsOfRecorded(recorded)).toEqual({ path: 'p.js', aliases: BOTH });
  expect(recordedName('odd?.js', new Map())).toBe('odd?.js');
  expect(partsOfRecorded('odd?.js')).toEqual({ path: 'odd?.js', aliases: new Map() });
});

it.each([
  'a=../x.js',
  'a=/x.js',
  'a=./x/../../y.js',
  'a=file:///x.js',
  'a=node:fs',
  'fs=x',
  '@pawl/sdk=x',
  'a',
  '',
])('a journal from elsewhere cannot say %s', (alias) => {
  expect(() => partsOfRecorded(`p.js?alias=${alias}`)).toThrow('recorded with an alias that is none');
});

it('is kept where it matters', () => {
  const names = (...packages: string[]): string[] => [...aliasesFor(BOTH, new Set(packages), false).keys()];
  expect(names('@a5c-ai/babysitter-sdk')).toEqual(['@a5c-ai/babysitter-sdk']);
  expect(names('theirs', '@pawl/sdk')).toEqual(['theirs']);
  expect(names('@pawl/sdk', 'zod')).toEqual([]);
  expect(names()).toEqual(['@a5c-ai/babysitter-sdk']);
  expect([...aliasesFor(BOTH, new Set(['@pawl/sdk']), true).keys()]).toHaveLength(2);
});
