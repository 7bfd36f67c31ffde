import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JournalEvent, Recorded } from './event.ts';
import {
  fromText,
  headLine,
  isHead,
  JournalTextRefusal,
  readHead,
  recordedOf,
  rowOf,
  toText,
} from './journal-text.ts';
import { SAMPLE_EVENTS } from './sample-events.fixture.ts';

const recorded: readonly Recorded[] = Object.values<JournalEvent>(SAMPLE_EVENTS).reduce<Recorded[]>(
  (before, event, i) => {
    const places = event.type === 'Compacted' ? event.count : 1;
    return [...before, { seq: (before.at(-1)?.seq ?? 0) + places, at: 1_700_000_000_000 + i, event }];
  },
  [],
);
const TEXT = toText({ runId: 'run_1', rows: recorded.map(rowOf) });

function refusalOf(text: string): JournalTextRefusal | undefined {
  try {
    fromText(text);
    return undefined;
  } catch (error) {
    if (error instanceof JournalTextRefusal) return error;
    throw error;
  }
}

/** The sample with a line changed. */
function withLine(line: number, change: (text: string) => string): string {
  return TEXT.split('\n')
    .map((text, i) => (i + 1 === line ? change(text) : text))
    .join('\n');
}

describe('a journal as text', () => {
  it('is a line that says what it is, and a line for each event', () => {
    const lines = TEXT.split('\n');
    expect(lines).toHaveLength(recorded.length + 2);
    expect(lines[0]).toBe(`{"events":${recorded.length},"format":1,"journal":"pawl","run":"run_1"}`);
    expect(lines).toContain(
      '{"at":1700000000010,"seq":11,"type":"AttemptStarted","version":1,"payload":{"key":"0"}}',
    );
  });

  it('comes back as it was: every event, and every byte', () => {
    const { runId, rows } = fromText(TEXT);
    expect(runId).toBe('run_1');
    expect(rows.map(recordedOf)).toEqual(recorded);
    expect(toText({ runId, rows })).toBe(TEXT);
  });

  it('does not depend on the order of an event’s fields, and keeps the order of keys in values', () => {
    const one: Recorded = {
      seq: 1,
      at: 1,
      event: { type: 'TaskSucceeded', key: '0', output: { b: 1, a: 2 }, by: 'check' },
    };
    const other: Recorded = {
      event: { by: 'check', output: { b: 1, a: 2 }, key: '0', type: 'TaskSucceeded' },
      at: 1,
      seq: 1,
    };
    const [text, same] = [one, other].map((each) => toText({ runId: 'r', rows: [rowOf(each)] }));
    expect(text).toBe(same);
    const [row] = fromText(text ?? '').rows;
    expect(row?.payload).toBe('{"by":"check","key":"0","output":{"b":1,"a":2}}');
  });

  it('keeps any JSON', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), (values) => {
        const rows = values.map((output, i) =>
          rowOf({
            seq: i + 1,
            at: i,
            event: { type: 'TaskSucceeded', key: '0', output: output as never, by: 'check' },
          }),
        );
        const text = toText({ runId: 'r', rows });
        expect(text.split('\n')).toHaveLength(values.length + 2);
        expect(toText(fromText(text))).toBe(text);
        const read = fromText(text).rows.map((row) => recordedOf(row).event);
        expect(JSON.stringify(read.map((event) => 'output' in event && event.output))).toBe(
          JSON.stringify(values),
        );
      }),
    );
  });
});

describe('what is refused', () => {
  it.each([
    ['an empty text', '', 'malformed', 1, 'no JSON'],
    ['another file', '{}\n', 'malformed', 1, 'no journal of Pawl'],
    ['no JSON', 'hello\n', 'malformed', 1, 'no JSON'],
    [
      'a newer format',
      withLine(1, (line) => line.replace('"format":1', '"format":2')),
      'newer',
      1,
      'format 2',
    ],
    ['a bad run id', withLine(1, (line) => line.replace('run_1', '../x')), 'malformed', 1, 'names no run'],
    ['a text that is cut off within a line', TEXT.slice(0, -5), 'malformed', recorded.length + 1, 'cut off'],
    [
      'a text that is cut off between lines',
      `${TEXT.split('\n').slice(0, -3).join('\n')}\n`,
      'malformed',
      1,
      `${recorded.length} events, and ${recorded.length - 2} follow`,
    ],
    ['a line that is lost', TEXT.replace(/\n.*"seq":5,.*\n/, '\n'), 'malformed', 6, 'event 6 is where 5'],
    ['a row that is no event', withLine(3, () => '{"at":1,"seq":2}'), 'malformed', 3, 'no event'],
    ['a list', withLine(3, () => '[]'), 'malformed', 3, 'no JSON object'],
    [
      'an event of a newer version',
      withLine(4, (line) => line.replace('"version":1', '"version":2')),
      'newer',
      4,
      'version 2',
    ],
    [
      'an event of an unknown type',
      withLine(4, (line) => line.replace('"RunFailed"', '"RunEvaporated"')),
      'newer',
      4,
      'RunEvaporated',
    ],
    [
      'an event with a bad field',
      withLine(12, (line) => line.replace('"key":"0"', '"key":"0","attempt":"1"')),
      'malformed',
      12,
      'attempt',
    ],
  ] as const)('%s', (_, text, kind, line, problem) => {
    expect(refusalOf(text)).toMatchObject({ kind, line, message: expect.stringContaining(problem) });
  });
});

