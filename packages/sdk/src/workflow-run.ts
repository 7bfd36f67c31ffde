import { EmptyGroupError } from './errors.ts';
import type { Parallel, Thunk, ThunkOptions } from './parallel.ts';
import type { Context, TaskCallOptions } from './process.ts';
import type { WaitStrategy, WorkflowScope } from './workflow.ts';
import { completed, decides, failed, givenUp, settledValue, skipped, tells } from './workflow-end.ts';
import { Ledger } from './workflow-ledger.ts';
import { picked, repeated } from './workflow-members.ts';
import {
  Ended,
  errorOf,
  Failed,
  interruption,
  nobodyWon,
  reasonOf,
  succeeded,
  type Outcome,
} from './workflow-outcome.ts';
import { Places } from './workflow-places.ts';
import { isTaskStep, type PlannedGroup, type PlannedStep, type WorkflowPlan } from './workflow-plan.ts';
import { groupResult, type EndedMember, type GroupResult, type StepEnd } from './workflow-result.ts';

/** Runs a plan as code would: the journal holds nothing that tells them apart. */
export async function runWorkflow(plan: WorkflowPlan, inputs: unknown, ctx: Context): Promise<unknown> {
  return await new WorkflowRun(plan, inputs, ctx).run();
}

/** One group of one run. */
interface Group {
  readonly name: string;
  readonly plan: PlannedGroup;
  readonly members: readonly PlannedStep[];
  readonly own: Places;
  /** Where a step needs a place, the innermost first: who holds that waits for the next and blocks nobody. */
  readonly places: readonly Places[];
  readonly started: Set<string>;
  readonly completionOrder: string[];
  /** Members that have ended without deciding it. */
  ended: number;
}

interface GroupEnd {
  readonly result: GroupResult;
  readonly failure: { readonly error: unknown } | undefined;
  readonly isTimedOut: boolean;
}

/**
 * Carries out one run of a workflow.
 *
 * Owns the ledger and the groups that are open. Talks to ctx.
 * Each group is one parallel call and each member a branch of it, named by its id. A branch starts at
 * once and waits in process code for what the step depends on, and then for a place.
 * Invariants: a step ends once. Who decides a group ends with it, not before: it releases no place, and
 * nobody who waits for it, until the parallel call has settled; on replay that is the authority, not we.
 * A step that was given up goes no further.
 */
class WorkflowRun {
  readonly #plan: WorkflowPlan;
  readonly #inputs: unknown;
  readonly #ctx: Context;
  /** Aborted when the workflow as a whole is given up. */
  readonly #whole: AbortSignal;
  readonly #ledger: Ledger;
  readonly #open = new Map<string, Group>();
  /** Places by the id of the step that has them. */
  readonly #held = new Map<string, Places[]>();
  /** Ids of onDemand steps that some group runs. */
  readonly #picked = new Set<string>();

  constructor(plan: WorkflowPlan, inputs: unknown, ctx: Context) {
    this.#plan = plan;
    this.#inputs = inputs;
    this.#ctx = ctx;
    this.#whole = ctx.signal;
    this.#ledger = new Ledger(plan.ids);
  }

