import type { Recorded } from '../../src/journal/event.ts';
import { eventsOf } from '../../src/run-events.ts';
import { NO_FAULTS, planFaults, QUIET, quietLife, type Life, type Plan } from './faults.ts';
import { follow } from './follow.ts';
import { generate } from './generate.ts';
import { describeError, type Manner } from './interpret.ts';
import { linesOf, transcript } from './journal-lines.ts';
import { brokenRule } from './journal-rules.ts';
import type { Ended } from './model.ts';
import { predict } from './predict.ts';
import type { Program } from './program.ts';
import { unpunctual } from './punctuality.ts';
import { Random } from './random.ts';
import { text } from './text.ts';
import type { RunEnd, SimRun } from './sim-run.ts';
import { RUN, WALL, World, type Tally } from './world.ts';

/** The program as it is written, where waiting outside ctx takes no time. */
const AS_WRITTEN: Manner = {
  concurrency: (own) => own,
  priority: undefined,
  extraSlots: 0,
  raw: () => Promise.resolve(),
};

/** What was done to a program when something turned out to be wrong. */
export interface Failure {
  readonly problem: string;
  readonly plan: Plan;
  /** By run id. */
  readonly journals: ReadonlyMap<string, readonly Recorded[]>;
}

/**
 * Puts a program through everything: without faults, twice; with faults; resumed from a piece of its
 * journal; and each journal that came of it replayed. @returns what is wrong, or undefined
 */
