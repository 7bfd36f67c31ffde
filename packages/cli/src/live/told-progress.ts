import type { CallKey, JournalEvent, ProgressEntry, RunId, RuntimeEvent } from '@pawl/runtime';

import { shown } from '../render/value.ts';

/**
 * What tasks that run told last of how far they are.
 *
 * Owns one short text for each. Invariant: nothing is kept of a task that has ended.
 */
export class ToldProgress {
  readonly #byRun = new Map<RunId, Map<CallKey, string>>();

  of(runId: RunId): ReadonlyMap<CallKey, string> {
    return this.#textsOf(runId);
  }

  #textsOf(runId: RunId): Map<CallKey, string> {
    const texts = this.#byRun.get(runId) ?? new Map<CallKey, string>();
    this.#byRun.set(runId, texts);
    return texts;
  }

  /** Reads until the runtime closes. */
  async follow(happenings: AsyncIterable<RuntimeEvent>): Promise<void> {
    try {
      for await (const happening of happenings) {
        if (happening.type === 'progress') this.#tell(happening);
        else if (happening.type === 'event') this.#forget(happening.runId, happening.event);
      }
    } catch {
      // The journal cannot be read any more: the run's own end says why.
    }
  }

  #tell({ runId, key, value }: ProgressEntry): void {
    this.#textsOf(runId).set(key, shown(value));
  }

  #forget(runId: RunId, event: JournalEvent): void {
    switch (event.type) {
      case 'TaskSucceeded':
      case 'TaskFailed':
      case 'TaskCancelled':
      case 'AttemptFailed':
      case 'AttemptInterrupted':
        this.#byRun.get(runId)?.delete(event.key);
        return;
      case 'RunSucceeded':
      case 'RunFailed':
      case 'RunCancelled':
        this.#byRun.delete(runId);
        return;
      default:
    }
  }
}
