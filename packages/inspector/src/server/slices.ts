/** Reading what may be long: a slice at a time, so that others are answered in between. */
import type { JournalReader, Recorded, RunId, Seq } from '@pawl/runtime';
import { RuntimeError } from '@pawl/runtime/errors';

const SLICE = 500;

/** What is read by the slice, and until when. */
export interface Unhurried {
  readonly reader: JournalReader;
  /** Aborted before the reader is closed. */
  readonly closing: AbortSignal;
}

/**
 * Events behind `afterSeq`, the oldest first; `most` of them. A slice is read while it is looked at: large events are not
 * held. @throws RuntimeError STOPPED once the server is to end
 */
export async function* slicesOf(
  { reader, closing }: Unhurried,
  id: RunId,
  most: number,
  afterSeq: Seq = 0,
): AsyncGenerator<Iterable<Recorded>, void, void> {
  const all = reader.events(id, afterSeq);
  let left = most;
  function* slice(): Generator<Recorded, void, void> {
    for (let n = 0; n < SLICE && left > 0; n += 1) {
      const { value, done = false } = all.next();
      left = done ? 0 : left - 1;
      if (value !== undefined) yield value;
    }
  }
  while (left > 0) {
    const events = slice();
    yield events;
    // What nobody read of it is passed over.
    for (const _ of events);
    await new Promise((resolve) => setImmediate(resolve));
    if (closing.aborted)
      throw new RuntimeError('STOPPED', 'The server of this page is stopping.', {
        hint: 'Open it again: pawl ui',
      });
  }
}
