import { RuntimeError } from '../../src/errors.ts';
import type { Recorded } from '../../src/journal/event.ts';
import type { Program } from './program.ts';
import { Witness } from './witness.ts';

/** How a run ended, as its handle tells it. */
export type RunEnd =
  | { readonly status: 'value'; readonly value: unknown }
  | { readonly status: 'failed'; readonly error: unknown }
  | { readonly status: 'cancelled' };

/** Where a run stands with the program that holds it. */
export type SimState =
  | { readonly is: 'driving' | 'fenced' | 'stopped' }
  | { readonly is: 'ended'; readonly end: RunEnd }
  | { readonly is: 'failed'; readonly error: unknown };

/** One run of the world: what it does, who holds it, what was seen of it, and how it ended. */
export class SimRun {
  readonly id: string;
  readonly program: Program;
  readonly witness: Witness;
  readonly logs: number[] = [];
  /** Those that have lost the run and do not know it yet. */
  readonly losers = new Set<string>();
  state: SimState = { is: 'driving' };
  holder = '';

  constructor(id: string, program: Program, stored: readonly Recorded[]) {
    this.id = id;
    this.program = program;
    this.witness = new Witness(stored);
  }

  get end(): RunEnd {
    if (this.state.is === 'ended') return this.state.end;
    throw new RangeError(`run ${this.id} has not ended`);
  }

  heldBy(owner: string): void {
    this.holder = owner;
    this.state = { is: 'driving' };
  }

  ended(owner: string, end: RunEnd): void {
    this.losers.delete(owner);
    this.state = { is: 'ended', end };
  }

  /** A program has let go of the run. */
  left(owner: string, state: SimState): void {
    const wasLost = this.losers.delete(owner);
    if (wasLost && state.is === 'fenced') return;
    this.state =
      state.is === 'fenced'
        ? { is: 'failed', error: new RangeError(`${owner} was fenced and held the run`) }
        : state;
  }
}

/** What an error of a run's handle means. */
export function afterError(error: unknown): SimState {
  if (!(error instanceof RuntimeError)) return { is: 'failed', error };
  switch (error.code) {
    case 'RUN_FAILED':
      return { is: 'ended', end: { status: 'failed', error: error.cause } };
    case 'CANCELLED':
      return { is: 'ended', end: { status: 'cancelled' } };
    case 'STOPPED':
      return { is: 'stopped' };
    case 'FENCED':
      return { is: 'fenced' };
    default:
      return { is: 'failed', error };
  }
}
