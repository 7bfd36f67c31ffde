/** What a run waits for from outside, and what came for it that the run has not taken yet. */
import { postedAnswers } from './engine/posted-answers.ts';
import { withAnswers } from './kernel/breakpoint.ts';
import type { RunId } from './journal/ids.ts';
import type { JournalStore } from './ports/journal-store.ts';
import { eventsOf } from './run-events.ts';
import { openWaits, type OpenWait } from './views/open-waits.ts';

export type { OpenWait };

/** The oldest first. */
export function runWaits(store: Pick<JournalStore, 'read' | 'takeInbox'>, runId: RunId): OpenWait[] {
  return openWaits(eventsOf(store, runId)).map((wait) => {
    const { breakpoint } = wait;
    if (breakpoint === null) return wait;
    const { counted, outcome } = withAnswers(breakpoint, postedAnswers(store, runId, wait.key));
    const posted = counted.map(({ by, approved, option, feedback }) => ({
      by,
      approved,
      option,
      feedback,
      at: null,
    }));
    const answers = [...breakpoint.answers, ...posted];
    return { ...wait, breakpoint: { ...breakpoint, answers, decided: outcome ?? null } };
  });
}
