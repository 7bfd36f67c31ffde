import { decode, encode } from '../../src/journal/codec.ts';
import type { Answer } from '../../src/engine/answer.ts';
import type { JournalEvent, TaskScheduled } from '../../src/journal/event.ts';
import { eventsOf } from '../../src/run-events.ts';
import { Runtime } from '../../src/runtime.ts';
import type { MemorySnapshot } from '../../src/store/memory/memory-snapshot.ts';
import { type MemoryStore, seededEntropy } from '../../src/testing.ts';
import { NO_FAULTS, QUIET, type Fault, type Life, type Plan } from './faults.ts';
import type { ExternalArgs, Manner, TaskArgs, ToSend } from './interpret.ts';
import { SimLab } from './lab.ts';
import { Outlook } from './outlook.ts';
import { PoolWatch } from './pools.ts';
import { NEVER, type PersonsAnswer, type Program } from './program.ts';
import { SimClock } from './sim-clock.ts';
import { afterError, SimRun } from './sim-run.ts';
import { Crash, storeFailure, WatchedStore, type SeenAppend } from './watched-store.ts';

export const WALL = 1_000_000;
export const RUN = 'r';
/** Nothing of a program takes so long: who has written nothing since then hangs. */
const HANG_MS = 60_000;

/** After so long without a word somebody looks whether a person is asked. */
const LOOK_MS = 20_000;

/** Events of a journal that is not read again for each answer that comes too late. */
const LONG = 1000;

/** A violation that is seen while it happens. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** What really happened, by name: a simulation in which nothing goes wrong proves nothing. */
export type Tally = Map<string, number>;

/** A program with its runtime. The one that holds the run is the last, those before may not know it yet. */
interface Driver {
  readonly owner: string;
  readonly runtime: Runtime;
  readonly life: Life;
  readonly pools: PoolWatch;
  /** Its store failed: it writes nothing any more. */
  isBroken: boolean;
}

/** What is left of a program that died. */
interface Remains {
  readonly snapshot: MemorySnapshot;
  readonly driver: Driver;
}

/** A run, and its neighbours in the same programs, through all their lives, in virtual time. */
export class World {
  readonly #plan: Plan;
  readonly #tally: Tally;
  /** The one that things happen to comes first. */
  readonly runs: readonly SimRun[];
  #drivers: Driver[] = [];
  #store: WatchedStore;
  #outlooks = new Map<string, Outlook>();
  #clock: SimClock;
  #crashed: Remains | undefined;
  /** Waits outside ctx of the programs that live now; while there are any, time stands still. */
  #busy = { count: 0 };
  #lives = 0;
  /** So many of the first owners are known to be gone. */
  #knownDead = 0;
  #appendsOfLife = 0;
  #firesOfLife = 0;
  #lastAppendAt = 0;
  #isAsked = false;
  /** Messages that somebody will send, by run and call. */
  #promised = new Set<string>();
  /** Answers to settled questions of long journals. */
  #late = 0;
  appends = 0;
  fires = 0;

