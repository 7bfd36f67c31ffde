import { Random } from './random.ts';

/** What ends one life of a run before its time. */
export type Fault =
  /** The program dies at an append, just before or just after it was made. */
  | { readonly kind: 'crash'; readonly when: 'before' | 'after'; readonly append: number }
  /** It dies while it waits. */
  | { readonly kind: 'idleCrash'; readonly fires: number }
  /** The append fails, before or after it was made: the program lives, and opens the journal anew. */
  | { readonly kind: 'failure'; readonly when: 'before' | 'after'; readonly append: number }
  /** Another owner takes the run, and both go on. */
  | { readonly kind: 'takeover'; readonly when: 'before' | 'after'; readonly append: number }
  | { readonly kind: 'idleTakeover'; readonly fires: number }
  /** It is asked to stop. */
  | { readonly kind: 'stop'; readonly fires: number };

/** One program over the journal: from start or resume to the end or to its fault. */
export interface Life {
  readonly fault: Fault | undefined;
  /** From the fault to the next life, by the wall clock; may be negative. */
  readonly downMs: number;
  /** The lease is waited out, instead of known to be free. */
  readonly waitsForLease: boolean;
  readonly jumps: readonly { readonly fires: number; readonly byMs: number }[];
  /** Timers within so many ms are seen at once. */
  readonly windowMs: number;
  readonly limits: { readonly inFlight: number; readonly burstEvents: number };
  readonly concurrency: 'own' | 'one' | 'two' | 'more' | 'unlimited';
  readonly priority: number | undefined;
  /** More slots in each pool than its program says. */
  readonly extraSlots: number;
  /** Waits outside ctx take so many times their turns. */
  readonly rawFactor: number;
  readonly draws: number;
}

/** How the run is cancelled: by its program or by a message, when the clock fires; or while nobody drives it. */
export type Cancel =
  | { readonly how: 'program' | 'message'; readonly fires: number }
  | { readonly how: 'idle'; readonly life: number };

export interface Plan {
  readonly lives: readonly Life[];
  readonly cancel: Cancel | undefined;
  /** Other programs that run beside it, by their seeds. */
  readonly neighbours: readonly number[];
}

/** With slots for all: some programs have more than a thousand attempts under way. */
export const QUIET: Life = {
  fault: undefined,
  downMs: 0,
  waitsForLease: false,
  jumps: [],
  windowMs: 0,
  limits: { inFlight: 100_000, burstEvents: 4096 },
  concurrency: 'own',
  priority: undefined,
  extraSlots: 0,
  rawFactor: 1,
  draws: 0.3,
};

export const NO_FAULTS: Plan = { lives: [QUIET], cancel: undefined, neighbours: [] };

/** A life without faults; in one of five there are fewer slots than attempts want. */
export function quietLife(seed: number): Life {
  const random = new Random(seed ^ 0x51ed270b);
  return random.chance(0.2) ? { ...QUIET, limits: { ...QUIET.limits, inFlight: random.int(1, 3) } } : QUIET;
}

/** @param appends how many appends the run makes without faults; @param fires how often its clock fires */
export function planFaults(seed: number, appends: number, fires: number): Plan {
  const random = new Random(seed ^ 0x2545f491);
  const count = random.weighted<string>({ 1: 4, 2: 3, 3: 2, 5: 1 });
  const lives = Array.from({ length: Number(count) }, (_, index): Life => {
    const share = index === 0 ? 1 : 0.5;
    return life(random, fault(random, Math.ceil(appends * share), Math.ceil(fires * share)));
  });
  lives.push(life(random, undefined));
  return {
    lives,
    cancel: random.chance(0.06) ? cancel(random, fires) : undefined,
    neighbours: random.chance(0.15)
      ? Array.from({ length: random.int(1, 2) }, () => random.int(0, 1_000_000))
      : [],
  };
}

function cancel(random: Random, fires: number): Cancel {
  const how = random.pick(['program', 'message', 'idle'] as const);
  return how === 'idle' ? { how, life: random.int(1, 2) } : { how, fires: random.int(1, Math.max(1, fires)) };
}

function fault(random: Random, appends: number, fires: number): Fault {
  const kind = random.weighted({
    crash: 10,
    idleCrash: 2,
    failure: 2,
    takeover: 4,
    idleTakeover: 2,
    stop: 2,
  });
  const when = random.pick(['before', 'after'] as const);
  const append = random.int(1, Math.max(1, appends));
  if (kind === 'crash' || kind === 'takeover' || kind === 'failure') return { kind, when, append };
  return { kind, fires: random.int(1, Math.max(1, fires)) };
}

function life(random: Random, ending: Fault | undefined): Life {
  const waitsForLease = random.chance(0.2);
  return {
    fault: ending,
    downMs: waitsForLease
      ? 30_001 + random.int(0, 100_000)
      : random.pick([0, 0, 5, 40, 1000, 100_000, -50, -100_000]),
    waitsForLease,
    jumps: random.chance(0.3)
      ? [{ fires: random.int(1, 20), byMs: random.pick([-1_000_000, -30, 30, 40_000, 86_400_000]) }]
      : [],
    windowMs: random.chance(0.4) ? random.pick([1, 10, 20]) : 0,
    limits: {
      inFlight: random.chance(0.3) ? random.int(1, 3) : 512,
      burstEvents: random.chance(0.3) ? random.int(1, 6) : 4096,
    },
    concurrency: random.weighted({ own: 6, one: 1, two: 1, more: 1, unlimited: 1 }),
    priority: random.chance(0.2) ? random.int(-2, 2) : undefined,
    extraSlots: random.chance(0.2) ? 1 : 0,
    rawFactor: random.int(0, 3),
    draws: random.next(),
  };
}
