import type { CallKey } from '../journal/call-key.ts';
import type { Encoded } from '../journal/event.ts';
import type { RunForked } from '../journal/fork-event.ts';
import type { RunId, Seq } from '../journal/ids.ts';
import { fingerprintOf } from '../kernel/fingerprint.ts';
import type { Report } from '../kernel/input.ts';
import type { RunState } from '../kernel/state.ts';
import type { JournalStore } from '../ports/journal-store.ts';

const PAGE = 500;

/** A fork takes what its parent would have taken, and so on upwards. */
const MOST_GENERATIONS = 100;

/** A result that another run recorded. */
interface Found {
  readonly runId: RunId;
  readonly key: CallKey;
  readonly seq: Seq;
}

/**
 * Results that the calls of a fork come to without being done: those that were given for it, and those that its
 * parent recorded behind the place where it begins, or would have taken itself.
 *
 * Owns where in these journals they are, looked for when the first call asks. Talks to the store.
 */
export class RunReuse {
  readonly #store: Pick<JournalStore, 'read'>;
  readonly #run: { readonly runId: RunId; readonly state: Readonly<RunState> };
  #forked: RunForked | null | undefined;
  /** By task, version and input, in the order of the parent's journal. */
  #found: ReadonlyMap<string, Found[]> | undefined;

  constructor(
    store: Pick<JournalStore, 'read'>,
    run: { readonly runId: RunId; readonly state: Readonly<RunState> },
  ) {
    this.#store = store;
    this.#run = run;
  }

  /** It is recorded, and not committed: calls ask at once. */
  begun(forked: RunForked): void {
    this.#forked = forked;
  }

  /** What settles a call without an attempt; undefined where it is to be done. */
  ask(key: CallKey): Extract<Report, { type: 'OutcomeResolved' }> | undefined {
    const { state } = this.#run;
    if (state.forked === undefined) return undefined;
    const call = state.calls.get(key);
    if (call?.kind !== 'task' || call.phase !== 'scheduled') return undefined;
    const forked = (this.#forked ??= this.#read(state.forked.seq));
    if (forked === null) return undefined;
    const given = forked.given?.find((result) => result.key === key);
    if (given !== undefined)
      return { type: 'OutcomeResolved', key, by: 'given', answer: { status: 'done', output: given.output } };
    if (forked.reuses !== true) return undefined;
    this.#found ??= this.#look(forked);
    return this.#reused(key, forked, this.#found.get(call.fingerprint));
  }

  #reused(
    key: CallKey,
    { parentRunId }: RunForked,
    found: Found[] | undefined,
  ): Extract<Report, { type: 'OutcomeResolved' }> | undefined {
    if (found === undefined) return undefined;
    // The same call first; else each in its order, and the last for all that come after.
    const own = found.findIndex((each) => each.key === key);
    const at = own === -1 ? 0 : own;
    const taken = found[at];
    if (taken === undefined) return undefined;
    if (found.length > 1) found.splice(at, 1);
    const output = this.#output(taken);
    if (output === undefined) return undefined;
    // A place in the parent's journal; what is from further up has none there.
    const place = taken.runId === parentRunId ? { fromSeq: taken.seq } : {};
    const answer = { status: 'done', output, ...place } as const;
    return { type: 'OutcomeResolved', key, by: 'reused', answer };
  }

  #read(seq: Seq): RunForked | null {
    const event = this.#store.read(this.#run.runId, seq - 1, 1)[0]?.event;
    return event?.type === 'RunForked' ? event : null;
  }

  #output({ runId, seq }: Found): Encoded | undefined {
    const event = this.#store.read(runId, seq - 1, 1)[0]?.event;
    return event?.type === 'TaskSucceeded' ? event.output : undefined;
  }

  #look(forked: RunForked): ReadonlyMap<string, Found[]> {
    const found = new Map<string, Found[]>();
    let next: RunForked | undefined = forked;
    for (let i = 0; next?.reuses === true && i < MOST_GENERATIONS; i += 1) {
      this.#lookIn(next, found);
      next = this.#forkOf(next.parentRunId);
    }
    return found;
  }

  /** What a run that is a fork began with: the last such event that it has. */
  #forkOf(runId: RunId): RunForked | undefined {
    let forked: RunForked | undefined;
    for (let page = this.#store.read(runId, 0, PAGE); page.length > 0;) {
      for (const { event } of page) if (event.type === 'RunForked') forked = event;
      page = this.#store.read(runId, page.at(-1)?.seq ?? 0, PAGE);
    }
    return forked;
  }

  #lookIn({ parentRunId, parentSeq }: RunForked, found: Map<string, Found[]>): void {
    const asked = new Map<CallKey, string | null>();
    for (let seq = parentSeq, page = this.#store.read(parentRunId, seq, PAGE); page.length > 0;) {
      for (const { seq: place, event } of page) {
        // The call that the fork begins at is to be made anew.
        if (event.type === 'TaskScheduled')
          asked.set(event.key, parentSeq > 0 && place === parentSeq + 1 ? null : fingerprintOf(event));
        // What somebody else does is asked of them again.
        if (event.type === 'TaskOffered') asked.set(event.key, null);
        if (event.type === 'TaskFailed' || event.type === 'TaskCancelled') asked.delete(event.key);
        if (event.type !== 'TaskSucceeded') continue;
        // What was under way where the fork begins is asked for in what both share.
        const own = asked.get(event.key);
        const fingerprint = own === undefined ? this.#run.state.calls.get(event.key)?.fingerprint : own;
        asked.delete(event.key);
        if (fingerprint === undefined || fingerprint === null) continue;
        const { key } = event;
        const all = found.get(fingerprint) ?? [];
        // The latest generation that has a call has the say.
        if (all.some((each) => each.key === key && each.runId !== parentRunId)) continue;
        all.push({ runId: parentRunId, key, seq: place });
        found.set(fingerprint, all);
      }
      seq = page.at(-1)?.seq ?? seq;
      page = this.#store.read(parentRunId, seq, PAGE);
    }
  }
}
