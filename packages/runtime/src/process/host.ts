import {
  CancelledError,
  InvalidArgumentError,
  LimitError,
  NonDeterminismError,
  type Process,
} from '@pawl/sdk';
import { ROOT_SCOPE, scopeOf, type CallKey, type ScopePath } from '../journal/call-key.ts';
import type { BreakpointAnswered } from '../journal/breakpoint-event.ts';
import type { ErrorRecord } from '../journal/error-record.ts';
import type { OutcomeEvent, Recorded } from '../journal/event.ts';
import type { Millis } from '../journal/ids.ts';
import type { Command } from '../kernel/input.ts';
import type { Decided, GroupCall } from '../kernel/state.ts';
import { Admission, type Asked } from './admission.ts';
import { CallRequest, nobody, type NewRequest } from './call-request.ts';
import { callSite, here } from './call-site.ts';
import { DeclaredPools } from './declared-pools.ts';
import { deliverTo } from './deliver.ts';
import { ForeignWaits } from './foreign-waits.ts';
import type { HostLimits, HostPort } from './host-port.ts';
import type { OpenCall, OpenChild } from './open-call.ts';
import { closeKey } from './place.ts';
import { Exits } from './exits/exits.ts';
import type { GroupHost, OpenGroup } from './parallel/group-host.ts';
import { codeHere, outsideProcess, runAs, warnOfHere } from './process-code.ts';
import type { ProcessResult } from './process-result.ts';
import { isRecorded } from './recorded-command.ts';
import type { ReduceHost } from './reduce/reduce-plan.ts';
import type { Reduce } from './reduce/reduce.ts';
import { finite, Retuning } from './retuning.ts';
import { Scope } from './scope.ts';
import { SettleWatch } from './settle-watch.ts';
import { claimStrayRejections } from './stray-rejections.ts';
import { TaskPlans } from './task-plan.ts';
import type { ChannelWait } from './wait-list.ts';

/** Calls over the limit of a turn that are refused; later ones never settle: a loop that catches all would not end. */
const MAX_REFUSED = 1000;

/**
 * Holds the continuation of one run's process.
 *
 * Owns scopes, open calls and groups, and the commands that were asked for. Talks to the engine by HostPort; never
 * starts work. Invariants: P1 a promise settles only in `deliver`, or by what follows from it in process code: a
 * group's decision, a stream's result, a channel; P3 keys depend on scope and delivery order only; P4 only errors of
 * the sdk pass through user code.
 */
export class ProcessHost implements GroupHost, ReduceHost {
  readonly runId: string;
  readonly port: HostPort;
  readonly limits: HostLimits;
  readonly digest: HostPort['digest'];
  readonly strict: boolean;
  readonly foreign: ForeignWaits;
  readonly pools: DeclaredPools;
  readonly taskPlans: TaskPlans;
  readonly root: Scope = Scope.root((scope, fn) => runAs(this, scope, fn));
  readonly admission: Admission;
  readonly openCalls: Map<CallKey, OpenCall> = new Map();
  readonly openGroups: Map<CallKey, OpenGroup> = new Map();
  readonly openReduces: Map<CallKey, Reduce> = new Map();
  readonly exits: Exits = new Exits();
  readonly stateNames: Set<string> = new Set();
  /** Runs that were asked for below the head and go on by themselves: at the head nobody else may know their code. */
  readonly leftRuns: Map<CallKey, OpenChild> = new Map();
  readonly channelWaits: Set<ChannelWait> = new Set();
  #commands: Command[] = [];
  readonly #retuning = new Retuning();
  readonly settleWatch: SettleWatch = new SettleWatch(this);
  #callsThisTurn = 0;
  /** Nothing is delivered or asked for any more. */
  isStopped = false;
  seed = '';
  /** Below the head log output was told before. */
  quiet = true;
  now: Millis = 0;
  runIdNow: string;
  result: ProcessResult | undefined;

