import type { LogLevel, PoolPlan, ProcessDefinition, TaskDefinition } from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import type { Digest } from '../journal/digest.ts';
import type { Encoded } from '../journal/event.ts';
import type { Folded } from '../journal/fold-event.ts';
import type { RunId } from '../journal/ids.ts';
import type { CallState } from '../kernel/state.ts';

/** Chance, the clock, an effect, a look at what is outside, or a wait. */
export type ImpureKind = 'random' | 'clock' | 'effect' | 'read' | 'wait';

/** Something that process code calls, and that only tasks, or ctx, should do for it. */
export interface ImpureCall {
  readonly kind: ImpureKind;
  /** Such as `Math.random` or `fs.writeFileSync`. */
  readonly name: string;
}

/** How a task is called. */
export interface AskedTask {
  /** Null = the slots that all tasks share. */
  readonly pool: string | null;
  /** The process reads its progress. */
  readonly isRead: boolean;
}

/** What the host needs of the engine. Nothing here may run user code. */
export interface HostPort {
  /** What the journal holds under a key. */
  recorded(key: CallKey): CallState | undefined;
  /** Below the head: whether this call or decision is the next that the journal holds; null = its end. */
  isAt(place: string | null): boolean;
  /** Commands, or an end, came outside a turn. */
  changed(): void;
  signalAborted(key: CallKey, reason: string): void;
  /** The process took an item: whoever makes them may make another. */
  itemTaken(key: CallKey): void;
  /** At the head: asks for the mark of a reduce. */
  foldReached(reached: Omit<Folded, 'type'>): void;
  /** At the head: calls that the items of a reduce, or detached branches of a group, left behind are to be given up. */
  leftBehind(key: CallKey): void;
  /** The inputs of a run that follows, as the process' schema gives them back. @throws ValidationError */
  checkInputs(inputs: unknown): unknown;
  /** Of all that the run ever set of its state. */
  stateNames(): ReadonlySet<string>;
  /** How many runs are above this one. */
  depth(): number;
  /** The process asked for a run that is recorded. */
  childAsked(runId: RunId, process: ProcessDefinition): void;
  log(level: LogLevel, values: readonly unknown[]): void;
  warn(message: string): void;
  /** Told of it before it happens, and may throw; undefined where nobody wants to know. */
  readonly impure: ((call: ImpureCall) => void) | undefined;
  /** Leaves the run as its journal has it: an error that process code must not catch. */
  fail(error: Error): void;
  /** What was declared last counts, for all runs: it gates attempts, which is no part of any run. */
  declarePool(name: string, plan: PoolPlan): void;
  /** Pools of the runtime. */
  readonly pools: ReadonlyMap<string, PoolPlan>;
  /** What is used instead of a task that is called. */
  standIn(task: TaskDefinition<never, unknown>, asked: AskedTask): TaskDefinition<never, unknown>;
  /** Why a JSON Schema cannot be used; undefined where it can. */
  schemaProblem(schema: Encoded): string | undefined;
  readonly digest: Digest;
}

export interface HostLimits {
  readonly fanOut: number;
  readonly groupDepth: number;
  readonly runDepth: number;
  readonly callsPerTurn: number;
  readonly payloadBytes: number;
  readonly streamItems: number;
  readonly pools: number;
  readonly scopeExits: number;
  readonly stateNames: number;
  readonly stateBytes: number;
}
