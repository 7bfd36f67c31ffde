import {
  defineTask,
  InvalidOptionError,
  type PollSettings,
  type TaskContext,
  type TaskSettings,
} from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { shape } from '../lab.fixture.ts';
import { brief, everywhere, perform, watchForLeaks, type Program, type Stage } from './stage.fixture.ts';

watchForLeaks();

/** Each try takes 5 ms; its result is how many there were. */
const counted = (
  lab: Stage,
  tries: number[],
  poll: Partial<PollSettings<number>>,
  settings: TaskSettings = {},
) => {
  let count = 0;
  return defineTask({
    ...settings,
    name: 'counted',
    run: async (_: void, task: TaskContext): Promise<number> => {
      lab.invoked.push({ task: 'counted', key: task.key, attempt: task.attempt });
      tries.push(lab.clock.monotonic());
      count += 1;
      await lab.clock.sleep(5, task.signal);
      return count;
    },
    poll: { every: 20, timeout: 1000, until: (n) => n >= 3, ...poll },
  });
};

describe('a task that is polled', () => {
  it('runs again until its result is good: one call, one attempt, one outcome', async () => {
    const tries: number[] = [];
    const { value, store } = await perform((lab) => (_, ctx) => ctx.task(counted(lab, tries, {})));
    expect(value).toBe(3);
    expect(tries).toEqual([0, 25, 50]);
    expect(shape(store)).toEqual([
      'RunStarted',
      'TaskScheduled 0',
      'AttemptStarted 0',
      'TaskSucceeded 0',
      'RunSucceeded',
    ]);
  });

  it('fails with TimeoutError over all its tries, and the try under way is aborted', async () => {
    const tries: number[] = [];
    const { value, stage } = await perform(
      (lab) => (_, ctx) =>
        ctx
          .task(counted(lab, tries, { until: () => false, timeout: 52 }))
          .catch((error: unknown) => [brief(error), (error as Error).message]),
    );
    expect(value).toEqual(['TimeoutError', "Task 'counted' (0): had no good result after 52 ms"]);
    expect(tries).toEqual([0, 25, 50]);
    expect(stage.clock.monotonic()).toBe(52);
  });

  it('an attempt that timed out is retried, with time of its own', async () => {
    const tries: number[] = [];
    const { value } = await perform(
      (lab) => (_, ctx) =>
        ctx.task(counted(lab, tries, { timeout: 30 }, { retry: { attempts: 2, delay: 100 } })),
    );
    expect(value).toBe(3);
    expect(tries).toEqual([0, 25, 130]);
  });

  it('a try that throws ends the attempt', async () => {
    let tries = 0;
    const { value } = await perform(() => (_, ctx) => {
      const failing = defineTask({
        name: 'failing',
        run: (): number => {
          tries += 1;
          if (tries === 2) throw new Error('second');
          return tries;
        },
        poll: { every: 1, timeout: 100, until: () => false },
      });
      return ctx.task(failing).catch(brief);
    });
    expect(value).toBe('TaskError: second');
    expect(tries).toBe(2);
  });

  it('an until that throws, or gives a promise, fails the attempt', async () => {
    const told = async (until: PollSettings<number>['until']): Promise<unknown> =>
      (await perform((lab) => (_, ctx) => ctx.task(counted(lab, [], { until })).catch(brief))).value;
    expect(
      await told(() => {
        throw new Error('broken');
      }),
    ).toBe('TaskError: broken');
    expect(await told((() => Promise.resolve(true)) as never)).toMatch(
      /until of task 'counted' \(0\) must answer at once/,
    );
    expect(await told((() => Promise.reject(new Error('no'))) as never)).toMatch(/must answer at once/);
  });

  it('its wait ends at once when it is given up', async () => {
    const tries: number[] = [];
    const { value, stage } = await perform(
      (lab) => (_, ctx) =>
        ctx.parallel.race([
          () => ctx.task(counted(lab, tries, { every: '1h', timeout: '2h' })),
          () => ctx.sleep(50),
        ]),
    );
    expect(value).toBeUndefined();
    expect(stage.clock.monotonic()).toBe(50);
    expect(tries).toEqual([0]);
  });

  it('⟲ is the same everywhere', async () => {
    const program: Program = (lab) => async (_, ctx) => [
      await ctx.task(counted(lab, [], {})),
      await ctx.task(counted(lab, [], { until: () => false, timeout: 60 })).catch(brief),
    ];
    await everywhere(program, [3, 'TimeoutError']);
  });

  it.each<[unknown, string]>([
    [{ every: -1, timeout: 5, until: () => true }, 'poll.every'],
    [{ every: 1, until: () => true }, 'poll.timeout'],
    [{ every: 1, timeout: 0, until: () => true }, 'poll.timeout'],
    [{ every: 1, timeout: 5 }, 'poll.until'],
    [{ every: 1, timeout: 5, until: () => true, times: 5 }, 'poll.times'],
    [null, 'poll'],
  ])('%j is refused at the definition', (poll, option) => {
    const define = (): unknown => defineTask({ name: 'x', run: () => 1, poll: poll as never });
    expect(define).toThrow(InvalidOptionError);
    expect(define).toThrow(`'${option}'`);
  });
});
