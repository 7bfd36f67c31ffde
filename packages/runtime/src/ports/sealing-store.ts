import type { Millis } from '../journal/ids.ts';

/** The master key, 32 bytes, asked for when it is needed; undefined where none was given. */
export type MasterKeySource = () => Uint8Array | undefined;

/** One data key: what is sealed with it, and where it came from. */
export interface DataKeyRecord {
  readonly id: number;
  readonly madeAt: Millis;
  /** When it was wrapped with the master key that it has now. */
  readonly wrappedAt: Millis;
  /** Events that are sealed with it. */
  readonly events: number;
}

/** What of a journal is sealed. */
export interface SealingStatus {
  /** 'locked': it is encrypted, and the key was not given, or another one. */
  readonly state: 'off' | 'open' | 'locked';
  /** Fingerprint of the master key; null where the journal is not encrypted. */
  readonly master: string | null;
  /** Of the key that was given; null where none was. */
  readonly given: string | null;
  readonly dataKeys: readonly DataKeyRecord[];
  readonly events: {
    readonly sealed: number;
    /** They hold values, which anybody can read. */
    readonly clear: number;
    /** They hold none. */
    readonly plain: number;
  };
  /** Of all other tables: values that are sealed, and those that are not. */
  readonly values: { readonly sealed: number; readonly clear: number };
}

export interface Rotated {
  /** Fingerprints of the master keys. */
  readonly from: string;
  readonly to: string;
  /** Data keys that were wrapped anew. */
  readonly wrapped: number;
  /** The one that seals from now on. */
  readonly dataKey: number;
  /** False where somebody else reads just now: then the old wrappings stay in the log until it is emptied. */
  readonly isLogEmptied: boolean;
}

/** How values are kept at rest. Of a store that has a file. */
export interface SealingStore {
  /** Looks at every row. */
  status(): SealingStatus;
  /**
   * ONE transaction: all data keys are wrapped with this master key, and another one is made for what is written from
   * now on. @throws RuntimeError SEALED without the present key, REFUSED where nothing is encrypted or the key is the same
   */
  rotate(to: Uint8Array): Rotated;
  /** @throws RuntimeError SEALED where values cannot be read */
  needKey(): void;
  /** Whether values are sealed in it. */
  readonly isOn: boolean;
}
