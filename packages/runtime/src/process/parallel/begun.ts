/** Which branches of a group had begun when it was decided: where they have to wait for that, it shows in nothing that they do. */
import { scopeOf } from '../../journal/call-key.ts';
import type { GroupCall } from '../../kernel/state.ts';
import { IDLE, type Branch, type BranchPaths } from './branch.ts';
import type { GroupHost } from './group-host.ts';

/** Below the journal's head, of a group whose decision is recorded. */
export interface Begun {
  /** False: it had not. */
  mayBegin(index: number): boolean;
  /** It had, whatever it asks for. */
  isCertain(index: number): boolean;
  /** They begin by themselves before the decision: unless they stand in another order, or the bound was another one meanwhile. */
  readonly isExact: boolean;
  /** Those that had and have not by now. */
  missing(branches: readonly Branch[]): readonly number[];
}

type Journal = Pick<GroupHost, 'live' | 'recordedGroup'>;

/**
 * As it is recorded, undefined where it is not. They begin in order; named ones may stand in another order by now, and
 * then those that have calls are among them for certain.
 */
export function recordedBegun(journal: Journal, paths: BranchPaths): Begun | undefined {
  const group = closedGroup(journal, paths);
  const begun = group?.phase.decided.begun;
  if (group === undefined || begun === undefined) return undefined;
  if (!paths.isNamed) {
    const most = Math.min(begun, paths.width);
    const mayBegin = (index: number): boolean => index < most;
    return {
      mayBegin,
      isExact: group.concurrency === group.openedConcurrency,
      isCertain: mayBegin,
      missing: (branches) => missingBelow(most, branches),
    };
  }
  const known = withCalls(group, paths);
  const chosen = new Set(known);
  for (let index = 0; index < paths.width && chosen.size < begun; index += 1) chosen.add(index);
  return {
    mayBegin: (index) => chosen.has(index),
    isExact: false,
    isCertain: (index) => known.has(index) || chosen.size === paths.width,
    missing: (branches) => [...chosen].filter((index) => branches[index] === IDLE),
  };
}

/**
 * The same of a journal that does not say, as far as it can be known: who has calls in it, and who stands before those.
 * Where the decision gave all of them up, these begin by themselves.
 */
export function likelyBegun(journal: Journal, paths: BranchPaths): Begun | undefined {
  const group = closedGroup(journal, paths);
  if (group === undefined || group.phase.fencedBy !== null) return undefined;
  const known = withCalls(group, paths);
  const last = Math.max(-1, ...known);
  return {
    mayBegin: () => true,
    isExact: false,
    isCertain: (index) => known.has(index),
    missing: (branches) =>
      paths.isNamed
        ? [...known].filter((index) => branches[index] === IDLE)
        : missingBelow(last + 1, branches),
  };
}

type ClosedGroup = GroupCall & { readonly phase: Extract<GroupCall['phase'], { status: 'closed' }> };

function closedGroup(journal: Journal, { key }: BranchPaths): ClosedGroup | undefined {
  const group = journal.live ? undefined : journal.recordedGroup(key);
  return group?.phase.status === 'closed' ? (group as ClosedGroup) : undefined;
}

/** They begin in order: where the last one has, all have. */
function missingBelow(count: number, branches: readonly Branch[]): readonly number[] {
  if (count === 0 || branches[count - 1] !== IDLE) return [];
  return [...branches.keys()].filter((index) => index < count && branches[index] === IDLE);
}

function withCalls(group: GroupCall, paths: BranchPaths): ReadonlySet<number> {
  const scopes = new Set(group.inside.map(scopeOf));
  const indexes = new Set<number>();
  for (let index = 0; index < paths.width; index += 1) if (scopes.has(paths.of(index))) indexes.add(index);
  return indexes;
}