  constructor(runId: string, port: HostPort, limits: HostLimits, strict: boolean) {
    this.runId = this.runIdNow = runId;
    this.port = port;
    this.limits = limits;
    this.digest = port.digest;
    this.strict = strict;
    this.pools = new DeclaredPools(port.pools, limits.pools);
    this.taskPlans = new TaskPlans(this.pools);
    this.admission = new Admission(port, this.root);
    this.foreign = new ForeignWaits();
  }

  /** Invokes the process. The caller opens the turn. */
  start(run: Process, inputs: unknown, ctx: Parameters<Process>[1], at: Millis): void {
    this.now = at;
    claimStrayRejections(warnOfHere);
    new Promise((resolve) => {
      // `inputs` were checked against the process' schema, or are as its author's caller gave them.
      resolve(runAs(this, this.root, () => run(inputs as never, ctx)));
    }).then(
      (value) => this.ended({ ok: true, value }),
      (error: unknown) => this.ended({ ok: false, error }),
    );
  }

  /** The first end counts: code that goes on behind `continueAsNew` says nothing more. */
  ended(result: ProcessResult): void {
    if (this.result !== undefined) return;
    this.result = result;
    if (!this.inTurn) this.port.changed();
  }

  get live(): boolean {
    return this.admission.live;
  }

  get wentOutside(): boolean {
    return this.foreign.seen;
  }

  get inTurn(): boolean {
    return this.admission.inTurn;
  }

  beginTurn(): void {
    this.admission.inTurn = true;
    this.#callsThisTurn = 0;
  }

  endTurn(): void {
    this.admission.inTurn = false;
  }

  takeCommands(): Command[] {
    const commands = this.#commands;
    this.#commands = [];
    this.#callsThisTurn = 0;
    return commands;
  }

  get hasCommands(): boolean {
    return this.#commands.length > 0 || !this.#retuning.isOver;
  }

  /** Hands over one recorded outcome; the caller opens the turn. */
  deliver(recorded: Recorded<OutcomeEvent>): void {
    const { event, at, seq } = recorded;
    this.now = at;
    switch (event.type) {
      case 'CancelRequested':
      case 'CancelForced': {
        const reason = `the run was cancelled: ${event.reason}`;
        if (event.type === 'CancelForced') this.exits.giveUp(reason);
        this.root.raiseFence(new CancelledError(reason), 'all');
        this.admission.refuseFenced();
        return;
      }
      case 'ScopeAborted':
        if (this.openGroups.has(event.key))
          this.openGroups.get(event.key)?.interrupt('aborted', event.reason);
        else this.settleWatch.giveUp(event.key, event.reason);
        this.admission.refuseFenced();
        return;
      case 'ScopeTimedOut':
        this.openGroups.get(event.key)?.interrupt('timedOut', '');
        return;
      case 'Folded':
        this.openReduces.get(event.key)?.mark(event);
        return;
      default:
        if (deliverTo(this.openCalls, event, seq)) this.settleWatch.settled(event.key);
    }
  }

  /** An attempt failed and another follows; a cancelled call tells it as its cause. */
  noteFailure(key: CallKey, error: ErrorRecord): void {
    const call = this.openCalls.get(key);
    if (call !== undefined) call.lastFailure = error;
  }

  /** A person answered: what is decided by it tells all answers. */
  noteAnswer(answer: BreakpointAnswered): void {
    this.openCalls.get(answer.key)?.answers?.push(answer);
  }

  /** The journal's head is reached: what is asked for from now on is new. */
  goLive(): void {
    this.quiet = false;
    this.foreign.stop();
    const replayed = [...this.openGroups.values()];
    this.admission.goLive();
    for (const group of replayed) group.takeHeld(undefined);
    for (const group of replayed) group.goLive();
    this.#retuning.begin(replayed);
    for (const call of this.openCalls.values()) call.stream?.takeHeld(undefined);
    this.settleWatch.goLive();
  }

