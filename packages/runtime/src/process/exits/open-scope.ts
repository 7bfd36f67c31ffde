import { CancelledError, ExitError, InvalidArgumentError, LimitError } from '@pawl/sdk';
import { exitPath, isWithin, ordinalKey, type CallKey } from '../../journal/call-key.ts';
import type { ExitRegistered } from '../../journal/exit-event.ts';
import { inWords } from '../../journal/in-words.ts';
import { unreachable } from '../../journal/invariant.ts';
import { exitText } from '../../kernel/divergence.ts';
import { exitFingerprint } from '../../kernel/fingerprint.ts';
import type { Decided } from '../../kernel/state.ts';
import type { ProcessHost } from '../host.ts';
import { startBranch } from '../parallel/branch.ts';
import type { OpenGroup } from '../parallel/group-host.ts';
import { Verdict, type End } from '../parallel/verdict.ts';
import { Scope } from '../scope.ts';
import { issueTask } from '../task-call.ts';
import type { PreparedTask } from '../task-request.ts';
import type { UnfinishedScope } from './exits.ts';

interface Exit {
  readonly when: ExitRegistered['when'];
  readonly call: PreparedTask;
}

/** Where a scope stands. */
type Phase =
  | { readonly status: 'open' }
  /** Decided or given up: what is open in it settles, then its exits run. */
  | { readonly status: 'leaving'; readonly end: End }
  | { readonly status: 'finished' };

/**
 * One `ctx.scope`: does what it is for, and then what was registered for its end.
 *
 * Owns its exits. Talks to the host.
 * Invariants: exits run when nothing in the scope is pending any more, nor an exit of a scope in it; in a scope
 * of their own that no fence reaches; the one registered last first, one after another, each once. Their order
 * is that of their records.
 */
export class OpenScope implements OpenGroup, UnfinishedScope {
  readonly key: CallKey;
  readonly scope: Scope;
  readonly concurrency = 1;
  readonly wantedConcurrency = 1;
  readonly isDetached = false;
  readonly #host: ProcessHost;
  readonly #settle: { resolve: (value: unknown) => void; reject: (reason: unknown) => void };
  readonly #verdict: Verdict;
  readonly #exits: Exit[] = [];
  #asked = 0;
  #phase: Phase = { status: 'open' };
  /** In which exits run, once they do. */
  #outside: Scope | undefined;

  constructor(
    key: CallKey,
    scope: Scope,
    host: ProcessHost,
    settle: { resolve: (value: unknown) => void; reject: (reason: unknown) => void },
  ) {
    this.key = key;
    this.scope = scope;
    this.#host = host;
    this.#settle = settle;
    const plan = { mode: 'scope', signal: undefined, defaults: scope.defaults, isNamed: false } as const;
    this.#verdict = new Verdict(host, this, plan, (end) => this.#leave(end));
  }

  get isOpen(): boolean {
    return this.#phase.status === 'open';
  }

  get isLeaving(): boolean {
    return this.#phase.status === 'leaving';
  }

  /** @param inUserContext runs it in the async context of the call */
  open(inUserContext: <R>(fn: () => R) => R, body: () => unknown): void {
    const inside = this.#verdict.inside.child(ordinalKey(this.key, 0), this.scope.defaults);
    this.#host.addScope(inside);
    startBranch(
      inside,
      () => inUserContext(() => this.#host.runIn(inside, body)),
      (_, outcome) => {
        inside.finish();
        if (outcome.status === 'fulfilled')
          this.#propose('fulfilled', { kind: 'done', value: outcome.value });
        else this.#propose('rejected', { kind: 'failed', error: outcome.reason });
      },
    );
  }

  #propose(outcome: Decided['outcome'], end: End): void {
    this.#verdict.propose({ outcome, winner: null }, end);
  }

