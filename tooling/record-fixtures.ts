import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { freeze, frozenIn } from './frozen.ts';
import { ROOT } from './run-command.ts';

// Records the journals of this version into journal-fixtures/<version>/. What is there stays as it is: a journal
// that an earlier build recorded is worth nothing once a later one has written it anew.
//
//     pnpm run record:fixtures              what is missing
//     pnpm run record:fixtures --force      all that is not frozen, anew
//     pnpm run record:fixtures --freeze     and freezes what is there, with the release of a version: for ever

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

/** What journal-file.fixture.ts exports: a journal as a file, with something in each table. */
interface JournalFile {
  readonly JOURNAL_FILE: string;
  readonly SEALED_FILE: string;
  readonly recordJournalFile: (version: string, file?: string) => Promise<Buffer>;
}

/** What every-call.fixture.ts exports: runs of `<version>/every-call.ts`. */
interface EveryCall {
  readonly everyCallJournals: (version: string) => Promise<ReadonlyMap<string, string>>;
}

async function load(...path: readonly string[]): Promise<unknown> {
  return import(pathToFileURL(join(ROOT, ...path)).href);
}

const flag = { type: 'boolean', default: false } as const;
const { values } = parseArgs({ options: { force: flag, freeze: flag } });
const { FIXTURES, VERSION, record } = (await load('processes', 'recordings.fixture.ts')) as Recordings;
const { vocabulary } = (await load(
  'packages/runtime/src/store/sqlite',
  'vocabulary.fixture.ts',
)) as Vocabulary;

const { everyCallJournals } = (await load('packages/runtime/tests', 'every-call.fixture.ts')) as EveryCall;
const { JOURNAL_FILE, SEALED_FILE, recordJournalFile } = (await load(
  'packages/runtime/tests',
  'journal-file.fixture.ts',
)) as JournalFile;

const folder = join(FIXTURES, VERSION);
mkdirSync(folder, { recursive: true });
const files = [
  ...(await record()),
  ...(await everyCallJournals(VERSION)),
  ['events.txt', vocabulary()] as const,
  [JOURNAL_FILE, await recordJournalFile(VERSION)] as const,
  [SEALED_FILE, await recordJournalFile(VERSION, SEALED_FILE)] as const,
];
const frozen = frozenIn(FIXTURES);
for (const [name, content] of files) {
  const file = join(folder, name);
  const isFrozen = frozen.has(`${VERSION}/${name}`);
  const isKept = isFrozen || (existsSync(file) && !values.force);
  if (!isKept) writeFileSync(file, content);
  console.log(`${isFrozen ? 'frozen  ' : isKept ? 'kept    ' : 'recorded'} ${VERSION}/${name}`);
}
if (values.freeze) for (const path of freeze(FIXTURES)) console.log(`froze    ${path}`);
