import type * as CallKeys from '../../src/journal/call-key.ts';
import type * as Codec from '../../src/journal/codec.ts';
import type * as FoldRun from '../../src/engine/fold-run.ts';
import type * as Dispatchers from '../../src/engine/dispatcher.ts';
import type * as Replays from '../../src/engine/replay.ts';
import type * as Drivers from '../../src/engine/run-driver.ts';
import type * as Breakpoint from '../../src/kernel/breakpoint.ts';
import type * as Decide from '../../src/kernel/decide.ts';
import type * as DecideOffer from '../../src/kernel/decide-offer.ts';
import type * as DecideStream from '../../src/kernel/decide-stream.ts';
import type * as Evolve from '../../src/kernel/evolve.ts';
import type * as Resume from '../../src/kernel/resume.ts';
import type * as States from '../../src/kernel/state.ts';
import type * as Exits from '../../src/process/exits/exits.ts';
import type * as Watches from '../../src/process/settle-watch.ts';
import type * as Results from '../../src/process/parallel/results.ts';
import type * as Turns from '../../src/process/parallel/turns.ts';
import type * as Pools from '../../src/process/declared-pools.ts';
import type * as Options from '../../src/process/parallel/options.ts';
import type * as Decision from '../../src/process/parallel/decision.ts';
import type { Recorded } from '../../src/journal/event.ts';
import type * as Stores from '../../src/store/memory/memory-store.ts';

/** A known way to be wrong: one module of the product with something in it replaced. */
export interface Defect {
  readonly module: string;
  /** Of the module as it is, what is put in its place. */
  readonly plant: (original: unknown) => object;
}

function defect<Module>(module: string, plant: (original: Module) => Partial<Module>): Defect {
  // The module's type is that of its path, which each row says.
  return { module: `../../src/${module}`, plant: (original) => plant(original as Module) };
}

/** The first outcome after which another call settles that was pending already: the two change places. */
function swapOutcomes(page: readonly Recorded[]): Recorded[] {
  const events = [...page];
  for (const [i, first] of events.entries()) {
    if (first.event.type !== 'TaskSucceeded') continue;
    const begun = new Set(
      events.slice(0, i).map(({ event }) => (event.type === 'TaskScheduled' ? event.key : '')),
    );
    const j = events.findIndex(
      ({ event }, at) => at > i && event.type === 'TaskSucceeded' && begun.has(event.key),
    );
    const second = events[j];
    if (second === undefined) continue;
    return events.with(i, { ...first, event: second.event }).with(j, { ...second, event: first.event });
  }
  return events;
}

