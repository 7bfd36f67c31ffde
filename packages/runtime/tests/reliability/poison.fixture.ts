/** Tasks that end the program they run in, until they are disarmed. */
import {
  defineProcess,
  defineTask,
  type CheckResult,
  type ProcessDefinition,
  type TaskContext,
} from '@pawl/sdk';
import { once, start, tell } from './world.fixture.ts';

export type Death = 'exit' | 'abort' | 'kill' | 'memory' | 'throw outside';

/** What the test told this program. */
export const danger: { armed: boolean; check: CheckResult<string> | 'fails' } = {
  armed: true,
  check: { status: 'retry' },
};

const deaths: Readonly<Record<Death, () => void>> = {
  exit: () => process.exit(0),
  abort: () => process.abort(),
  kill: () => process.kill(process.pid, 'SIGKILL'),
  memory: () => {
    for (const taken: number[][] = []; ;) taken.push(Array.from<number>({ length: 1e6 }).fill(taken.length));
  },
  'throw outside': () => {
    setImmediate(() => {
      throw new RangeError('where nobody can catch it');
    });
  },
};

async function die(how: Death, task: TaskContext): Promise<string> {
  start(task);
  if (!danger.armed) return 'survived';
  deaths[how]();
  return new Promise(() => undefined);
}

function check(_: Death, { attempt, key }: TaskContext): CheckResult<string> {
  tell({ at: 'checked', key, attempt });
  if (danger.check === 'fails') throw new RangeError('the check fails');
  return danger.check;
}

const tasks = {
  retry: defineTask({ name: 'poison', run: die }),
  retryOnce: defineTask({ name: 'poison', run: die, maxUnknown: 1 }),
  ask: defineTask({ name: 'poison', run: die, onUnknown: 'ask' }),
  check: defineTask({ name: 'poison', run: die, onUnknown: 'check', check }),
};

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function poisoned(name: keyof typeof tasks): ProcessDefinition<Death, unknown> {
  return defineProcess({
    name,
    run: async (how: Death, ctx): Promise<unknown> => {
      await ctx.task(once, 0);
      const outcome = await ctx.task(tasks[name], how).catch(message);
      await ctx.task(once, 1);
      return outcome;
    },
  });
}

export const poisons: Readonly<Record<string, ProcessDefinition>> = {
  retry: poisoned('retry'),
  retryOnce: poisoned('retryOnce'),
  ask: poisoned('ask'),
  check: poisoned('check'),
};
