import type { PoolName } from './pools.ts';

/**
 * A program as plain data: what a process does, without saying what does it. `generate.ts` makes one
 * from a seed, `interpret.ts` runs it on any `ctx`, the product's or the model's.
 */

/** What one task call does, attempt by attempt. */
export interface TaskSpec {
  /** Its place in the program, unique. */
  readonly id: number;
  /** What it does about an attempt whose end got lost: tries again, checks, or asks a person. */
  readonly task: 'work' | 'checked' | 'asked';
  /** How long an attempt takes; 0 = it ends at once, without waiting. */
  readonly ms: number;
  /** The first so many attempts fail, the next one gives `value`. */
  readonly failures: number;
  readonly value: unknown;
  /** It goes on when its signal is aborted. */
  readonly deaf: boolean;
  /** A counter whose value at the call becomes part of the input, and is added to `value`. */
  readonly sees: number | undefined;
  /** Where its attempts need slots, and how many; undefined = the slots that all tasks share. */
  readonly pool: PoolName | undefined;
  readonly cost: number | undefined;
  /** So often it tells how far it is, in equal parts of `ms`. */
  readonly tells: number | undefined;
  readonly key: string | undefined;
  readonly retry: RetrySpec | undefined;
  readonly timeout: number | undefined;
  readonly deadline: number | undefined;
  /** Higher starts first where slots are short. */
  readonly priority: Priority | undefined;
}

/** When a message comes that nobody sends. */
export const NEVER = 1e10;

export type Priority = number | 'user-blocking' | 'user-visible' | 'background';

export interface RetrySpec {
  readonly attempts: number;
  readonly delay: number;
  readonly factor: number;
  readonly jitter: number;
  readonly maxDelay: number | undefined;
  /** The errors of the task itself are final all the same. */
  readonly refuses: boolean;
}

export interface GroupSpec {
  readonly concurrency: number | undefined;
  readonly batchSize: number | undefined;
  readonly timeout: number | undefined;
  /** Index of the abort controller whose signal the group gets. */
  readonly signal: number | undefined;
  readonly key: string | undefined;
  readonly preserveOrder: boolean | undefined;
  readonly priority: Priority | undefined;
  readonly losers: 'cancel' | 'drain' | 'detach' | undefined;
  /** When a group that tells of each has enough. */
  readonly minSuccessful: number | undefined;
  readonly toleratedFailures: number | undefined;
  /** Of `some`. */
  readonly min: number | undefined;
}

export interface StreamSpec {
  readonly concurrency: number | undefined;
  /** Not of those that give one value. */
  readonly buffer: number | undefined;
  readonly preserveOrder: boolean | undefined;
  readonly timeout: number | undefined;
  readonly signal: number | undefined;
  readonly key: string | undefined;
  readonly priority: Priority | undefined;
}

/** What a stream takes its items from. */
export interface SourceSpec {
  readonly items: number;
  /** A generator that does this before each item, instead of a list. */
  readonly pull: Block | undefined;
  /** Its `finally`. */
  readonly last: Block;
}

export type MergeMode = 'race' | 'roundRobin' | 'raceRobin' | 'concat' | 'zip';

/** Those that are read, and those that give one value. */
export type StreamMode = 'stream' | 'streamAll' | 'streamSome' | 'streamAny' | 'raceFrom';

/** Combinators of a list of thunks, and of thunks by name. */
export type ListMode = 'all' | 'allSettled' | 'any' | 'race' | 'some' | 'forkJoin' | 'forkJoinSettled';

