import type { Recorded } from '../journal/event.ts';
import type { RunId } from '../journal/ids.ts';
import type { JournalStore } from '../ports/journal-store.ts';
import type { RunBirth, Telemetry, TelemetrySink, ToldRun } from '../ports/telemetry.ts';
import type { RunDriver } from './run-driver.ts';
import type { RunExit } from './run-plan.ts';
import { safely } from './safely.ts';

/**
 * Tells whoever measures the runtime what its runs do; nobody makes one where nobody measures.
 *
 * Owns nothing. Talks to the sink, whose errors are not the runs'.
 */
export class RunTelemetry {
  readonly sink: TelemetrySink;
  readonly committed: (run: RunDriver, events: readonly Recorded[]) => void;
  readonly left: (run: RunDriver, exit: RunExit) => void;
  readonly wrote: () => void;

  constructor(telemetry: Telemetry, store: JournalStore, now: () => number) {
    const sink = telemetry.attach((runId) => birthOf(store, runId));
    this.sink = sink;
    this.committed = safely((run, events) => sink.committed(run.runId, events, () => told(run, store)));
    this.left = safely((run, exit) =>
      sink.left(run.runId, now(), exit.status === 'left' ? exit.error : undefined),
    );
    this.wrote = safely(() => sink.wrote());
  }
}

function told({ runId, identity, state, plan, host }: RunDriver, store: JournalStore): ToldRun {
  const { forked } = state;
  const [fork] = forked === undefined ? [] : store.read(runId, forked.seq - 1, 1);
  return {
    process: identity.process,
    parentRunId: state.parent?.parentRunId,
    forked: forked === undefined || fork === undefined ? undefined : { ...forked, at: fork.at },
    origin: plan.origin,
    doer: (key) => {
      const open = host.openCalls.get(key);
      if (open?.task !== undefined) return { name: open.task.definition.name, pool: open.task.pool };
      return open?.source === undefined ? undefined : { name: open.source.name, pool: null };
    },
  };
}

function birthOf(store: JournalStore, runId: RunId): RunBirth | undefined {
  const [first] = store.read(runId, 0, 1);
  return first?.event.type === 'RunStarted' ? { seed: first.event.seed, at: first.at } : undefined;
}
