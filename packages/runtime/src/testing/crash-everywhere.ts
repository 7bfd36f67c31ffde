import {
  durationMs,
  InvalidArgumentError,
  InvalidOptionError,
  type Duration,
  type TaskDefinition,
} from '@pawl/sdk';
import type { AnyProcess } from '../process/definition.ts';
import { CrashFindings } from './crash-findings.ts';
import { reportText, type CrashPoint, type CrashReport, type CrashRow } from './crash-report.ts';
import { RUN_ID, Trial, type TrialResult, type TrialSetting, type WorldEvent } from './crash-trial.ts';
import type { TaskMock } from './mock.ts';
import { processWatch } from '../guard/process-watch.ts';

export interface CrashOptions {
  /** Code that runs instead of tasks' own. What they keep outside stands for the world, which no crash takes back. */
  readonly tasks?: readonly TaskMock[];
  /** What becomes of tasks without a mock: they run (default), or their call is refused. */
  readonly unmocked?: 'run' | 'refuse';
  /** How many crash points are tried, spread over all of them: around each commit of the journal. Default 'all'. */
  readonly points?: 'all' | number;
  /** How many pairs of crashes are tried, spread over all of them: the second one in what follows the first. Default 0. */
  readonly pairs?: 'all' | number;
  /** What happens around the run, at virtual times: messages, answers, anything else. */
  readonly world?: readonly WorldEvent[];
  /** Called before each run: puts back what tasks changed. */
  readonly fresh?: () => void | Promise<void>;
  /** What the world looks like after a run, such as a count of mails: a value that can be recorded, compared with what it is without a crash. */
  readonly observe?: () => unknown;
  /**
   * Tasks that may run twice though their definition does not say so; 'all': each of them. A definition says so by
   * `onUnknown`, or its code by using `task.idempotencyKey`.
   */
  readonly safe?: 'all' | readonly TaskDefinition<never, unknown>[];
  /** Gives the process anew for each life of the program, such as by an import with another query: memory of a module is lost in a crash. Default: the same code. */
  readonly load?: () => AnyProcess<never, unknown> | Promise<AnyProcess<never, unknown>>;
  /** For how long, in real time, a run may stand still before it counts as hanging (default 300 ms, and more where it does without a crash). */
  readonly patience?: Duration;
}

/** Without a crash a run may be slower: what it does is not known yet. */
const FIRST_PATIENCE_MS = 2000;
const FIRST_WORK_MS = 60_000;
const PATIENCE_MS = 300;
const WOBBLY = { random: false, clock: false } as const;

/** What patches globals is one at a time. */
let turn: Promise<unknown> = Promise.resolve();

/**
 * Runs a process in memory and in virtual time, once without faults, and then again and again with a crash: before
 * and after each commit of its journal, and so before a task starts, after its start is recorded and before it runs, after
 * it ran and before its result is recorded, and after that. Each time the run goes on from its journal, and its end is
 * compared with that of the run without faults.
 *
 * It finds code that a crash breaks: effects outside a task, tasks that run twice and do not say that they may, branches
 * by chance or by the wall clock, messages that are lost, state that is shared between runs. While it runs, `Math.random`,
 * the wall clock and effects of Node are watched in process code, and in no other code.
 *
 *     const report = await crashEverywhere(order, { cents: 900 }, { tasks: [mock(charge, () => ({ id: 'ch_1' }))] });
 *     assert.ok(report.ok, report.text);
 *
 * Beside commits x 2 runs, it takes as many as `pairs` says.
 * @throws InvalidOptionError; InvalidArgumentError where the run does not end without a crash, or not the same way twice
 */
export function crashEverywhere<Inputs, Output>(
  process: AnyProcess<Inputs, Output>,
  inputs: NoInfer<Inputs>,
  options: CrashOptions = {},
): Promise<CrashReport> {
  const mine = turn.then(() => watched(process, inputs, options));
  turn = mine.catch(() => undefined);
  return mine;
}

async function watched<Inputs, Output>(
  process: AnyProcess<Inputs, Output>,
  inputs: Inputs,
  options: CrashOptions,
): Promise<CrashReport> {
  const { tasks = [], unmocked = 'run', world = [], safe = [], patience = PATIENCE_MS } = options;
  const points = amount('points', options.points ?? 'all');
  const pairs = amount('pairs', options.pairs ?? 0);
  const setting: TrialSetting = {
    load: options.load ?? (() => process as AnyProcess<never, unknown>),
    inputs,
    tasks,
    unmocked,
    world,
    fresh: options.fresh ?? (() => undefined),
    observe: options.observe ?? (() => null),
    patienceMs: durationMs(patience, 'patience'),
    workMs: PATIENCE_MS,
    watch: processWatch,
  };
  const leave = processWatch.use();
  try {
    return await new CrashTest(setting, safe, points, pairs).run();
  } finally {
    leave();
  }
}

