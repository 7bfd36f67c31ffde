import type { CallKey, ScopePath } from '../journal/call-key.ts';
import type { GroupMode } from '../journal/event.ts';

/** Why a source, or a task whose progress was read, is given up. */
export const NOT_READ = 'the process stopped reading it';
/** Of a call that code in a scope, or of a reduce's item, started and did not wait for. */
export function whyLeftBehind(mode: GroupMode | 'group', scope: ScopePath): string {
  return `${mode} ${scope} went on without it`;
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
