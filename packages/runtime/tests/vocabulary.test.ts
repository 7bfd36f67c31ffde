import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { ENGINE_VERSION } from '../src/engine-options.ts';
import { parseEvent } from '../src/journal/stored-event.ts';
import { codeOf, typeOf } from '../src/store/sqlite/event-types.ts';
import { vocabulary, type Word } from '../src/store/sqlite/vocabulary.fixture.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', '..', 'journal-fixtures');
const FILE = 'events.txt';

const versions = readdirSync(FIXTURES).filter((name) => existsSync(join(FIXTURES, name, FILE)));
const wordsOf = (version: string): readonly Word[] =>
  readFileSync(join(FIXTURES, version, FILE), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Word);

test.each(versions)('every row that version %s stored is read as the event that it was', (version) => {
  const words = wordsOf(version);
  expect(words.length).toBeGreaterThan(30);
  for (const { code, type, version: of, payload, event } of words) {
    expect([typeOf(code), codeOf(type)]).toEqual([type, code]);
    expect(parseEvent({ type, version: of, payload })).toEqual(event);
  }
});

test('what this build stores is what is kept for its version', () => {
  expect(versions).toContain(ENGINE_VERSION);
  expect(vocabulary()).toBe(readFileSync(join(FIXTURES, ENGINE_VERSION, FILE), 'utf8'));
});
