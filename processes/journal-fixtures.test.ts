import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import {
  fromText,
  openRuntime,
  recordedOf,
  toText,
  type JournalEvent,
  type JournalText,
} from '@pawl/runtime';
import { ManualClock, type MemoryStore, seededEntropy } from '@pawl/runtime/testing';
import type { ProcessDefinition } from '@pawl/sdk';
import { describe, expect, test } from 'vitest';

import { RECORDED_EXAMPLES, type RecordedExample } from './examples.fixture.ts';
import { exportRun, FIXTURES, importRun, inSample, record, VERSION } from './recordings.fixture.ts';

interface Fixture {
  readonly file: string;
  readonly version: string;
  readonly process: RecordedExample;
  readonly ending: string;
  readonly text: string;
}

function fixturesIn(version: string): Fixture[] {
  return readdirSync(join(FIXTURES, version))
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => {
      const [process = '', ending = ''] = name.split('.');
      const text = readFileSync(join(FIXTURES, version, name), 'utf8');
      return { file: `${version}/${name}`, version, process: process as RecordedExample, ending, text };
    });
}

const versions = readdirSync(FIXTURES).filter((name) => /^\d/.test(name));
const fixtures = versions.flatMap(fixturesIn);
const ended = fixtures.filter(({ ending }) => ['finished', 'failed', 'resumed'].includes(ending));
const interrupted = fixtures.filter((fixture) => !ended.includes(fixture));

/** The code that made the journal: that of its version where the process has changed since. */
async function processOf({ version, process }: Fixture): Promise<ProcessDefinition> {
  const kept = join(FIXTURES, version, `${process}.ts`);
  if (!existsSync(kept)) return RECORDED_EXAMPLES[process];
  const module = (await import(pathToFileURL(kept).href)) as { readonly default: ProcessDefinition };
  return module.default;
}

function eventsOf({ rows }: JournalText): JournalEvent[] {
  return rows.map((row) => recordedOf(row).event);
}

function lastEventOf(text: string): JournalEvent | undefined {
  return eventsOf(fromText(text)).at(-1);
}

async function replay(store: MemoryStore, runId: string, process: ProcessDefinition): Promise<string> {
  const runtime = await openRuntime({ store, clock: new ManualClock(), entropy: seededEntropy(7) });
  try {
    return (await runtime.replay(runId, process)).reached;
  } finally {
    await runtime.close();
  }
}

test('each version has each process with each ending', () => {
  expect(versions).toContain(VERSION);
  for (const version of versions) {
    const found = fixtures.filter((fixture) => fixture.version === version);
    const names = found.map(({ process, ending }) => `${process} ${ending}`);
    const expected = Object.keys(RECORDED_EXAMPLES).flatMap((name) =>
      ['crashed', 'failed', 'finished', 'resumed', 'stopped'].map((ending) => `${name} ${ending}`),
    );
    expect(names.toSorted()).toEqual(expected.toSorted());
  }
});

describe.each(fixtures)('$file', (fixture) => {
  const { text } = fixture;
  const journal = fromText(text);

  test('is the same text after it was read, and after it went through a store', () => {
    expect(toText(journal)).toBe(text);
    // A store writes events in the version of this build.
    const { rows } = exportRun(importRun(journal), journal.runId);
    const current = journal.rows.every(({ version }, i) => version === rows[i]?.version);
    expect(current ? toText({ ...journal, rows }) : text).toBe(text);
  });

  test('tells nothing of the machine that recorded it', () => {
    expect(text).not.toContain(hostname());
    expect(text).not.toMatch(/"(\/|[A-Z]:\\)|file:|\n {4}at /);
  });

  test('replays at each prefix, and nothing is appended', async () => {
    const process = await processOf(fixture);
    const isEnded = ended.includes(fixture);
    for (let count = 1; count <= journal.rows.length; count += 1) {
      const store = importRun(journal, count);
      const reached = await replay(store, journal.runId, process);
      const isWhole = isEnded && count === journal.rows.length;
      expect([count, reached]).toEqual([count, isWhole ? 'end' : 'head']);
      expect(store.getRun(journal.runId, 0)?.lastSeq).toBe(count);
    }
  });
});

describe.each(interrupted)('$file', (fixture) => {
  test('goes on to the end that the finished run had, and repeats nothing that was finished', async () => {
    const journal = fromText(fixture.text);
    const { runId, rows } = journal;
    const finished = fixtures.find(
      ({ version, process, ending }) =>
        version === fixture.version && process === fixture.process && ending === 'finished',
    );
    const process = await processOf(fixture);
    const store = importRun(journal);
    await inSample(async () => {
      const runtime = await openRuntime({ store, clock: new ManualClock(), entropy: seededEntropy(7) });
      await runtime.resume(runId, process).result();
      await runtime.close();
    });
    const after = exportRun(store, runId);
    expect(after.rows.slice(0, rows.length).map(recordedOf)).toEqual(rows.map(recordedOf));
    expect(eventsOf(after).at(-1)).toEqual(lastEventOf(finished?.text ?? ''));
    const settled = eventsOf(journal).flatMap((event) => (event.type === 'TaskSucceeded' ? [event.key] : []));
    const again = eventsOf({ ...after, rows: after.rows.slice(rows.length) }).filter(
      (event) => event.type === 'AttemptStarted' && settled.includes(event.key),
    );
    expect(again).toEqual([]);
    expect(await replay(store, runId, process)).toBe('end');
  });
});

// Of the process without commands, whose end comes when it likes.
test('what this build records is what is kept for its version', async () => {
  const now = await record('license-audit');
  for (const name of ['finished', 'failed', 'resumed'].map((ending) => `license-audit.${ending}.jsonl`)) {
    expect(now.get(name), name).toBe(readFileSync(join(FIXTURES, VERSION, name), 'utf8'));
  }
});
