/** A program whose processes leave rejections behind: one line for each, and then it ends as others do. */
import { setTimeout as delay } from 'node:timers/promises';
import { openRuntime, type Runtime } from '@pawl/runtime';
import type { Process } from '@pawl/sdk';
import { defineTask } from '@pawl/sdk';
import { begins, inTasks, NON_ERRORS, stray, tended } from './stray-processes.fixture.ts';
import { tell } from './world.fixture.ts';

const [path = '', what = ''] = process.argv.slice(2);
const warnings: string[] = [];
const runtime = await openRuntime({
  path,
  onWarning: (_, message) => void (message.startsWith('an error nobody') && warnings.push(message)),
});

const step = defineTask({ name: 'step', run: (n: number): number => n });
const healthy: Process = async (_, ctx) => {
  let sum = 0;
  for (let i = 0; i < 5; i += 1) {
    await ctx.sleep(2);
    sum += await ctx.task(step, i);
  }
  return sum;
};

async function outcome(handle: ReturnType<Runtime['start']>): Promise<unknown> {
  try {
    return { value: await handle.result() };
  } catch (error) {
    return { error: String(error) };
  }
}

async function tryOut(name: string, made: Process): Promise<void> {
  warnings.length = 0;
  const id = name.replaceAll(/[^a-zA-Z]+/g, '-');
  const liveEnded = begins();
  const [run, other] = await Promise.all([
    outcome(runtime.start(made, null as never, { id })),
    outcome(runtime.start(healthy, null as never, { id: `healthy-${id}` })),
  ]);
  liveEnded();
  // Whatever is still to come up comes up now, whether or not the run has ended.
  await delay(10);
  const live = [...warnings];
  warnings.length = 0;
  const replayEnded = begins();
  const replay = await runtime.replay(id, made).then(({ reached }) => reached, String);
  replayEnded();
  await delay(10);
  tell({ at: 'scenario', name, run, other, warnings: live, replay, replayWarnings: warnings.length });
}

const SCENARIOS: Readonly<Record<string, Readonly<Record<string, Process>>>> = {
  tended,
  stray,
  inTasks,
  reasons: Object.fromEntries(
    NON_ERRORS.map((reason, i): [string, Process] => [
      `reason ${'abcdefghijkl'.charAt(i)}`,
      async (_, ctx) => {
        void Promise.reject(reason);
        await ctx.sleep(1);
        // The run itself fails by it, too.
        throw reason;
      },
    ]),
  ),
};

for (const [name, made] of Object.entries(SCENARIOS[what] ?? {})) await tryOut(name, made);
await runtime.close();
tell({ at: 'closed' });
