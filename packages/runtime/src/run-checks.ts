import type { Check } from './engine/run-check.ts';
import type { ReplayReport } from './engine/replay-run.ts';
import type { RunId } from './journal/ids.ts';
import type { JournalStore } from './ports/journal-store.ts';
import { Replayer } from './replayer.ts';
import { warnByNode } from './guard/process-guard.ts';
import type { RuntimeOptions } from './runtime-options.ts';

/** What the replay of a run at its end found: it does the same, or why not. */
export type RunCheck =
  | { readonly runId: RunId; readonly report: ReplayReport }
  /** NonDeterminismError, or RuntimeError STALLED: the code does not do again what it did. */
  | { readonly runId: RunId; readonly error: Error };

/**
 * Replays each run at its end, without effects: code that does not do the same twice is found where it is made.
 *
 * Owns a replayer, with an engine and a clock of its own, so that runs and their time do not notice. Talks to whoever
 * wants to know.
 */
export class RunChecks {
  readonly #replayer: Replayer;
  readonly #tell: (check: RunCheck) => void;
  readonly #open = new Set<Promise<void>>();

  constructor(store: JournalStore, options: RuntimeOptions) {
    const { limits, pools, stallMs, strict } = options;
    this.#replayer = new Replayer(store, {
      ...(limits === undefined ? {} : { limits }),
      ...(pools === undefined ? {} : { pools }),
      ...(stallMs === undefined ? {} : { stallMs }),
      ...(strict === undefined ? {} : { strict }),
    });
    const warn = options.onWarning ?? warnByNode;
    this.#tell =
      options.onChecked ??
      ((check) => {
        if ('error' in check) warn(check.runId, `does not replay: ${check.error.message}`);
      });
  }

  readonly check: Check = (plan) => {
    const checked = this.#replayer.again(plan).then(
      (report) => this.#tell({ runId: plan.runId, report }),
      (error: unknown) =>
        this.#tell({
          runId: plan.runId,
          error: error instanceof Error ? error : new TypeError(String(error)),
        }),
    );
    // What a listener throws is its own affair.
    const done = checked.catch((error: unknown) => warnByNode(plan.runId, String(error)));
    this.#open.add(done);
    return done.finally(() => this.#open.delete(done));
  };

  /** Once all that are under way are over. */
  async close(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open);
    await this.#replayer.close();
  }
}
