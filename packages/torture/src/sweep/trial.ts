import type { Fault } from '../shim/shim.ts';
import type { Wrong } from '../survey.ts';
import type { Told } from '../told.ts';
import type { Journey } from '../voyage.ts';

/** One voyage with one fault. */
export interface Trial {
  readonly round: number;
  /** The folder that the journal's folder is made in. */
  readonly root: string;
  readonly fault: Fault;
  readonly journey: Journey;
  /** Whether the program that met the fault goes on with the run itself, once the disk is in order. */
  readonly isResumedHere: boolean;
}

/** What the program of the trials says. */
export type TrialLine =
  | Told
  | { readonly at: 'trial'; readonly round: number }
  | {
      readonly at: 'ended';
      readonly round: number;
      /** Of the error that it ended by, or 'finished'. */
      readonly code: string;
      readonly message: string;
      /** Calls of the armed kinds, and how many of them were made to fail. */
      readonly seen: number;
      readonly fired: number;
    }
  | ({ readonly at: 'wrong'; readonly round: number } & Wrong);
