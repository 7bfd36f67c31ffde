/**
 * An event as a row holds it. The payload is the event without its type, as plain JSON, so that
 * `payload ->> '$.key'` works in any SQLite tool.
 */
import { EVENT_VERSION } from './chain.ts';
import type { EventType, JournalEvent } from './event.ts';
import { isEventOf, isEventType, misshapenField } from './event-shape.ts';
import { assert } from './invariant.ts';

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
type Upcast = (fields: Fields) => Fields;

/** By `Type@n`, for what changed between version n and n + 1. */
const UPCASTS: ReadonlyMap<string, Upcast> = new Map();

export function storeEvent(event: JournalEvent): StoredEvent {
  const { type } = event;
  // J7: what could not be read again is not written.
  assert(isEventOf(type, event), 'J7', `a ${type} with a bad ${misshapenField(type, event)}`);
  const { type: _, ...fields } = event;
  return { type, version: EVENT_VERSION, payload: JSON.stringify(fields) };
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
  const event = upcast(type, version, parsePayload(type, payload));
  if (isEventOf(type, event)) return event;
  throw new StoredEventRefusal('malformed', `${type} has a bad ${misshapenField(type, event)}`);
}

function parsePayload(type: EventType, payload: string): unknown {
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
  return value;
}

function upcast(type: EventType, version: number, event: unknown): unknown {
  if (version === EVENT_VERSION || UPCASTS.size === 0) return event;
  let lifted = event as Fields;
  for (let from = version; from < EVENT_VERSION; from += 1) {
    lifted = UPCASTS.get(`${type}@${from}`)?.(lifted) ?? lifted;
  }
  return lifted;
}
