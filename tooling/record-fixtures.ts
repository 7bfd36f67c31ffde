import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { ROOT } from './run-command.ts';

// Records the journals of this version into journal-fixtures/<version>/. What is there stays as it is: a journal
// that an earlier build recorded is worth nothing once a later one has written it anew.
//
//     pnpm run record:fixtures [--force]

/** What processes/recordings.fixture.ts exports; loaded by path, since tooling knows none of our packages. */
interface Recordings {
  readonly FIXTURES: string;
  readonly VERSION: string;
  readonly record: () => Promise<ReadonlyMap<string, string>>;
}

/** What vocabulary.fixture.ts of the SQLite store exports: a row of each type of event. */
interface Vocabulary {
  readonly vocabulary: () => string;
}

/** What every-call.fixture.ts exports: runs of `<version>/every-call.ts`. */
interface EveryCall {
  readonly everyCallJournals: (version: string) => Promise<ReadonlyMap<string, string>>;
}

async function load(...path: readonly string[]): Promise<unknown> {
  return import(pathToFileURL(join(ROOT, ...path)).href);
}

const { values } = parseArgs({ options: { force: { type: 'boolean', default: false } } });
const { FIXTURES, VERSION, record } = (await load('processes', 'recordings.fixture.ts')) as Recordings;
const { vocabulary } = (await load(
  'packages/runtime/src/store/sqlite',
  'vocabulary.fixture.ts',
)) as Vocabulary;

const { everyCallJournals } = (await load('packages/runtime/tests', 'every-call.fixture.ts')) as EveryCall;

const folder = join(FIXTURES, VERSION);
mkdirSync(folder, { recursive: true });
const texts = [
  ...(await record()),
  ...(await everyCallJournals(VERSION)),
  ['events.txt', vocabulary()] as const,
];
for (const [name, text] of texts) {
  const file = join(folder, name);
  const kept = existsSync(file) && !values.force;
  if (!kept) writeFileSync(file, text);
  console.log(`${kept ? 'kept    ' : 'recorded'} ${VERSION}/${name} (${text.length} characters)`);
}
