/** What a program of ours is to measure; it gets this as one line of JSON. */
export interface Order {
  readonly program: ProgramName;
  /** Tasks, items, inserts or runs: see the program. */
  readonly steps: number;
  readonly durability: 'full' | 'normal';
  /** Done before the measured part, in the same file: it compiles the code, and makes the log one that is reused. */
  readonly warmUp: number;
  /** 0: what the runtime does by itself. */
  readonly concurrency: number;
  /** How long each commit takes longer than it does on this disk, in ms. */
  readonly slowerMs: number;
  /** How a program is to do it, where there are several ways. */
  readonly way: string;
}

export type ProgramName =
  | 'rawCommits'
  | 'rawBatches'
  | 'rawIterate'
  | 'rawPages'
  | 'rawThreads'
  | 'sequential'
  | 'fanOut'
  | 'runs'
  | 'payload'
  | 'stream'
  | 'recordUntilKilled'
  | 'resume'
  | 'start'
  | 'dispatch'
  | 'threads'
  | 'trace'
  | 'replayed'
  | 'growMap'
  | 'growSteps'
  | 'growRuns';

/** A `way` of those who measure processor time: without a watch over the event loop and the log. */
export const UNWATCHED = 'unwatched';

const DEFAULTS = { durability: 'full', warmUp: 0, concurrency: 0, slowerMs: 0, way: '' } as const;

export function order(program: ProgramName, steps: number, more: Partial<Order> = {}): Order {
  return { ...DEFAULTS, ...more, program, steps };
}
