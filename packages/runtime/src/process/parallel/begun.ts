/** Which branches of a group had begun when it was decided: where they have to wait for that, it shows in nothing that they do. */
import { scopeOf } from '../../journal/call-key.ts';
import type { GroupCall } from '../../kernel/state.ts';
import { IDLE, type Branch, type BranchPaths } from './branch.ts';
import type { GroupHost } from './group-host.ts';

type Journal = Pick<GroupHost, 'live' | 'recordedGroup' | 'digest'>;

/** Tells one order of names from another. */
export function orderOf(
  journal: Pick<GroupHost, 'digest'>,
  names: readonly string[] | undefined,
): string | undefined {
  return names && journal.digest(JSON.stringify(names)).slice(0, 16);
}

/**
 * Below the journal's head: who had begun when a group was decided.
 *
 * Owns who of them has not begun here so far. Talks to nobody.
 */
export class Begun {
  /** It is recorded, and not inferred. */
  readonly isKnown: boolean;
  readonly #has: (index: number) => boolean;
  /** Those that may not have begun so far, the first at its end. */
  readonly #left: number[];

  private constructor(indexes: readonly number[], has: (index: number) => boolean, isKnown: boolean) {
    this.#left = indexes.toReversed();
    this.#has = has;
    this.isKnown = isKnown;
  }

  /** As it is recorded of branches that begin in this order; undefined where that is not. */
  static recorded(journal: Journal, paths: BranchPaths): Begun | undefined {
    const decided = closedGroup(journal, paths)?.phase.decided;
    if (decided?.begun === undefined || decided.order !== orderOf(journal, paths.names)) return undefined;
    const count = Math.min(decided.begun, paths.width);
    return new Begun([...Array.from({ length: count }).keys()], (index) => index < count, true);
  }

  /**
   * As far as it can be known: who has calls in it, and in a group without names who stood before those. Where the
   * decision gave all of them up, these begin by themselves.
   */
  static likely(journal: Journal, paths: BranchPaths): Begun | undefined {
    const group = closedGroup(journal, paths);
    if (group === undefined || group.phase.fencedBy !== null) return undefined;
    const scopes = new Set(group.inside.map(scopeOf));
    const all = [...Array.from({ length: paths.width }).keys()];
    const known = new Set(all.filter((index) => scopes.has(paths.of(index))));
    const last = paths.names === undefined ? all.findLastIndex((index) => known.has(index)) : -1;
    const indexes = all.filter((index) => index <= last || known.has(index));
    return new Begun(indexes, (index) => index <= last || known.has(index), false);
  }

  has(index: number): boolean {
    return this.#has(index);
  }

  /** The next that has not begun here; it is asked for often, and branches mostly begin in order. */
  next(branches: readonly Branch[]): number | undefined {
    for (;;) {
      const index = this.#left.at(-1);
      if (index === undefined || branches[index] === IDLE) return index;
      this.#left.pop();
    }
  }
}

type ClosedGroup = GroupCall & { readonly phase: Extract<GroupCall['phase'], { status: 'closed' }> };

function closedGroup(journal: Journal, { key }: BranchPaths): ClosedGroup | undefined {
  const group = journal.live ? undefined : journal.recordedGroup(key);
  return group?.phase.status === 'closed' ? (group as ClosedGroup) : undefined;
}
