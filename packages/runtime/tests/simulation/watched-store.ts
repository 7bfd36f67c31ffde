import type { AppendRun, LeaseClaim } from '../../src/ports/journal-store.ts';
import { MemoryStore } from '../../src/testing.ts';

/** An append as the world sees it, before and after the store has made it. */
export interface SeenAppend {
  readonly when: 'before' | 'after';
  readonly owner: string;
  readonly batch: readonly AppendRun[];
  readonly committed: boolean;
}

/** A store in which the world sees each append. What throws there is a crash at just that place. */
export class WatchedStore extends MemoryStore {
  onAppend: (seen: SeenAppend) => void = () => undefined;

  override append(batch: readonly AppendRun[], claim: LeaseClaim): readonly ('committed' | 'fenced')[] {
    const { owner } = claim;
    this.onAppend({ when: 'before', owner, batch, committed: false });
    const answers = super.append(batch, claim);
    this.onAppend({ when: 'after', owner, batch, committed: answers[0] === 'committed' });
    return answers;
  }
}

/** The program is gone: whoever catches it is not there any more. */
export class Crash extends Error {
  override readonly name = 'Crash';
}
