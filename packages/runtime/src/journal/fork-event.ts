/** What links a run with one that it shares its first events with, or takes results from. */
import type { CallKey } from './call-key.ts';
import type { Encoded } from './event.ts';
import type { RunId, Seq } from './ids.ts';

/**
 * The first event that a fork has for itself. What was under way at this place of the shared history is not known to
 * have ended: it begins anew, with its tries and its times as if it had been asked for now.
 */
export interface RunForked {
  readonly type: 'RunForked';
  readonly parentRunId: RunId;
  /** The last event of the parent that is the fork's, too; 0 = none: it only takes results from it. */
  readonly parentSeq: Seq;
  /** The run that recorded that event, where the parent shares it itself. Left out: the parent. */
  readonly recordedBy?: RunId;
  /** Where idempotency keys come from, from here on. */
  readonly seed: string;
  /** What the process is started with. Left out: what the parent was started with. */
  readonly inputs?: ForkedInputs;
  /** The code that it goes on with. Left out: that of the parent. */
  readonly code?: ForkedCode;
  /** What calls come to that are not done. Left out: none. */
  readonly given?: readonly GivenResult[];
  /** What the parent recorded behind `parentSeq` is taken for a call of the same task, version and input. Left out: it is not. */
  readonly reuses?: true;
  /** External tasks that are open here: others answer them for this run under ids of their own. Left out: none. */
  readonly offers?: readonly ForkedOffer[];
}

export interface ForkedInputs {
  readonly value: Encoded;
  /** Digest of the canonical inputs. */
  readonly hash: string;
}

export interface ForkedCode {
  /** As in RunStarted. */
  readonly module: string | null;
  readonly codeHash: string | null;
}

export interface GivenResult {
  readonly key: CallKey;
  readonly output: Encoded;
}

export interface ForkedOffer {
  readonly key: CallKey;
  readonly taskId: string;
}
