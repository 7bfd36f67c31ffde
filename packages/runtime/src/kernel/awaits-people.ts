import type { CallKey } from '../journal/call-key.ts';
import type { RunState } from './state.ts';

/**
 * Whether nothing of a run can go on before somebody outside answers.
 * @param rests whether that is so of a run that this one waits for, or a source has no room to go on
 */
export function awaitsPeople(
  { pending, calls }: Readonly<RunState>,
  rests: (key: CallKey) => boolean,
): boolean {
  for (const key of pending) {
    const call = calls.get(key);
    if ((call?.kind === 'child' || call?.kind === 'stream') && rests(key)) continue;
    if (call?.kind === 'wait' || call?.kind === 'breakpoint' || call?.kind === 'offer') continue;
    if (call?.kind !== 'task' || (call.phase !== 'asked' && call.hearing === undefined)) return false;
  }
  return pending.size > 0;
}
