/** Which calls of a place are shown, and what stands for the others. */
import type { BranchNode, CallNode, CallStatus } from '@pawl/runtime';

type LeftOut = NonNullable<CallNode['leftOut']>;

/** A call, or a branch that has several; and what stood before it and is not in the tree any more. */
export type Entry = { readonly leftOut: LeftOut | undefined } & (
  | { readonly kind: 'call'; readonly call: CallNode; readonly name: string | undefined }
  | { readonly kind: 'branch'; readonly branch: BranchNode }
);

export interface Gap {
  readonly kind: 'gap';
  readonly entries: readonly Entry[];
  /** Others that are not in the tree any more. */
  readonly leftOut: LeftOut;
}

export type Part = Entry | Gap;

/**
 * At most `limit` entries in their order; gaps say what is left out.
 * @param withDone false: only those that are not plainly done
 */
export function selectEntries(entries: readonly Entry[], limit: number, withDone: boolean): Part[] {
  // A gap takes a line as well: leaving out one or two would save nothing.
  if (entries.length <= limit + 2) return [...entries];
  const kept = keptOf(entries, limit, withDone);
  const parts: Part[] = [];
  let gap: Entry[] = [];
  let leftOut: LeftOut = { succeeded: 0, cancelled: 0, failed: 0 };
  const closeGap = (): void => {
    const { succeeded, cancelled, failed } = leftOut;
    if (gap.length + succeeded + cancelled + failed > 0) parts.push({ kind: 'gap', entries: gap, leftOut });
    gap = [];
    leftOut = { succeeded: 0, cancelled: 0, failed: 0 };
  };
  for (const [index, entry] of entries.entries()) {
    leftOut.succeeded += entry.leftOut?.succeeded ?? 0;
    leftOut.cancelled += entry.leftOut?.cancelled ?? 0;
    leftOut.failed += entry.leftOut?.failed ?? 0;
    if (kept.has(index)) {
      closeGap();
      parts.push(entry);
    } else {
      gap.push(entry);
    }
  }
  closeGap();
  return parts;
}

function keptOf(entries: readonly Entry[], limit: number, withDone: boolean): ReadonlySet<number> {
  const kept = new Set<number>();
  const notDone = (entry: Entry): boolean =>
    !['succeeded', 'cancelled', 'queued'].includes(statusOfEntry(entry));
  for (const [index, entry] of entries.entries()) {
    if (kept.size < limit && notDone(entry)) kept.add(index);
  }
  const room = withDone ? limit : 0;
  for (let low = 0, high = entries.length - 1; kept.size < room && low <= high; low += 1, high -= 1) {
    kept.add(low);
    if (kept.size < room) kept.add(high);
  }
  return kept;
}

export function statusOfEntry(entry: Entry): CallStatus {
  return entry.kind === 'call' ? entry.call.status : branchStatus(entry.branch);
}

/** As its last call, while nothing in it is under way. */
export function branchStatus(branch: BranchNode): CallStatus {
  if (branch.openCalls > 0) return 'running';
  return branch.calls.at(-1)?.status ?? 'queued';
}
