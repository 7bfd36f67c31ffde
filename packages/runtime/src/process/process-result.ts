import type { Encoded } from '../journal/event.ts';

/** What a process came to. */
export type ProcessResult =
  | { readonly ok: true; readonly value: unknown; readonly next?: NextInputs }
  | { readonly ok: false; readonly error: unknown };

/** What the run that follows begins with. */
export interface NextInputs {
  readonly inputs: Encoded;
  readonly inputsHash: string;
}
