import {
  defineTask,
  InvalidOptionError,
  TaskError,
  TimeoutError,
  type RetryPolicy,
  type TaskContext,
} from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { journal, shape } from '../lab.fixture.ts';
import {
  brief,
  everywhere,
  f,
  perform,
  replays,
  resumeAt,
  seqOf,
  Stage,
  t,
  watchForLeaks,
  type Program,
} from './stage.fixture.ts';

watchForLeaks();

const retry: RetryPolicy = { attempts: 3, delay: 100 };

/** A step that is retried, and what became of it. */
const retried =
  (
    step: { ms: number; failures: number; deaf?: boolean },
    options: { retry?: RetryPolicy; timeout?: number; deadline?: number },
  ): Program =>
  (stage) =>
  (_, ctx) =>
    ctx
      .task(stage.step, { value: 'ok', ...step }, options)
      .catch((error: unknown) => [
        brief(error),
        error instanceof TaskError
          ? [error.attempts, brief(error.cause)]
          : brief(error instanceof Error ? error.cause : undefined),
      ]);

describe('retry', () => {
  it('A68 three attempts, of which two fail: delays 100 and 200, three rows of attempts', async () => {
    const { value, stage, store } = await perform(retried({ ms: 5, failures: 2 }, { retry }));
    expect(value).toBe('ok');
    expect(stage.spans.map(({ from, attempt }) => [from, attempt])).toEqual([
      [0, 1],
      [105, 2],
      [310, 3],
    ]);
    const events = journal(store).map(({ event }) => event);
    expect(events.filter(({ type }) => type === 'AttemptStarted')).toHaveLength(3);
    expect(events.flatMap((event) => (event.type === 'AttemptFailed' ? [event.delayMs] : []))).toEqual([
      100, 200,
    ]);
  });

  it('⟲ A68 is the same everywhere', async () => {
    // A crash in an attempt makes it unknown, which is no failure: the delays hold by failures.
    await everywhere(retried({ ms: 5, failures: 0 }, { retry }), 'ok', { depth: 2 });
    await everywhere(
      (stage) => async (_, ctx) => {
        let calls = 0;
        const flaky = defineTask({
          name: 'flaky',
          retry: { attempts: 9, delay: 10 },
          run: async (_args: void, task: TaskContext) => {
            stage.invoked.push({ task: 'flaky', key: task.key, attempt: task.attempt });
            calls += 1;
            await stage.clock.sleep(5, task.signal);
            if (calls < 3) throw new Error('not yet');
            return 'ok';
          },
        });
        return ctx.task(flaky);
      },
      'ok',
      { depth: 2 },
    );
  });

  it('gives up with the last error after its attempts, and says how many', async () => {
    const { value, stage } = await perform(retried({ ms: 5, failures: 9 }, { retry }));
    expect(value).toEqual(['TaskError: failure 3', [3, 'Error: failure 3']]);
    expect(stage.invoked).toHaveLength(3);
  });

  it('A69 attempts 0 is refused at the definition', () => {
    for (const attempts of [0, -1, 1.5, Number.NaN]) {
      expect(() => defineTask({ name: 'x', run: () => 1, retry: { attempts } })).toThrow(InvalidOptionError);
    }
  });

  it('A69 shouldRetry false makes the first failure final; it gets the error and the attempt', async () => {
    const asked: unknown[] = [];
    const { value, stage } = await perform(
      retried(
        { ms: 5, failures: 9 },
        {
          retry: {
            attempts: 5,
            delay: 1,
            shouldRetry: (error, attempt) => {
              asked.push([brief(error), attempt]);
              return attempt < 2;
            },
          },
        },
      ),
    );
    expect(asked).toEqual([
      ['Error: failure 1', 1],
      ['Error: failure 2', 2],
    ]);
    expect(value).toEqual(['TaskError: failure 2', [2, 'Error: failure 2']]);
    expect(stage.invoked).toHaveLength(2);
    const first = await perform(
      retried({ ms: 5, failures: 9 }, { retry: { attempts: 5, shouldRetry: () => false } }),
    );
    expect(first.stage.invoked).toHaveLength(1);
  });

  it('a shouldRetry that throws makes the failure final, with the error of the task, and a warning', async () => {
    const warnings: string[] = [];
    const { value } = await perform(
      retried(
        { ms: 5, failures: 9 },
        {
          retry: {
            attempts: 5,
            shouldRetry: () => {
              throw new Error('broken');
            },
          },
        },
      ),
      { onWarning: (_, message) => warnings.push(message) },
    );
    expect(warnings).toEqual(["shouldRetry of task 'step' threw, and the failure is final: broken"]);
    expect(value).toEqual(['TaskError: failure 1', [1, 'Error: failure 1']]);
  });

  it('A69 a shouldRetry that gives a promise makes the failure final, and says so', async () => {
    for (const answer of [async () => true, () => Promise.reject(new Error('nobody handles this'))]) {
      const warnings: string[] = [];
      const { value, stage } = await perform(
        retried({ ms: 5, failures: 9 }, { retry: { attempts: 5, shouldRetry: (() => answer()) as never } }),
        { onWarning: (_, message) => warnings.push(message) },
      );
      expect(value).toEqual(['TaskError: failure 1', [1, 'Error: failure 1']]);
      expect(stage.invoked).toHaveLength(1);
      expect(warnings).toEqual([expect.stringMatching(/shouldRetry of task 'step' must answer at once/)]);
    }
  });

  it('delays: fixed, capped, none, and shortened by a recorded draw', async () => {
    const delays = async (policy: RetryPolicy): Promise<number[]> => {
      const { store } = await perform(retried({ ms: 1, failures: 4 }, { retry: policy }));
      return journal(store).flatMap(({ event }) => (event.type === 'AttemptFailed' ? [event.delayMs] : []));
    };
    expect(await delays({ attempts: 5, delay: 50, factor: 1 })).toEqual([50, 50, 50, 50]);
    expect(await delays({ attempts: 5, delay: 100, maxDelay: 250 })).toEqual([100, 200, 250, 250]);
    expect(await delays({ attempts: 5, delay: 0 })).toEqual([0, 0, 0, 0]);
    const drawn = await delays({ attempts: 5, delay: 100, factor: 1, jitter: 0.5 });
    expect(drawn.every((delay) => delay >= 50 && delay <= 100)).toBe(true);
    expect(new Set(drawn).size).toBeGreaterThan(1);
  });

  it('a backoff goes on over a crash, and is never longer than it was', async () => {
    const program = retried({ ms: 5, failures: 1 }, { retry });
    const { store } = await perform(program);
    const at = seqOf(store, 'AttemptFailed');
    const soon = await resumeAt(store, at, program);
    expect(soon.stage.spans.map(({ from, attempt }) => [from, attempt])).toEqual([[100, 2]]);
    const prefix = store.prefix('r', at);
    const late = Stage.at((journal(store)[at - 1]?.at ?? 0) + 80);
    await late.drive(prefix, program(late));
    expect(late.spans.map(({ from }) => from)).toEqual([20]);
    // A wall clock that went back does not make it wait longer.
    const back = Stage.at((journal(store)[at - 1]?.at ?? 0) - 1_000_000);
    await back.drive(store.prefix('r', at), program(back));
    expect(back.spans.map(({ from }) => from)).toEqual([100]);
  });

  it('⟲ inside a race: a loser in its backoff starts no further attempt', async () => {
    const { stage } = await everywhere(
      (lab) => async (_, ctx) => [
        await ctx.parallel.race([
          () =>
            ctx.task(
              lab.step,
              { ms: 5, failures: 20, value: 'retried' },
              { retry: { attempts: 30, delay: 40, factor: 1 } },
            ),
          () => ctx.task(lab.step, t(20, 'steady')),
        ]),
        await ctx.task(lab.step, t(500, 'after')),
      ],
      ['steady', 'after'],
    );
    expect(stage.spans.filter(({ key }) => key === '0/0/0')).toHaveLength(1);
  });

  it('⟲ inside any, all and map', async () => {
    const policy = { attempts: 2, delay: 10 };
    await everywhere(
      (stage) => async (_, ctx) => [
        await ctx.parallel.any([
          () => ctx.task(stage.step, f(5, 'x'), { retry: policy }),
          () => ctx.task(stage.step, t(40, 'ok'), { retry: policy }),
        ]),
        await ctx.parallel.map([1, 2, 3], (n) => ctx.task(stage.step, t(n), { retry: policy }), {
          concurrency: 2,
        }),
        await ctx.parallel.all([() => ctx.task(stage.step, f(5, 'bad'), { retry: policy })]).catch(brief),
      ],
      ['ok', [1, 2, 3], 'TaskError: bad'],
    );
  });

  it('what a task returns and cannot be kept is not tried again', async () => {
    let invoked = 0;
    const { value } = await perform(() => (_, ctx) => {
      const odd = defineTask({
        name: 'odd',
        retry: { attempts: 5 },
        run: () => {
          invoked += 1;
          return () => 1;
        },
      });
      return ctx.task(odd as never).catch((error: TaskError) => [error.message, brief(error.cause)]);
    });
    expect(invoked).toBe(1);
    expect(value).toEqual([expect.stringMatching(/output of task 'odd' \(0\).*\$/), 'UnserializableError']);
  });
});

