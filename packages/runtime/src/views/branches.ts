import { isExitPath, isSourcePath, scopeOf, type ScopePath } from '../journal/call-key.ts';
import type { BranchNode } from './call-node.ts';
import type { RunTree } from './run-tree.ts';
import { takeBack } from './thin-places.ts';

/** The branch with that path; it is made by its first call. */
export function branchOf(tree: RunTree, path: ScopePath): BranchNode | undefined {
  const known = tree.branches.get(path);
  if (known !== undefined) return known;
  const group = tree.byKey.get(scopeOf(path));
  if (group?.kind !== 'group') return undefined;
  const branch: BranchNode = { kind: 'branch', path, calls: [], openCalls: 0 };
  tree.branches.set(path, branch);
  group.branches.push(branch);
  if (!takeBack(group, branch) && !isBesideWork(path)) group.quietBranches += 1;
  return branch;
}

/** A source, and exits, do none of the work that a group counts. */
function isBesideWork(path: ScopePath): boolean {
  return isSourcePath(path) || isExitPath(path);
}

export function countOpen(tree: RunTree, branch: BranchNode, change: 1 | -1): void {
  const wasQuiet = branch.openCalls === 0;
  branch.openCalls += change;
  const isQuiet = branch.openCalls === 0;
  if (wasQuiet === isQuiet || isBesideWork(branch.path)) return;
  const group = tree.byKey.get(scopeOf(branch.path));
  if (group?.kind === 'group') group.quietBranches += isQuiet ? 1 : -1;
}