  /**
   * Gives the next group the concurrency that the code has by now. The caller opened the turn.
   * @returns whether there was one
   */
  tuneNext(): boolean {
    const group = this.#retuning.next();
    if (group === undefined) return false;
    const { key, wantedConcurrency } = group;
    this.#commands.push({ type: 'RetuneScope', key, concurrency: finite(wantedConcurrency) });
    group.retune(wantedConcurrency);
    return true;
  }

  /** Replay stands at this recorded decision: takes the one that was made early. */
  admitClose(key: CallKey, decided: Decided): boolean {
    return this.openGroups.get(key)?.takeHeld(decided) ?? false;
  }

  /** Whether the scope that numbers this key can still ask for it. */
  isScopeOpen(key: CallKey): boolean {
    return scopeOf(key) === ROOT_SCOPE ? this.result === undefined : this.admission.isScopeOpen(key);
  }

  /** Branches that go on behind the decision of their group: the run does not end before they do (law 12). */
  get hasDetached(): boolean {
    return this.openGroups.values().some((group) => group.isDetached);
  }

  /** Whether nothing goes on any more in the group that a report is about. */
  isOutdated({ type, key = '' }: { readonly type: string; readonly key?: CallKey }): boolean {
    if (type === 'LeftBehind') return !this.openReduces.has(key) && !this.settleWatch.isLeftBehind(key);
    return (type === 'ScopeDue' || type === 'SignalAborted') && !this.openGroups.has(key);
  }

  /** The process ended: what it left behind gets nothing more. */
  closeRoot(): void {
    if (this.root.fence === undefined)
      this.root.raiseFence(new CancelledError('the process ended before the call was settled'), 'all');
    this.admission.refuseFenced();
  }

  /** Nothing is delivered or asked for any more. */
  stop(): void {
    this.isStopped = true;
    this.foreign.stop();
    for (const group of this.openGroups.values()) group.unlisten();
    // Mostly the process has ended, and nobody would see it.
    if (this.root.fence === undefined && (this.result === undefined || this.root.isWatched))
      this.root.raiseFence(new CancelledError('the run was stopped'), 'all');
  }

  /** The scope of the code that runs now, for what it asks for or reads. */
  currentScope(what: 'asks' | 'reads' = 'asks'): Scope {
    const store = codeHere();
    if (store === undefined || store.host !== this) {
      throw new InvalidArgumentError(
        'ctx was used outside its process: inside a task function, or by code that another process started. Tasks get their own context as second argument.',
      );
    }
    if (what === 'asks' && store.scope.refusal !== undefined)
      throw new InvalidArgumentError(store.scope.refusal);
    return store.scope;
  }

  /** @param issue makes its command; the promise settles by `deliver`, or by the group that it opens */
  request<T>(
    scope: Scope,
    name: string | undefined,
    asked: Asked,
    issue: (key: CallKey, resolve: (value: T) => void, reject: (reason: unknown) => void) => void,
  ): Promise<T> {
    return this.ask(new CallRequest(scope, name, asked, issue));
  }

