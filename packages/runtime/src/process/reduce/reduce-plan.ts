import type { CallKey, ScopePath } from '../../journal/call-key.ts';
import type { Encoded } from '../../journal/event.ts';
import type { Decided, GroupCall } from '../../kernel/state.ts';
import type { HostPort } from '../host-port.ts';
import type { OpenGroup } from '../parallel/group-host.ts';
import type { Scope } from '../scope.ts';
import type { ResolvedReduceOptions } from './reduce-options.ts';
import type { ReduceSource } from './reduce-source.ts';

export interface ReducePlan {
  readonly source: ReduceSource;
  readonly initial: Encoded;
  readonly step: (state: unknown, result: unknown, index: number) => unknown;
  readonly options: ResolvedReduceOptions;
  /** Runs code of the process in the async context of the call, wherever it goes on from. */
  readonly inUserContext: <R>(fn: () => R) => R;
}

/** What a reduce needs of its host. */
export interface ReduceHost {
  readonly runId: string;
  readonly live: boolean;
  readonly limits: { readonly payloadBytes: number };
  isDue(key: CallKey, recorded: boolean): boolean;
  recordedGroup(key: CallKey): GroupCall | undefined;
  addScope(scope: Scope): void;
  removeScope(path: ScopePath): void;
  runIn(scope: Scope, fn: () => unknown): unknown;
  decided(key: CallKey, decided: Decided): void;
  settled(group: OpenGroup): void;
  closed(group: OpenGroup): void;
  readonly admission: { refuseFenced(): void };
  /** Calls back when no call within the scope is pending any more, at once where none is. */
  whenSettled(scope: Scope, callback: () => void): void;
  readonly port: Pick<HostPort, 'foldReached' | 'leftBehind' | 'signalAborted' | 'fail'>;
}