/** Every one must be found by the simulation; what each does is the name. */
export const defects: Readonly<Record<string, Defect>> = {
  'a replay delivers outcomes in another order': defect<typeof Replays>('engine/replay.ts', ({ Replay }) => ({
    Replay: class extends Replay {
      constructor(...[plan, host, options]: ConstructorParameters<typeof Replay>) {
        const { store } = options;
        const read: typeof store.read = (runId, afterSeq, limit) =>
          swapOutcomes(store.read(runId, afterSeq, limit));
        const { recorded = [] } = plan;
        super({ ...plan, recorded: swapOutcomes(recorded) }, host, {
          ...options,
          store: Object.assign(Object.create(store), { read }),
        });
      }
    },
  })),
  'the fence is dropped': defect<typeof Stores>('store/memory/memory-store.ts', ({ MemoryStore }) => ({
    MemoryStore: class extends MemoryStore {
      readonly #epochs = new Map<string, number>();

      override acquireLease(...args: Parameters<InstanceType<typeof MemoryStore>['acquireLease']>) {
        const answer = super.acquireLease(...args);
        if (answer.status === 'acquired') this.#epochs.set(args[0], answer.lease.epoch);
        return answer;
      }

      override append(...[batch, claim]: Parameters<InstanceType<typeof MemoryStore>['append']>) {
        const known = batch.map((run) => this.getRun(run.runId, claim.now));
        const asNow = batch.map((run, i) => ({
          ...run,
          epoch: this.#epochs.get(run.runId) ?? run.epoch,
          afterSeq: known[i]?.lastSeq ?? run.afterSeq,
        }));
        return super.append(asNow, { ...claim, owner: known[0]?.owner ?? claim.owner });
      }
    },
  })),
  'a commit is acknowledged before it is written': defect<typeof Stores>(
    'store/memory/memory-store.ts',
    ({ MemoryStore }) => ({
      MemoryStore: class extends MemoryStore {
        #late: Parameters<InstanceType<typeof MemoryStore>['append']> | undefined;

        override append(...[batch, claim]: Parameters<InstanceType<typeof MemoryStore>['append']>) {
          this.#write();
          const isEnd = batch.some(
            ({ events, afterSeq }) =>
              afterSeq === 0 || events.some(({ event }) => event.type.startsWith('Run')),
          );
          if (isEnd) return super.append(batch, claim);
          this.#late = [batch, claim];
          return batch.map(() => 'committed' as const);
        }

        override read(...args: Parameters<InstanceType<typeof MemoryStore>['read']>) {
          this.#write();
          return super.read(...args);
        }

        #write(): void {
          const late = this.#late;
          this.#late = undefined;
          if (late !== undefined) super.append(...late);
        }
      },
    }),
  ),
  'keys come from one counter': defect<typeof CallKeys>('journal/call-key.ts', ({ ordinalKey }) => {
    let count = 0;
    return {
      ordinalKey: (scope) => {
        count += 1;
        return ordinalKey(scope, count);
      },
    };
  }),
  'a task that has settled runs again after a crash': defect<typeof FoldRun>(
    'engine/fold-run.ts',
    ({ foldRun }) => ({
      foldRun: (store, runId) => {
        const folded = foldRun(store, runId);
        const { state } = folded;
        for (const [key, call] of [...state.calls].toReversed()) {
          if (call.kind !== 'task' || call.phase !== 'succeeded') continue;
          call.phase = 'scheduled';
          state.pending.add(key);
          break;
        }
        return folded;
      },
    }),
  ),
  'failures are forgotten in a crash': defect<typeof FoldRun>('engine/fold-run.ts', ({ foldRun }) => ({
    foldRun: (store, runId) => {
      const folded = foldRun(store, runId);
      for (const call of folded.state.calls.values()) if (call.kind === 'task') call.failures = 0;
      return folded;
    },
  })),
  'a lost attempt counts as a failure': defect<typeof Evolve>('kernel/evolve.ts', ({ evolve }) => ({
    evolve: (state, recorded) => {
      const { event } = recorded;
      const call = event.type === 'AttemptStarted' ? state.calls.get(event.key) : undefined;
      const isLost = call?.kind === 'task' && call.phase === 'running';
      evolve(state, recorded);
      if (isLost) call.failures += 1;
    },
  })),
  'the winner is not recorded': defect<typeof Decide>('kernel/decide.ts', ({ decide }) => ({
    decide: (state, input, now) =>
      input.type === 'CloseScope'
        ? decide(state, { ...input, decided: { ...input.decided, winner: null } }, now)
        : decide(state, input, now),
  })),
  'a changed concurrency is not recorded': defect<typeof Decide>('kernel/decide.ts', ({ decide }) => ({
    decide: (state, input, now) =>
      input.type === 'RetuneScope' ? { events: [], effects: [] } : decide(state, input, now),
  })),
  'losers are not fenced': defect<typeof States>('kernel/state.ts', () => ({ isFenced: () => false })),
  'losers that may go on are given up': defect<typeof States>('kernel/state.ts', () => ({
    fencesLosers: () => true,
  })),
  'a timeout behind a decision gives nobody up': defect<typeof Decide>('kernel/decide.ts', ({ decide }) => ({
    decide: (state, input, now) => {
      const decision = decide(state, input, now);
      const group = input.type === 'ScopeDue' ? state.calls.get(input.key) : undefined;
      const isDecided = group?.kind === 'group' && group.phase.status === 'closed';
      return isDecided ? { events: [], effects: [] } : decision;
    },
  })),
  'losers are not cancelled after a crash': defect<typeof Resume>('kernel/resume.ts', ({ resume }) => ({
    resume: (state, now) => {
      const { events, effects } = resume(state, now);
      return { events, effects: effects.filter(({ type }) => type !== 'CancelWithin') };
    },
  })),
  'timers are lost in a crash': defect<typeof Resume>('kernel/resume.ts', ({ resume }) => ({
    resume: (state, now) => {
      const { events, effects } = resume(state, now);
      return {
        events,
        effects: effects.filter((effect) => effect.type !== 'SetTimer' || effect.report.type !== 'TimerDue'),
      };
    },
  })),
  'a wait begins anew after a crash': defect<typeof Resume>('kernel/resume.ts', ({ resume }) => ({
    resume: (state, now) => {
      const { events, effects } = resume(state, now);
      const anew = effects.map((effect) => {
        const call = effect.type === 'SetTimer' ? state.calls.get(effect.report.key) : undefined;
        return effect.type === 'SetTimer' && call?.kind === 'timer'
          ? { ...effect, delayMs: call.durationMs }
          : effect;
      });
      return { events, effects: anew };
    },
  })),
  'undefined becomes null': defect<typeof Codec>('journal/codec.ts', ({ decode }) => ({
    decode: (encoded) => decode(encoded) ?? null,
  })),
  'two outcomes are delivered in one turn': defect<typeof Drivers>(
    'engine/run-driver.ts',
    ({ RunDriver }) => ({
      RunDriver: class extends RunDriver {
        override beginTurn(): void {
          super.beginTurn();
          super.beginTurn();
        }
      },
    }),
  ),
  'entries come in the order in which they settled': defect<typeof Options>(
    'process/parallel/options.ts',
    ({ resolveGroupOptions }) => ({
      resolveGroupOptions: (...args) => ({ ...resolveGroupOptions(...args), preserveOrder: false }),
    }),
  ),
  'all waits for everyone before it rejects': defect<typeof Decision>(
    'process/parallel/decision.ts',
    ({ decideGroup }) => ({
      decideGroup: (mode, tally, last, completion) =>
        mode === 'all' && tally.fulfilled + tally.rejected < tally.width
          ? undefined
          : decideGroup(mode, tally, last, completion),
    }),
  ),
  'what an attempt costs in a pool is not counted': defect<typeof Pools>(
    'process/declared-pools.ts',
    ({ ONE_SLOT }) => ({ costIn: () => ONE_SLOT }),
  ),
  'a full queue refuses nobody': defect<typeof Dispatchers>('engine/dispatcher.ts', ({ Dispatcher }) => ({
    Dispatcher: class extends Dispatcher {
      override enqueue(...[taker, key, asked]: Parameters<InstanceType<typeof Dispatcher>['enqueue']>) {
        return super.enqueue(taker, key, { ...asked, refusable: false });
      }
    },
  })),
  'a stream hands over what waits for an earlier one': defect<typeof Results>(
    'process/parallel/results.ts',
    ({ Results }) => ({
      Results: class extends Results {
        constructor() {
          super(false);
        }
      },
    }),
  ),
  'one of a quorum is enough': defect<typeof Breakpoint>('kernel/breakpoint.ts', ({ takeAnswer }) => ({
    takeAnswer: (state, report) => {
      const calls = new Map(state.calls);
      const call = calls.get(report.key);
      if (call?.kind === 'breakpoint' && call.quorum !== null) calls.set(report.key, { ...call, quorum: 1 });
      return takeAnswer({ ...state, calls }, report);
    },
  })),
  'work of somebody else is tried for ever': defect<typeof DecideOffer>(
    'kernel/decide-offer.ts',
    ({ decideOffer }) => ({
      decideOffer: (state, report, now) => {
        const calls = new Map(state.calls);
        const call = calls.get(report.key);
        if (call?.kind === 'offer') calls.set(report.key, { ...call, failures: 0 });
        return decideOffer({ ...state, calls }, report, now);
      },
    }),
  ),
  'a scope does not wait for the exits of those in it': defect<typeof Exits>(
    'process/exits/exits.ts',
    ({ Exits }) => ({
      Exits: class extends Exits {
        override whenDone(_: string, callback: () => void): void {
          callback();
        }
      },
    }),
  ),
  'what detached branches left behind in a scope is waited for': defect<typeof Watches>(
    'process/settle-watch.ts',
    ({ SettleWatch }) => ({
      SettleWatch: class extends SettleWatch {
        override isLeftBehind(): boolean {
          return false;
        }
      },
    }),
  ),
  'a message goes to whoever asked last': defect<typeof States>('kernel/state.ts', ({ openWait }) => ({
    openWait: (state, name) =>
      openWait({ ...state, pending: new Set([...state.pending].toReversed()) }, name),
  })),
  'a merge gives the first source every turn': defect<typeof Turns>(
    'process/parallel/turns.ts',
    ({ Turns }) => ({
      Turns: class extends Turns {
        override take(feeds: Parameters<InstanceType<typeof Turns>['take']>[0]) {
          const first = feeds.findIndex(({ status }) => status === 'ready');
          return first === -1 ? undefined : first;
        }
      },
    }),
  ),
  'items are counted anew after a crash': defect<typeof DecideStream>(
    'kernel/decide-stream.ts',
    ({ decideStream }) => ({
      decideStream: (state, call, report, now) =>
        decideStream(
          state,
          report.type === 'ItemProduced' && call.attempts > 1 ? { ...call, items: 0 } : call,
          report,
          now,
        ),
    }),
  ),
};
