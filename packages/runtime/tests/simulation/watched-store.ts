import type { AppendRun, LeaseClaim } from '../../src/ports/journal-store.ts';
import { RuntimeError } from '../../src/errors.ts';
import { MemoryStore } from '../../src/testing.ts';

type Answer = 'committed' | 'fenced';

/** An append as the world sees it, before and after the store has made it. */
export interface SeenAppend {
  readonly when: 'before' | 'after';
  readonly owner: string;
  readonly batch: readonly AppendRun[];
  /** One a run, once it is made. */
  readonly answers: readonly Answer[];
}

/** A store in which the world sees each append. What throws there is a fault at just that place. */
export class WatchedStore extends MemoryStore {
  onAppend: (seen: SeenAppend) => void = () => undefined;

  override append(batch: readonly AppendRun[], claim: LeaseClaim): readonly Answer[] {
    const { owner } = claim;
    this.onAppend({ when: 'before', owner, batch, answers: [] });
    const answers = super.append(batch, claim);
    this.onAppend({ when: 'after', owner, batch, answers });
    return answers;
  }
}

/** The program is gone: whoever catches it is not there any more. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

/** The store cannot go on, and the program knows it. */
export function storeFailure(): RuntimeError {
  return new RuntimeError('STORAGE', 'the disk is full');
}
