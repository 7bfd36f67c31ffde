import type { CallKey } from '../journal/call-key.ts';
import type { ScopeAborted, ScopeTimedOut } from '../journal/event.ts';
import { broken, unreachable } from '../journal/invariant.ts';
import type { Decision } from './decide.ts';
import type { Report } from './input.ts';
import { isFenced, type GroupCall, type RunState } from './state.ts';
import { whyGivenUp, whyLeftBehind } from './why-given-up.ts';

const NOTHING: Decision = { events: [], effects: [] };

type GroupReport = Extract<Report, { type: 'ScopeDue' | 'SignalAborted' | 'FoldReached' | 'LeftBehind' }>;

/** What the world tells of a group: of one that is fenced nothing counts any more. */
export function decideGroup(state: Readonly<RunState>, report: GroupReport): Decision {
  const { key } = report;
  const group = state.calls.get(key);
  if (group?.kind !== 'group' || isFenced(state, key)) return NOTHING;
  switch (report.type) {
    case 'ScopeDue':
      return interrupt(group, { type: 'ScopeTimedOut', key }, whyGivenUp(key, 'timedOut'));
    case 'SignalAborted':
      return interrupt(
        group,
        { type: 'ScopeAborted', key, reason: report.reason },
        whyGivenUp(key, 'aborted'),
      );
    case 'FoldReached':
      return fold(group, report);
    case 'LeftBehind':
      return giveUpLeft(group, key);
    default:
      return unreachable(report);
  }
}

/** An open group is decided by it when it is delivered; of a decided one that gives up what goes on. */
function interrupt({ phase }: GroupCall, fact: ScopeAborted | ScopeTimedOut, reason: string): Decision {
  if (phase.status === 'open') return { events: [fact], effects: [] };
  if (phase.fencedBy !== null) return NOTHING;
  const { key } = fact;
  return {
    events: [fact],
    effects: [
      { type: 'ClearTimers', key },
      { type: 'CancelWithin', scope: key, reason },
    ],
  };
}

/** The items of an open reduce are fenced by nothing that is recorded, the branches of a decided group by an abort of it. */
function giveUpLeft(group: GroupCall, key: CallKey): Decision {
  const reason = whyLeftBehind(group.mode, key);
  if (group.phase.status === 'closed') return interrupt(group, { type: 'ScopeAborted', key, reason }, reason);
  return { events: [], effects: [{ type: 'GiveUpWithin', scope: key, reason }] };
}

function fold(
  { phase, folded, unsettled }: GroupCall,
  { key, n, state, source }: Extract<GroupReport, { type: 'FoldReached' }>,
): Decision {
  // It is asked for once more at the head of a replay.
  if (phase.status === 'closed' || n <= (folded?.n ?? 0)) return NOTHING;
  if (unsettled !== 0) broken('J8', `at mark ${n} of ${key} ${unsettled} calls are open`);
  return { events: [{ type: 'Folded', key, n, state, source }], effects: [] };
}
