import type { AppendRun } from '../../ports/journal-store.ts';

/** What a test makes go wrong. */
export interface MemoryFaults {
  /** Throwing here is a commit that failed. */
  beforeAppend?(batch: readonly AppendRun[]): void;
  /** Throwing here is a commit that happened, but whose answer got lost. */
  afterAppend?(batch: readonly AppendRun[]): void;
}
