import { defineWorkflow, type GroupResult, type ParallelGroup } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { journal, transcript } from '../lab.fixture.ts';
import {
  perform,
  plain,
  replays,
  resumeAt,
  t,
  watchForLeaks,
  type Program,
  type Stage,
} from './stage.fixture.ts';

watchForLeaks();

/**
 * Steps that wait for something outside ctx: long in the first life, no time or one tick afterwards. What
 * decided a group then must decide it again, in its place, though it is known too early.
 */
type Gate = (stage: Stage) => Promise<void>;

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Until so many steps have ended, and then some turns. */
const afterSteps =
  (n: number): Gate =>
  async (stage) => {
    while (stage.spans.filter(({ to }) => to !== undefined).length < n) await tick();
    for (let i = 0; i < 6; i += 1) await tick();
  };

const quick: Readonly<Record<string, Gate>> = { 'no time': async () => undefined, 'one tick': tick };

const flow =
  (gate: Gate, group: Omit<ParallelGroup, 'steps'>, fails: boolean): Program =>
  (stage) =>
    defineWorkflow({
      name: 'w',
      steps: [
        {
          id: 'g',
          onError: 'continue',
          parallelGroup: {
            ...group,
            steps: [
              {
                id: 'raw',
                run: async () => {
                  await gate(stage);
                  if (fails) throw new RangeError('raw');
                  return 'raw';
                },
              },
              { id: 'y', task: stage.step, input: t(10) },
              { id: 'z', dependsOn: ['y'], task: stage.step, input: t(5) },
              { id: 'x', dependsOn: ['z'], task: stage.step, input: t(500) },
              { id: 'after', dependsOn: ['raw'], task: stage.step, input: t(3) },
            ],
          },
        },
        { id: 'end', dependsOn: ['g'], task: stage.step, input: t(2) },
      ],
      output: ({ results }) => {
        const { completed, failed, cancelled, skipped, winner } = results['g'] as GroupResult;
        return { completed, failed, cancelled, skipped, winner };
      },
    }).run;

describe.each<[string, Omit<ParallelGroup, 'steps'>, boolean]>([
  ['all, and it fails', {}, true],
  ['all, and it succeeds', {}, false],
  ['all, one at a time', { maxConcurrent: 2 }, true],
  ['race', { waitStrategy: 'race' }, false],
  ['any', { waitStrategy: 'any' }, false],
  ['allSettled', { waitStrategy: 'allSettled' }, true],
])('%s', (name, options, fails) => {
  it.each([1, 2])('after %i steps', async (steps) => {
    // Of `race` and `any` the first step that ends decides.
    const slow = afterSteps(options.waitStrategy === 'race' || options.waitStrategy === 'any' ? 0 : steps);
    const first = await perform(flow(slow, options, fails));
    const lines = transcript(first.store);
    for (const [kind, gate] of Object.entries(quick)) {
      const program = flow(gate, options, fails);
      await replays(first.store, program, kind);
      for (let seq = 1; seq <= journal(first.store).length; seq += 1) {
        const where = `${name}, ${kind}, after a crash at seq ${seq}: ${lines[seq - 1]}`;
        const resumed = await resumeAt(first.store, seq, program);
        expect(transcript(resumed.store).slice(0, seq), where).toEqual(lines.slice(0, seq));
        expect(plain(resumed.told), where).toHaveProperty('value');
        await replays(resumed.store, program, where);
      }
    }
  });
});
