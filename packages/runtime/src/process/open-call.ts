import type { Cost, OpenSource, RetryPolicy, Schema, TaskDefinition } from '@pawl/sdk';
import type { BreakpointAnswered } from '../journal/breakpoint-event.ts';
import type { ErrorRecord } from '../journal/error-record.ts';
import type { Encoded, ItemRecorded } from '../journal/event.ts';
import type { Seq } from '../journal/ids.ts';
import type { ProcessCode } from './definition.ts';
import type { Scope } from './scope.ts';

/** Where the result of a call is kept for later runs. */
export interface KeptPlace {
  readonly place: string;
  readonly ttlMs: number;
}

/** A task call that is not settled, as the process asked for it. */
export interface OpenTask {
  readonly definition: TaskDefinition<never, unknown>;
  readonly args: Encoded;
  /** Its input may hold secrets. */
  readonly hasSecrets: boolean;
  readonly priority: number;
  /** Null = the slots that all tasks share. */
  readonly pool: string | null;
  /** What an attempt takes of the pool; undefined = one slot. */
  readonly cost: Cost | undefined;
  readonly timeoutMs: number | null;
  readonly shouldRetry: RetryPolicy['shouldRetry'];
  /** Null where it is not kept. */
  readonly kept: KeptPlace | null;
}

/** What a message has to be for a wait of the process, or of a task. */
export interface MessageWait {
  readonly name: string;
  readonly schema: Schema | undefined;
  /** Takes encrypted messages only, and a wait that is not takes none of them. */
  readonly isSecret: boolean;
  /** Takes the newest message that is there, and all older ones. */
  readonly latest: boolean;
}

/** A wait for a message, as the process asked for it. */
export interface OpenWait extends MessageWait {
  /** Where its time passes it gives null. */
  readonly mayPass: boolean;
}

/** Work that the process asked of others. */
export interface OpenOffer {
  readonly task: string;
  /** What an answer must look like. */
  readonly output: Schema | undefined;
}

/** A run that the process asked for. */
export interface OpenChild extends ProcessCode {
  /** As it was recorded, where it was. */
  readonly runId: string;
  readonly process: string;
  readonly inputs: Encoded;
  readonly inputHash: string;
  readonly isDetached: boolean;
  /** It goes on where the call is given up. */
  readonly isAbandoned: boolean;
}

/** A source that the process reads, as it asked for it. */
export interface OpenSourceCall {
  readonly name: string;
  readonly open: OpenSource<unknown, unknown>;
  readonly shouldRetry: RetryPolicy['shouldRetry'];
  /** Behind the last item that was recorded, undefined before the first. */
  readonly cursor: Encoded | undefined;
}

/** Where a call's items go. */
export interface OpenStream {
  /** Items that were delivered and not taken. */
  readonly queued: number;
  /** How many may wait to be taken before whoever makes them waits, too. */
  readonly buffer: number;
  /** The process stopped reading. */
  readonly isLeft: boolean;
  item(recorded: ItemRecorded, seq: Seq): void;
  /**
   * Below the head the end of reading waits for its place in the journal, which is here: after so many items
   * (undefined: whatever was taken). @returns whether the process asked for it
   */
  takeHeld(consumed: number | undefined): boolean;
}

/** A call that was asked for and not settled. */
export interface OpenCall {
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
  readonly scope: Scope;
  readonly task?: OpenTask;
  readonly wait?: OpenWait;
  /** Of a question to people: the answers so far. */
  readonly answers?: BreakpointAnswered[];
  readonly offer?: OpenOffer;
  readonly child?: OpenChild;
  /** Of a source, and of a task whose progress is read. */
  readonly stream?: OpenStream | undefined;
  readonly source?: OpenSourceCall;
  /** Of the last attempt that failed and was tried again. */
  lastFailure?: ErrorRecord;
}