  /** @param from what is stored already, and when it is */
  constructor(
    programs: readonly [Program, ...Program[]],
    tally: Tally,
    plan?: Plan,
    from?: { snapshot: MemorySnapshot; wall: number },
  ) {
    this.#tally = tally;
    this.#plan = plan ?? NO_FAULTS;
    this.#store = new WatchedStore(from === undefined ? {} : { from: from.snapshot });
    this.#clock = new SimClock(from?.wall ?? WALL);
    this.runs = programs.map((program, index) => {
      const id = index === 0 ? RUN : `${RUN}${index + 1}`;
      return new SimRun(id, program, [...eventsOf(this.#store, id)]);
    });
  }

  get store(): MemoryStore {
    return this.#store;
  }

  get #main(): SimRun {
    const [main] = this.runs;
    if (main === undefined) throw new RangeError('a world has a run');
    return main;
  }

  /** @throws Violation, or what a run was left with */
  async run(): Promise<void> {
    this.#watch();
    this.#live();
    for (;;) {
      await turnOfNode();
      this.#check();
      if (this.#crashed !== undefined) this.#liveAgain(this.#crashed);
      if (this.#main.state.is === 'stopped' || this.#drivers.at(-1)?.isBroken === true) this.#live();
      if (this.runs.every(({ state }) => state.is === 'ended') && this.#fencedAll) return;
      this.#goOn();
    }
  }

  /** Whether those that lost the run have seen it. */
  get #fencedAll(): boolean {
    return this.#drivers.every(({ owner }) => !this.#main.losers.has(owner));
  }

  #check(): void {
    for (const { id, witness, state } of this.runs) {
      if (witness.problem !== undefined) throw new Violation(`${id}: ${witness.problem}`);
      if (state.is === 'failed') throw state.error;
    }
  }

  /** Replays what is stored, which must invoke nothing. @returns where that ended */
  async replay({ id, program, witness }: SimRun = this.#main): Promise<'end' | 'head'> {
    // What the process waits for outside ctx may be over without a word: a share of this is how long it is waited for.
    const runtime = this.#open(QUIET, 'replayer', HANG_MS / 2);
    const lab = new SimLab(this.#clock, ({ key }) => witness.report(`the replay invoked ${key}`));
    const process = lab.process(program, this.#manner(this.#drivers.at(-1)?.life ?? QUIET));
    const began = this.#clock.monotonic();
    const replayed = { isOver: false };
    const report = runtime.replay(id, process).finally(() => {
      replayed.isOver = true;
    });
    report.catch(() => undefined);
    while (!replayed.isOver) {
      await turnOfNode();
      if (!runtime.isIdle || this.#busy.count > 0) continue;
      this.#clock.fire(0);
      if (this.#clock.monotonic() - began > HANG_MS) throw new Violation('the replay hangs');
    }
    this.#check();
    this.#count('replays');
    return (await report).reached;
  }

  #count(what: string): void {
    this.#tally.set(what, (this.#tally.get(what) ?? 0) + 1);
  }

  #open(life: Life, owner: string, stallMs = 1e9): Runtime {
    const entropy = seededEntropy(this.#main.program.seed);
    const tokens = [owner];
    return new Runtime(
      {
        clock: this.#clock,
        entropy: {
          random: () => life.draws,
          token: () => tokens.shift() ?? entropy.token(),
          // Messages of two programs never have one id.
          ulid: () => `${entropy.ulid()}-${owner}`,
        },
        stallMs,
        limits: life.limits,
        onWaiting: () => {
          this.#isAsked = true;
        },
        onLog: ({ runId, key, values }) => {
          // What a dead program does leads nowhere.
          const isAlive = this.#drivers.some((driver) => driver.owner === owner);
          if (key === null && isAlive) this.runs.find(({ id }) => id === runId)?.logs.push(Number(values[0]));
        },
      },
      this.#store,
    );
  }

  /** Starts the next life over what is stored. */
  get #nextLife(): Life {
    return this.#plan.lives[this.#lives] ?? this.#plan.lives.at(-1) ?? QUIET;
  }

  #live(): void {
    const life = this.#nextLife;
    this.#lives += 1;
    this.#appendsOfLife = 0;
    this.#firesOfLife = 0;
    this.#lastAppendAt = this.#clock.monotonic();
    const owner = `owner ${this.#lives}`;
    // Of two programs that live at once the last one says how many slots there are.
    const extra = Math.max(...this.#plan.lives.map(({ extraSlots }) => extraSlots));
    const driver: Driver = {
      owner,
      runtime: this.#open(life, owner),
      life,
      pools: new PoolWatch(extra, (problem) => this.#main.witness.report(`${owner}: ${problem}`)),
      isBroken: false,
    };
    this.#drivers.push(driver);
    this.#count('lives');
    for (const run of this.runs) {
      const isHeld = this.#drivers.some((other) => other.owner === run.holder && !other.isBroken);
      if (run === this.#main || !isHeld) this.#drive(run, driver);
    }
  }

  /** Starts the run, or goes on with it, in the program that holds it from now on. */
  #drive(run: SimRun, driver: Driver): void {
    if (run.state.is === 'ended') return;
    const { id, program, witness } = run;
    const { owner, runtime, life } = driver;
    const isAlive = (): boolean => this.#drivers.includes(driver);
    const lab = new SimLab(
      this.#clock,
      (invocation) => {
        if (isAlive()) witness.invoked(owner, invocation);
      },
      driver.pools,
    );
    const process = lab.process(program, this.#manner(life));
    run.heldBy(owner);
    for (const { event } of eventsOf(this.#store, id)) this.#promise(run, event);
    const handle =
      runtime.get(id) === undefined
        ? runtime.start(process, null as never, { id })
        : runtime.resume(id, process);
    handle.result().then(
      (value) => {
        if (isAlive()) run.ended(owner, { status: 'value', value });
        return value;
      },
      (error: unknown) => {
        if (isAlive() && !driver.isBroken) run.left(owner, afterError(error));
      },
    );
  }

  /** From here on whatever its programs do leads nowhere. */
  #die(driver: Driver): void {
    this.#crashed = { snapshot: this.#store.snapshot(), driver };
    this.#drivers = [];
  }

  /** After a crash: the same rows, another program, a later (or earlier) time, and nothing else. */
  #liveAgain({ snapshot, driver: { life } }: Remains): void {
    const { downMs, waitsForLease } = life;
    this.#crashed = undefined;
    this.#busy = { count: 0 };
    this.#promised = new Set();
    this.#store = new WatchedStore({ from: snapshot });
    this.#outlooks = new Map();
    // A clock that is set back makes a lease last longer, and one of a pool that was over begin again (seed 13958): also
    // that of a neighbour, which a life before the last one may hold (seed 41035913).
    const jumped = this.#plan.lives.slice(0, this.#lives + 1).some(({ jumps }) => jumps.length > 0);
    if (!waitsForLease || jumped) this.#knownDead = this.#lives;
    // Slots of a pool are leased by programs that hold no run any more, too; who was seen dead stays so (seed 2000598).
    for (let index = 1; index <= this.#knownDead; index += 1) this.#store.ownerDied(`owner ${index}`);
    this.#clock = new SimClock(this.#clock.now() + downMs);
    this.#watch();
    const { cancel } = this.#plan;
    if (cancel?.how === 'idle' && cancel.life === this.#lives)
      this.#cancel('idle', this.#open(QUIET, `canceller ${this.#lives}`));
    this.#live();
  }

  #takeOver(): void {
    const run = this.#store.getRun(RUN, this.#clock.now());
    if (run === undefined || this.#main.state.is === 'ended') return;
    this.#main.losers.add(this.#main.holder);
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

  #appended({ when, owner, batch, answers }: SeenAppend, driver: Driver): void {
    const isLast = driver.owner === owner;
    if (when === 'before') {
      this.#lastAppendAt = this.#clock.monotonic();
      if (isLast) this.appends += 1;
      if (isLast) this.#appendsOfLife += 1;
    }
    for (const [index, { runId, events }] of batch.entries()) {
      const run = this.runs.find(({ id }) => id === runId);
      if (run === undefined || answers[index] !== 'committed') continue;
      const facts = events.map(({ event }) => event);
      run.witness.committed(owner, run.holder === owner, facts);
      for (const fact of facts) {
        this.#promise(run, fact);
        if (fact.type === 'ScopeOpened' && (fact.mode === 'merge' || fact.mode.includes('stream')))
          this.#count('streams');
        if (COUNTED.has(fact.type)) this.#count(fact.type);
        if (fact.type === 'TaskFailed' && fact.cause === 'queueFull') this.#count('queueFull');
        if (fact.type === 'TaskScheduled' && fact.key.includes('/exit/')) this.#count('exits');
        if (fact.type === 'TaskScheduled' && fact.pool !== null) this.#count('pooled');
      }
    }
    if (batch.length > 1 && when === 'after')
      this.#count(answers.includes('fenced') ? 'fencedNeighbour' : 'sharedCommit');
    const { fault } = driver.life;
    if (!isLast || fault === undefined || !('append' in fault)) return;
    if (fault.when === when && fault.append === this.#appendsOfLife) this.#failAppend(fault, driver);
  }

  #failAppend({ kind }: Fault, driver: Driver): void {
    this.#count(kind);
    switch (kind) {
      case 'takeover':
        this.#takeOver();
        return;
      case 'failure':
        driver.isBroken = true;
        this.#store.ownerDied(driver.owner);
        throw storeFailure();
      default:
        this.#die(driver);
        throw new Crash('the program dies');
    }
  }

  #manner({ concurrency, priority, extraSlots, rawFactor }: Life): Manner {
    return {
      concurrency: (own) => ({ own, one: 1, two: 2, more: (own ?? 1) + 1, unlimited: Infinity })[concurrency],
      priority,
      extraSlots,
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
    const { life, runtime } = driver;
    if (this.#isAsked || this.#isLookedAt) this.#answer();
    for (const { fires, byMs } of life.jumps) if (fires === this.#firesOfLife) this.#clock.jumpWall(byMs);
    const isDriving = this.#main.state.is === 'driving';
    const { cancel } = this.#plan;
    if (isDriving && cancel !== undefined && 'fires' in cancel && cancel.fires === this.fires)
      this.#cancel(cancel.how, runtime);
    if (isDriving && this.#hasFault(driver)) return;
    if (this.#clock.monotonic() - this.#lastAppendAt > HANG_MS) this.#main.witness.report(this.#hang());
    this.#clock.fire(life.windowMs);
  }

  /** A source that is full of items hides that a person is waited for: nobody is told, and somebody looks. */
  get #isLookedAt(): boolean {
    const canHide = this.runs.some(({ program }) => !program.isForetold);
    return canHide && this.#clock.monotonic() - this.#lastAppendAt > LOOK_MS;
  }

  #cancel(how: 'program' | 'message' | 'idle', runtime: Runtime): void {
    const now = this.#clock.now();
    if (this.#store.getRun(RUN, now)?.status !== 'running') return;
    this.#count(`cancel ${how}`);
    const reason = 'the simulation';
    if (how === 'message') this.#store.post(RUN, { kind: 'cancel', id: 'from outside', reason });
    else runtime.cancel(RUN, reason);
  }

  #hang(): string {
    const who = this.runs.map(({ id, state, holder }) => `${id} with ${holder} is ${state.is}`);
    const until = this.#drivers.map(
      ({ owner, life: { fault } }) => `${owner} until ${fault?.kind ?? 'the end'}`,
    );
    return `nothing goes on: ${[...who, ...until].join('; ')}`;
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
  #answer(): void {
    this.#isAsked = false;
    for (const { id, program, holder } of this.runs) {
      const runtime = this.#drivers.find(({ owner }) => owner === holder)?.runtime;
      for (const key of runtime?.get(id)?.asked ?? []) {
        const call = this.#outlookOf(id).task(key);
        if (call !== undefined) runtime?.resolve(id, key, this.#answerTo(call, program));
      }
    }
  }

  /** Somebody will send the message that is waited for, unless nobody waits for it by then. */
  #promise(run: SimRun, event: JournalEvent): void {
    if (event.type === 'BreakpointOpened') {
      for (const answer of decode(event.context) as readonly PersonsAnswer[])
        this.#later(`${run.id} ${event.key} ${answer.by} ${answer.ms}`, answer.ms, () =>
          this.#respond(run, event.key, answer),
        );
      return;
    }
    if (event.type === 'TaskOffered') {
      const args = decode(event.args) as ExternalArgs;
      this.#later(`${run.id} ${event.key} 0`, args.ms, () => this.#doExternal(run, event.taskId, args));
      return;
    }
    if (event.type === 'AttemptFailed') this.#promiseAgain(run, event);
    if (event.type !== 'SignalAwaited') return;
    const { key, name } = event;
    const id = `${run.id} ${key}`;
    if (this.#promised.has(id)) return;
    this.#promised.add(id);
    const { ms, value } = decode(event.data) as ToSend;
    if (ms === NEVER) return;
    const clock = this.#clock;
    clock.after(ms, () => {
      if (clock === this.#clock && this.#outlookOf(run.id).awaits(name)) this.#send(run, { id, name, value });
    });
  }

  /** Once for each life of what is stored. */
  #later(what: string, ms: number, act: () => void): void {
    if (this.#promised.has(what)) return;
    this.#promised.add(what);
    const clock = this.#clock;
    clock.after(ms, () => {
      if (clock === this.#clock) act();
    });
  }

  /** Somebody tries an external task again that failed. */
  #promiseAgain(
    run: SimRun,
    { key, attempt, delayMs }: Extract<JournalEvent, { type: 'AttemptFailed' }>,
  ): void {
    const offer = this.#outlookOf(run.id).offer(key);
    if (offer === undefined) return;
    const args = decode(offer.args) as ExternalArgs;
    this.#later(`${run.id} ${key} ${attempt}`, delayMs + args.ms, () =>
      this.#doExternal(run, offer.taskId, args),
    );
  }

  #respond(run: SimRun, key: string, { by, approved, option }: PersonsAnswer): void {
    if (this.#store.getRun(run.id, this.#clock.now())?.status !== 'running') return;
    const driver = this.#drivers.find(({ owner, isBroken }) => owner === run.holder && !isBroken);
    this.#count('answered');
    if (this.#isOneOfMany(run.id, key)) return;
    if (driver !== undefined && driver.life.draws >= QUIET.draws) {
      void driver.runtime.respond(run.id, key, { by, approved, option });
      return;
    }
    // Now and then it comes from another program, which does not look whether it counts.
    const message = { kind: 'answer', id: `answer ${key} ${by}`, runId: run.id, key, by, approved } as const;
    this.#store.post(run.id, { ...message, option: option ?? null, feedback: null, response: null });
  }

  /** Where nobody knows of a question any more, all of the journal is read for it: of a long one now and then. */
  #isOneOfMany(runId: string, key: string): boolean {
    const outlook = this.#outlookOf(runId);
    if (!outlook.isSettled(key) || outlook.length < LONG) return false;
    this.#late += 1;
    return this.#late % 16 !== 0;
  }

  /** As often as it is to fail it fails, whoever did it before. */
  #doExternal(run: SimRun, taskId: string, { id, value, failures, isGivenUp }: ExternalArgs): void {
    const offer = this.#store.offer(taskId);
    const runtime = (this.#drivers.find(({ owner }) => owner === run.holder) ?? this.#drivers.at(-1))
      ?.runtime;
    if (offer === undefined || runtime === undefined) return;
    this.#count('done outside');
    const by = { worker: `somebody ${id}` };
    if (offer.failures < failures) runtime.tasks.fail(taskId, `fail ${id}`, by);
    else if (isGivenUp) runtime.tasks.cancel(taskId, 'given up', by);
    else runtime.tasks.complete(taskId, value, by);
  }

  /** As far as it is stored in this life of the machine. */
  #outlookOf(runId: string): Outlook {
    const known = this.#outlooks.get(runId);
    if (known !== undefined) return known;
    const fresh = new Outlook(this.#store, runId);
    this.#outlooks.set(runId, fresh);
    return fresh;
  }

  #send(
    run: SimRun,
    { id, name, value }: { readonly id: string; readonly name: string; readonly value: unknown },
  ): void {
    const driver = this.#drivers.find(({ owner, isBroken }) => owner === run.holder && !isBroken);
    this.#count('sent');
    // Now and then it comes from another program.
    if (driver === undefined || driver.life.draws < QUIET.draws)
      this.#store.post(run.id, { kind: 'signal', id, name, payload: encode(value) });
    else void driver.runtime.send(run.id, name, value, { id });
  }

  #answerTo({ args }: TaskScheduled, { kind }: Program): Answer {
    const { id, failures, value } = decode(args) as TaskArgs;
    const which = (id + this.#lives) % 3;
    if (which === 0 && failures === 0) return { status: 'done', output: value };
    return which === 1 && kind === 'any' ? { status: 'failed', message: `fail ${id}` } : { status: 'retry' };
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
  'ItemRecorded',
  'StreamClosed',
  'StreamFailed',
  'BreakpointClosed',
  'TaskOffered',
  'StateSet',
  'ExitRegistered',
]);

function turnOfNode(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
