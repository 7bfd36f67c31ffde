/**
 * A journal as text, for fixtures, diffs and the way to another machine: a line that says what it is,
 * then one event a line, always the same text for the same journal.
 *
 *     {"chain":"9f2c…","events":2,"format":1,"journal":"pawl","run":"run_1"}
 *     {"at":1767225600000,"seq":1,"type":"RunStarted","version":1,"payload":{"codeHash":null,…}}
 *     {"at":1767225600005,"seq":2,"type":"RunSucceeded","version":1,"payload":{"output":{"b":1,"a":2}}}
 *
 * Where a mark made events useless and they were removed, a `Compacted` says how many places it stands for. `chain` is
 * the checksum of the last row, which all others are in; a text that was made without it can be read and not be verified.
 * `redacted` says that values were taken out. An export of several runs is such a text after the other (copies/).
 *
 * The fields of an event are sorted. What is in them is written in the order in which it was recorded:
 * code that goes on from the journal can see the order of an object's keys.
 */
import type { Recorded } from './event.ts';
import { isRunId, type Millis, type RunId, type Seq } from './ids.ts';
import { parseEvent, storeEvent, StoredEventRefusal, type StoredEvent } from './stored-event.ts';

/** Version of the text itself; events have their own. */
export const TEXT_FORMAT = 1;

/** What V8 shows before the place where it stopped, where it shows no more. */
const CONTEXT_CHARS = 10;

/** An event as it was stored: reading and writing it does not lift its version. */
export interface JournalRow extends StoredEvent {
  readonly seq: Seq;
  readonly at: Millis;
}

export interface JournalText {
  readonly runId: RunId;
  readonly rows: readonly JournalRow[];
}

/** The first line. */
export interface TextHead {
  readonly runId: RunId;
  readonly events: number;
  /** Hexadecimal; undefined where the text does not say it. */
  readonly chain: string | undefined;
  readonly isRedacted: boolean;
}

/** A text that is no journal, or one of a newer program. */
export class JournalTextRefusal extends Error {
  override readonly name = 'JournalTextRefusal';
  readonly kind: 'newer' | 'malformed';
  /** From 1. */
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;

  constructor(kind: 'newer' | 'malformed', line: number, problem: string, column = 1) {
    super(`line ${line}, column ${column}: ${problem}`);
    this.kind = kind;
    this.line = line;
    this.column = column;
  }
}

export function rowOf({ seq, at, event }: Recorded): JournalRow {
  return { seq, at, ...storeEvent(event) };
}

/** @throws JournalTextRefusal for an event that this program does not know */
export function recordedOf(row: JournalRow): Recorded {
  return known(row, row.seq + 1, '');
}

function known(row: JournalRow, line: number, text: string): Recorded {
  const { seq, at } = row;
  try {
    return { seq, at, event: parseEvent(row) };
  } catch (refusal) {
    if (!(refusal instanceof StoredEventRefusal)) throw refusal;
    // Its message ends in the name of the field.
    const field = / has a bad (\w+)$/.exec(refusal.message)?.[1] ?? 'type';
    throw new JournalTextRefusal(refusal.kind, line, refusal.message, columnOf(text, field));
  }
}

export function headLine({ runId, events, chain, isRedacted }: TextHead): string {
  return JSON.stringify({
    ...(chain === undefined ? {} : { chain }),
    events,
    format: TEXT_FORMAT,
    journal: 'pawl',
    ...(isRedacted ? { redacted: true } : {}),
    run: runId,
  });
}

export function rowLine({ seq, at, type, version, payload }: JournalRow): string {
  return JSON.stringify({ at, seq, type, version, payload: sorted(parse(payload, seq + 1)) });
}

export function toText({ runId, rows }: JournalText): string {
  const head = headLine({ runId, events: rows.length, chain: undefined, isRedacted: false });
  return `${[head, ...rows.map(rowLine)].join('\n')}\n`;
}

