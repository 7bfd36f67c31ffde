import type { CallKey } from '../journal/call-key.ts';
import type { GroupMode } from '../journal/event.ts';

/** Why a source, or a task whose progress was read, is given up. */
export const NOT_READ = 'the process stopped reading it';
/** Of a call that the code of a reduce's item, or of a detached branch, started and did not wait for. */
export function whyLeftBehind(mode: GroupMode, key: CallKey): string {
  return mode === 'reduce'
    ? `reduce ${key} went on without it`
    : `the branches of group ${key} ended without it`;
}

/** Why calls are cancelled when their scope closes, in words for a person. */
export function whyGivenUp(scope: CallKey, outcome: string): string {
  if (scope === '') return 'the process ended before the call was settled';
  switch (outcome) {
    case 'aborted':
      return `the signal of group ${scope} was aborted`;
    case 'timedOut':
      return `group ${scope} timed out`;
    default:
      return `group ${scope} was decided without it`;
  }
}
