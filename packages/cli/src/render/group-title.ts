import type { GroupNode } from '@pawl/runtime';

/** `map ×12`, or `stream` where nobody knows yet how many there will be. */
export function groupTitle({ mode, width }: GroupNode): string {
  return width === null ? mode : `${mode} ×${width}`;
}

/** `3 of 12`, or `3` of those that a stream or a reduce has begun. */
export function groupCount({ width, quietBranches, folded }: GroupNode): string {
  return width === null ? String(quietBranches + folded) : `${quietBranches} of ${width}`;
}
