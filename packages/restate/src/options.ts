import type { RuntimeOptions } from '@pawl/runtime';
import type { ProcessDefinition } from '@pawl/sdk';

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
  readonly runtime: DriveOptions;
}
