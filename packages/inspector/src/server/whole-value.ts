/** A value as a whole, where what was sent of it was cut. */
import type { Encoded, JournalEvent, RunId } from '@pawl/runtime';

import { slicesOf, type Unhurried } from './slices.ts';

/** What somebody is asked with has names of its own: the input of an external task is something else. */
export const PARTS = ['input', 'output', 'context', 'description'] as const;
export type Part = (typeof PARTS)[number];

/** Events that can follow the end of a run: answers that came too late. Where there are more, all is read. */
const MOST_LATE = 64;

/** Of a call, or of the run where the key is empty; undefined where there is none. @throws RuntimeError STOPPED */
export async function wholeValue(
  reading: Unhurried,
  id: RunId,
  key: string,
  part: Part,
): Promise<Encoded | undefined> {
  if (key !== '') return await find(reading, id, (event) => valueOfCall(event, key, part), 0);
  const { lastSeq } = reading.reader.get(id);
  const valueIn = (event: JournalEvent): Encoded | undefined => valueOfRun(event, part);
  const near =
    part === 'output' ? await find(reading, id, valueIn, Math.max(0, lastSeq - MOST_LATE)) : undefined;
  return near === undefined ? await findLast(reading, id, valueIn) : near;
}

/** A call begins and settles once. */
async function find(
  reading: Unhurried,
  id: RunId,
  valueIn: (event: JournalEvent) => Encoded | undefined,
  after: number,
): Promise<Encoded | undefined> {
  for await (const slice of slicesOf(reading, id, Infinity, after))
    for (const { event } of slice) {
      const value = valueIn(event);
      if (value !== undefined) return value;
    }
  return undefined;
}

/** Behind a fork the input may be another one. */
async function findLast(
  reading: Unhurried,
  id: RunId,
  valueIn: (event: JournalEvent) => Encoded | undefined,
): Promise<Encoded | undefined> {
  let found: Encoded | undefined;
  for await (const slice of slicesOf(reading, id, Infinity))
    for (const { event } of slice) {
      const value = valueIn(event);
      if (value !== undefined) found = value;
    }
  return found;
}

function valueOfRun(event: JournalEvent, part: Part): Encoded | undefined {
  if (part === 'output') return event.type === 'RunSucceeded' ? event.output : undefined;
  if (part !== 'input') return undefined;
  if (event.type === 'RunStarted') return event.inputs;
  return event.type === 'RunForked' ? event.inputs?.value : undefined;
}

function valueOfCall(event: JournalEvent, key: string, part: Part): Encoded | undefined {
  if (!('key' in event) || event.key !== key) return undefined;
  switch (event.type) {
    case 'TaskScheduled':
      return part === 'input' ? event.args : undefined;
    case 'TaskOffered':
      return part === 'description' ? event.description : part === 'input' ? event.args : undefined;
    case 'SignalAwaited':
      return part === 'input' || part === 'context' ? event.data : undefined;
    case 'BreakpointOpened':
      return part === 'context' ? event.context : undefined;
    case 'TaskSucceeded':
      return part === 'output' ? event.output : undefined;
    case 'SignalReceived':
      return part === 'output' ? event.payload : undefined;
    case 'ChildFinished':
      return part === 'output' && event.outcome.status === 'succeeded' ? event.outcome.output : undefined;
    default:
      return undefined;
  }
}
