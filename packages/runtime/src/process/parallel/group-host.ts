import type { CallKey, ScopePath } from '../../journal/call-key.ts';
import type { Digest } from '../../journal/digest.ts';
import type { Decided, GroupCall } from '../../kernel/state.ts';
import type { Scope } from '../scope.ts';

/** A parallel call that is not decided, as its host knows it. */
export interface OpenGroup {
  readonly key: CallKey;
  /** The scope that it was called in. */
  readonly scope: Scope;
  /** As it runs, and as the code has it by now. */
  readonly concurrency: number;
  readonly wantedConcurrency: number;
  /** Not decided. */
  readonly isOpen: boolean;
  /** Branches go on in the background, and nobody but the run waits for them. */
  readonly isDetached: boolean;
  retune(concurrency: number): void;
  /** A recorded abort or timeout was delivered. */
  interrupt(outcome: 'aborted' | 'timedOut', reason: string): void;
  /** Takes the decision that was held, where it is the one wanted (undefined: whichever it is). */
  takeHeld(wanted: Decided | undefined): boolean;
  /** Of one that holds a decision: branches that had begun before it, or the branch that made the recorded one. */
  readonly waitsFor?: 'branches' | 'decider' | undefined;
  /** It waits no longer: those begin now, or what another named branch decided is taken for what is recorded. */
  giveWay?(wanted: Decided): void;
  /** Whether this is a named branch that was not invoked, and can be before its turn. */
  isIdle(path: ScopePath): boolean;
  beginOutOfOrder(path: ScopePath): void;
  /** The journal's head is reached. */
  goLive(): void;
  /** The run is left with this group open. */
  unlisten(): void;
}

/** What a parallel call needs of its host. */
export interface GroupHost {
  /** Calls are new, not compared with a journal. */
  readonly live: boolean;
  /** The process ever waited for something outside ctx, or was woken by it. */
  readonly wentOutside: boolean;
  /** Below the head: whether a decision made now has the place that the journal gives it. */
  isDue(key: CallKey, recorded: boolean): boolean;
  recordedGroup(key: CallKey): GroupCall | undefined;
  addScope(scope: Scope): void;
  removeScope(path: ScopePath): void;
  readonly digest: Digest;
  /** What a parked branch asked for gets its keys. */
  release(scope: Scope): void;
  /** Seq of the recorded call that a branch waits for; Infinity where there is none. */
  placeOf(scope: Scope): number;
  runIn<Given extends unknown[]>(scope: Scope, fn: (...given: Given) => unknown, ...given: Given): unknown;
  decided(key: CallKey, decided: Decided): void;
  /** Its promise settles now. */
  settled(group: OpenGroup): void;
  /** Nothing of it goes on any more. */
  closed(group: OpenGroup): void;
  signalAborted(key: CallKey, reason: string): void;
}
