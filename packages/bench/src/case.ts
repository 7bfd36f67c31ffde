import type { Order } from './order.ts';
import type { Round } from './round.ts';

/** One that is measured in a round. */
export interface Subject {
  readonly who: string;
  readonly order: Order;
}

/** Something told of a case, with the letter: one number a round. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
  readonly goal: number | null;
  /** Undefined where the round has not what it needs, such as peers. */
  readonly of: (round: Round, peers: readonly string[]) => number | undefined;
}

/** What peers are asked for; see peers/README.md. */
export interface PeerCase {
  readonly name: 'sequential' | 'fanOut' | 'runs' | 'resume' | 'payload';
  readonly steps: number;
}

/** Subjects that are measured one after another in each round, and what is told of them. */
export interface Case {
  /** The letter of the table of goals; 'raw' for the limits alone. */
  readonly id: string;
  readonly title: string;
  /** Measured before and after the others. */
  readonly raw: readonly Subject[];
  readonly ours: readonly Subject[];
  readonly peers: PeerCase | null;
  /** What is told of each subject: steps a second, or the time of the whole. */
  readonly speed: 'per second' | 'ms';
  readonly figures: readonly Figure[];
}