describe('a head that says something else than heads do', () => {
  it.each([
    ['events that are no number', '"events":"many"', 'it does not say how many events follow'],
    ['no number of events', '"other":1', 'it does not say how many events follow'],
    ['a checksum that is none', '"events":1,"chain":"zz"', 'its checksum is none'],
    ['a checksum that is a number', '"events":1,"chain":7', 'its checksum is none'],
  ])('%s', (_, fields, problem) => {
    const text = `{"format":1,"journal":"pawl","run":"r",${fields}}\n`;
    expect(refusalOf(text)).toMatchObject({ line: 1, message: expect.stringContaining(problem) as unknown });
  });

  it.each([
    ['{"events":1,"journal":"pawl","format":2,"run":"r"}', 'format 2; this program reads up to 1', 30],
    ['{"events":1,"journal":"pawl","format":1,"run":"../x"}', 'it names no run', 41],
    ['{"journal":"pawl","format":1,"run":"r","events":-1}', 'it does not say how many events follow', 40],
    ['{"journal":"pawl","format":1,"run":"r","events":1.5}', 'it does not say how many events follow', 40],
    [
      `{"journal":"pawl","format":1,"run":"r","events":1,"chain":"${'a'.repeat(33)}"}`,
      'its checksum is none',
      51,
    ],
    [
      `{"journal":"pawl","format":1,"run":"r","events":1,"chain":"g${'a'.repeat(32)}"}`,
      'its checksum is none',
      51,
    ],
    [
      `{"journal":"pawl","format":1,"run":"r","events":1,"chain":"${'a'.repeat(32)}g"}`,
      'its checksum is none',
      51,
    ],
    [
      `{"journal":"pawl","format":1,"run":"r","events":1,"chain":["${'a'.repeat(32)}"]}`,
      'its checksum is none',
      51,
    ],
    ['{"journal":"other","format":1,"run":"r","events":1}', 'this is no journal of Pawl', 1],
    ['{"journal":"pawl","format":"1","run":"r","events":1}', 'this is no journal of Pawl', 1],
  ])('is refused where it does: %s', (head, problem, column) => {
    const refusal = refusalOf(`${head}\n`);
    expect(refusal).toMatchObject({
      name: 'JournalTextRefusal',
      line: 1,
      column,
      message: expect.stringContaining(problem) as unknown,
    });
  });

  it('names no run', () => {
    expect(refusalOf('{"events":0,"format":1,"journal":"pawl"}\n')).toMatchObject({ line: 1, column: 1 });
  });
});

it.each([
  ['no time', '{"at":"1","seq":2,"type":"T","version":1,"payload":{}}'],
  ['no type', '{"at":1,"seq":2,"type":7,"version":1,"payload":{}}'],
  ['no version', '{"at":1,"seq":2,"type":"T","version":-1,"payload":{}}'],
  ['no payload', '{"at":1,"seq":2,"type":"T","version":1,"payload":[]}'],
])('a row with %s is no event', (_, line) => {
  expect(refusalOf(withLine(3, () => line))).toMatchObject({
    kind: 'malformed',
    line: 3,
    message: expect.stringContaining('it is no event') as unknown,
  });
});

it('a row is refused at its field', () => {
  const line = '{"at":1,"type":"AttemptStarted","seq":2,"version":1,"payload":{"key":"0","attempt":"1"}}';
  expect(refusalOf(withLine(3, () => line))).toMatchObject({
    line: 3,
    column: line.indexOf('"attempt"') + 1,
    message: expect.stringContaining('has a bad attempt') as unknown,
  });
  const other = line.replace('AttemptStarted', 'Odd');
  expect(refusalOf(withLine(3, () => other))).toMatchObject({ line: 3, column: other.indexOf('"type"') + 1 });
  const place = line.replace('"seq":2', '"seq":9');
  expect(refusalOf(withLine(3, () => place))).toMatchObject({ line: 3, column: place.indexOf('"seq"') + 1 });
});

it('a row that is read alone is refused where its event would be', () => {
  expect(() => recordedOf({ seq: 4, at: 1, type: 'Odd', version: 1, payload: '{}' })).toThrow(
    expect.objectContaining({ line: 5, column: 1, kind: 'newer' }),
  );
});

it('the first line of a run is known by its first field', () => {
  for (const field of ['chain', 'events', 'format', 'journal']) expect(isHead(`{"${field}":1}`)).toBe(true);
  for (const line of ['{"at":1}', ' {"chain":1}', '{"at":{"chain":1}}', '{"chains":1}', ''])
    expect(isHead(line)).toBe(false);
});

it('a letter too many in a long line is found near where it stands', () => {
  const long = `{"at":1,"seq":2,"x":"${'y'.repeat(200)}","z":!${'1'.repeat(50)},"type":"T"}`;
  const { column } = refusalOf(withLine(3, () => long)) ?? { column: 0 };
  expect(Math.abs(column - long.indexOf('!'))).toBeLessThan(12);
});

it('a comma too many is found where V8 says that it is', () => {
  const text = `{"at":1,"seq":2,${'"x":1,'.repeat(50)}}`;
  expect(refusalOf(withLine(3, () => text))).toMatchObject({ line: 3, column: text.length });
});

it('a head says what was taken out, and the checksum of what it is a copy of', () => {
  const head = { runId: 'r', events: 2, chain: 'ab'.repeat(16), isRedacted: true };
  expect(readHead(headLine(head), 1)).toEqual(head);
  const plain = { runId: 'r', events: 2, chain: undefined, isRedacted: false };
  expect(readHead(headLine(plain), 1)).toEqual(plain);
});
