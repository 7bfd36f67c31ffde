import type { Folded, SourceStand } from '../journal/fold-event.ts';
import type { GroupNode, TaskNode } from './call-node.ts';
import type { RunTree } from './run-tree.ts';

/** What lies before a mark leaves the tree, which stays small however many items there are; `counts` keep it. */
export function foldBranches(tree: RunTree, event: Folded): void {
  const group = tree.byKey.get(event.key);
  if (group?.kind !== 'group') return;
  group.folded = event.n;
  group.quietBranches = 0;
  forgetBranches(tree, group);
}

/** What a source told before was removed. */
export function standSource(tree: RunTree, { key, items, attempt }: SourceStand): void {
  const node = tree.byKey.get(key);
  if (node?.kind !== 'source') return;
  node.items = items;
  node.attempts = attempt;
  node.status = 'running';
  node.retryAt = null;
}

function forgetBranches(tree: RunTree, group: GroupNode): void {
  for (const branch of group.branches) {
    tree.branches.delete(branch.path);
    for (const call of branch.calls) {
      if (call.kind === 'group') forgetBranches(tree, call);
      tree.byKey.delete(call.key);
      if (call.kind === 'task') forgetTask(tree, call);
    }
  }
  group.branches.length = 0;
}

/** One that is open here has its end in removed rows: the row that stands for them takes it from the cancelled. */
function forgetTask(tree: RunTree, task: TaskNode): void {
  if (task.endedAt !== null) return;
  tree.active.delete(task.key);
  tree.counts[task.status] -= 1;
  tree.counts.cancelled += 1;
}
