import { namedKey, ordinalKey, type CallKey, type ScopePath } from '../../journal/call-key.ts';
import type { Scope } from '../scope.ts';

/** How a branch settled. */
export type Outcome =
  | { readonly status: 'fulfilled'; readonly value: unknown }
  | { readonly status: 'rejected'; readonly reason: unknown };

/** Where one branch of a group stands. */
export type Branch =
  | { readonly status: 'idle' }
  | { readonly status: 'running'; readonly scope: Scope }
  | Outcome;

export const IDLE: Branch = { status: 'idle' };

/** Where the calls of each branch of a group lie. */
export class BranchPaths {
  readonly key: CallKey;
  readonly width: number;
  readonly names: readonly string[] | undefined;

  /** @param names given by the code, one per branch; undefined = by position */
  constructor(key: CallKey, width: number, names: readonly string[] | undefined) {
    this.key = key;
    this.width = width;
    this.names = names;
  }

  of(index: number): ScopePath {
    const name = this.names?.[index];
    return name === undefined ? ordinalKey(this.key, index) : namedKey(this.key, name);
  }
}

/** Of the running branch with this scope. */
export function indexOf(branches: readonly Branch[], scope: Scope): number {
  return branches.findIndex((branch) => branch.status === 'running' && branch.scope === scope);
}

/**
 * Invokes the thunk of a branch; a synchronous throw is a rejection.
 * @param of which branch it is: so that a group need not make functions for each of its branches
 */
export function startBranch<Of>(
  of: Of,
  run: (of: Of) => unknown,
  settled: (of: Of, outcome: Outcome) => void,
): void {
  new Promise((resolve) => {
    resolve(run(of));
  }).then(
    (value) => settled(of, { status: 'fulfilled', value }),
    (reason: unknown) => settled(of, { status: 'rejected', reason }),
  );
}

/** Adds index and key to what a branch threw, without touching an error that is frozen. */
export function withPlace(reason: unknown, index: number, key: string): unknown {
  try {
    if (!(reason instanceof Error) || !Object.isExtensible(reason)) return reason;
    if (!('index' in reason)) Object.defineProperty(reason, 'index', { value: index, configurable: true });
    if (!('key' in reason)) Object.defineProperty(reason, 'key', { value: key, configurable: true });
  } catch {
    // A proxy that refuses stays as it is.
  }
  return reason;
}
