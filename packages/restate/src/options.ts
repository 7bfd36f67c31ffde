import type { RuntimeOptions } from '@pawl/runtime';
import type { PoolPlan, ProcessDefinition } from '@pawl/sdk';
import type { OfferedTask } from './task-service.ts';

/** Of the runtime that drives each run; what is about files, leases or keys means nothing here. */
export type DriveOptions = Pick<
  RuntimeOptions,
  | 'graceMs'
  | 'guard'
  | 'limits'
  | 'logger'
  | 'notify'
  | 'onLog'
  | 'onWarning'
  | 'pools'
  | 'stallMs'
  | 'strict'
>;

/** What goes on in this program. */
export interface Attempt {
  /** Resolves when nothing of it acts any more. */
  drop(): Promise<void>;
}

export interface ResolvedOptions {
  readonly processes: readonly ProcessDefinition[];
  readonly restAfterMs: number;
  readonly suspendAfterMs: number;
  readonly attempts: Set<Attempt>;
  /** Refuses tasks that ask for what is not there. */
  readonly standIn: NonNullable<RuntimeOptions['standIn']>;
  readonly runtime: DriveOptions & Pick<RuntimeOptions, 'remote'>;
}

/** What one worker serves. */
export interface Served {
  readonly runs: ResolvedOptions;
  /** What it does for runs of all workers. */
  readonly tasks: readonly OfferedTask[];
  /** Of all runs, for remote tasks. */
  readonly pools: ReadonlyMap<string, PoolPlan>;
}