/** Something that gives a promise. */
export type Call =
  | { readonly do: 'task'; readonly spec: TaskSpec }
  | { readonly do: 'sleep'; readonly ms: number; readonly until: boolean; readonly key: string | undefined }
  | {
      readonly do: 'group';
      readonly mode: ListMode;
      readonly branches: readonly Block[];
      readonly options: GroupSpec;
    }
  | {
      readonly do: 'map';
      /** `mapSettled`. */
      readonly settled: boolean;
      readonly items: number;
      readonly body: Block;
      readonly keyBy: boolean;
      readonly options: GroupSpec;
    }
  /** Promise.all and friends, over async functions that share their scope. */
  | {
      readonly do: 'native';
      readonly how: 'all' | 'allSettled' | 'any' | 'race';
      readonly strands: readonly Block[];
    }
  /** Read to its end, or so many results of it: an array of them. One value where there is nothing to read. */
  | {
      readonly do: 'stream';
      readonly mode: StreamMode;
      readonly source: SourceSpec;
      /** Of each item. */
      readonly body: Block;
      /** What is done with each result. */
      readonly each: Block;
      readonly leave: number | undefined;
      readonly keyBy: boolean;
      readonly options: StreamSpec;
    }
  | {
      readonly do: 'merge';
      readonly mode: MergeMode;
      readonly envelope: boolean;
      /** Sources are named. */
      readonly named: boolean;
      readonly sources: readonly SourceSpec[];
      readonly each: Block;
      readonly leave: number | undefined;
      readonly timeout: number | undefined;
      readonly signal: number | undefined;
      readonly key: string | undefined;
    }
  /** A source outside the process, read to its end, or so many items of it. */
  | {
      readonly do: 'source';
      readonly id: number;
      readonly items: number;
      /** Between items. */
      readonly ms: number;
      /** Before this item the first so many attempts fail. */
      readonly failsAt: number;
      readonly failures: number;
      readonly retry: RetrySpec | undefined;
      readonly buffer: number | undefined;
      readonly each: Block;
      readonly leave: number | undefined;
      readonly key: string | undefined;
    }
  /** What a task tells, and its end. */
  | {
      readonly do: 'progress';
      readonly spec: TaskSpec;
      readonly buffer: number | undefined;
      readonly each: Block;
      readonly leave: number | undefined;
      /** What it told counts, not only how it ended. */
      readonly isHeard: boolean;
    }
  /** Branches of one group that push values, and branches that take them. */
  | {
      readonly do: 'channel';
      readonly mode: 'all' | 'allSettled';
      readonly capacity: number;
      /** Each does its block before each of so many values. */
      readonly producers: readonly { readonly items: number; readonly pull: Block }[];
      /** Each does its block with each value, and may leave. */
      readonly consumers: readonly { readonly each: Block; readonly leave: number | undefined }[];
      readonly timeout: number | undefined;
      readonly signal: number | undefined;
    }
  /** A message that somebody sends so long after it was asked for, for everybody who waits for one of its name. */
  | {
      readonly do: 'receive';
      readonly id: number;
      readonly ms: number;
      readonly value: unknown;
      readonly timeout: number | undefined;
      readonly key: string | undefined;
    }
  /** A question to people, each of whom answers so long after it was asked. */
  | {
      readonly do: 'question';
      readonly id: number;
      readonly rules: QuestionRules;
      readonly answers: readonly PersonsAnswer[];
      readonly timeout: number | undefined;
      readonly onTimeout: 'reject' | 'approve' | 'fail';
      readonly key: string | undefined;
    }
  /** What has something to do when it ends; the last exit is registered behind the body, the others before it. */
  | {
      readonly do: 'scope';
      readonly body: Block;
      readonly exits: readonly { readonly when: 'onExit' | 'compensate'; readonly spec: TaskSpec }[];
      readonly timeout: number | undefined;
      readonly key: string | undefined;
    }
  /** Work that somebody else does, each time so long after it is open. */
  | { readonly do: 'external'; readonly spec: ExternalSpec }
  /** A wait outside ctx, of so many turns of Node's loop. */
  | { readonly do: 'raw'; readonly turns: number };

export interface QuestionRules {
  readonly strategy: 'single' | 'first' | 'all' | 'quorum';
  readonly quorum: number | undefined;
  readonly experts: readonly string[] | undefined;
  readonly options: readonly string[];
}

export interface PersonsAnswer {
  readonly ms: number;
  readonly by: string;
  readonly approved: boolean;
  readonly option: string | undefined;
}

export interface ExternalSpec {
  readonly id: number;
  readonly ms: number;
  readonly value: number;
  /** The first so many answers say that it failed. */
  readonly failures: number;
  /** Then it is given up instead of answered. */
  readonly isGivenUp: boolean;
  readonly retry: Omit<RetrySpec, 'refuses'> | undefined;
  readonly timeout: number | undefined;
  readonly key: string | undefined;
}

/** What becomes of an awaited value. */
export type Use =
  | { readonly as: 'result' }
  /** `counter += value`, read after the wait. */
  | { readonly as: 'sum'; readonly counter: number }
  /** `counter = before + value`, read before the wait: updates get lost. */
  | { readonly as: 'staleSum'; readonly counter: number }
  /** Pushed to a list that the whole program shares. */
  | { readonly as: 'order' };

export type Test =
  | { readonly on: 'counter'; readonly counter: number }
  | { readonly on: 'last' }
  | { readonly on: 'item' }
  | { readonly on: 'random' }
  | { readonly on: 'now' };

export type Statement =
  | { readonly do: 'await'; readonly call: Call; readonly use: Use }
  /** Not awaited here; `join` may do it later, where it is shared also from elsewhere. */
  | { readonly do: 'leave'; readonly call: Call; readonly slot: number; readonly shared: boolean }
  | { readonly do: 'join'; readonly slot: number }
  | { readonly do: 'if'; readonly test: Test; readonly yes: Block; readonly no: Block }
  | { readonly do: 'try'; readonly body: Block; readonly rescue: Block }
  | { readonly do: 'throw'; readonly message: string }
  | { readonly do: 'loop'; readonly times: number; readonly body: Block }
  | { readonly do: 'abort'; readonly controller: number }
  | { readonly do: 'note'; readonly what: Note };

/** What a program reads of ctx without a call, or tells it. */
export type Note = 'random' | 'uuid' | 'now' | 'signal' | 'log' | 'state';

export type Block = readonly Statement[];

export interface Program {
  readonly seed: number;
  /**
   * 'any': what comes out may depend on the order in which things settle.
   * 'timeless': it does not, whatever restarts from the beginning.
   * 'raw': timeless, and waits outside ctx.
   * 'wild': as 'any', with waits outside ctx, and promises that several strands wait for.
   */
  readonly kind: 'any' | 'timeless' | 'raw' | 'wild';
  /** Those that it declares at its start. */
  readonly pools: readonly PoolName[];
  /**
   * False where it reads what comes from outside, or has scopes with exits: when that comes the model cannot tell beforehand, and
   * follows the journal without faults too.
   */
  readonly isForetold: boolean;
  readonly body: Block;
}

export const COUNTERS = 2;
export const CONTROLLERS = 2;
