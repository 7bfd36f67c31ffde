/** What a `ctx.scope` does when it ends, and the end of that. */
import type { CallKey } from './call-key.ts';
import type { Encoded } from './event.ts';

/**
 * The process registered a task that runs when the scope ends. Its run is a task call of its own, below
 * `scope/exit`.
 */
export interface ExitRegistered {
  readonly type: 'ExitRegistered';
  readonly key: CallKey;
  /** Key of the `ctx.scope` that it is for. */
  readonly scope: CallKey;
  /** 'failure': only where the scope does not end by a result of its own. */
  readonly when: 'always' | 'failure';
  readonly task: string;
  readonly version: string | null;
  readonly inputHash: string;
  readonly args: Encoded;
}

/** The run is cancelled, and what its scopes had registered is given up, too. */
export interface CancelForced {
  readonly type: 'CancelForced';
  readonly reason: string;
}
