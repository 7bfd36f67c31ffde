import { RuntimeError } from '../../src/errors.ts';
import { decode } from '../../src/journal/codec.ts';
import { Runtime } from '../../src/runtime.ts';
import type { MemorySnapshot } from '../../src/store/memory/memory-store.ts';
import { type MemoryStore, seededEntropy } from '../../src/testing.ts';
import { QUIET, type Life, type Plan } from './faults.ts';
import type { Manner } from './interpret.ts';
import { SimLab } from './lab.ts';
import type { Program } from './program.ts';
import { SimClock } from './sim-clock.ts';
import { Crash, WatchedStore, type SeenAppend } from './watched-store.ts';
import { Witness } from './witness.ts';

export const WALL = 1_000_000;
export const RUN = 'r';
/** Nothing of a program takes so long: who has written nothing since then hangs. */
const HANG_MS = 60_000;

/** A violation that is seen while it happens. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** How a run ended, as its handle tells it. */
export type RunEnd =
  | { readonly status: 'value'; readonly value: unknown }
  | { readonly status: 'failed'; readonly error: unknown }
  | { readonly status: 'cancelled' };

/** What really happened, by name: a simulation in which nothing goes wrong proves nothing. */
export type Tally = Map<string, number>;

/** A program that drives the run: the only one, unless its lease was taken. */
interface Driver {
  readonly owner: string;
  readonly runtime: Runtime;
  readonly life: Life;
  state:
    | { readonly is: 'driving' | 'fenced' | 'stopped' }
    | { readonly is: 'ended'; readonly end: RunEnd }
    | { readonly is: 'failed'; readonly error: unknown };
}

/** What is left of a program that died. */
interface Remains {
  readonly snapshot: MemorySnapshot;
  readonly driver: Driver;
}

/** Everything that a run with one program needs, from the first life to its end, in virtual time. */
export class World {
  readonly #program: Program;
  readonly #plan: Plan;
  readonly #tally: Tally;
  readonly #witness: Witness;
  /** Who drives is the last one; those before have lost the run and may not know it yet. */
  #drivers: Driver[] = [];
  #store: WatchedStore;
  #clock: SimClock;
  #crashed: Remains | undefined;
  /** Waits outside ctx of the programs that live now; while there are any, time stands still. */
  #busy = { count: 0 };
  #lives = 0;
  #appendsOfLife = 0;
  #firesOfLife = 0;
  #lastAppendAt = 0;
  #isAsked = false;
  readonly logs: number[] = [];
  appends = 0;
  fires = 0;

  /** @param from what is stored already, and when it is */
  constructor(
    program: Program,
    tally: Tally,
    plan?: Plan,
    from?: { snapshot: MemorySnapshot; wall: number },
  ) {
    this.#program = program;
    this.#tally = tally;
    this.#plan = plan ?? { lives: [QUIET], cancelAt: undefined };
    this.#store = new WatchedStore(from === undefined ? {} : { from: from.snapshot });
    this.#clock = new SimClock(from?.wall ?? WALL);
    this.#witness = new Witness(this.#store.read(RUN, 0, 1_000_000));
  }

  get store(): MemoryStore {
    return this.#store;
  }

