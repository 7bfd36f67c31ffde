import type { CallKey } from '../journal/call-key.ts';
import type { Decision } from './decide.ts';
import type { Command, Effect, Report } from './input.ts';
import { isFenced, type ChildCall, type RunState } from './state.ts';

/** The process asks for a run of its own: whether it can be had is found out with the store, before the commit. */
export function startChild({ type: _, ...facts }: Extract<Command, { type: 'StartChild' }>): Decision {
  return {
    events: [{ type: 'ChildStarted', ...facts }],
    effects: [{ type: 'StartChild', key: facts.key }],
  };
}

export function childEnded(
  state: Readonly<RunState>,
  { key, outcome }: Extract<Report, { type: 'ChildEnded' }>,
): Decision {
  const child = state.calls.get(key);
  // One that was given up has lost its say.
  if (child?.kind !== 'child' || !state.pending.has(key) || isFenced(state, key))
    return { events: [], effects: [] };
  return { events: [{ type: 'ChildFinished', key, outcome }], effects: [] };
}

/**
 * At the head: a child that is waited for goes on, and so does one that is not, as far as nobody drives it. One that
 * was given up is told again, since the program may have died between the two.
 */
export function childAgain(
  state: Readonly<RunState>,
  key: CallKey,
  { runId, phase, survives }: ChildCall,
): readonly Effect[] {
  if (phase === 'pending' || phase === 'detached' || (phase === 'cancelled' && survives))
    return [{ type: 'DriveChild', key }];
  return phase === 'cancelled' ? [cancelChild(state, key, runId, 'its call was given up')] : [];
}

/** Where this run is cancelled by force, so is the other. */
export function cancelChild(
  { phase }: Readonly<RunState>,
  key: CallKey,
  runId: string,
  reason: string,
): Effect {
  const isForced = phase.status === 'cancelling' && phase.isForced;
  return { type: 'CancelChild', key, runId, reason, ...(isForced ? { isForced } : {}) };
}
