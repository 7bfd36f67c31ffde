import { pid } from 'node:process';
import { defineProcess, type ProcessDefinition } from '@pawl/sdk';
import type { Clock } from '../../runtime/src/ports/clock.ts';
import { generate } from '../../runtime/tests/simulation/generate.ts';
import type { Manner } from '../../runtime/tests/simulation/interpret.ts';
import { SimLab, type Invocation } from '../../runtime/tests/simulation/lab.ts';
import type { Program } from '../../runtime/tests/simulation/program.ts';
import type { SimClock } from '../../runtime/tests/simulation/sim-clock.ts';

/** The program as it is written; what it waits for outside ctx takes turns of Node's loop. */
export const AS_WRITTEN: Manner = {
  concurrency: (own) => own,
  priority: undefined,
  extraSlots: 0,
  raw: async (turns) => {
    for (let i = 0; i < turns; i += 1) await new Promise((resolve) => setImmediate(resolve));
  },
};

/** Nobody gives up a task of others here: `RestateRun` has no word for it. */
const GIVEN_UP = /"isGivenUp":true/;

/** The first so many programs from a seed on. */
export function programs(from: number, count: number): Program[] {
  const found: Program[] = [];
  for (let seed = from; found.length < count; seed += 1) {
    const program = generate(seed);
    if (!GIVEN_UP.test(JSON.stringify(program, wordOfBigInt))) found.push(program);
  }
  return found;
}

function wordOfBigInt(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

export interface Seen extends Invocation {
  readonly runId: string;
  /** Of the program that invoked it. */
  readonly pid: number;
  readonly at: number;
}

/** Does the program of the seed that it is given, with tasks that take real time. */
export function randomProcess(
  clock: Clock,
  invoked: (invocation: Seen) => void,
): ProcessDefinition<{ readonly seed: number }, unknown> {
  return defineProcess({
    name: 'random',
    run: ({ seed }: { readonly seed: number }, ctx) => {
      // It asks of its clock for `after` alone.
      const lab = new SimLab(clock as SimClock, (invocation) =>
        invoked({ ...invocation, runId: ctx.runId, pid, at: Date.now() }),
      );
      return lab.process(generate(seed), AS_WRITTEN)(undefined as never, ctx);
    },
  });
}
