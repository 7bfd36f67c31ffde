import { unreachable } from '../journal/invariant.ts';
import type { CrashCause, CrashFinding, CrashOutcome, CrashPoint } from './crash-report.ts';
import { pointsText } from './crash-report.ts';
import type { CrashOptions } from './crash-everywhere.ts';
import type { Steady, TrialEnd, TrialResult } from './crash-trial.ts';
import type { ImpureSite } from '../guard/process-watch.ts';
import type { ImpureKind } from '../process/host-port.ts';
import type { Invocation } from './stand-ins.ts';

type Retry = (points: readonly CrashPoint[], steady: Steady) => Promise<TrialResult>;
type Found = Omit<CrashFinding, 'times'>;

const MOST_SITES = 3;
const FRESH = ' Where it is what tasks changed outside, put that back before each run, with { fresh }.';

/**
 * What crashes brought out, and what each looks like.
 *
 * Owns the findings. Talks to trials: a run that ends another way is run again with chance, or the clock, as it was,
 * and what makes it end as it should is the cause.
 */
export class CrashFindings {
  readonly #first: TrialResult;
  readonly #safe: CrashOptions['safe'];
  readonly #retry: Retry;
  readonly #found = new Map<string, Found & { times: number }>();
  readonly #unclear: Found[] = [];
  readonly #sites = new Map<string, ImpureSite>();
  /** What it was the last time, by what showed. */
  readonly #causes = new Map<string, CrashCause>();

  constructor(first: TrialResult, safe: CrashOptions['safe'], retry: Retry) {
    this.#first = first;
    this.#safe = safe;
    this.#retry = retry;
    this.#keepSites(first);
  }

  get all(): readonly CrashFinding[] {
    return [...this.#found.values()];
  }

  get impure(): readonly ImpureSite[] {
    return [...this.#sites.values()];
  }

  /** What may have several causes has the one that shows by itself, if there is one. */
  finish(): void {
    const alone = [...this.#found.values()].find(
      ({ cause, key }) =>
        cause === 'shared mutable state' || (cause === 'effect outside a task' && key === null),
    );
    for (const found of this.#unclear.splice(0)) {
      if (alone === undefined) this.#add(found);
      else alone.times += 1;
    }
  }

  async look(points: readonly CrashPoint[], result: TrialResult): Promise<CrashOutcome> {
    this.#keepSites(result);
    this.#lookAtEffects(points, result);
    const repeated = this.#repeated(result);
    for (const call of repeated) if (!this.#isSafe(call, result)) this.#add(unsafe(call, points));
    const outcome = this.#outcome(result.end);
    if (outcome === 'same' || outcome === 'asks') return outcome;
    const found = await this.#explain(points, result, repeated);
    // That a task ran twice may have nothing to do with it.
    if (found.cause === 'unsafe retry') this.#unclear.push(found);
    else this.#add(found);
    return outcome;
  }

  #outcome(end: TrialEnd): CrashOutcome {
    if (end.how !== 'ended') return end.how;
    const { end: first } = this.#first;
    return first.how === 'ended' && first.text === end.text ? 'same' : 'different';
  }

  #keepSites({ sites }: TrialResult): void {
    for (const site of sites) this.#sites.set(`${site.name} ${site.where ?? ''}`, site);
  }

  #lookAtEffects(points: readonly CrashPoint[], { sites }: TrialResult): void {
    const effects = sites.filter(({ kind }) => kind === 'effect');
    for (const { name, where } of new Map(
      effects.map((site) => [`${site.name} ${site.where ?? ''}`, site]),
    ).values()) {
      const count = (all: readonly ImpureSite[]): number =>
        all.filter((site) => site.name === name && site.where === where).length;
      const [ran, once] = [count(sites), count(this.#first.sites)];
      if (ran <= once) continue;
      this.#add({
        cause: 'effect outside a task',
        message: `Process code calls ${name} at ${where ?? 'an unknown place'}, which ran ${ran} times instead of ${once} with a crash ${pointsText(points)}: process code runs again at each resume. Put it into a task (defineTask).`,
        where,
        key: null,
        points,
      });
    }
  }

  /** Calls whose task ran more often than without a crash. */
  #repeated({ invocations }: TrialResult): (Invocation & { readonly ran: number; readonly once: number })[] {
    const last = new Map(invocations.map((call) => [placeOf(call), call]));
    return [...last].flatMap(([place, call]) => {
      const count = (all: readonly Invocation[]): number =>
        all.filter((each) => placeOf(each) === place).length;
      const [ran, once] = [count(invocations), count(this.#first.invocations)];
      return ran > Math.max(1, once) ? [{ ...call, ran, once }] : [];
    });
  }

  #isSafe({ task: name }: Invocation, { standIns }: TrialResult): boolean {
    const task = standIns.used.get(name);
    if (task === undefined || this.#safe === 'all') return true;
    const isSaid = task.settings.onUnknown !== undefined || standIns.keyed.has(task);
    return isSaid || this.#safe?.includes(task) === true;
  }

  async #explain(
    points: readonly CrashPoint[],
    result: TrialResult,
    repeated: readonly (Invocation & { readonly ran: number })[],
  ): Promise<Found> {
    const { end } = result;
    const { key, where } = placeOfEnd(end);
    const sign = `${end.how} ${key ?? ''} ${repeated.length > 0 ? 'repeated' : ''}`;
    const cause = this.#causes.get(sign) ?? (await this.#causeOf(points, end, repeated.length > 0));
    this.#causes.set(sign, cause);
    const sites = this.#sitesOf(cause);
    const at = sites.map((site) => `${site.name} at ${site.where ?? 'an unknown place'}`).join(', ');
    const what = `${points.length === 0 ? 'Two runs without any crash do not end the same way' : `With a crash ${pointsText(points)}`}: ${this.#said(end)}.`;
    const tasks = repeated
      .map(({ task, key: call, ran }) => `'${task}' (${call}) ran ${ran} times`)
      .join(', ');
    return {
      cause,
      message: `${what} ${advice(cause, at, tasks, where)}${points.length === 0 && cause === 'shared mutable state' ? FRESH : ''}`,
      where: sites[0]?.where ?? where,
      key,
      points,
    };
  }

