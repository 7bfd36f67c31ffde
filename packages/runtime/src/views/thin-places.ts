/**
 * Calls that nobody would see leave a tree that is bounded: of each place its first and last ones stay, those that
 * are not done, and the first that failed. The rest is counted by the one that follows it.
 *
 * 1. What `pawl show` selects of a place is the same with and without it.
 */
import type { BranchNode, CallNode, CallStatus, GroupNode } from './call-node.ts';
import { goesOn } from './given-up.ts';
import type { RunTree } from './run-tree.ts';

/** How many that stood before an entry are gone. */
export type LeftOut = Record<'succeeded' | 'cancelled' | 'failed', number>;

type Entry = CallNode | BranchNode;
/** Where entries stand beside each other: the root, a branch, or the branches of a group. */
type Place = Entry[];

/** Fewer are not worth a look. */
const LEAST = 64;

/**
 * Call it whenever an entry of the place settled: a look costs as much as there is, so it comes as seldom.
 * @param last the branch of it that settled, which may go on in the next moment
 */
export function thinPlace(tree: RunTree, place: Place, group?: GroupNode, last?: BranchNode): void {
  if (tree.most === Infinity) return;
  const settled = (tree.settled.get(place) ?? 0) + 1;
  tree.settled.set(place, settled);
  if (settled < Math.max(LEAST, place.length / 2, tree.most * 2)) return;
  tree.settled.set(place, 0);
  thin(tree, place, group, last);
}

function thin(tree: RunTree, place: Place, group: GroupNode | undefined, last: BranchNode | undefined): void {
  const { most } = tree;
  const kept: Place = [];
  let failed = 0;
  let gone: LeftOut | undefined;
  for (const [index, entry] of place.entries()) {
    const status = statusOf(entry);
    if (status === 'failed') failed += 1;
    const isSeen = index < most || index >= place.length - most || (status === 'failed' && failed <= most);
    if (isSeen || entry === last || !isEnded(status) || !isOver(entry)) {
      if (gone !== undefined) entry.leftOut = sum(entry.leftOut, gone);
      gone = undefined;
      kept.push(entry);
      continue;
    }
    gone = sum(gone, entry.leftOut);
    gone[status] += 1;
    forget(tree, entry, group);
  }
  place.splice(0, place.length, ...kept);
}

function sum(a: LeftOut | undefined, b: LeftOut | undefined): LeftOut {
  const of = (status: keyof LeftOut): number => (a?.[status] ?? 0) + (b?.[status] ?? 0);
  return { succeeded: of('succeeded'), cancelled: of('cancelled'), failed: of('failed') };
}

function statusOf(entry: Entry): CallStatus {
  if (entry.kind !== 'branch') return entry.status;
  return entry.openCalls > 0 ? 'running' : (entry.calls.at(-1)?.status ?? 'queued');
}

function isEnded(status: CallStatus): status is keyof LeftOut {
  return status === 'succeeded' || status === 'cancelled' || status === 'failed';
}

/** Nothing that comes can be about it, or about what is within it. */
function isOver(entry: Entry): boolean {
  if (entry.kind === 'branch') return entry.calls.every(isOver);
  if (entry.endedAt === null) return false;
  return entry.kind !== 'group' || (!goesOn(entry) && entry.branches.every(isOver));
}

function forget(tree: RunTree, entry: Entry, group: GroupNode | undefined): void {
  if (entry.kind !== 'branch') {
    tree.byKey.delete(entry.key);
    if (entry.kind === 'group') for (const branch of entry.branches) forget(tree, branch, undefined);
    return;
  }
  tree.branches.delete(entry.path);
  for (const call of entry.calls) forget(tree, call, undefined);
  // Of a group that is open a branch may go on, where it waited for another one.
  if (group !== undefined && group.endedAt === null) (group.leftPaths ??= new Set()).add(entry.path);
}

/** A branch that was left out goes on: it is counted no more. False where it is a new one. */
export function takeBack(group: GroupNode, { path }: BranchNode): boolean {
  if (group.leftPaths?.delete(path) !== true) return false;
  for (const { leftOut } of group.branches) {
    if (leftOut === undefined || leftOut.succeeded === 0) continue;
    leftOut.succeeded -= 1;
    break;
  }
  return true;
}
