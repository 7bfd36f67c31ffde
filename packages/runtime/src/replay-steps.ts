/** Stepping through a recorded run with code: where does the process stand when the journal has come so far? */
import type { CallKey } from './journal/call-key.ts';
import type { Recorded } from './journal/event.ts';
import type { RunId, Seq } from './journal/ids.ts';
import { assert } from './journal/invariant.ts';
import type { JournalStore } from './ports/journal-store.ts';
import { RuntimeError } from './errors.ts';
import type { Engine } from './engine/engine.ts';
import type { AskedAtHead } from './engine/head-look.ts';
import { ReplayPace, type Said } from './engine/replay-pace.ts';
import { RunDriver } from './engine/run-driver.ts';
import type { RunExit, RunPlan } from './engine/run-plan.ts';
import { callSite } from './process/call-site.ts';
import { eventsOf } from './run-events.ts';
import { addOpenCall, createOpenCalls, type LeafNode } from './views/open-calls.ts';

/** A call that is not settled yet. */
export interface OpenReplayCall {
  readonly node: LeafNode;
  /** file:line:column where the process made it; null where it has not come back to it. */
  readonly where: string | null;
}

/** Where a replay stands. */
export interface ReplayStop {
  /** The last event that was delivered, or passed; undefined before the first. */
  readonly recorded: Recorded | undefined;
  /** Of the last event that there is. */
  readonly lastSeq: Seq;
  /** 'end' and 'head' as in a report of a replay: it goes no further. */
  readonly reached: 'seq' | 'head' | 'end';
  /** What the process asks for at the head that is not recorded. */
  readonly asks: AskedAtHead | null;
  /** In the order of the journal. */
  readonly open: readonly OpenReplayCall[];
  /** What the process waits for outside `ctx`, where it can be seen. */
  readonly outside: { readonly type: string; readonly where: string | null } | null;
  /** What it logged since the last stop. */
  readonly logs: readonly Said[];
}

/**
 * A replay that goes as far as it is told: no task runs, nothing is written.
 *
 * Owns a run of the engine that only compares. Talks to the store for the events up to where it stands.
 */
export class ReplaySteps {
  readonly runId: RunId;
  readonly lastSeq: Seq;
  readonly #store: JournalStore;
  readonly #engine: Engine;
  readonly #driver: RunDriver;
  readonly #pace: ReplayPace;
  readonly #open = createOpenCalls();
  readonly #events: Generator<Recorded, void, void>;
  #recorded: Recorded | undefined;
  #exit: RunExit | undefined;
  #isUnderWay = false;

  constructor(engine: Engine, store: JournalStore, plan: RunPlan) {
    this.runId = plan.runId;
    this.lastSeq = plan.state.seq;
    this.#store = store;
    this.#engine = engine;
    this.#pace = new ReplayPace();
    this.#driver = new RunDriver(engine, { ...plan, replayOnly: true, notesCalls: true, pace: this.#pace });
    const { host } = this.#driver;
    host.admission.places = new Map();
    host.quiet = false;
    void this.#driver.exit.then((exit) => (this.#exit = exit));
    this.#events = eventsOf(store, plan.runId);
  }

  /**
   * Lets the code run until it has all that is recorded up to `seq`, and stands. Past the last event it looks what the
   * process asks for next, and ends. It never goes back.
   * @throws NonDeterminismError, RuntimeError STALLED, CORRUPT, BUSY; USAGE while it is under way
   */
  async advance(seq: Seq): Promise<ReplayStop> {
    if (this.#isUnderWay) throw new RuntimeError('USAGE', 'This replay is under way already.');
    this.#isUnderWay = true;
    try {
      if (this.#exit === undefined) await this.#goTo(seq);
    } finally {
      this.#isUnderWay = false;
    }
    if (this.#exit?.status === 'left') throw this.#exit.error;
    this.#fold(this.#exit === undefined ? seq : this.lastSeq);
    return this.#stop();
  }

  async #goTo(seq: Seq): Promise<void> {
    const arrived = this.#pace.goTo(seq);
    if (!this.#engine.replays.has(this.#driver)) this.#engine.add(this.#driver);
    this.#engine.loop.wake(this.#driver);
    await Promise.race([arrived, this.#driver.exit]);
    // An end that came with it is known one turn later.
    await Promise.resolve();
  }

  #fold(seq: Seq): void {
    while ((this.#recorded?.seq ?? 0) < Math.min(seq, this.lastSeq)) {
      const { value, done } = this.#events.next();
      if (done === true) return;
      assert(value !== undefined, 'J1', 'what was replayed is in the journal');
      addOpenCall(this.#open, value);
      this.#recorded = value;
    }
  }

  #stop(): ReplayStop {
    const { host } = this.#driver;
    const places = host.admission.places ?? new Map<CallKey, { readonly stack?: string }>();
    const open = [...this.#open.byKey].map(([key, { node }]): OpenReplayCall => {
      return { node, where: callSite(places.get(key)?.stack) ?? null };
    });
    // Of what is settled nobody asks where it was made.
    for (const key of places.keys()) if (!this.#open.byKey.has(key) && this.#isPast(key)) places.delete(key);
    const wait = host.foreign.current;
    const exit = this.#exit?.status === 'replayed' ? this.#exit : undefined;
    return {
      recorded: this.#recorded,
      lastSeq: this.lastSeq,
      reached: exit?.reached ?? 'seq',
      asks: exit?.asks ?? null,
      open,
      outside: wait === undefined ? null : { type: wait.type, where: wait.where ?? null },
      logs: this.#pace.takeLogs(),
    };
  }

  #isPast(key: CallKey): boolean {
    const call = this.#driver.state.calls.get(key);
    return call !== undefined && call.seq <= (this.#recorded?.seq ?? 0);
  }

  /** Gives it up where it stands. */
  close(): void {
    this.#driver.stop();
    this.#events.return();
  }

  /** Events of the run, for who looks for a place to stop. */
  events(): Generator<Recorded, void, void> {
    return eventsOf(this.#store, this.runId);
  }
}
