/** One row of each type of event, as this build stores it: what later builds must still read. */
import type { EventType, JournalEvent } from '../../journal/event.ts';
import { SAMPLE_EVENTS } from '../../journal/sample-events.fixture.ts';
import { storeEvent } from '../../journal/stored-event.ts';
import { codeOf } from './event-types.ts';

export interface Word {
  readonly code: number;
  readonly type: EventType;
  readonly version: number;
  readonly payload: string;
  /** What the row is read as. */
  readonly event: JournalEvent;
}

/** A line each, in the order of the types' numbers. */
export function vocabulary(): string {
  const words = Object.values<JournalEvent>(SAMPLE_EVENTS).map((event): Word => {
    const { version, payload } = storeEvent(event);
    return { code: codeOf(event.type), type: event.type, version, payload, event };
  });
  return words
    .toSorted((a, b) => a.code - b.code)
    .map((word) => `${JSON.stringify(word)}\n`)
    .join('');
}
