import type { RunDamage, RunId } from '@pawl/runtime';

/** Damaged runs that a list goes on without. */
export type LeftOut = readonly { readonly id: RunId; readonly problem: string }[];

const MOST_DAMAGED = 100;

/** @param make is told whom to tell of each that is left out. @returns what it made, with up to 100 of these */
export function withLeftOut<T extends object>(
  make: (leftOut: (damage: RunDamage) => void) => T,
): T & { readonly leftOut: LeftOut } {
  const damaged = new Map<RunId, string>();
  const made = make(({ runId, problem }) => {
    if (damaged.size < MOST_DAMAGED) damaged.set(runId, problem);
  });
  return { ...made, leftOut: [...damaged].map(([id, problem]) => ({ id, problem })) };
}

/** For lists beside that of the runs, which names them. */
export function unnamed(): void {}
