/**
 * An event as a row holds it. The payload is the event without its type and without what is as it is by
 * default, as plain JSON, so that `payload ->> '$.key'` works in any SQLite tool.
 */
import { EVENT_VERSION } from './chain.ts';
import type { Encoded, EventType, JournalEvent, TaskScheduled } from './event.ts';
import { addDefaults, defaultsOf, isPlainInputHash, PLAIN_POLICY, policyText } from './event-defaults.ts';
import { fieldsOf, isEventType, type Check } from './event-shape.ts';
import { plainInputHash } from './input-hash.ts';
import { broken, unreachable } from './invariant.ts';
import type { PayloadParts } from './sealed-payload.ts';
import { openPart, valueFieldsOf } from './value-fields.ts';

export interface StoredEvent {
  readonly type: string;
  readonly version: number;
  /** JSON text of an object. */
  readonly payload: string;
}

/** A row that this program cannot read: `newer` than it, or not what any program can have written. */
export class StoredEventRefusal extends Error {
  override readonly name = 'StoredEventRefusal';
  readonly kind: 'newer' | 'malformed';

  constructor(kind: 'newer' | 'malformed', message: string) {
    super(message);
    this.kind = kind;
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** Lifts the fields of an event from version n to n + 1. Rows are never rewritten. */
type Upcast = (fields: Fields) => Record<string, unknown>;

/** By `Type@n`, for what changed between version n and n + 1. */
const UPCASTS: ReadonlyMap<string, Upcast> = new Map();

export function storeEvent(event: JournalEvent): StoredEvent {
  const { type } = event;
  return { type, version: EVENT_VERSION, payload: plainPayload(event) ?? payloadOf(type, event) };
}

/**
 * The payload of a step that has nothing of its own but its key, its task and its values: three events a task, as one
 * text each, in half the time. Undefined for whatever `payloadOf` has to look at.
 */
function plainPayload(event: JournalEvent): string | undefined {
  switch (event.type) {
    case 'TaskScheduled': {
      const { key, task, version, inputHash, args, pool, policy } = event;
      const isPlain = version === null && pool === null && args !== undefined && policyText(policy) === '';
      return isPlain && isText(key) && isText(task) && isPlainInputHash(inputHash, args)
        ? JSON.stringify({ key, task, args })
        : undefined;
    }
    case 'AttemptStarted':
      return event.attempt === 1 && event.remote === undefined && isText(event.key)
        ? JSON.stringify({ key: event.key })
        : undefined;
    case 'TaskSucceeded': {
      const { key, output, by, worker, fromSeq } = event;
      const isPlain = by === 'attempt' && worker === undefined && fromSeq === undefined;
      return isPlain && output !== undefined && isText(key) ? JSON.stringify({ key, output }) : undefined;
    }
    default:
      return undefined;
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

/** The same payload in two texts: its structure, and its values. */
export function storeParts(event: JournalEvent): PayloadParts {
  const { type } = event;
  let open = '';
  let closed = '';
  const fields = event as unknown as Fields;
  for (const writer of writersOf(type)) {
    const { name, label, isValue } = writer;
    const json = jsonOf(event, writer);
    if (json === undefined) continue;
    if (isValue) closed += closed === '' ? label + json : `,${label}${json}`;
    const part = isValue ? JSON.stringify(openPart(type, name, fields[name])) : json;
    if (part !== undefined) open += open === '' ? label + part : `,${label}${part}`;
  }
  return { open, closed };
}

/** What writes the fields of one type. */
interface Writer {
  readonly name: string;
  /** `"name":` */
  readonly label: string;
  readonly check: Check;
  readonly byDefault: unknown;
  /** It is what users and their code said. */
  readonly isValue: boolean;
}

const writers = new Map<EventType, readonly Writer[]>();

function writersOf(type: EventType): readonly Writer[] {
  let known = writers.get(type);
  if (known === undefined) {
    const defaults = defaultsOf(type);
    const values = valueFieldsOf(type);
    known = fieldsOf(type).map(({ name, check }) => ({
      name,
      label: `${JSON.stringify(name)}:`,
      check,
      byDefault: defaults.get(name),
      isValue: values.has(name),
    }));
    writers.set(type, known);
  }
  return known;
}

/** Written piece by piece: a third of the time of a copy without the defaults that is then turned into text. */
function payloadOf(type: EventType, event: JournalEvent): string {
  let text = '';
  for (const writer of writersOf(type)) {
    const json = jsonOf(event, writer);
    if (json !== undefined) text += text === '' ? writer.label + json : `,${writer.label}${json}`;
  }
  return `{${text}}`;
}

/** Undefined for what is left out. */
function jsonOf(event: JournalEvent, { name, check, byDefault }: Writer): string | undefined {
  const value = (event as unknown as Fields)[name];
  // J7: what could not be read again is not written.
  if (!check(value)) broken('J7', `a ${event.type} with a bad ${name}`);
  if (value === byDefault) return undefined;
  return event.type === 'TaskScheduled' ? textOf(event, name, value) : JSON.stringify(value);
}

function textOf(event: TaskScheduled, name: string, value: unknown): string | undefined {
  if (name === 'policy') return policyText(event.policy) || undefined;
  if (name === 'inputHash' && isPlainInputHash(event.inputHash, event.args)) return undefined;
  return JSON.stringify(value);
}

/** @throws StoredEventRefusal before anything is folded. */
export function parseEvent(stored: StoredEvent): JournalEvent {
  const { type, version, payload } = stored;
  if (version > EVENT_VERSION) {
    throw new StoredEventRefusal(
      'newer',
      `${type} has version ${version}; this program reads up to ${EVENT_VERSION}`,
    );
  }
  if (!isEventType(type)) throw new StoredEventRefusal('newer', `event type '${type}' is unknown`);
  const plain = version === EVENT_VERSION ? plainEvent(type, payload) : undefined;
  if (plain !== undefined) return plain;
  const fields = upcast(type, version, parsePayload(type, payload));
  addDefaults(type, fields);
  for (const { name, check } of fieldsOf(type))
    if (!check(fields[name])) throw new StoredEventRefusal('malformed', `${type} has a bad ${name}`);
  // Every field was checked.
  return fields as unknown as JournalEvent;
}

/**
 * The event of a row that `plainPayload` wrote, with its fields in the order of one that was just decided: whatever
 * looks at both sees one shape. Undefined for any other row, which is looked at field by field.
 */
function plainEvent(type: EventType, payload: string): JournalEvent | undefined {
  if (type !== 'TaskScheduled' && type !== 'AttemptStarted' && type !== 'TaskSucceeded') return undefined;
  const fields = objectIn(payload);
  if (fields === undefined || typeof fields.key !== 'string') return undefined;
  const { key, task, args, output } = fields;
  const names = Object.keys(fields).length;
  switch (type) {
    case 'TaskScheduled': {
      if (names !== 3 || typeof task !== 'string' || args === undefined) return undefined;
      const inputHash = plainInputHash(args);
      return inputHash === undefined
        ? undefined
        : { type, key, task, version: null, inputHash, args, pool: null, policy: PLAIN_POLICY };
    }
    case 'AttemptStarted':
      return names === 1 ? { type, key, attempt: 1 } : undefined;
    case 'TaskSucceeded':
      return names === 2 && output !== undefined ? { type, key, output, by: 'attempt' } : undefined;
    default:
      return unreachable(type);
  }
}

interface PlainFields {
  readonly key?: unknown;
  readonly task?: unknown;
  readonly args?: Encoded;
  readonly output?: Encoded;
}

function objectIn(payload: string): PlainFields | undefined {
  if (!payload.startsWith('{')) return undefined;
  try {
    return JSON.parse(payload) as PlainFields;
  } catch {
    return undefined;
  }
}

function parsePayload(type: EventType, payload: string): Record<string, unknown> {
  let value: unknown;
  try {
    // Parsed as one text with the type in front: half the time of parsing and then copying.
    value = JSON.parse(payload === '{}' ? `{"type":"${type}"}` : `{"type":"${type}",${payload.slice(1)}`);
  } catch {
    throw new StoredEventRefusal('malformed', `${type} holds no JSON object`);
  }
  const isOurs =
    payload.startsWith('{') &&
    typeof value === 'object' &&
    value !== null &&
    'type' in value &&
    value.type === type;
  if (!isOurs) throw new StoredEventRefusal('malformed', `${type} holds no JSON object`);
  const fields = value as Record<string, unknown>;
  // One string for all: parsed ones are each compared letter by letter, wherever the type decides.
  fields['type'] = type;
  return fields;
}

function upcast(type: EventType, version: number, event: Record<string, unknown>): Record<string, unknown> {
  if (version === EVENT_VERSION || UPCASTS.size === 0) return event;
  let lifted = event;
  for (let from = version; from < EVENT_VERSION; from += 1) {
    lifted = UPCASTS.get(`${type}@${from}`)?.(lifted) ?? lifted;
  }
  return lifted;
}
