import { CHAIN_START, cutDigest, EVENT_VERSION, nextChain } from '../journal/chain.ts';
import type { Recorded } from '../journal/event.ts';
import type { JournalRow } from '../journal/journal-text.ts';
import { storeEvent } from '../journal/stored-event.ts';
import { codeOf } from '../store/sqlite/event-types.ts';
import { sha256 } from '../system.ts';

/** Computes the checksums of rows that come one after the other, as a store of this program writes them. */
export class ChainWalk {
  chain: string = CHAIN_START;

  /** The row's bytes; undefined for one that stands for removed rows and is not what it was. */
  add(row: JournalRow, { seq, at, event }: Recorded): string | undefined {
    const { version } = row;
    const payload = version === EVENT_VERSION ? storeEvent(event).payload : row.payload;
    if (event.type === 'Compacted') {
      if (cutDigest(sha256, this.chain, { seq, at }, event) !== event.digest) return undefined;
      this.chain = event.chain;
    } else {
      const code = codeOf(event.type);
      this.chain = nextChain(sha256, this.chain, { seq, at, code, version }, payload);
    }
    return payload;
  }
}