function amount(option: string, value: 'all' | number): number {
  if (value === 'all') return Infinity;
  if (!Number.isSafeInteger(value) || value < 0)
    throw new InvalidOptionError(option, value, `'all', or a whole number from 0 on`);
  return value;
}

/**
 * All crashes of one process.
 *
 * Owns the rows of the report. Talks to trials, and to the findings.
 */
class CrashTest {
  #setting: TrialSetting;
  readonly #safe: CrashOptions['safe'];
  readonly #points: number;
  readonly #pairs: number;
  readonly #rows: CrashRow[] = [];

  constructor(setting: TrialSetting, safe: CrashOptions['safe'], points: number, pairs: number) {
    this.#setting = setting;
    this.#safe = safe;
    this.#points = points;
    this.#pairs = pairs;
  }

  async run(): Promise<CrashReport> {
    const first = await new Trial(
      { ...this.#setting, patienceMs: FIRST_PATIENCE_MS, workMs: FIRST_WORK_MS },
      [],
      WOBBLY,
    ).run();
    const { end } = first;
    if (end.how !== 'ended')
      throw new InvalidArgumentError(
        `Without any crash the run does not end: it waits for ${'waits' in end ? end.waits : 'nothing'}. What it waits for is told by { world: [{ at, send, payload }] }.`,
      );
    const patienceMs = Math.max(this.#setting.patienceMs, 4 * first.stillMs);
    this.#setting = { ...this.#setting, patienceMs, workMs: patienceMs };
    const findings = new CrashFindings(first, this.#safe, (points, steady) =>
      new Trial(this.#setting, points, steady).run(),
    );
    await findings.look([], await new Trial(this.#setting, [], WOBBLY).run());
    const all = pointsOf(first.commits[0] ?? []);
    const tried = spread(all, this.#points);
    const seconds: (readonly CrashPoint[])[] = [];
    for (const point of tried) {
      const result = await this.#try(findings, first, [point]);
      for (const second of pointsOf(result.commits[1] ?? [])) seconds.push([point, second]);
    }
    const pairs = spread(this.#pairs === 0 ? [] : seconds, this.#pairs);
    for (const points of pairs) await this.#try(findings, first, points);
    findings.finish();
    const found = findings.all;
    const report = {
      ok: found.length === 0,
      findings: found,
      rows: this.#rows,
      impure: findings.impure,
      points: { all: all.length, tried: tried.length },
      pairs: { all: this.#pairs === 0 ? 0 : seconds.length, tried: pairs.length },
    };
    return { ...report, text: reportText(report) };
  }

  async #try(
    findings: CrashFindings,
    first: TrialResult,
    points: readonly CrashPoint[],
  ): Promise<TrialResult> {
    const result = await new Trial(this.#setting, points, WOBBLY).run();
    const outcome = await findings.look(points, result);
    const key = points[0] === undefined ? null : stepOf(points[0]);
    const tasks = [...first.invocations, ...result.invocations];
    const task = tasks.find((call) => call.runId === RUN_ID && call.key === key)?.task;
    const ran = result.invocations.filter((call) => call.runId === RUN_ID && call.key === key).length;
    const step = key === null ? null : task === undefined ? key : `${task} (${key})`;
    this.#rows.push({ step, points, ran: task === undefined ? null : ran, outcome });
    return result;
  }
}

function pointsOf(commits: readonly (readonly string[])[]): CrashPoint[] {
  return commits.flatMap((events, i) =>
    (['before', 'after'] as const).map((side) => ({ commit: i + 1, side, events })),
  );
}

/** The call that a crash is about: what had happened and is lost, or what was about to happen. */
function stepOf({ side, events }: CrashPoint): string | null {
  const keys = events.filter((event) => event.includes(' ')).map((event) => event.split(' '));
  const settled = keys.find(
    ([type]) => !['TaskScheduled', 'AttemptStarted', 'ScopeOpened'].includes(type ?? ''),
  );
  const started = keys.findLast(([type]) => type === 'AttemptStarted');
  const [, key] = (side === 'before' ? (settled ?? keys[0]) : (started ?? keys.at(-1))) ?? [];
  return key ?? null;
}

/** At most so many, evenly over all. */
function spread<T>(all: readonly T[], most: number): readonly T[] {
  if (all.length <= most) return all;
  return Array.from({ length: most }, (_, i) => all[Math.floor((i * all.length) / most)] as T);
}
