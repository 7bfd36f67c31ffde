import type { Encoded } from '../../journal/event.ts';
import type { Scope } from '../scope.ts';

/** An item between its pull and its fold. */
export interface Item {
  readonly scope: Scope;
  result: { readonly value: unknown } | undefined;
}

export type Phase =
  /** Below the head: waits for the mark that the replay goes on from. */
  | { readonly status: 'resting' }
  /** Items up to `end` are pulled and folded, their branches within `inside`. */
  | { readonly status: 'folding'; readonly inside: Scope; readonly end: number }
  /** All of them are folded, and calls that they left behind are given up. */
  | { readonly status: 'sealing' }
  /** The mark is asked for. */
  | { readonly status: 'marking'; readonly n: number; readonly state: Encoded }
  | { readonly status: 'closed' };