/** Of one run. @throws JournalTextRefusal */
export function fromText(text: string): JournalText {
  const lines = text.split('\n');
  if (lines.pop() !== '') throw cutOff(lines.length + 1);
  const { runId, events } = readHead(lines[0] ?? '', 1);
  let seq = 0;
  const rows = lines.slice(1).map((line, i) => {
    const { row } = readRow(line, i + 2, seq);
    ({ seq } = row);
    return row;
  });
  if (rows.length !== events) throw otherCount(1, events, rows.length);
  return { runId, rows };
}

export function cutOff(line: number): JournalTextRefusal {
  return malformed(line, 'the last line does not end: the text is cut off');
}

/** @param line of the head that announced them */
export function otherCount(line: number, announced: number, found: number): JournalTextRefusal {
  return malformed(line, `it announces ${announced} events, and ${found} follow`);
}

/** Whether a line is the first of a run; of the rest nothing is known by it. */
export function isHead(line: string): boolean {
  return /^\{"(chain|events|format|journal)":/.test(line);
}

/** @throws JournalTextRefusal */
export function readHead(text: string, line: number): TextHead {
  const { journal, format, run, events, chain, redacted } = parse(text, line);
  if (journal !== 'pawl' || !isCount(format)) throw malformed(line, 'this is no journal of Pawl');
  if (format > TEXT_FORMAT) {
    const problem = `format ${format}; this program reads up to ${TEXT_FORMAT}`;
    throw new JournalTextRefusal('newer', line, problem, columnOf(text, 'format'));
  }
  if (typeof run !== 'string' || !isRunId(run))
    throw malformed(line, 'it names no run', columnOf(text, 'run'));
  if (!isCount(events))
    throw malformed(line, 'it does not say how many events follow', columnOf(text, 'events'));
  if (chain !== undefined && !(typeof chain === 'string' && /^[0-9a-f]{32}$/.test(chain)))
    throw malformed(line, 'its checksum is none', columnOf(text, 'chain'));
  return { runId: run, events, chain, isRedacted: redacted === true };
}

/** @param after seq of the event before it @throws JournalTextRefusal */
export function readRow(
  text: string,
  line: number,
  after: Seq,
): { readonly row: JournalRow; readonly recorded: Recorded } {
  const { at, seq, type, version, payload } = parse(text, line);
  if (typeof at !== 'number' || typeof type !== 'string' || !isCount(version) || !isObject(payload))
    throw malformed(line, 'it is no event');
  // J1: one that stands for removed events says how many places it takes.
  const { count } = payload;
  const expected = after + (type === 'Compacted' && isCount(count) ? count : 1);
  if (seq !== expected)
    throw malformed(line, `event ${String(seq)} is where ${expected} should be`, columnOf(text, 'seq'));
  const row = { seq: expected, at, type, version, payload: JSON.stringify(payload) };
  return { row, recorded: known(row, line, text) };
}

function sorted(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function parse(text: string, line: number): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw malformed(line, 'it is no JSON', positionIn(text, String(error)) + 1);
  }
  if (!isObject(value)) throw malformed(line, 'it is no JSON object');
  return value;
}

/** Where V8 stopped: it says the place, or what is around it, or that the text ended. */
function positionIn(text: string, message: string): number {
  const position = /at position (\d+)/.exec(message)?.[1];
  if (position !== undefined) return Number(position);
  const around = /^SyntaxError: Unexpected token '(.+?)', (\.\.\.)?"(.*)"(?:\.\.\.)? is not/su.exec(message);
  const [, token = '', cut, context = ''] = around ?? [];
  const start = text.indexOf(context);
  if (around === null || start === -1) return text.length;
  return cut === undefined ? text.indexOf(token, start) : start + CONTEXT_CHARS;
}

/** Where a field begins, 1 where it is not in the line. */
function columnOf(text: string, field: string): number {
  return text.indexOf(`"${field}":`) + 1 || 1;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function malformed(line: number, problem: string, column = 1): JournalTextRefusal {
  return new JournalTextRefusal('malformed', line, problem, column);
}
