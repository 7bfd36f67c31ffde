/**
 * A journal as text, for fixtures, diffs and the way to another machine: a line that says what it is,
 * then one event a line, always the same text for the same journal.
 *
 *     {"events":2,"format":1,"journal":"pawl","run":"run_1"}
 *     {"at":1767225600000,"seq":1,"type":"RunStarted","version":1,"payload":{"codeHash":null,…}}
 *     {"at":1767225600005,"seq":2,"type":"RunSucceeded","version":1,"payload":{"output":{"b":1,"a":2}}}
 *
 * Where a mark made events useless and they were removed, a `Compacted` says how many places it stands for.
 *
 * The fields of an event are sorted. What is in them is written in the order in which it was recorded:
 * code that goes on from the journal can see the order of an object's keys.
 */
import type { Recorded } from './event.ts';
import { isRunId, type Millis, type RunId, type Seq } from './ids.ts';
import { parseEvent, storeEvent, StoredEventRefusal, type StoredEvent } from './stored-event.ts';

/** Version of the text itself; events have their own. */
export const TEXT_FORMAT = 1;

/** An event as it was stored: reading and writing it does not lift its version. */
export interface JournalRow extends StoredEvent {
  readonly seq: Seq;
  readonly at: Millis;
}

export interface JournalText {
  readonly runId: RunId;
  readonly rows: readonly JournalRow[];
}

/** A text that is no journal, or one of a newer program. */
export class JournalTextRefusal extends Error {
  override readonly name = 'JournalTextRefusal';
  readonly kind: 'newer' | 'malformed';
  /** From 1. */
  readonly line: number;

  constructor(kind: 'newer' | 'malformed', line: number, problem: string) {
    super(`line ${line}: ${problem}`);
    this.kind = kind;
    this.line = line;
  }
}

export function rowOf({ seq, at, event }: Recorded): JournalRow {
  return { seq, at, ...storeEvent(event) };
}

/** @throws JournalTextRefusal for an event that this program does not know */
export function recordedOf(row: JournalRow): Recorded {
  return known(row, row.seq + 1);
}

function known(row: JournalRow, line: number): Recorded {
  const { seq, at } = row;
  try {
    return { seq, at, event: parseEvent(row) };
  } catch (refusal) {
    if (!(refusal instanceof StoredEventRefusal)) throw refusal;
    throw new JournalTextRefusal(refusal.kind, line, refusal.message);
  }
}

export function toText({ runId, rows }: JournalText): string {
  const head = { events: rows.length, format: TEXT_FORMAT, journal: 'pawl', run: runId };
  const lines = rows.map(({ seq, at, type, version, payload }, i) =>
    JSON.stringify({ at, seq, type, version, payload: sorted(parse(payload, i + 2)) }),
  );
  return `${[JSON.stringify(head), ...lines].join('\n')}\n`;
}

/** @throws JournalTextRefusal */
export function fromText(text: string): JournalText {
  const lines = text.split('\n');
  if (lines.pop() !== '')
    throw malformed(lines.length + 1, 'the last line does not end: the text is cut off');
  const { runId, events } = readHead(lines[0] ?? '');
  let seq = 0;
  const rows = lines.slice(1).map((line, i) => {
    const row = readRow(line, i + 2, seq);
    ({ seq } = row);
    return row;
  });
  if (rows.length !== events) throw malformed(1, `it announces ${events} events, and ${rows.length} follow`);
  return { runId, rows };
}

function readHead(line: string): { readonly runId: RunId; readonly events: number } {
  const { journal, format, run, events } = parse(line, 1);
  if (journal !== 'pawl' || !isCount(format)) throw malformed(1, 'this is no journal of Pawl');
  if (format > TEXT_FORMAT)
    throw new JournalTextRefusal('newer', 1, `format ${format}; this program reads up to ${TEXT_FORMAT}`);
  if (typeof run !== 'string' || !isRunId(run)) throw malformed(1, 'it names no run');
  if (!isCount(events)) throw malformed(1, 'it does not say how many events follow');
  return { runId: run, events };
}

function readRow(text: string, line: number, after: Seq): JournalRow {
  const { at, seq, type, version, payload } = parse(text, line);
  if (typeof at !== 'number' || typeof type !== 'string' || !isCount(version) || !isObject(payload))
    throw malformed(line, 'it is no event');
  // J1: one that stands for removed events says how many places it takes.
  const { count } = payload;
  const expected = after + (type === 'Compacted' && isCount(count) ? count : 1);
  if (seq !== expected) throw malformed(line, `event ${String(seq)} is where ${expected} should be`);
  const row = { seq: expected, at, type, version, payload: JSON.stringify(payload) };
  known(row, line);
  return row;
}

function sorted(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function parse(text: string, line: number): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed(line, 'it is no JSON');
  }
  if (!isObject(value)) throw malformed(line, 'it is no JSON object');
  return value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function malformed(line: number, problem: string): JournalTextRefusal {
  return new JournalTextRefusal('malformed', line, problem);
}
