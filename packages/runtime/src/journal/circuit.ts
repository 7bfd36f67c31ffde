import type { CircuitPlan } from '@pawl/sdk';
import type { Millis, Seq } from './ids.ts';
import { unreachable } from './invariant.ts';

/**
 * A circuit as runs share it. Its generation counts how often it opened: what an attempt of an earlier generation
 * tells is stale and changes nothing, so a success from before the trouble cannot close it.
 */
export interface Circuit {
  readonly generation: number;
  /** In a row, while it is closed. */
  readonly failures: number;
  /** Null = closed. */
  readonly openedAt: Millis | null;
  /** Attempts that may try it while it is open. */
  readonly trials: readonly Trial[];
}

export interface Trial {
  /** The call that tries: one that asks again, such as after a crash, has its place already. */
  readonly holder: string;
  /** Its owner may be gone: the place is free again then. */
  readonly since: Millis;
  readonly ttlMs: number;
}

/** What an attempt that was let through tells its circuit. */
export interface CircuitNote {
  readonly kind: 'circuit';
  /** The event that says so. */
  readonly seq: Seq;
  readonly at: Millis;
  readonly plan: CircuitPlan;
  /** Of the circuit when the attempt was let through. */
  readonly generation: number;
  readonly holder: string;
  /** 'left': cancelled or interrupted, which says nothing about the other side. */
  readonly outcome: 'succeeded' | 'failed' | 'left';
}

export const UNTRIED: Circuit = { generation: 0, failures: 0, openedAt: null, trials: [] };

/** 'pass': closed, or a trial already; 'try': a place as a trial is free, and has to be taken; 'refuse': open. */
export type Admission = 'pass' | 'try' | 'refuse';

export function admission(circuit: Circuit, plan: CircuitPlan, holder: string, now: Millis): Admission {
  if (circuit.openedAt === null) return 'pass';
  if (isWithin(circuit.openedAt, plan.openForMs, now)) return 'refuse';
  const trials = circuit.trials.filter((trial) => isWithin(trial.since, trial.ttlMs, now));
  if (trials.some((trial) => trial.holder === holder)) return 'pass';
  return trials.length < plan.halfOpen ? 'try' : 'refuse';
}

/** A call that asks for a place as a trial. */
export interface TrialClaim {
  readonly plan: CircuitPlan;
  readonly holder: string;
  readonly now: Millis;
  /** How long the place is kept for an owner that gives no sign. */
  readonly ttlMs: number;
}

/** The circuit with the trial in it; undefined where it is refused. */
export function afterClaim(circuit: Circuit, { plan, holder, now, ttlMs }: TrialClaim): Circuit | undefined {
  switch (admission(circuit, plan, holder, now)) {
    case 'pass':
      return circuit;
    case 'try': {
      const others = circuit.trials.filter((trial) => isWithin(trial.since, trial.ttlMs, now));
      return { ...circuit, trials: [...others, { holder, since: now, ttlMs }] };
    }
    default:
      return undefined;
  }
}

/** What a note makes of a circuit. */
export function afterNote(circuit: Circuit, note: CircuitNote): Circuit {
  if (note.generation !== circuit.generation) return circuit;
  const trials = circuit.trials.filter(({ holder }) => holder !== note.holder);
  const isOpen = circuit.openedAt !== null;
  switch (note.outcome) {
    case 'left':
      return { ...circuit, trials };
    case 'succeeded':
      return { ...circuit, failures: 0, openedAt: null, trials: [] };
    case 'failed': {
      const failures = circuit.failures + 1;
      if (!isOpen && failures < note.plan.threshold) return { ...circuit, failures };
      return { generation: circuit.generation + 1, failures: 0, openedAt: note.at, trials: [] };
    }
    default:
      return unreachable(note.outcome);
  }
}

/** A wall clock that went back ends a wait rather than make it longer. */
function isWithin(since: Millis, ms: number, now: Millis): boolean {
  return now >= since && now - since < ms;
}
