import type { CancelRequested, RunStarted, TerminalEvent } from '../journal/event.ts';
import type { CancelForced } from '../journal/exit-event.ts';
import type { RunForked } from '../journal/fork-event.ts';
import type { Millis } from '../journal/ids.ts';
import { broken, unreachable } from '../journal/invariant.ts';
import { applyFork } from './evolve-fork.ts';
import type { RunState } from './state.ts';

type RunEvent = RunStarted | RunForked | TerminalEvent | CancelRequested | CancelForced;

/** What is of the run as a whole. */
export function applyToRun(state: RunState, at: Millis, event: RunEvent): void {
  switch (event.type) {
    case 'RunForked':
      applyFork(state, at, event);
      return;
    case 'RunStarted': {
      const { seed, process, inputsHash, codeHash } = event;
      Object.assign(state, { seed, effectSeed: seed, process, inputsHash, codeHash });
      state.phase = { status: 'running' };
      return;
    }
    case 'RunSucceeded':
    case 'RunFailed':
    case 'RunCancelled':
    case 'RunContinued':
      if (state.pending.size !== 0) broken('J6', `${event.type} while calls are pending`);
      state.phase = { status: 'ended', by: event.type };
      return;
    case 'CancelRequested':
    case 'CancelForced':
      state.phase = {
        status: 'cancelling',
        reason: event.reason,
        isForced: event.type === 'CancelForced',
      };
      return;
    default:
      unreachable(event);
  }
}
