import type { ExternalArgs, ExternalOptions, ToSend } from './interpret.ts';
import type { PersonsAnswer, Priority } from './program.ts';

/** What numbers calls: the program, or a branch. */
export class ModelScope {
  readonly path: string;
  readonly parent: ModelScope | undefined;
  /** Of tasks that say nothing else. */
  readonly priority: number;
  calls = 0;
  values = 0;
  /** 'decided' spares what was detached in it. */
  fenced: 'decided' | 'outside' | undefined = undefined;
  /** Of a group that was decided, and whose branches go on by themselves. */
  isDetached = false;
  refused = false;
  /** Who stops reading where code of this scope leaves a stream: of a source whoever reads it. */
  leaver: ModelScope | undefined;
  readonly #onFence = new Set<() => void>();
  readonly #children = new Set<ModelScope>();

  constructor(path: string, parent: ModelScope | undefined, priority: number) {
    this.priority = priority;
    this.path = path;
    this.parent = parent;
  }

  /** Nothing starts in it any more; whoever waits in it is told. */
  raise(how: 'decided' | 'outside'): void {
    if (this.fenced !== undefined) return;
    this.fenced = how;
    this.#tell(how === 'outside');
  }

  #tell(isForAll: boolean): void {
    for (const callback of this.#onFence) {
      this.#onFence.delete(callback);
      callback();
    }
    for (const child of this.#children) if (isForAll || !child.isDetached) child.#tell(isForAll);
  }

  #link(): void {
    const { parent } = this;
    if (parent === undefined) return;
    parent.#children.add(this);
    parent.#link();
  }

  /** @returns takes it back */
  whenFenced(callback: () => void): () => void {
    this.#onFence.add(callback);
    this.#link();
    return () => this.#onFence.delete(callback);
  }

  /** What has lost closes nothing that others read; a source that is closed does. */
  get mayLeave(): boolean {
    return this.leaver === undefined ? !this.isFenced : this.leaver.mayLeave;
  }

  get isFenced(): boolean {
    return this.#isFencedFor(false);
  }

  #isFencedFor(isSpared: boolean): boolean {
    if (this.fenced === 'outside' || (this.fenced === 'decided' && !isSpared)) return true;
    const { parent } = this;
    return parent !== undefined && parent.#isFencedFor(isSpared || this.isDetached);
  }

  child(segment: string): string {
    return this.path === '' ? segment : `${this.path}/${segment}`;
  }
}

/** What the program asked for, in the order in which it did. `line` is how the journal must tell it. */
export type Asked =
  | { readonly do: 'task'; readonly key: string; readonly line: string }
  /** Items that come from outside, or are left. */
  | { readonly do: 'items'; readonly key: string; readonly line: string }
  | {
      readonly do: 'wait';
      readonly key: string;
      readonly line: string;
      readonly name: string;
      readonly timeout: number | undefined;
      readonly send: ToSend;
    }
  | { readonly do: 'exit'; readonly key: string; readonly line: string }
  /** What the run says of itself. */
  | { readonly do: 'state'; readonly key: string; readonly line: string }
  | {
      readonly do: 'question';
      readonly key: string;
      readonly line: string;
      readonly timeout: number | undefined;
      readonly answers: readonly PersonsAnswer[];
    }
  | {
      readonly do: 'external';
      readonly key: string;
      readonly line: string;
      readonly args: ExternalArgs;
      readonly options: ExternalOptions;
    }
  | {
      readonly do: 'timer';
      readonly key: string;
      readonly line: string;
      readonly dueAt: number | undefined;
      readonly ms: number;
    }
  | {
      readonly do: 'open';
      readonly key: string;
      readonly line: string;
      readonly timeout: number | undefined;
      readonly aborted: boolean;
    }
  /** `givesUp`: its losers, by this very decision. */
  | { readonly do: 'close'; readonly key: string; readonly line: string; readonly givesUp: boolean };

export function priorityOf(own: Priority | undefined, inherited: number): number {
  if (own === undefined) return inherited;
  return typeof own === 'number' ? own : { 'user-blocking': 100, 'user-visible': 0, background: -100 }[own];
}

/** An error as the model throws it: what can be told apart is its name. */
export function failure(name: string, message = name, details: object = {}): Error {
  const error = new Error(message);
  return Object.assign(error, { name }, details);
}

/** Names here hold no character but a space that must be written otherwise. */
export function segmentOf(name: string): string {
  return `:${name.replaceAll(' ', '%20')}`;
}