  /** @throws Violation, or what the run was left with */
  async run(): Promise<RunEnd> {
    this.#watch();
    this.#live();
    for (;;) {
      await turnOfNode();
      if (this.#witness.problem !== undefined) throw new Violation(this.#witness.problem);
      if (this.#crashed !== undefined) this.#liveAgain(this.#crashed);
      const state = this.#drivers.at(-1)?.state ?? { is: 'driving' };
      if (state.is === 'failed') throw state.error;
      if (state.is === 'stopped') this.#live();
      else if (state.is === 'ended' && this.#drivers.every((driver) => driver.state.is !== 'driving'))
        return state.end;
      else this.#goOn();
    }
  }

  /** Replays what is stored, which must invoke nothing. @returns where that ended */
  async replay(): Promise<'end' | 'head'> {
    const runtime = this.#open(QUIET, 'replayer');
    const lab = new SimLab(this.#clock, ({ key }) => this.#witness.report(`the replay invoked ${key}`));
    const process = lab.process(this.#program, this.#manner(this.#drivers.at(-1)?.life ?? QUIET));
    const began = this.#clock.monotonic();
    const replayed = { isOver: false };
    const report = runtime.replay(RUN, process).finally(() => {
      replayed.isOver = true;
    });
    report.catch(() => undefined);
    while (!replayed.isOver) {
      await turnOfNode();
      if (!runtime.isIdle || this.#busy.count > 0) continue;
      this.#clock.fire(0);
      if (this.#clock.monotonic() - began > HANG_MS) throw new Violation('the replay hangs');
    }
    if (this.#witness.problem !== undefined) throw new Violation(this.#witness.problem);
    this.#count('replays');
    return (await report).reached;
  }

  #count(what: string): void {
    this.#tally.set(what, (this.#tally.get(what) ?? 0) + 1);
  }

  #open(life: Life, owner: string): Runtime {
    const entropy = seededEntropy(this.#program.seed);
    const tokens = [owner];
    return new Runtime(
      {
        clock: this.#clock,
        entropy: { ...entropy, random: () => life.draws, token: () => tokens.shift() ?? entropy.token() },
        stallMs: 1e9,
        limits: life.limits,
        onWaiting: () => {
          this.#isAsked = true;
        },
        onLog: ({ key, values }) => {
          if (key === null) this.logs.push(Number(values[0]));
        },
      },
      this.#store,
    );
  }

  /** Starts the next life over what is stored. */
  #live(): void {
    const life = this.#plan.lives[this.#lives] ?? this.#plan.lives.at(-1) ?? QUIET;
    this.#lives += 1;
    this.#appendsOfLife = 0;
    this.#firesOfLife = 0;
    this.#lastAppendAt = this.#clock.monotonic();
    const owner = `owner ${this.#lives}`;
    const driver: Driver = { owner, runtime: this.#open(life, owner), life, state: { is: 'driving' } };
    this.#drivers.push(driver);
    this.#count('lives');
    const lab = new SimLab(this.#clock, (invocation) => {
      // What a dead program does leads nowhere.
      if (this.#drivers.includes(driver)) this.#witness.invoked(owner, invocation);
    });
    const process = lab.process(this.#program, this.#manner(life));
    const { runtime } = driver;
    const handle =
      runtime.get(RUN) === undefined
        ? runtime.start(process, null as never, { id: RUN })
        : runtime.resume(RUN, process);
    handle.result().then(
      (value) => {
        driver.state = { is: 'ended', end: { status: 'value', value } };
        return value;
      },
      (error: unknown) => {
        driver.state = this.#afterError(driver, error);
      },
    );
  }

  #afterError(driver: Driver, error: unknown): Driver['state'] {
    if (error instanceof RuntimeError) {
      if (error.code === 'RUN_FAILED') return { is: 'ended', end: { status: 'failed', error: error.cause } };
      if (error.code === 'CANCELLED') return { is: 'ended', end: { status: 'cancelled' } };
      if (error.code === 'STOPPED') return { is: 'stopped' };
      if (error.code === 'FENCED' && this.#drivers.at(-1) !== driver) return { is: 'fenced' };
    }
    return { is: 'failed', error };
  }

  /** From here on whatever its programs do leads nowhere. */
  #die(driver: Driver): void {
    this.#crashed = { snapshot: this.#store.snapshot(), driver };
    this.#drivers = [];
  }

  /** After a crash: the same rows, another program, a later (or earlier) time, and nothing else. */
  #liveAgain({ snapshot, driver: { owner, life } }: Remains): void {
    const { downMs, waitsForLease, jumps } = life;
    this.#crashed = undefined;
    this.#busy = { count: 0 };
    this.#store = new WatchedStore({ from: snapshot });
    // A clock that was set back makes the lease last longer.
    if (!waitsForLease || jumps.length > 0) this.#store.ownerDied(owner);
    this.#clock = new SimClock(this.#clock.now() + downMs);
    this.#watch();
    this.#live();
  }

  #takeOver(): void {
    const run = this.#store.getRun(RUN, this.#clock.now());
    if (run === undefined) return;
    if (run.owner !== null) this.#store.ownerDied(run.owner);
    this.#live();
  }

  #watch(): void {
    const store = this.#store;
    store.onAppend = (seen) => {
      const driver = this.#drivers.at(-1);
      if (driver !== undefined && store === this.#store) this.#appended(seen, driver);
    };
  }

  #appended({ when, owner, batch, committed }: SeenAppend, driver: Driver): void {
    const holdsRun = driver.owner === owner;
    if (when === 'before' && holdsRun) {
      this.appends += 1;
      this.#appendsOfLife += 1;
      this.#lastAppendAt = this.#clock.monotonic();
    }
    const events = batch.flatMap((run) => run.events.map(({ event }) => event));
    if (committed) this.#witness.committed(owner, holdsRun, events);
    if (committed) for (const { type } of events) if (COUNTED.has(type)) this.#count(type);
    const { fault } = driver.life;
    if (!holdsRun || fault === undefined || !('append' in fault)) return;
    if (fault.when !== when || fault.append !== this.#appendsOfLife) return;
    this.#count(fault.kind);
    if (fault.kind === 'takeover') {
      this.#takeOver();
      return;
    }
    this.#die(driver);
    throw new Crash('the program dies');
  }

  #manner({ concurrency, priority, rawFactor }: Life): Manner {
    return {
      concurrency: (own) => ({ own, one: 1, two: 2, more: (own ?? 1) + 1, unlimited: Infinity })[concurrency],
      priority,
      raw: async (turns) => {
        const busy = this.#busy;
        busy.count += 1;
        for (let i = 0; i < turns * rawFactor; i += 1) await turnOfNode();
        busy.count -= 1;
      },
    };
  }

  /** When nobody can go on by himself: something happens from outside, or time passes. */
  #goOn(): void {
    const driver = this.#drivers.at(-1);
    const isIdle = this.#busy.count === 0 && this.#drivers.every(({ runtime }) => runtime.isIdle);
    if (!isIdle || driver === undefined) return;
    this.fires += 1;
    this.#firesOfLife += 1;
    const { life, runtime, state } = driver;
    if (this.#isAsked) this.#answer(runtime);
    for (const { fires, byMs } of life.jumps) if (fires === this.#firesOfLife) this.#clock.jumpWall(byMs);
    if (state.is === 'driving' && this.fires === this.#plan.cancelAt) runtime.cancel(RUN, 'the simulation');
    if (state.is === 'driving' && this.#hasFault(driver)) return;
    if (this.#clock.monotonic() - this.#lastAppendAt > HANG_MS) this.#witness.report(this.#hang());
    this.#clock.fire(life.windowMs);
  }

  #hang(): string {
    const who = this.#drivers.map(
      ({ owner, state, life: { fault } }) => `${owner}, ${state.is}, until ${fault?.kind ?? 'the end'}`,
    );
    return `the run hangs: ${who.join('; ')}`;
  }

  #hasFault(driver: Driver): boolean {
    const { fault } = driver.life;
    if (fault === undefined || !('fires' in fault) || fault.fires !== this.#firesOfLife) return false;
    this.#count(fault.kind);
    if (fault.kind === 'idleCrash') this.#die(driver);
    else if (fault.kind === 'idleTakeover') this.#takeOver();
    else void driver.runtime.stop(RUN);
    return true;
  }

  /** A person answers what nobody else can. What comes of it is the same, unless that may depend on time. */
  #answer(runtime: Runtime): void {
    this.#isAsked = false;
    for (const key of runtime.get(RUN)?.asked ?? []) {
      const call = this.#store
        .read(RUN, 0, 1_000_000)
        .find(({ event }) => event.type === 'TaskScheduled' && event.key === key);
      if (call?.event.type !== 'TaskScheduled') continue;
      const { id, failures, value } = decode(call.event.args) as {
        id: number;
        failures: number;
        value: unknown;
      };
      const answer = (id + this.#lives) % 3;
      if (answer === 0 && failures === 0)
        runtime.resolve(RUN, key, { status: 'done', output: value });
      else if (answer === 1 && this.#program.kind === 'any')
        runtime.resolve(RUN, key, { status: 'failed', message: `fail ${id}` });
      else runtime.resolve(RUN, key, { status: 'retry' });
    }
  }
}

const COUNTED: ReadonlySet<string> = new Set([
  'ScopeRetuned',
  'ScopeTimedOut',
  'ScopeAborted',
  'OutcomeAsked',
  'AttemptInterrupted',
  'LateResult',
  'TaskCancelled',
  'AttemptFailed',
  'CancelRequested',
]);

function turnOfNode(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