  async run(): Promise<unknown> {
    const { name, root, output } = this.#plan;
    const { result, failure, isTimedOut } = await this.#group(`Workflow '${name}'`, root, root.members, []);
    // The strategy and continueOnError are about steps; maxDuration is about the workflow.
    if (failure !== undefined && (isTimedOut || !root.continueOnError)) throw failure.error;
    return output === undefined ? result : await output(this.#scope(undefined));
  }

  async #group(
    name: string,
    plan: PlannedGroup,
    members: readonly PlannedStep[],
    around: readonly Places[],
    step?: PlannedStep,
  ): Promise<GroupEnd> {
    const from = this.#ctx.now().getTime();
    const own = new Places();
    const group: Group = {
      name,
      plan,
      members,
      own,
      places: [own, ...around],
      started: new Set(),
      completionOrder: [],
      ended: 0,
    };
    if (step !== undefined) this.#open.set(step.id, group);
    const outcome = await this.#settled(group, step?.definition.signal);
    // Whoever gave this branch up has said how its steps ended.
    if (this.#ctx.signal.aborted) throw this.#ctx.signal.reason;
    own.close();
    this.#conclude(group, outcome);
    return this.#told(group, outcome, this.#ctx.now().getTime() - from);
  }

  async #settled(group: Group, signal: AbortSignal | undefined): Promise<Outcome> {
    const { plan, members, own } = group;
    const thunks = members.map((member) => () => this.#member(member, group));
    const { maxConcurrent: concurrency, timeout, defaults } = plan;
    const keyBy = (_: Thunk, index: number): string => members[index]?.id ?? String(index);
    const options = { ...defaults, ...defined({ keyBy, concurrency, limiter: own, timeout, signal }) };
    try {
      const settled = await waitFor(this.#ctx.parallel, plan.strategy, thunks, options);
      // `allSettled` never rejects: it says in its entries why it did not wait for the rest.
      const open = members.findIndex(({ id }) => plan.strategy === 'allSettled' && !this.#ledger.has(id));
      if (settled instanceof Ended) return { status: 'decided', by: settled };
      if (open === -1) return { status: 'ended' };
      return interruption(Array.isArray(settled) ? reasonOf(settled[open]) : undefined);
    } catch (error) {
      // Who came first here may not be who was first when it was recorded: the call says who it was.
      if (error instanceof Failed) return { status: 'decided', by: error.ended };
      if (group.ended < members.length) return interruption(error);
      return { status: 'unwon', error: nobodyWon(group.name, plan.strategy, this.#endsOf(members), error) };
    }
  }

  /** The ends of who decided it and of those that it gave up. */
  #conclude(group: Group, outcome: Outcome): void {
    if (outcome.status === 'decided') {
      const { step, end } = outcome.by;
      this.#end(step, end, group);
      this.#release(step.id);
    }
    const how = outcome.status === 'timedOut' ? 'timedOut' : 'cancelled';
    for (const member of group.members) this.#giveUp(member, how, group.started.has(member.id));
  }

  #giveUp(step: PlannedStep, how: 'cancelled' | 'timedOut', wasStarted: boolean): void {
    const group = this.#open.get(step.id);
    group?.own.close();
    if (this.#ledger.end(step.id, wasStarted ? givenUp(how) : skipped(false))) this.#release(step.id);
    for (const member of group?.members ?? step.group?.members ?? [])
      this.#giveUp(member, how, group?.started.has(member.id) === true);
  }

  #told({ name, plan, members, completionOrder }: Group, outcome: Outcome, duration: number): GroupEnd {
    const ended = this.#endsOf(members);
    const success = succeeded(plan, outcome, ended);
    const hasWinner = plan.strategy === 'any' || plan.strategy === 'race';
    const winner = outcome.status === 'decided' ? outcome.by.step.id : undefined;
    const result = groupResult({
      members: ended,
      completionOrder,
      duration,
      success,
      continued: !success && plan.continueOnError,
      winner: hasWinner ? (ended.find(({ id }) => id === winner) ?? null) : undefined,
    });
    const isTimedOut = outcome.status === 'timedOut';
    // `allSettled` of steps never fails; a workflow whose time is over always does.
    if (success && !(isTimedOut && plan === this.#plan.root))
      return { result, failure: undefined, isTimedOut };
    return { result, failure: { error: errorOf(name, outcome, result, ended) }, isTimedOut };
  }

  #endsOf(members: readonly PlannedStep[]): readonly EndedMember[] {
    return members.map(({ id }) => ({ id, end: this.#ledger.get(id) ?? skipped(false) }));
  }

  /** The branch of one step. */
  async #member(step: PlannedStep, group: Group): Promise<unknown> {
    await this.#ledger.whenEnded(step.dependsOn.filter((id) => this.#isComing(id)));
    if (this.#ledger.has(step.id)) return await never();
    let end: StepEnd;
    try {
      const skip = this.#skipped(step);
      if (skip === undefined && step.group === undefined && !(await this.#take(step.id, group)))
        return await never();
      end = skip ?? (await this.#work(step, group));
    } catch (error) {
      // In a branch that lost: whoever gave it up says how it ended, or has said so.
      if (this.#ctx.signal.aborted && !this.#whole.aborted) throw error;
      end = failed(step, error, undefined, () => this.#scope(step));
    }
    if (!decides(group.plan, end)) {
      group.ended += 1;
      this.#end(step, end, group);
      this.#release(step.id);
    }
    const told = tells(group.plan, end);
    if (told === 'nothing') return await this.#passOver(group);
    const ended = new Ended(step, end);
    if (told === 'failure') throw new Failed(ended);
    return ended;
  }

  /** In a race it is as if it had not been there, unless it was the last one: then nobody wins. */
  #passOver(group: Group): Promise<never> {
    if (group.ended < group.members.length) return never();
    return Promise.reject(new EmptyGroupError('race'));
  }

  /** A step that waits to be picked may never run. */
  #isComing(id: string): boolean {
    return !this.#plan.onDemand.has(id) || this.#picked.has(id);
  }

  #skipped(step: PlannedStep): StepEnd | undefined {
    const { runIf, dependsOn, definition } = step;
    const ends = dependsOn.map((id) => this.#ledger.get(id));
    if (runIf !== 'always' && ends.some((end) => end?.satisfies === false)) return skipped(false);
    if (runIf === 'succeeded' && ends.some((end) => end?.status !== 'completed')) return skipped(true);
    if (definition.when === undefined) return undefined;
    return settledValue('when', definition.when(this.#scope(step))) ? undefined : skipped(true);
  }

  /** False: it was given up meanwhile. */
  async #take(id: string, { places }: Group): Promise<boolean> {
    const held: Places[] = [];
    this.#held.set(id, held);
    for (const each of places) {
      await each.take();
      held.push(each);
      if (!this.#ledger.has(id)) continue;
      this.#held.set(id, held);
      this.#release(id);
      return false;
    }
    return true;
  }

  #release(id: string): void {
    const held = this.#held.get(id) ?? [];
    this.#held.delete(id);
    for (const places of held.splice(0)) places.giveBack();
  }

  async #work(step: PlannedStep, group: Group): Promise<StepEnd> {
    group.started.add(step.id);
    const { group: inner } = step;
    if (inner === undefined) return completed(await this.#leaf(step, group));
    const timeout = inner.timeout ?? group.plan.stepTimeout;
    const members = this.#membersOf(step, inner);
    const plan = timeout === undefined ? inner : { ...inner, timeout };
    const around = group.places;
    const { result, failure } = await this.#group(`Group '${step.id}'`, plan, members, around, step);
    if (failure === undefined) return completed(result);
    const end = failed(step, failure.error, result, () => this.#scope(step));
    if (!plan.continueOnError || end.status === 'cancelled' || end.status === 'completed') return end;
    return { ...end, tolerated: true, satisfies: true };
  }

  #membersOf(step: PlannedStep, { members, repeat }: PlannedGroup): readonly PlannedStep[] {
    if (repeat === undefined) return members;
    const { items, template, path } = repeat;
    const list = typeof items === 'function' ? settledValue('steps', items(this.#scope(step))) : items;
    if (template === undefined) return picked(step.id, path, list, this.#plan.onDemand, this.#picked);
    return repeated(step.id, repeat, list, this.#ledger.ids, this.#plan.tools);
  }

  async #leaf(step: PlannedStep, group: Group): Promise<unknown> {
    const { definition, task } = step;
    const { signal, priority, retry, pool, cost, timeout = group.plan.stepTimeout } = definition;
    if (isTaskStep(definition) && task !== undefined) {
      const { input, deadline } = definition;
      const args = isCallback(input) ? settledValue('input', input(this.#scope(step))) : input;
      const options: TaskCallOptions = defined({ retry, timeout, deadline, priority, pool, cost });
      // The task itself checks what it gets.
      const call = (): Promise<unknown> => this.#ctx.task(task, args as never, options);
      return await this.#within(call, { signal });
    }
    if (!('run' in definition)) return undefined;
    const run = definition.run;
    const options = { signal, priority, retry, pool, cost, timeout };
    return await this.#within(() => run(this.#ctx, this.#scope(step)), options);
  }

  /** In a parallel call of its own where the step has options that only such a call has. */
  async #within(
    work: Thunk,
    options: { readonly [Name in keyof ThunkOptions]: ThunkOptions[Name] | undefined },
  ): Promise<unknown> {
    const given = defined(options);
    if (Object.keys(given).length === 0) return await work();
    const [value] = await this.#ctx.parallel.all([work], given);
    return value;
  }

  #end(step: PlannedStep, end: StepEnd, group: Group): void {
    if (!this.#ledger.end(step.id, end)) return;
    if (end.status === 'skipped') this.#skipInside(step, end);
    else if (end.status !== 'cancelled') group.completionOrder.push(step.id);
    // A group that could not be opened leaves members that never ran.
    if (!this.#open.has(step.id) && end.status !== 'skipped') this.#skipInside(step, skipped(end.satisfies));
  }

  #skipInside({ group }: PlannedStep, end: StepEnd): void {
    for (const member of group?.members ?? []) {
      if (this.#ledger.end(member.id, end)) this.#skipInside(member, end);
    }
  }

  #scope(step: PlannedStep | undefined): WorkflowScope<never> {
    return this.#ledger.scope(this.#inputs, step?.item);
  }
}

function waitFor(
  parallel: Parallel,
  strategy: WaitStrategy,
  thunks: readonly Thunk[],
  options: ThunkOptions,
): Promise<unknown> {
  switch (strategy) {
    case 'all':
      return parallel.all(thunks, options);
    case 'any':
      return parallel.any(thunks, options);
    case 'allSettled':
      return parallel.allSettled(thunks, options);
    case 'race':
      return parallel.race(thunks, options);
    default:
      return strategy satisfies never;
  }
}

function isCallback(value: unknown): value is (scope: WorkflowScope<never>) => unknown {
  return typeof value === 'function';
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

type Defined<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> };

/** Without the entries that are undefined: an option that is undefined is one that is left out. */
function defined<T extends object>(options: T): Defined<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Defined<T>;
}
