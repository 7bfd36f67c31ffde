import type { RunState } from './state.ts';

/** Whether nothing of a run can go on before somebody outside answers. */
export function awaitsPeople({ pending, calls }: Readonly<RunState>): boolean {
  for (const key of pending) {
    const call = calls.get(key);
    if (call?.kind !== 'wait' && (call?.kind !== 'task' || call.phase !== 'asked')) return false;
  }
  return pending.size > 0;
}
