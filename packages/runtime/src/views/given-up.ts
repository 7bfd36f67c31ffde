import type { ScopeClosed } from '../journal/event.ts';
import type { CallNode, GroupNode } from './call-node.ts';

/** Whether a decision came from outside the group: its signal, or its time. */
export function isInterruption(outcome: ScopeClosed['outcome'] | undefined): boolean {
  return outcome === 'aborted' || outcome === 'timedOut';
}

/** The branches of a group go on behind its decision. */
export function goesOn({ losers, outcome }: GroupNode): boolean {
  return losers !== 'cancel' && !isInterruption(outcome);
}

/**
 * Groups that are given up with what holds them, and so have no decision of their own; inner ones first.
 * @param all also what was detached
 */
export function* givenUpWithin(calls: readonly CallNode[], all: boolean): Generator<GroupNode> {
  for (const call of calls) {
    if (call.kind !== 'group') continue;
    const isOpen = call.endedAt === null;
    if (isOpen || (goesOn(call) && (all || call.losers !== 'detach')))
      yield* givenUpWithin(callsOf(call), all);
    if (isOpen) yield call;
  }
}

export function callsOf({ branches }: GroupNode): readonly CallNode[] {
  return branches.flatMap((branch) => branch.calls);
}
