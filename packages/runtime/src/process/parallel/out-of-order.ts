import { ROOT_SCOPE, scopeOf, type CallKey, type ScopePath } from '../../journal/call-key.ts';
import type { Scope } from '../scope.ts';
import type { Begun } from './begun.ts';
import { indexOf, type Branch } from './branch.ts';
import type { GroupHost, OpenGroup } from './group-host.ts';

/** A named branch that was not invoked, and that a recorded call lies in. */
export interface IdleBranch {
  readonly group: OpenGroup;
  readonly path: ScopePath;
}

/**
 * The branch that a recorded call waits for, where named branches stand in another order by now: within a
 * bound others were invoked before it.
 */
export function idleBranchOf(groups: ReadonlyMap<CallKey, OpenGroup>, key: CallKey): IdleBranch | undefined {
  for (let path = scopeOf(key); path !== ROOT_SCOPE; path = scopeOf(scopeOf(path))) {
    const group = groups.get(scopeOf(path));
    if (group !== undefined) return group.isIdle(path) ? { group, path } : undefined;
  }
  return undefined;
}

/**
 * Branches of one group that were invoked where the journal has others before them.
 *
 * Owns which of them gave up their slots. Asks the host where the journal has what they wait for.
 * Invariant: one that has a recorded call, or has settled, is parked no longer.
 */
export class ParkedBranches {
  readonly #host: Pick<GroupHost, 'placeOf'>;
  #scopes: Scope[] = [];

  constructor(host: Pick<GroupHost, 'placeOf'>) {
    this.#host = host;
  }

  get all(): readonly Scope[] {
    if (this.#scopes.length > 0)
      this.#scopes = this.#scopes.filter(
        (scope) => scope.issued === 0 && scope.isParked && !scope.isFinished,
      );
    return this.#scopes;
  }

  get count(): number {
    return this.all.length;
  }

  /** Takes the slot of the branch that the journal needs last, if it needs it at all. */
  park(branches: readonly Branch[]): void {
    let last: { readonly scope: Scope; readonly place: number } | undefined;
    for (const branch of branches) {
      if (branch.status !== 'running' || branch.scope.issued > 0 || branch.scope.isParked) continue;
      const place = this.#host.placeOf(branch.scope);
      if (last === undefined || place > last.place) last = { scope: branch.scope, place };
    }
    if (last === undefined) return;
    last.scope.isParked = true;
    this.#scopes.push(last.scope);
  }

  /** The group was decided while some have no slot: those that count as not begun, since what they ask for is new. */
  unbegun(branches: readonly Branch[], begun: Begun | undefined): readonly Scope[] {
    return this.all.filter(
      (scope) =>
        begun?.has(indexOf(branches, scope)) !== true &&
        scope.waiting.length > 0 &&
        this.#host.placeOf(scope) === Infinity,
    );
  }

  next(): Scope | undefined {
    return this.#scopes.shift();
  }
}
