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

/** Events behind `afterSeq`, the oldest first; `most` of them. @throws RuntimeError STOPPED once the server is to end */
export async function* slicesOf(
  { reader, closing }: Unhurried,
  id: RunId,
  most: number,
  afterSeq: Seq = 0,
): AsyncGenerator<readonly Recorded[], void, void> {
  let after = afterSeq;
  for (let left = most; left > 0;) {
    const slice = [...reader.events(id, after).take(Math.min(SLICE, left))];
    const last = slice.at(-1);
    if (last !== undefined) yield slice;
    if (last === undefined || slice.length < SLICE) return;
    after = last.seq;
    left -= slice.length;
    await new Promise((resolve) => setImmediate(resolve));
    if (closing.aborted)
      throw new RuntimeError('STOPPED', 'The server of this page is stopping.', {
        hint: 'Open it again: pawl ui',
      });
  }
}