describe('timeout of an attempt', () => {
  it('A72 on 500 ms: TimeoutError, and the attempt is aborted', async () => {
    const { value, stage } = await perform(retried({ ms: 500, failures: 0 }, { timeout: 100 }));
    expect(value).toEqual(['TimeoutError', { thrown: undefined }]);
    expect(stage.spans).toEqual([{ key: '0', attempt: 1, from: 0, to: 100, aborted: true }]);
  });

  it('A72 on 10 ms: the value, and no timer is left', async () => {
    const { value, stage } = await perform(retried({ ms: 10, failures: 0 }, { timeout: 30_000 }));
    expect(value).toBe('ok');
    expect(stage.clock.monotonic()).toBe(10);
    expect(stage.clock.pending).toBe(0);
  });

  it('⟲ A72 everywhere', async () => {
    await everywhere(
      (stage) => async (_, ctx) => [
        await ctx.task(stage.step, t(500), { timeout: 100 }).catch(brief),
        await ctx.task(stage.step, t(10), { timeout: 100 }),
        await ctx.parallel
          .allSettled([
            () => ctx.task(stage.step, t(500), { timeout: 50 }),
            () => ctx.task(stage.step, t(20)),
          ])
          .then((entries) =>
            entries.map((each) => (each.status === 'fulfilled' ? each.value : brief(each.reason))),
          ),
      ],
      ['TimeoutError', 10, ['TimeoutError', 20]],
    );
  });

  it('each attempt has its own; the last one ends in TimeoutError whose cause is the failure before', async () => {
    const { value, stage } = await perform(
      retried({ ms: 500, failures: 0 }, { retry: { attempts: 3, delay: 10 }, timeout: 50 }),
    );
    expect(value).toEqual(['TimeoutError', 'TimeoutError']);
    expect(stage.spans.map(({ from, to }) => [from, to])).toEqual([
      [0, 50],
      [60, 110],
      [130, 180],
    ]);
  });

  it('does not run while the attempt waits for its slot', async () => {
    const { value } = await perform(
      (stage) => (_, ctx) => {
        const step = stage.with({ pool: 'one', timeout: 50 });
        return ctx.parallel.all([40, 40, 40].map((ms) => () => ctx.task(step, t(ms))));
      },
      { pools: { one: 1 } },
    );
    expect(value).toEqual([40, 40, 40]);
  });

  it('an attempt that ignores it ends late beside its successor, as LateResult', async () => {
    const { value, store, stage } = await perform((lab) => async (_, ctx) => {
      let attempts = 0;
      const slow = defineTask({
        name: 'slow',
        retry: { attempts: 2, delay: 10 },
        timeout: 50,
        run: async (_args: void) => {
          attempts += 1;
          const mine = attempts;
          // Deaf: it does not listen to its signal.
          await new Promise<void>((resolve) => lab.later(mine === 1 ? 80 : 20, resolve));
          return mine;
        },
      });
      return [await ctx.task(slow), await ctx.task(lab.step, t(200))];
    });
    expect(value).toEqual([2, 200]);
    expect(shape(store)).toContain('LateResult 0');
    expect(journal(store).filter(({ event }) => event.type === 'TaskSucceeded')).toHaveLength(2);
    expect(stage.clock.monotonic()).toBe(280);
  });

  it.each(['in order', 'reversed'] as const)(
    '⟲ A73 and the completion in one tick, %s: one of them is recorded',
    async (order) => {
      const program: Program = (stage) => {
        stage.useTicks(order);
        return async (_, ctx) => [
          await ctx.task(stage.step, t(100, 'done'), { timeout: 100 }).catch(brief),
          await ctx.task(stage.step, t(5, 'after')),
        ];
      };
      const { value, store } = await perform(program);
      expect(value).toEqual([order === 'in order' ? 'TimeoutError' : 'done', 'after']);
      const settled = shape(store).filter((line) => /^Task(Succeeded|Failed|Cancelled) 0$/.test(line));
      expect(settled).toHaveLength(1);
      await replays(store, program);
      for (
        let seq = seqOf(store, order === 'in order' ? 'TaskFailed' : 'TaskSucceeded', '0');
        seq <= journal(store).length;
        seq += 1
      ) {
        expect((await resumeAt(store, seq, program)).value).toEqual(value);
      }
    },
  );

  it('of a heartbeat: it is restarted by each sign of life', async () => {
    const { value } = await perform((stage) => async (_, ctx) => {
      const beating = (beats: number) =>
        defineTask({
          name: 'beating',
          heartbeatTimeout: 50,
          run: async (_args: void, task: TaskContext) => {
            for (let i = 0; i < beats; i += 1) {
              await stage.clock.sleep(40, task.signal);
              task.heartbeat();
            }
            await stage.clock.sleep(beats === 0 ? 100 : 10, task.signal);
            return 'alive';
          },
        });
      return [await ctx.task(beating(5)), await ctx.task(beating(0)).catch(brief)];
    });
    expect(value).toEqual(['alive', 'TimeoutError']);
  });
});

