import type { Priority } from './program.ts';

/** What numbers calls: the program, or a branch. */
export class ModelScope {
  readonly path: string;
  readonly parent: ModelScope | undefined;
  /** Of tasks that say nothing else. */
  readonly priority: number;
  calls = 0;
  values = 0;
  fenced = false;
  refused = false;

  constructor(path: string, parent: ModelScope | undefined, priority: number) {
    this.priority = priority;
    this.path = path;
    this.parent = parent;
  }

  get isFenced(): boolean {
    return this.fenced || this.parent?.isFenced === true;
  }

  child(segment: string): string {
    return this.path === '' ? segment : `${this.path}/${segment}`;
  }
}

/** What the program asked for, in the order in which it did. `line` is how the journal must tell it. */
export type Asked =
  | { readonly do: 'task'; readonly key: string; readonly line: string }
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
  | { readonly do: 'close'; readonly key: string; readonly line: string };

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
