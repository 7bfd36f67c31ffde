import type { Api, ExitHandle, TaskArgs, TaskOptions } from './interpret.ts';
import type { OpenModelGroup } from './model-group.ts';
import { failure, ModelScope, type Asked } from './model-scope.ts';
import type { TaskSpec } from './program.ts';

/** Which scopes have their exits still to run, and who waits for that. */
export class ModelExits {
  readonly #leaving = new Set<string>();
  readonly #waiting = new Set<{ readonly path: string; readonly callback: () => void }>();

  get isLeaving(): boolean {
    return this.#leaving.size > 0;
  }

  leaving(key: string): void {
    this.#leaving.add(key);
  }

  finished(key: string): void {
    this.#leaving.delete(key);
    for (const wait of this.#waiting) {
      if (this.#hasWithin(wait.path)) continue;
      this.#waiting.delete(wait);
      wait.callback();
    }
  }

  whenDone(path: string, callback: () => void): void {
    if (this.#hasWithin(path)) this.#waiting.add({ path, callback });
    else callback();
  }

  #hasWithin(path: string): boolean {
    return this.#leaving.values().some((key) => key.startsWith(`${path}/`));
  }
}

interface Exit {
  readonly when: 'always' | 'failure';
  readonly task: TaskSpec['task'];
  readonly args: TaskArgs;
  readonly options: TaskOptions;
}

type End = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown };

/** What a scope needs of the model. */
export interface ExitWorld {
  readonly groups: Map<string, OpenModelGroup>;
  readonly asked: Asked[];
  readonly exits: ModelExits;
  whenSettled(scope: ModelScope, callback: () => void): () => void;
  closed(key: string): void;
}

interface Plan {
  readonly key: string;
  readonly fn: (handle: ExitHandle, inner?: Api) => Promise<unknown>;
  readonly apiOf: (scope: ModelScope) => Api;
  /** Runs one exit, in the scope of the exits. */
  readonly run: (scope: ModelScope, exit: Exit) => Promise<unknown>;
  /** Gives what is registered its place among the calls of the scope; told, as the journal has it. */
  readonly register: (scope: ModelScope, line: (key: string) => string) => void;
  readonly line: (exit: Exit) => string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/** One scope of the model that has something to do when it ends. */
export class ModelExitScope implements OpenModelGroup {
  readonly key: string;
  readonly isDetached = false;
  readonly #model: ExitWorld;
  readonly #scope: ModelScope;
  readonly #inside: ModelScope;
  readonly #plan: Plan;
  readonly #owed: Exit[] = [];
  readonly #unhook: () => void;
  #isDecided = false;

  constructor(model: ExitWorld, scope: ModelScope, plan: Plan) {
    this.key = plan.key;
    this.#model = model;
    this.#scope = scope;
    this.#plan = plan;
    this.#inside = new ModelScope(plan.key, scope, scope.priority);
    this.#unhook = scope.whenFenced(() => this.interrupt('aborted'));
  }

  get isClosed(): boolean {
    return this.#isDecided;
  }

  get isDecided(): boolean {
    return this.#isDecided;
  }

  get isFenced(): boolean {
    return this.#inside.isFenced;
  }

  retune(): void {
    // It has one branch.
  }

  open(): void {
    const branch = new ModelScope(`${this.key}/0`, this.#inside, this.#scope.priority);
    const handle: ExitHandle = {
      onExit: (...exit) => this.#register(branch, 'always', exit),
      compensate: (...exit) => this.#register(branch, 'failure', exit),
    };
    new Promise((resolve) => {
      resolve(this.#plan.fn(handle, this.#plan.apiOf(branch)));
    }).then(
      (value) => this.#decide('fulfilled', { ok: true, value }),
      (error: unknown) => this.#decide('rejected', { ok: false, error }),
    );
  }

  #register(
    scope: ModelScope,
    when: Exit['when'],
    [task, args, options]: Parameters<ExitHandle['onExit']>,
  ): void {
    if (scope.isFenced || this.#isDecided) throw failure('CancelledError');
    const exit: Exit = { when, task, args, options };
    this.#plan.register(scope, (key) => `ExitRegistered ${key} for ${this.key} ${this.#plan.line(exit)}`);
    this.#owed.push(exit);
  }

  interrupt(how: 'aborted' | 'timedOut'): void {
    const error = failure(how === 'timedOut' ? 'TimeoutError' : 'CancelledError');
    this.#decide(how, { ok: false, error });
  }

  #decide(outcome: 'fulfilled' | 'rejected' | 'aborted' | 'timedOut', end: End): void {
    if (this.#isDecided) return;
    this.#isDecided = true;
    this.#unhook();
    const isRecorded = !this.#scope.isFenced;
    const { key } = this;
    if (isRecorded)
      this.#model.asked.push({
        do: 'close',
        key,
        line: `ScopeClosed ${key} ${outcome} by null`,
        givesUp: true,
      });
    const isOutside = outcome === 'aborted' || outcome === 'timedOut';
    this.#inside.raise(isRecorded && isOutside ? 'outside' : 'decided');
    this.#model.closed(key);
    this.#model.exits.leaving(key);
    // Nothing in it is pending any more, nor an exit of a scope in it.
    this.#model.whenSettled(this.#inside, () => this.#leave(end));
  }

  #leave(end: End): void {
    const owed = this.#owed.filter(({ when }) => when === 'always' || !end.ok).toReversed();
    if (owed.length === 0) this.#finish(end, 0);
    else void this.#run(owed).then((failures) => this.#finish(end, failures));
  }

  /** No fence reaches them. @returns how many failed */
  async #run(owed: readonly Exit[]): Promise<number> {
    const scope = new ModelScope(`${this.key}/exit`, undefined, 0);
    let failures = 0;
    for (const exit of owed) {
      try {
        await this.#plan.run(scope, exit);
      } catch {
        failures += 1;
      }
    }
    return failures;
  }

  #finish(end: End, failures: number): void {
    this.#model.exits.finished(this.key);
    if (failures > 0) this.#plan.reject(failure('ExitError'));
    else if (end.ok) this.#plan.resolve(end.value);
    else this.#plan.reject(end.error);
  }
}