  #said(end: TrialEnd): string {
    const { end: first } = this.#first;
    switch (end.how) {
      case 'ended':
        return `${end.said}, instead of: ${first.how === 'ended' ? first.said : first.how}`;
      case 'diverged': {
        const { report } = end.error;
        if (report === undefined) return end.error.message;
        return `it recorded ${report.recorded} at seq ${report.seq} (${report.key}), and asks now for ${report.asked ?? 'nothing'}${report.where === null ? '' : ` at ${report.where}`}`;
      }
      case 'hangs':
      case 'asks':
        return `the run never ends, it waits for ${end.waits}`;
      default:
        return unreachable(end);
    }
  }

  /** Chance, or the clock, if the run ends as it should with them as they were. */
  async #causeOf(points: readonly CrashPoint[], end: TrialEnd, isRepeated: boolean): Promise<CrashCause> {
    const isCured = async (steady: Steady): Promise<boolean> =>
      this.#outcome((await this.#retry(points, steady)).end) === 'same';
    if (this.#sitesBy('random').length > 0 && (await isCured({ random: true, clock: false })))
      return 'random branch';
    if (this.#sitesBy('clock').length > 0 && (await isCured({ random: false, clock: true })))
      return 'wall clock branch';
    if (end.how === 'hangs') return 'lost message';
    if (end.how === 'diverged' || points.length === 0) return 'shared mutable state';
    if (isRepeated) return 'unsafe retry';
    return this.#sitesBy('effect').length > 0 || this.#isWorldAlone(end)
      ? 'effect outside a task'
      : 'shared mutable state';
  }

  /** It gave the same, and left another world. */
  #isWorldAlone(end: TrialEnd): boolean {
    const { end: first } = this.#first;
    if (end.how !== 'ended' || first.how !== 'ended') return false;
    const [[told], [expected]] = [end.text, first.text].map((text) => JSON.parse(text) as unknown[]) as [
      unknown[],
      unknown[],
    ];
    return told === expected;
  }

  #sitesBy(kind: ImpureKind): ImpureSite[] {
    return this.impure.filter((site) => site.kind === kind).slice(0, MOST_SITES);
  }

  #sitesOf(cause: CrashCause): ImpureSite[] {
    if (cause === 'random branch') return this.#sitesBy('random');
    if (cause === 'wall clock branch') return this.#sitesBy('clock');
    return cause === 'effect outside a task' ? this.#sitesBy('effect') : [];
  }

  #add(found: Found): void {
    const id = `${found.cause} ${found.where ?? ''} ${found.key ?? ''}`;
    const known = this.#found.get(id);
    if (known === undefined) this.#found.set(id, { ...found, times: 1 });
    else known.times += 1;
  }
}

function placeOfEnd(end: TrialEnd): { readonly key: string | null; readonly where: string | null } {
  if (end.how === 'diverged')
    return { key: end.error.report?.key ?? null, where: end.error.report?.where ?? null };
  if (end.how === 'ended') return { key: null, where: null };
  return { key: /\(([^()]*)\)$/.exec(end.waits)?.[1] ?? null, where: end.where };
}

function unsafe(
  call: Invocation & { readonly ran: number; readonly once: number },
  points: readonly CrashPoint[],
): Found {
  const { task, key, ran } = call;
  return {
    cause: 'unsafe retry',
    message: `Task '${task}' (${key}) ran ${ran} times with a crash ${pointsText(points)}, and it does not say that it may. Where that does no harm, say onUnknown: 'retry'; or hand task.idempotencyKey to the service that it calls; or let it be asked first, with onUnknown: 'check' or 'ask'.`,
    where: null,
    key,
    points,
  };
}

function advice(cause: CrashCause, sites: string, tasks: string, where: string | null): string {
  const at = where === null ? '' : ` (${where})`;
  switch (cause) {
    case 'random branch':
      return `Process code takes chance from ${sites}: use ctx.random or ctx.uuid.`;
    case 'wall clock branch':
      return `Process code takes the time from ${sites}: use ctx.now.`;
    case 'effect outside a task':
      return `Something outside happened more often, and no task did it: an effect in process code${sites === '' ? '' : ` (${sites})`}, which runs again at each resume. Put it into a task (defineTask).`;
    case 'unsafe retry':
      return `What ${tasks} does shows when it happens twice: hand task.idempotencyKey to the service that it calls, or say onUnknown: 'check' or 'ask'.`;
    case 'lost message':
      return `What it waits for came before the crash, and was in memory only${at}: let outsiders send messages, and take them by ctx.receive, or by task.receive in a task.`;
    case 'shared mutable state':
      return `Process code depends on something that outlives a run, or is lost with the program${at}: a variable of a module, a cache, an object that was changed. Keep it inside the process function, or read it in a task.`;
    default:
      return unreachable(cause);
  }
}

function placeOf({ runId, key }: Invocation): string {
  return `${runId} ${key}`;
}
