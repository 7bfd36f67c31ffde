/**
 * What a run's journal comes to as it grows, and what it takes another worker to go on with it, without a server: for runs
 * of so many steps whose outputs have so many bytes, and, last, where outputs are in an object store and a reference is
 * recorded.
 *
 *     node --expose-gc --conditions=source packages/restate/tests/journal-main.fixture.ts
 */
import { stdout } from 'node:process';
import { defineProcess, defineTask, type ProcessDefinition } from '@pawl/sdk';
import { encodePayload } from '@pawl/runtime/elsewhere';
import { RunSession } from '../src/run-session.ts';
import type { Entry } from '../src/step.ts';

const REFERENCE_BYTES = 100;

const step = defineTask({ name: 'step', run: async ({ bytes }: { bytes: number }) => '-'.repeat(bytes) });

function growing(steps: number, bytes: number): ProcessDefinition<null, number> {
  return defineProcess({
    name: 'growing',
    run: async (_: null, ctx) => {
      let sum = 0;
      for (let n = 0; n < steps; n += 1) sum += (await ctx.task(step, { bytes })).length;
      return sum;
    },
  });
}

/** Over entries that are recorded, as far as there are any; what it adds is recorded at once. */
async function drive(
  definition: ProcessDefinition<null, number>,
  entries: Entry[],
  most = Infinity,
): Promise<void> {
  const session = new RunSession('run', { inputs: encodePayload('The input', null, 100) }, definition, {
    processes: [definition],
    restAfterMs: 50,
    suspendAfterMs: 60_000,
    attempts: new Set(),
    standIn: (task) => task,
    runtime: {},
  });
  try {
    for (let i = 0; i < most; i += 1) {
      const entry = entries[i] ?? (await session.next());
      entries[i] = entry;
      if (session.recorded(entry).type === 'ended') return;
    }
  } finally {
    await session.drop();
  }
}

for (const [steps, bytes] of [
  [100, REFERENCE_BYTES],
  [1000, REFERENCE_BYTES],
  [10_000, REFERENCE_BYTES],
  [1000, 10_000],
  [1000, 100_000],
] as const) {
  const definition = growing(steps, bytes);
  const entries: Entry[] = [];
  // All but the last step: the next worker has to load them all, and to go on.
  await drive(definition, entries, steps);
  const journalBytes = entries.reduce((sum, { length }) => sum + length, 0);
  globalThis.gc?.();
  const from = performance.now();
  await drive(definition, [...entries]);
  const resumeMs = performance.now() - from;
  stdout.write(
    `${JSON.stringify({ steps, bytes, entries: entries.length, journalBytes, resumeMs: Math.round(resumeMs) })}\n`,
  );
}
