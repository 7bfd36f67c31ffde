import { NonDeterminismError, type Duration } from '@pawl/sdk';
import { durationMs } from '@pawl/sdk';
import { RuntimeError } from '../errors.ts';
import { identityText } from '../journal/canonical.ts';
import { encode } from '../journal/codec.ts';
import { isTerminal, keyOf } from '../journal/event.ts';
import type { AppendRun } from '../ports/journal-store.ts';
import type { AnyProcess } from '../process/definition.ts';
import { eventsOf } from '../run-events.ts';
import { openRuntime, type Runtime } from '../runtime.ts';
import type { Response } from '../engine/response.ts';
import type { MemorySnapshot } from '../store/memory/memory-snapshot.ts';
import { MemoryStore } from '../store/memory/memory-store.ts';
import type { CrashPoint } from './crash-report.ts';
import type { TaskMock } from './mock.ts';
import type { ImpureSite, ProcessWatch } from '../guard/process-watch.ts';
import { seededEntropy } from './seeded-entropy.ts';
import { StandIns, type Invocation } from './stand-ins.ts';
import { VirtualTime } from './virtual-time.ts';

/** Something that happens around the run, at a virtual time after its start. */
export type WorldEvent = { readonly at: Duration } & (
  | { readonly send: string; readonly payload?: unknown }
  | { readonly respond: Response & { readonly title?: string } }
  /** Happens once, in the life that is then; what it does to memory of the program is lost with it. */
  | { readonly act: () => void | Promise<void> }
);

/** What all trials share. */
export interface TrialSetting {
  readonly load: () => AnyProcess<never, unknown> | Promise<AnyProcess<never, unknown>>;
  readonly inputs: unknown;
  readonly tasks: readonly TaskMock[];
  readonly unmocked: 'run' | 'refuse';
  readonly world: readonly WorldEvent[];
  readonly fresh: () => void | Promise<void>;
  readonly observe: () => unknown;
  /** How long a run may stand still, in real ms, where no task does anything, and where one does. */
  readonly patienceMs: number;
  readonly workMs: number;
  readonly watch: ProcessWatch;
}

/** What stays as it was in the first life, where values differ between lives otherwise. */
export interface Steady {
  readonly random: boolean;
  readonly clock: boolean;
}

export type TrialEnd =
  | {
      readonly how: 'ended';
      /** Canonical: what it returned or threw, and what `observe` gave. */ readonly text: string;
      readonly said: string;
    }
  | { readonly how: 'diverged'; readonly error: NonDeterminismError }
  | { readonly how: 'hangs' | 'asks'; readonly waits: string; readonly where: string | null };

export interface TrialResult {
  readonly end: TrialEnd;
  readonly invocations: readonly Invocation[];
  /** By life, the commits that it made, each as its events. */
  readonly commits: readonly (readonly (readonly string[])[])[];
  readonly sites: readonly ImpureSite[];
  readonly standIns: StandIns;
  /** The crashes that came about. */
  readonly crashes: number;
  /** The longest time in which nothing moved, in real ms. */
  readonly stillMs: number;
}

export const RUN_ID = 'crash-everywhere';
const START = Date.UTC(2026, 0, 1);
/** Another hour of another day in each life. */
const CLOCK_SKEW_MS = 133_051_337;
/** What chance gives in the first life. */
const CHANCE_SEED = 7;
const [LOW, HIGH] = [0.000_001, 0.999_999];
const LOOK_MS = 5;
const PEOPLE_LOOK_MS = 1000;

/** Runs the process, crashes it at each of these points in turn, and lets it go on to its end. */
export class Trial {
  readonly #setting: TrialSetting;
  readonly #crashes: readonly CrashPoint[];
  readonly #steady: Steady;
  readonly #standIns: StandIns;
  readonly #commits: string[][][] = [];
  readonly #sites = new Map<string, ImpureSite>();
  readonly #done = new Set<WorldEvent>();
  readonly #nows: number[] = [];
  #time: VirtualTime;
  #life = -1;
  #crashed: { readonly snapshot: MemorySnapshot; readonly owner: string | null } | undefined;
  #wallTime = START;
  #stillMs = 0;

  constructor(setting: TrialSetting, crashes: readonly CrashPoint[], steady: Steady) {
    this.#setting = setting;
    this.#crashes = crashes;
    this.#steady = steady;
    this.#time = new VirtualTime(START, () => true, false);
    this.#standIns = new StandIns(setting.tasks, setting.unmocked, this.#time);
  }