describe('deadline of a call', () => {
  const cases: Record<string, { program: Program; at: number; attempts: number; expected?: unknown }> = {
    'while it runs': { program: retried({ ms: 500, failures: 0 }, { deadline: 100 }), at: 100, attempts: 1 },
    'over its retries': {
      program: retried(
        { ms: 40, failures: 9 },
        { retry: { attempts: 9, delay: 20, factor: 1 }, deadline: 100 },
      ),
      at: 100,
      attempts: 2,
    },
    // The next attempt would start too late: the failure is final at once.
    'in a backoff that is longer': {
      program: retried({ ms: 10, failures: 9 }, { retry: { attempts: 9, delay: 1000 }, deadline: 100 }),
      at: 10,
      attempts: 1,
      expected: ['TaskError: failure 1', [1, 'Error: failure 1']],
    },
  };
  it.each(Object.entries(cases))('%s', async (_, { program, at, attempts, expected }) => {
    const { value, stage } = await perform(program);
    if (expected === undefined) expect(value).toEqual(['TimeoutError', expect.anything()]);
    else expect(value).toEqual(expected);
    expect(stage.clock.monotonic()).toBe(at);
    expect(stage.invoked).toHaveLength(attempts);
  });

  it('while it waits for its slot: it is never invoked, and the slot goes on', async () => {
    const { value, stage } = await perform(
      (lab) => (_, ctx) => {
        const step = lab.with({ pool: 'one' });
        return ctx.parallel.all([
          () => ctx.task(step, t(100, 'first')),
          () => ctx.task(step, t(5), { deadline: 50 }).catch(brief),
          () => ctx.task(step, t(5, 'third')),
        ]);
      },
      { pools: { one: 1 } },
    );
    expect(value).toEqual(['first', 'TimeoutError', 'third']);
    expect(stage.started).toEqual(['0/0/0', '0/2/0']);
  });

  it('⟲ everywhere', async () => {
    await everywhere(
      (stage) => async (_, ctx) => [
        await ctx.task(stage.step, t(500), { deadline: 100 }).catch(brief),
        await ctx.task(stage.step, t(5), { deadline: 1000 }),
        await ctx.parallel.race([
          () => ctx.task(stage.step, t(900), { deadline: 800 }),
          () => ctx.task(stage.step, t(5, 'w')),
        ]),
      ],
      ['TimeoutError', 5, 'w'],
    );
  });

  it('counts from the recording, over a crash', async () => {
    const program = retried({ ms: 500, failures: 0 }, { deadline: 100 });
    const { store } = await perform(program);
    const late = Stage.at((journal(store)[0]?.at ?? 0) + 10_000);
    expect(await late.drive(store.prefix('r', seqOf(store, 'AttemptStarted')), program(late))).toEqual({
      value: ['TimeoutError', { thrown: undefined }],
    });
    expect(late.clock.monotonic()).toBeLessThan(10);
  });

  it('a TimeoutError has the code TIMEOUT', async () => {
    const { value } = await perform(
      (stage) => (_, ctx) =>
        ctx
          .task(stage.step, t(500), { timeout: 5 })
          .catch((error: unknown) => error instanceof TimeoutError && error.code),
    );
    expect(value).toBe('TIMEOUT');
  });
});
