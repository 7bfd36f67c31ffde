import type { OpenGroup } from './parallel/group-host.ts';

/**
 * Groups of the replay that may run with another concurrency than the code has by now.
 *
 * Owns which of them were not looked at. At the head the code's own concurrency counts. It wakes thunks
 * like an outcome does, so each change has a turn of its own, here as in the replay of it.
 */
export class Retuning {
  #untuned: OpenGroup[] = [];

  begin(groups: readonly OpenGroup[]): void {
    this.#untuned = [...groups];
  }

  get isOver(): boolean {
    return this.#untuned.length === 0;
  }

  /** The next group whose concurrency has to change. */
  next(): OpenGroup | undefined {
    for (;;) {
      const group = this.#untuned.shift();
      if (group === undefined) return undefined;
      const isFenced = group.scope.fence !== undefined;
      if (group.isOpen && !isFenced && group.concurrency !== group.wantedConcurrency) return group;
    }
  }
}

/** Unlimited is null in the journal: JSON has no Infinity. */
export function finite(concurrency: number): number | null {
  return concurrency === Infinity ? null : concurrency;
}
