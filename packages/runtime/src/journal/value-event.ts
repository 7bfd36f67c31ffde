/** What a run says of itself beside its calls. A replay neither delivers nor compares any of it. */
import type { CallKey } from './call-key.ts';
import type { Encoded } from './event.ts';

/** A value that the code asked for at the head, so that it is the same ever after. */
export interface ValueRecorded {
  readonly type: 'ValueRecorded';
  readonly key: CallKey;
  readonly kind: 'version';
  /** Of the change. */
  readonly name: string;
  readonly value: number;
}

/** The run has another value under that name for those who ask from outside. */
export interface StateSet {
  readonly type: 'StateSet';
  /** Of all that its scope sets. */
  readonly key: CallKey;
  readonly name: string;
  /** Encoded undefined: it has none any more. */
  readonly value: Encoded;
}

/** Somebody let the run go on with other code than before. */
export interface CodeAccepted {
  readonly type: 'CodeAccepted';
  /** Digest of that code. */
  readonly codeHash: string;
}
