import type { Recorded } from './journal/event.ts';
import type { RunId, Seq } from './journal/ids.ts';
import type { JournalStore } from './ports/journal-store.ts';

const PAGE = 500;

/** Events after `afterSeq`, a page at a time. */
export function* eventsOf(
  store: Pick<JournalStore, 'read'>,
  id: RunId,
  afterSeq: Seq = 0,
): Generator<Recorded, void, void> {
  for (let seq = afterSeq; ;) {
    const page = store.read(id, seq, PAGE);
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    seq = last.seq;
  }
}
