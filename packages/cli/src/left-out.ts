import { isRunId, type RunDamage, type RunId } from '@pawl/runtime';
import { isRuntimeError, RuntimeError } from '@pawl/runtime/errors';

import type { JournalPlace } from './journal-place.ts';
import { shellWords } from './render/next-commands.ts';

/** Of which one is named, and how many there are. */
const MOST_DAMAGED = 100;

/** Damaged runs that a command goes on without. They are told behind the others. */
export class LeftOut {
  readonly #damaged = new Map<RunId, RunDamage>();

  readonly add = (damage: RunDamage): void => {
    if (this.#damaged.size < MOST_DAMAGED) this.#damaged.set(damage.runId, damage);
  };

  /** @throws RuntimeError CORRUPT where there are some */
  tell({ flags }: JournalPlace): void {
    const damaged = [...this.#damaged.values()];
    const [first] = damaged;
    if (first === undefined) return;
    const { runId, seq, problem } = first;
    const only = damaged.length === 1 && isRunId(runId) ? [runId] : [];
    const count = damaged.length < MOST_DAMAGED ? String(damaged.length - 1) : 'many';
    const others = damaged.length > 1 ? ` (and ${count} more)` : '';
    const what = seq === 0 ? 'row' : `event ${seq}`;
    throw new RuntimeError(
      'CORRUPT',
      `Run ${runId} is left out${others}, since its ${what} is damaged: ${problem}.`,
      { hint: shellWords('pawl', 'verify', ...only, ...flags), data: { leftOut: damaged } },
    );
  }
}

/** What is made of a run; nothing where it is damaged and may be left out. */
export function unlessDamaged<T>(leftOut: LeftOut['add'] | undefined, make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (leftOut === undefined || !isRuntimeError(error) || error.code !== 'CORRUPT') throw error;
    const { runId, seq, problem } = error.data;
    if (typeof runId !== 'string' || typeof seq !== 'number' || typeof problem !== 'string') throw error;
    leftOut({ runId, seq, problem });
    return undefined;
  }
}
