/** Which branches of a group had begun when it was decided: where they have to wait for that, it shows in nothing that they do. */
import { scopeOf } from '../../journal/call-key.ts';
import type { GroupCall } from '../../kernel/state.ts';
import type { BranchPaths } from './branch.ts';
import type { GroupHost } from './group-host.ts';

/** Tells it of a branch, by its index. */
export type Begun = (index: number) => boolean;

type Journal = Pick<GroupHost, 'live' | 'recordedGroup'>;

/**
 * Below the journal's head, as it is recorded; undefined where it is not. They begin in order; named ones may stand in
 * another order by now, and then those that have calls are among them for certain.
 */
export function recordedBegun(journal: Journal, paths: BranchPaths): Begun | undefined {
  const group = journal.live ? undefined : journal.recordedGroup(paths.key);
  if (group?.phase.status !== 'closed') return undefined;
  const { begun } = group.phase.decided;
  if (begun === undefined) return undefined;
  if (!paths.isNamed) return (index) => index < begun;
  const chosen = new Set(withCalls(group, paths));
  for (let index = 0; index < paths.width && chosen.size < begun; index += 1) chosen.add(index);
  return (index) => chosen.has(index);
}

/** The same of a journal that does not say: who has calls in it, and who stands before those. */
export function likelyBegun(journal: Journal, paths: BranchPaths): Begun | undefined {
  const group = journal.live ? undefined : journal.recordedGroup(paths.key);
  if (group === undefined) return undefined;
  const known = withCalls(group, paths);
  const chosen = new Set(known);
  const last = known.at(-1) ?? -1;
  return (index) => (paths.isNamed ? chosen.has(index) : index <= last);
}

function withCalls(group: GroupCall, paths: BranchPaths): readonly number[] {
  const scopes = new Set(group.inside.map(scopeOf));
  return Array.from({ length: paths.width }, (_, index) => index).filter((index) =>
    scopes.has(paths.of(index)),
  );
}
