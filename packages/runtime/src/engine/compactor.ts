import type { CallKey } from '../journal/call-key.ts';
import type { MarkReach } from '../journal/compaction.ts';
import type { Recorded } from '../journal/event.ts';
import type { Seq } from '../journal/ids.ts';
import type { Engine } from './engine.ts';
import type { RunPlan } from './run-plan.ts';

/** Rows looked at in one transaction: some 20 ms, in which nothing else of the program goes on. */
const SLICE_ROWS = 10_000;

/**
 * Has rows removed that committed marks made useless, where they are many.
 *
 * Owns how far that is done. Talks to the store by `compact`, a slice after a commit. What is not done
 * when the run is left is done when it goes on: nothing depends on it but the size of the journal.
 */
export class Compactor {
  readonly #engine: Engine;
  readonly #plan: RunPlan;
  /** By reduce, the mark up to which nothing useless is left. */
  readonly #doneSeq = new Map<CallKey, Seq>();
  /** By reduce, the stretch that is under way: its latest mark, and where the next slice ends. */
  readonly #open = new Map<
    CallKey,
    { readonly markSeq: Seq; readonly beforeSeq: Seq; readonly source: MarkReach['source'] }
  >();

  constructor(engine: Engine, plan: RunPlan) {
    this.#engine = engine;
    this.#plan = plan;
  }

  /** These events are committed. */
  committed(events: readonly Recorded[]): void {
    for (const { seq, event } of events) {
      if (event.type === 'ScopeClosed' && !this.#open.has(event.key)) this.#doneSeq.delete(event.key);
      if (event.type !== 'Folded') continue;
      const { key, n } = event;
      const fromSeq = this.#fromSeq(key);
      if (fromSeq === undefined || seq - fromSeq < this.#engine.options.limits.compactRows) continue;
      const { source: last } = event;
      const source = last === null ? null : { key: last.key, seq: last.seq, items: n, attempt: last.attempt };
      this.#open.set(key, { markSeq: seq, beforeSeq: seq, source });
    }
  }

  #fromSeq(key: CallKey): Seq | undefined {
    const opened = this.#plan.state.calls.get(key)?.seq;
    return opened === undefined ? undefined : (this.#doneSeq.get(key) ?? opened + 1);
  }

  #forget(key: CallKey): void {
    this.#doneSeq.delete(key);
    this.#open.delete(key);
  }

  /** One slice. @returns false when the run is another's by now */
  work(): boolean {
    const [next] = this.#open;
    if (next === undefined) return true;
    const [key, { markSeq, beforeSeq, source }] = next;
    const fromSeq = this.#fromSeq(key);
    // A mark of a reduce around it stands for all of it.
    if (fromSeq === undefined) {
      this.#forget(key);
      return true;
    }
    const { runId, epoch } = this.#plan;
    const slice = { runId, epoch, key, source, fromSeq, beforeSeq, limit: SLICE_ROWS };
    const answer = this.#engine.options.store.compact(slice, this.#engine.claim);
    if (answer.status === 'fenced') return false;
    if (answer.beforeSeq > fromSeq) {
      this.#open.set(key, { markSeq, beforeSeq: answer.beforeSeq, source });
      return true;
    }
    this.#forget(key);
    const reduce = this.#plan.state.calls.get(key);
    // Items that were not folded at the mark are useless behind the next one.
    if (reduce?.kind === 'group' && reduce.phase.status === 'open')
      this.#doneSeq.set(key, source === null ? markSeq : source.seq + 1);
    return true;
  }
}