  async run(): Promise<TrialResult> {
    await this.#setting.fresh();
    try {
      for (;;) {
        const end = await this.#live();
        if (end === 'crashed') continue;
        const invocations = this.#standIns.invocations;
        const sites = [...this.#sites.values()];
        const crashes = this.#life;
        const [commits, standIns, stillMs] = [this.#commits, this.#standIns, this.#stillMs];
        return { end, invocations, commits, sites, standIns, crashes, stillMs };
      }
    } finally {
      this.#setting.watch.values = undefined;
      await this.#standIns.close();
    }
  }

  /** One life of the program: up to its crash, or to the end of the run. */
  async #live(): Promise<TrialEnd | 'crashed'> {
    this.#life += 1;
    const before = this.#crashed;
    this.#crashed = undefined;
    const process = await this.#setting.load();
    const time = new VirtualTime(this.#wallTime, () => runtime.isIdle, true);
    this.#time = time;
    this.#standIns.time = time;
    this.#watch(time);
    const store = this.#store(before);
    const runtime: Runtime = await openRuntime({
      store,
      clock: time.clock,
      // A run that was not recorded yet begins as it began: nobody saw what chance gave it.
      entropy: seededEntropy(store.getRun(RUN_ID, 0) === undefined ? 1 : 1 + this.#life),
      standIn: this.#standIns.standIn,
    });
    const life = { runtime, time, isOver: false };
    const handle = isBegun(runtime)
      ? runtime.resume(RUN_ID, process)
      : runtime.start(process, this.#setting.inputs as never, { id: RUN_ID });
    this.#happen(life);
    try {
      const end = await Promise.race([this.#endOf(handle.result()), this.#whenStill(life)]);
      return this.#crashed === undefined ? end : 'crashed';
    } finally {
      life.isOver = true;
      time.letGo();
      await runtime.close();
      time.stop();
      this.#wallTime = time.clock.now();
    }
  }

  /** Dies around the commit that this life is to end at. */
  #store(
    before: { readonly snapshot: MemorySnapshot; readonly owner: string | null } | undefined,
  ): MemoryStore {
    const commits: string[][] = [];
    this.#commits.push(commits);
    const point = this.#crashes[this.#life];
    const dieAt = (side: CrashPoint['side']): void => {
      if (this.#crashed !== undefined) die();
      if (point?.side !== side || point.commit !== commits.length) return;
      const owner = store.getRun(RUN_ID, 0)?.owner ?? null;
      this.#crashed = { snapshot: store.snapshot(), owner };
      die();
    };
    const faults = {
      beforeAppend: (batch: readonly AppendRun[]): void => {
        if (this.#crashed === undefined) commits.push(eventNames(batch));
        dieAt('before');
      },
      afterAppend: (): void => dieAt('after'),
    };
    const store =
      before === undefined ? new MemoryStore({ faults }) : MemoryStore.from(before.snapshot, faults);
    for (const run of store.queryRuns({ limit: 10_000 }, 0))
      if (run.owner !== null) store.ownerDied(run.owner);
    return store;
  }

  /**
   * In the first life the values are always the same; later ones differ as much as they can, or not at all where they
   * are to be steady.
   */
  #watch({ clock }: VirtualTime): void {
    const isFirst = this.#life === 0;
    const point = this.#crashes[0];
    const variant =
      this.#life + (point === undefined ? 0 : 2 * point.commit + Number(point.side === 'after'));
    const { random } = seededEntropy(CHANCE_SEED);
    const drawn = { random: 0, now: 0 };
    this.#setting.watch.values = {
      random: () => {
        const first = random();
        drawn.random += 1;
        return isFirst || this.#steady.random ? first : (drawn.random + variant) % 2 === 0 ? LOW : HIGH;
      },
      now: () => {
        const kept = this.#steady.clock ? (this.#nows[drawn.now] ?? clock.now()) : undefined;
        const value = kept ?? clock.now() + this.#life * CLOCK_SKEW_MS;
        if (isFirst) this.#nows.push(value);
        drawn.now += 1;
        return value;
      },
      seen: (site) =>
        this.#sites.set(
          `${site.name} ${site.where ?? ''} ${site.kind === 'effect' ? this.#count(site) : ''}`,
          site,
        ),
    };
  }

  /** Effects are counted: each is a site of its own. */
  #count({ name, where }: ImpureSite): number {
    return [...this.#sites.values()].filter((site) => site.name === name && site.where === where).length;
  }

  async #endOf(result: Promise<unknown>): Promise<TrialEnd> {
    try {
      return this.#ended({ value: encode(await result) }, 'it returned');
    } catch (error) {
      if (error instanceof NonDeterminismError) return { how: 'diverged', error };
      if (error instanceof RuntimeError && error.code === 'STALLED')
        return { how: 'hangs', waits: error.message, where: textOf(error.data['where']) };
      const cause = error instanceof RuntimeError && error.code === 'RUN_FAILED' ? error.cause : error;
      const said = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
      return this.#ended({ error: said }, 'it failed with');
    }
  }

  #ended(
    result: { readonly value: ReturnType<typeof encode> } | { readonly error: string },
    verb: string,
  ): TrialEnd {
    const observed = encode(this.#setting.observe());
    const told = 'error' in result ? result.error : identityText(result.value);
    const saw = observed === null ? '' : `; the world: ${identityText(observed)}`;
    return {
      how: 'ended',
      text: JSON.stringify([told, identityText(observed)]),
      said: `${verb} ${told}${saw}`,
    };
  }

  /** Nothing moves, and nothing will: in real time, since a task may do something real. */
  async #whenStill(life: {
    readonly runtime: Runtime;
    readonly time: VirtualTime;
    readonly isOver: boolean;
  }): Promise<TrialEnd> {
    const { runtime, time } = life;
    let seen = '';
    let since = performance.now();
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      const now = `${time.moves} ${runtime.commits} ${this.#standIns.invocations.length}`;
      if (life.isOver) return { how: 'hangs', waits: '', where: null };
      if (now !== seen || !runtime.isIdle) since = performance.now();
      seen = now;
      const stillMs = performance.now() - since;
      this.#stillMs = Math.max(this.#stillMs, stillMs);
      if (stillMs < (time.isWorking ? this.#setting.workMs : this.#setting.patienceMs)) continue;
      const asked = isBegun(runtime) ? runtime.waits(RUN_ID).filter(({ kind }) => kind === 'outcome') : [];
      if (asked.length > 0)
        return { how: 'asks', waits: asked.map(({ key }) => key).join(', '), where: null };
      return { how: 'hangs', waits: this.#openCalls(runtime), where: null };
    }
  }

  #openCalls(runtime: Runtime): string {
    const open = new Map<string, string>();
    for (const { event } of eventsOf(runtime.store, RUN_ID)) {
      if (event.type === 'TaskScheduled') open.set(event.key, `task '${event.task}' (${event.key})`);
      if (event.type === 'SignalAwaited') open.set(event.key, `message '${event.name}' (${event.key})`);
      if (event.type === 'BreakpointOpened')
        open.set(event.key, `the answer to '${event.title}' (${event.key})`);
      if (event.type === 'TaskOffered') open.set(event.key, `external task '${event.task}' (${event.key})`);
      if (
        [
          'TaskSucceeded',
          'TaskFailed',
          'TaskCancelled',
          'SignalReceived',
          'SignalTimedOut',
          'BreakpointClosed',
        ].includes(event.type)
      )
        open.delete(keyOf(event));
      if (isTerminal(event)) open.clear();
    }
    return [...open.values()].join(', ') || 'something outside ctx';
  }

  /** What has happened does not happen again in a later life. */
  #happen(life: { readonly runtime: Runtime; readonly time: VirtualTime; readonly isOver: boolean }): void {
    const { time } = life;
    for (const [i, event] of this.#setting.world.entries()) {
      if (this.#done.has(event)) continue;
      const delay = START + durationMs(event.at, 'at') - time.clock.now();
      const act = (): void => void time.during(() => this.#act(life, event, i, act));
      time.clock.after(delay, act);
    }
  }

  async #act(
    life: { readonly runtime: Runtime; readonly time: VirtualTime; readonly isOver: boolean },
    event: WorldEvent,
    i: number,
    again: () => void,
  ): Promise<void> {
    const { runtime, time } = life;
    if (life.isOver || this.#crashed !== undefined) return;
    if ('act' in event) {
      this.#done.add(event);
      await event.act();
      return;
    }
    const id = `world ${i}`;
    const { status } =
      'send' in event
        ? await runtime.send(RUN_ID, event.send, event.payload ?? null, { id })
        : await this.#respond(runtime, event.respond, id);
    if (this.#crashed !== undefined || life.isOver) return;
    // People look again a little later.
    if (status === 'unknown') time.clock.after(PEOPLE_LOOK_MS, again);
    else this.#done.add(event);
  }

  async #respond(
    runtime: Runtime,
    { title, ...response }: Response & { readonly title?: string },
    id: string,
  ): Promise<{ readonly status: string }> {
    const isMeant = ({ kind, name }: { readonly kind: string; readonly name: string }): boolean =>
      kind === 'breakpoint' && (title === undefined || name === title);
    const question = isBegun(runtime) ? runtime.waits(RUN_ID).find(isMeant) : undefined;
    if (question === undefined) return { status: 'unknown' };
    return runtime.respond(RUN_ID, question.key, { id, ...response });
  }
}

function eventNames(batch: readonly AppendRun[]): string[] {
  return batch.flatMap(({ runId, events }) =>
    events.map(({ event }) => {
      const key = keyOf(event);
      const of = runId === RUN_ID ? '' : ` of ${runId}`;
      return `${event.type}${key === '' ? '' : ` ${key}`}${of}`;
    }),
  );
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function isBegun(runtime: Runtime): boolean {
  return runtime.get(RUN_ID) !== undefined;
}

function die(): never {
  throw new RuntimeError('STORAGE', 'the program died here, as the test wants it');
}