  /** @throws CancelledError, InvalidArgumentError, LimitError */
  register(when: ExitRegistered['when'], prepare: (scope: Scope) => PreparedTask): void {
    const host = this.#host;
    const scope = host.currentScope();
    if (!isWithin(scope.path, this.key))
      throw new InvalidArgumentError(`The end of scope ${this.key} is only for code inside it to speak of.`);
    const call = prepare(scope);
    if (scope.fence !== undefined) throw new CancelledError(scope.fence.message);
    if (!this.isOpen || host.isStopped) throw new CancelledError(`scope (${this.key}) has ended`);
    this.#refuseTooMany();
    const { version, inputHash, args } = call;
    const task = call.task.definition.name;
    const fingerprint = exitFingerprint(when, call.fingerprint);
    const asked = { fingerprint, what: exitText(when, task, version), args };
    void host.request<void>(scope, call.name, asked, (key, resolve) => {
      scope.outstanding -= 1;
      this.#exits.push({ when, call: call.unnamed() });
      host.command({ type: 'RegisterExit', key, scope: this.key, when, task, version, inputHash, args });
      resolve();
    });
    this.#asked += 1;
  }

  #refuseTooMany(): void {
    const { scopeExits } = this.#host.limits;
    if (this.#asked < scopeExits) return;
    throw new LimitError(
      'scopeExits',
      `Scope ${this.key} registers more for its end than the limit scopeExits = ${scopeExits}; raise it: openRuntime({ limits: { scopeExits: … } }).`,
    );
  }

  interrupt(outcome: 'aborted' | 'timedOut', reason: string): void {
    this.#verdict.interrupt(outcome, reason);
  }

  takeHeld(wanted: Decided | undefined): boolean {
    return this.#verdict.takeHeld(wanted);
  }

  /** The fence stands. */
  #leave(end: End): void {
    this.#host.removeScope(ordinalKey(this.key, 0));
    // A run that is stopped goes on later, and this scope with it.
    if (this.#host.isStopped) return;
    this.#phase = { status: 'leaving', end };
    this.#host.whenSettled(this.#verdict.inside, () => this.#begin(end));
  }

  #begin(end: End): void {
    const owed = this.#exits.filter(({ when }) => when === 'always' || end.kind === 'failed').toReversed();
    if (owed.length === 0 || this.#host.exits.forced !== undefined) this.#finish(end, []);
    else void this.#run(owed).then((errors) => this.#finish(end, errors));
  }

  async #run(owed: readonly Exit[]): Promise<readonly unknown[]> {
    const host = this.#host;
    const outside = Scope.shielded(exitPath(this.key), (scope, fn) => host.runIn(scope, fn));
    this.#outside = outside;
    host.addScope(outside);
    const errors: unknown[] = [];
    for (const { call } of owed) {
      if (host.exits.forced !== undefined) break;
      try {
        await host.runIn(outside, () => issueTask(host, outside, call));
      } catch (error) {
        errors.push(error);
      }
    }
    outside.finish();
    host.removeScope(outside.path);
    return errors;
  }

  giveUp(reason: string): void {
    this.#outside?.raiseFence(new CancelledError(reason), 'all');
  }

  #finish(end: End, errors: readonly unknown[]): void {
    this.#phase = { status: 'finished' };
    const { key } = this;
    this.#host.exits.finished(key);
    this.#host.settled(this);
    if (errors.length > 0) this.#settle.reject(this.#failure(end, errors));
    else if (end.kind === 'done') this.#settle.resolve(end.value);
    else this.#settle.reject(end.error);
  }

  #failure(end: End, errors: readonly unknown[]): ExitError {
    const { key } = this;
    const [first] = errors;
    const message = `${errors.length === 1 ? 'A task' : `${errors.length} tasks`} at the end of scope (${key}) failed: ${inWords(first)}`;
    switch (end.kind) {
      case 'done':
        return new ExitError(message, { key, errors });
      case 'failed':
        return new ExitError(message, { key, errors, cause: end.error });
      default:
        return unreachable(end);
    }
  }

  goLive(): void {
    // It listens to nothing.
  }

  unlisten(): void {
    this.#verdict.unlisten();
  }

  retune(): void {
    // It has one branch.
  }

  isIdle(): boolean {
    return false;
  }

  beginOutOfOrder(): void {
    // Its branch has no name.
  }
}