export async function simulate(
  program: Program,
  tally: Tally,
  planSeed: number = program.seed,
): Promise<Failure | undefined> {
  const simulation = new Simulation(program, tally);
  // Stacks cost more than all the rest, and would make journals differ by where Node was called from.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    const problem = await simulation.run(planSeed);
    return problem === undefined ? undefined : simulation.failure(problem);
  } catch (error) {
    return simulation.failure(String(error));
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

class Simulation {
  readonly #program: Program;
  readonly #tally: Tally;
  /** What is looked at now. */
  #stage = '';
  /** The life without faults: now and then with few slots. */
  readonly #quiet: Life;
  #plan: Plan;
  #world: World | undefined;
  #read: { from: World['store'] | undefined; of: string; events: readonly Recorded[] } = {
    from: undefined,
    of: '',
    events: [],
  };

  constructor(program: Program, tally: Tally) {
    this.#program = program;
    this.#tally = tally;
    this.#quiet = quietLife(program.seed);
    this.#plan = { ...NO_FAULTS, lives: [this.#quiet] };
  }

  failure(problem: string): Failure {
    const runs = this.#world?.runs ?? [];
    const journals = runs.map(({ id }) => [id, this.#journal(id)] as const);
    return { problem: `${this.#stage}: ${problem}`, plan: this.#plan, journals: new Map(journals) };
  }

  async run(planSeed: number): Promise<string | undefined> {
    const quiet = this.#enter('without faults', new World([this.#program], this.#tally, this.#plan));
    await quiet.run();
    const journal = transcript(this.#journal());
    const problem = (await this.#checkQuiet()) ?? (await this.#checkReplay('end'));
    if (problem !== undefined) return problem;
    const { end } = this.#main;

    await this.#enter('run twice', new World([this.#program], this.#tally, this.#plan)).run();
    const difference = firstDifference(journal, transcript(this.#journal()));
    if (difference !== undefined) return difference;

    this.#plan = planFaults(planSeed, quiet.appends, quiet.fires);
    const neighbours = this.#plan.neighbours.map(generate);
    const faulty = this.#enter(
      'with faults',
      new World([this.#program, ...neighbours], this.#tally, this.#plan),
    );
    await faulty.run();
    for (const run of faulty.runs) {
      const expected = run === this.#main ? end : undefined;
      const faultyProblem = (await this.#checkFaulty(expected, run)) ?? (await this.#checkReplay('end', run));
      if (faultyProblem !== undefined) return `${run.id}: ${faultyProblem}`;
    }
    return this.#cut(planSeed, quiet, journal, end);
  }

  /** A crash that leaves only so many events, whatever bursts they were committed in. */
  async #cut(
    planSeed: number,
    quiet: World,
    journal: readonly string[],
    end: RunEnd,
  ): Promise<string | undefined> {
    this.#plan = NO_FAULTS;
    const random = new Random(planSeed ^ 0x1234567);
    const seq = random.int(1, journal.length);
    const prefix = quiet.store.prefix(RUN, seq);
    const cutAt = prefix.read(RUN, seq - 1, 1)[0]?.at ?? WALL;
    const from = { snapshot: prefix.snapshot(), wall: Math.ceil(cutAt) + random.pick([0, 10, 100_000]) };
    const stage = `cut after seq ${seq}`;
    this.#enter(stage, new World([this.#program], this.#tally, undefined, from));
    const problem = await this.#checkReplay(seq === journal.length ? 'end' : 'head');
    if (problem !== undefined) return problem;
    await this.#enter(stage, new World([this.#program], this.#tally, undefined, from)).run();
    return (
      this.#late({ afterSeq: seq, at: from.wall }) ??
      (await this.#checkFaulty(end)) ??
      firstDifference(journal.slice(0, seq), transcript(this.#journal()).slice(0, seq))
    );
  }

  #enter(stage: string, world: World): World {
    this.#stage = stage;
    this.#world = world;
    return world;
  }

  get #main(): SimRun {
    const main = this.#world?.runs[0];
    if (main === undefined) throw new RangeError('there is no world yet');
    return main;
  }

  /** As it is stored now; read again only when it has grown. */
  #journal(id: string = RUN): readonly Recorded[] {
    const store = this.#world?.store;
    const lastSeq = store?.getRun(id, 0)?.lastSeq ?? 0;
    const { from, of, events } = this.#read;
    if (store !== from || id !== of || lastSeq !== events.length) {
      this.#read = { from: store, of: id, events: store === undefined ? [] : [...eventsOf(store, id)] };
    }
    return this.#read.events;
  }

  async #checkReplay(expected: 'head' | 'end', run: SimRun = this.#main): Promise<string | undefined> {
    const before = this.#journal(run.id).length;
    const reached = await this.#world?.replay(run);
    const appended = this.#journal(run.id).length - before;
    if (appended > 0) return `the replay appended ${appended} events`;
    return reached === expected ? undefined : `the replay reached the ${reached} and not the ${expected}`;
  }

  /** Where slots are short, attempts start when they can. */
  #late(resumed?: { readonly afterSeq: number; readonly at: number }): string | undefined {
    return this.#quiet === QUIET ? unpunctual(this.#journal(), resumed) : undefined;
  }

  /** Without faults the model knows everything beforehand. */
  async #checkQuiet(): Promise<string | undefined> {
    const journal = this.#journal();
    const { kind } = this.#program;
    const broken = brokenRule(journal) ?? this.#late();
    if (broken !== undefined || kind === 'wild') return broken;
    if (!this.#program.isForetold) return this.#checkFaulty(undefined);
    const { end, logs } = this.#main;
    const first = journal[0]?.event;
    const seed = first?.type === 'RunStarted' ? first.seed : '';
    const { draws: draw, limits } = this.#quiet;
    const world = { seed, startedAt: WALL, draw, slots: limits.inFlight };
    const prediction = await predict(this.#program, AS_WRITTEN, world);
    if (kind !== 'raw') {
      const difference = firstDifference(prediction.lines, linesOf(journal));
      if (difference !== undefined)
        return `${difference}${prediction.isTied ? '\n  (things fell due at one moment)' : ''}`;
      if (text(prediction.logs) !== text(logs))
        return `it logged ${text(logs)}, the model ${text(prediction.logs)}`;
    }
    return sameEnd(endOfRun(end), endOfModel(prediction.ended));
  }

  /**
   * With faults the model follows what was recorded; where time must not count, the end is the same.
   * @param quietEnd the end without faults, where it is known
   */
  async #checkFaulty(quietEnd: RunEnd | undefined, run: SimRun = this.#main): Promise<string | undefined> {
    const journal = this.#journal(run.id);
    const { end, logs, program } = run;
    const { kind } = program;
    const broken = brokenRule(journal);
    if (broken !== undefined || kind === 'wild') return broken;
    if (kind !== 'raw') {
      const followed = await follow(program, AS_WRITTEN, journal);
      if (followed.problem !== undefined) return followed.problem;
      const told = logs.find((line) => !followed.logs.includes(line));
      if (told !== undefined) return `it logged ${told}, the model does not`;
      const problem =
        end.status === 'cancelled' ? undefined : sameEnd(endOfRun(end), endOfModel(followed.ended));
      if (problem !== undefined) return problem;
    }
    if (kind === 'any' || end.status === 'cancelled' || quietEnd === undefined) return undefined;
    return sameEnd(endOfRun(end), endOfRun(quietEnd));
  }
}

function sameEnd(actual: string, expected: string): string | undefined {
  return actual === expected ? undefined : `it ends with\n    ${actual}\n  and should with\n    ${expected}`;
}

function endOfModel(ended: Ended | undefined): string {
  if (ended === undefined) return 'nothing';
  return ended.ok ? `value ${text(ended.value)}` : `error ${describeError(ended.error, true)}`;
}

function endOfRun(end: RunEnd): string {
  switch (end.status) {
    case 'value':
      return `value ${text(end.value)}`;
    case 'failed':
      return `error ${describeError(end.error, true)}`;
    case 'cancelled':
      return 'cancelled';
  }
}

function firstDifference(expected: readonly string[], actual: readonly string[]): string | undefined {
  const length = Math.max(expected.length, actual.length);
  for (let i = 0; i < length; i += 1) {
    if (expected[i] !== actual[i])
      return `line ${i + 1} is\n    ${actual[i] ?? 'not there'}\n  and should be\n    ${expected[i] ?? 'not there'}`;
  }
  return undefined;
}