  /** One use of ctx: gets its key now where that is certain, later where the journal has to say. */
  ask<T>(request: NewRequest<T>): Promise<T> {
    const { scope, name } = request;
    const refused = this.refusal<T>(scope);
    if (refused !== undefined) return refused;
    this.#callsThisTurn += 1;
    if (this.#callsThisTurn > this.limits.callsPerTurn) return this.#tooManyCalls();
    if (!this.#isCertain(scope)) return new Promise(() => undefined);
    if (name !== undefined && !scope.claimName(name)) {
      throw new InvalidArgumentError(
        `The key '${name}' was used twice in ${scope.path === '' ? 'the process' : `scope ${scope.path}`}; keys must differ within their scope.`,
      );
    }
    const promise = new Promise<T>((resolve, reject) => {
      request.promised(resolve, reject);
      scope.outstanding += 1;
      this.admission.admit(request);
    });
    // A loser that nobody awaits must not end the program.
    promise.then(undefined, nobody);
    if (!this.inTurn) {
      this.foreign.noteCall();
      this.port.changed();
    }
    return promise;
  }

  /** What a use of ctx comes to where nothing may be asked for any more; undefined where it may. */
  refusal<T>(scope: Scope): Promise<T> | undefined {
    const { fence } = scope;
    if (fence === undefined && !this.isStopped) return undefined;
    if (fence === undefined || !scope.refuseOnce()) return new Promise(() => undefined);
    const refused = Promise.reject<T>(new CancelledError(fence.message));
    refused.catch(() => undefined);
    return refused;
  }

  #tooManyCalls<T>(): Promise<T> {
    const { callsPerTurn } = this.limits;
    if (this.#callsThisTurn > callsPerTurn + MAX_REFUSED) return new Promise(() => undefined);
    throw new LimitError(
      'callsPerTurn',
      `More ctx calls were made without waiting for one of them than the limit callsPerTurn = ${callsPerTurn}. Wait for some of them, or raise it: openRuntime({ limits: { callsPerTurn: … } }).`,
    );
  }

  /** P5: outside a turn a call is certain of its key only where its scope has one strand. */
  #isCertain(scope: Scope): boolean {
    if (this.inTurn || !this.live || scope.outstanding === 0) return true;
    const message = `ctx was called at ${callSite(here().stack) ?? 'an unknown place'} after a wait on something outside ctx, while other calls of the same scope are pending. Replay pays for it with waiting; wrap the strands in ctx.parallel.all, or put the outside work in a task.`;
    if (this.strict) this.port.fail(new NonDeterminismError(message));
    else outsideProcess(() => this.port.warn(message));
    return !this.strict;
  }

  /** Below the head what was recorded is compared by its key alone; all else is new. */
  command(command: Command & { readonly key: CallKey }): void {
    // What code does that the guard has interrupted is nothing that it would do again.
    if (this.isStopped) return;
    if (this.live || !isRecorded(command, this.port.recorded(command.key))) this.#commands.push(command);
  }

  /** Whether a call that has its key is to be recorded: at the head each is. */
  isNew(key: CallKey): boolean {
    return this.live || this.port.recorded(key) === undefined;
  }

  recordedGroup(key: CallKey): GroupCall | undefined {
    const call = this.port.recorded(key);
    return call?.kind === 'group' ? call : undefined;
  }

  /** Whether a decision made now, below the head, has the place that the journal gives it. */
  isDue(key: CallKey, recorded: boolean): boolean {
    if (this.inTurn) return this.port.isAt(recorded ? closeKey(key) : null);
    // Something outside ctx decided it, and the replay may stand just there.
    this.foreign.noteCall();
    this.port.changed();
    return recorded && this.port.isAt(closeKey(key));
  }

  addScope(scope: Scope): void {
    this.admission.addScope(scope);
  }

  removeScope(path: ScopePath): void {
    this.admission.removeScope(path);
  }

  release(scope: Scope): void {
    this.admission.release(scope);
  }

  placeOf(scope: Scope): number {
    return this.admission.placeOf(scope);
  }

  runIn<Given extends unknown[]>(scope: Scope, fn: (...given: Given) => unknown, ...given: Given): unknown {
    return runAs(this, scope, fn, ...given);
  }

  whenSettled(scope: Scope, callback: () => void): () => void {
    return this.settleWatch.add(scope, () => this.exits.whenDone(scope.path, callback));
  }

  decided(key: CallKey, decided: Decided): void {
    this.admission.noteIssued(closeKey(key));
    this.command({ type: 'CloseScope', key, decided });
  }

  settled(group: OpenGroup): void {
    group.scope.outstanding -= 1;
    if (!this.inTurn) this.port.changed();
  }

  closed(group: OpenGroup): void {
    this.openGroups.delete(group.key);
    this.openReduces.delete(group.key);
    this.settleWatch.closed(group.key);
    this.admission.refuseFenced();
    if (!this.inTurn) this.port.changed();
  }

  signalAborted(key: CallKey, reason: string): void {
    this.port.signalAborted(key, reason);
  }
}
