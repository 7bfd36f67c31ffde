import type { Settled } from '@pawl/sdk';
import { inWords } from '../../journal/in-words.ts';
import { unreachable } from '../../journal/invariant.ts';
import type { Decided } from '../../kernel/state.ts';
import { IDLE, withPlace, type Branch } from './branch.ts';
import type { CombinatorMode } from './decision.ts';

/** What a decided group knows of itself. */
export interface DecidedGroup {
  readonly mode: CombinatorMode;
  readonly names: readonly string[] | undefined;
  readonly branches: readonly Branch[];
  /** Indexes of those that have settled, in that order. */
  readonly settleOrder: readonly number[];
  readonly preserveOrder: boolean;
  readonly decided: Decided;
  /** Why those that have not settled were given up. */
  readonly interrupted: Error;
}

export type GroupResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: unknown };

/** What the promise of a group settles with. */
export function groupResult(group: DecidedGroup): GroupResult {
  const { mode, decided, interrupted } = group;
  switch (mode) {
    case 'allSettled':
    case 'mapSettled':
      return { ok: true, value: entriesInOrder(group) };
    case 'forkJoinSettled':
      return { ok: true, value: record(entriesInOrder(group).map((entry) => [entry.key, entry])) };
    default:
  }
  if (decided.outcome === 'aborted' || decided.outcome === 'timedOut')
    return { ok: false, reason: interrupted };
  switch (mode) {
    case 'all':
    case 'map':
      return winnerOf(group) ?? { ok: true, value: group.branches.map(valueOf) };
    case 'forkJoin':
      return winnerOf(group) ?? { ok: true, value: record(group.branches.map(named(group))) };
    case 'any':
    case 'race':
      return winnerOf(group) ?? { ok: false, reason: failures(group) };
    case 'some':
      return decided.outcome === 'fulfilled'
        ? { ok: true, value: successes(group) }
        : { ok: false, reason: failures(group) };
    default:
      return unreachable(mode);
  }
}

function winnerOf({ branches, decided }: DecidedGroup): GroupResult | undefined {
  const branch = decided.winner === null ? undefined : branches[decided.winner];
  if (branch?.status === 'fulfilled') return { ok: true, value: branch.value };
  return branch?.status === 'rejected' ? { ok: false, reason: branch.reason } : undefined;
}

function valueOf(branch: Branch): unknown {
  return branch.status === 'fulfilled' ? branch.value : undefined;
}

function named({ names }: DecidedGroup): (branch: Branch, index: number) => [string, unknown] {
  return (branch, index) => [names?.[index] ?? String(index), valueOf(branch)];
}

/** A plain object with these properties as its own, `__proto__` among them. */
function record(entries: readonly (readonly [string, unknown])[]): object {
  // It defines, where an assignment to `__proto__` would change the prototype.
  return Object.fromEntries(entries);
}

function successes({ branches, settleOrder, preserveOrder }: DecidedGroup): unknown[] {
  const order = preserveOrder ? settleOrder.toSorted((a, b) => a - b) : settleOrder;
  return order.flatMap((index) => {
    const branch = branches[index];
    return branch?.status === 'fulfilled' ? [branch.value] : [];
  });
}

function failures({ mode, branches, names }: DecidedGroup): AggregateError {
  const reasons = branches.flatMap((branch, index) =>
    branch.status === 'rejected' ? [withPlace(branch.reason, index, names?.[index] ?? String(index))] : [],
  );
  const many = reasons.length === branches.length ? `all ${branches.length}` : `${reasons.length}`;
  // Nothing failed: `some` was asked for more values than it has branches.
  if (reasons.length === 0 && branches.length > 0)
    return new AggregateError(
      reasons,
      `all ${branches.length} branches of parallel.${mode} succeeded, which are fewer values than were asked for`,
    );
  return new AggregateError(
    reasons,
    branches.length === 0
      ? `parallel.${mode} of an empty list`
      : `${many} branches of parallel.${mode} failed: ${reasons.map(inWords).join('; ')}`,
  );
}

function entriesInOrder(group: DecidedGroup): Settled<unknown>[] {
  const { branches, settleOrder, preserveOrder } = group;
  const inOrder = [...branches.keys()];
  const order = preserveOrder
    ? inOrder
    : [...settleOrder, ...inOrder.filter((index) => !isSettled(branches[index]))];
  return order.map((index) => entryOf(group, index));
}

function entryOf({ branches, names, interrupted }: DecidedGroup, index: number): Settled<unknown> {
  const branch = branches[index] ?? IDLE;
  const place = { index, key: names?.[index] ?? String(index) };
  switch (branch.status) {
    case 'fulfilled':
      return { status: 'fulfilled', value: branch.value, ...place };
    case 'rejected':
      return { status: 'rejected', reason: branch.reason, ...place, started: true };
    case 'running':
    case 'idle':
      return { status: 'rejected', reason: interrupted, ...place, started: branch.status === 'running' };
    default:
      return unreachable(branch);
  }
}

function isSettled(branch: Branch | undefined): boolean {
  return branch?.status === 'fulfilled' || branch?.status === 'rejected';
}
