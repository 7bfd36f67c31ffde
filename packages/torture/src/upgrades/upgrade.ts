import type { Fault } from '../shim/shim.ts';

/** One journal of an older version that is opened, and the fault that this meets. */
export interface Upgrade {
  readonly round: number;
  readonly path: string;
  readonly fault: Fault;
}

/** How it ended: 'opened', or the code of the error. A program that was killed in it says nothing. */
export interface UpgradeLine {
  readonly round: number;
  readonly code: string;
  readonly message: string;
  /** Calls of the armed kinds, and how many of them were made to fail. */
  readonly seen: number;
  readonly fired: number;
}
