import { CancelledError, defineTask, externalTask, TaskError, TimeoutError, type Context } from '@pawl/sdk';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { OpenTask } from '../../src/engine/open-task.ts';
import { MemoryStore } from '../../src/testing.ts';
import { journal, shape } from '../lab.fixture.ts';
import { everywhereMonthLater } from './month.fixture.ts';
import { replays, Stage, t, watchForLeaks, type Program } from './stage.fixture.ts';
import { answering, attended, crashes, everywhereAttended, openIds, type Worker } from './worker.fixture.ts';

watchForLeaks();

const review = externalTask({
  name: 'review',
  kind: 'agent',
  title: ({ pr }: { pr: number }) => `Review pull request ${pr}`,
  input: z.object({ pr: z.number() }),
  output: z.object({ ok: z.boolean(), note: z.string().default('-') }),
});

const inputOf = (task: OpenTask): unknown => (task.description as { readonly input?: unknown }).input;

describe('slots', () => {
  const program: Program = (stage) => async (_, ctx: Context) => {
    const inPool = stage.with({ pool: 'one' });
    return ctx.parallel.all([
      async () => {
        await ctx.task(inPool, t(5, 'a before'));
        const said = await ctx.task(review, { pr: 7 });
        return [said, await ctx.task(inPool, t(5, 'a after'))];
      },
      () => ctx.task(inPool, t(30, 'b')),
    ]);
  };

  test('C53 with one slot B runs while A waits for an external task', async () => {
    const expected = [[{ ok: true, note: '-' }, 'a after'], 'b'];
    const { stage } = await everywhereAttended(
      program,
      answering(() => ({ ok: true })),
      expected,
      { pools: { one: 1 } },
    );
    expect(stage.maxParallel).toBe(1);
  });

  test('C54 ⟲ 50 branches wait under a pool of two, answered in reverse: results in input order', async () => {
    const many: Program = () => async (_, ctx: Context) =>
      ctx.parallel.map(
        Array.from({ length: 50 }, (_each, i) => i),
        async (pr) => (await ctx.task(review, { pr })).note,
        { pool: 'two' },
      );
    const backwards: Worker = (runtime, open) => {
      for (const task of open.toReversed()) {
        const { pr } = inputOf(task) as { pr: number };
        runtime.tasks.complete(task.id, { ok: true, note: `n${pr}` });
      }
    };
    const expected = Array.from({ length: 50 }, (_each, i) => `n${i}`);
    const first = await attended(many, backwards, new MemoryStore(), new Stage(), { pools: { two: 2 } });
    expect(first.value).toEqual(expected);
    expect(shape(first.store).filter((line) => line.startsWith('AttemptStarted'))).toEqual([]);
    await replays(first.store, many);
    // Every task is in a branch of `parallel.map` as it is.
    await crashes(first.store, many, backwards, expected, { pools: { two: 2 } });
  }, 180_000);
});

describe('answers', () => {
  const one: Program = () => async (_, ctx: Context) => ctx.task(review, { pr: 1 });

  test('C56 the same idempotency key twice is one answer, also when the task is settled', async () => {
    const acks: unknown[] = [];
    const worker: Worker = (runtime, [task]) => {
      const id = task?.id ?? '';
      for (const ok of [true, false]) acks.push(runtime.tasks.complete(id, { ok }, { idempotencyKey: 'k' }));
      acks.push(runtime.tasks.complete(id, { ok: false }));
      setImmediate(() => {
        acks.push(runtime.tasks.complete(id, { ok: false }, { idempotencyKey: 'k' }));
        acks.push(runtime.tasks.complete(id, { ok: false }, { idempotencyKey: 'other' }));
        acks.push(runtime.tasks.complete(`${id.slice(0, -4)}0000`, null));
      });
    };
    const later: Program = (stage) => async (inputs, ctx) => {
      const value = await one(stage)(inputs as never, ctx);
      await ctx.sleep(100);
      return value;
    };
    const { value, store } = await attended(later, worker);
    expect(value).toEqual({ ok: true, note: '-' });
    expect(acks.map((ack) => (ack as { status: string }).status)).toEqual([
      'accepted',
      'duplicate',
      'closed',
      'duplicate',
      'closed',
      'unknown',
    ]);
    expect(shape(store).filter((line) => line.startsWith('TaskSucceeded'))).toHaveLength(1);
  });

  test('C57 an answer that violates the schema goes back to who gave it, and nothing is consumed', async () => {
    const seen: unknown[] = [];
    const worker: Worker = (runtime, [task]) => {
      const id = task?.id ?? '';
      const claimed = runtime.tasks.claim(id, { worker: 'ada' });
      seen.push(runtime.tasks.complete(id, { ok: 'yes' }, { worker: 'ada' }));
      seen.push(claimed.status, runtime.tasks.get(id)?.status);
      runtime.tasks.complete(id, { ok: true }, { worker: 'ada' });
    };
    const { value, store } = await attended(one, worker);
    expect(value).toEqual({ ok: true, note: '-' });
    expect(seen).toEqual([
      { status: 'invalid', issues: [{ path: '$.ok', message: expect.stringContaining('boolean') }] },
      'claimed',
      'claimed',
    ]);
    expect(shape(store)).not.toContain('AnswerRefused 0');
  });

  test('C57 what only the code can check is refused when it is taken, recorded, and open again', async () => {
    const even = externalTask({
      name: 'even',
      output: z.number().refine((n) => n % 2 === 0, 'must be even'),
    });
    const program: Program = () => async (_, ctx: Context) => ctx.task(even);
    const store = new MemoryStore();
    const stage = new Stage();
    // Nobody drives the run when it is answered: the schema is all that can be looked at.
    await stage.use(store, {}, async (runtime) => {
      const process = program(stage);
      runtime
        .start(process, null as never, { id: 'r' })
        .result()
        .catch(() => undefined);
      while (openIds(store).length === 0) await new Promise((resolve) => setImmediate(resolve));
      await runtime.stop('r');
      const [task] = runtime.tasks.list();
      expect(task?.outputSchema).toMatchObject({ type: 'number' });
      expect(runtime.tasks.complete(task?.id ?? '', 'four').status).toBe('invalid');
      expect(runtime.tasks.complete(task?.id ?? '', 3, { worker: 'ada' }).status).toBe('accepted');
      expect(runtime.tasks.get(task?.id ?? '')?.status).toBe('answered');
    });
    const { value } = await attended(
      program,
      (runtime, [task]) => {
        expect(task).toMatchObject({ status: 'open', refusal: '$: must be even', worker: null });
        runtime.tasks.complete(task?.id ?? '', 4);
      },
      store,
      stage,
    );
    expect(value).toBe(4);
    expect(shape(store)).toContain('AnswerRefused 0');
  });

  test('a failure is final, or tried again where retry says so, after its wait', async () => {
    const twice = externalTask<{ pr: number }, unknown>({
      name: 'twice',
      retry: { attempts: 2, delay: 1000 },
    });
    const program: Program = () => async (_, ctx: Context) =>
      ctx.task(twice, { pr: 1 }).catch((error: unknown) => {
        const { attempts, message, cause } = error as TaskError & { cause: { details: unknown } };
        return { isTaskError: error instanceof TaskError, attempts, message, details: cause.details };
      });
    const seen: unknown[] = [];
    const failing: Worker = async (runtime, [task], stage) => {
      const id = task?.id ?? '';
      if (task?.status !== 'open' || task.failures > 0) return;
      runtime.tasks.fail(id, 'no disk', { details: { stderr: 'ENOSPC' } });
      while (runtime.tasks.get(id)?.status !== 'backoff')
        await new Promise((resolve) => setImmediate(resolve));
      seen.push(runtime.tasks.claim(id).status);
      stage.later(1000, () => {
        seen.push(runtime.tasks.get(id)?.status, runtime.tasks.get(id)?.failures);
        runtime.tasks.fail(id, 'no disk again', { details: { stderr: 'ENOSPC' } });
      });
    };
    const first = await attended(program, failing);
    const expected = {
      isTaskError: true,
      attempts: 2,
      message: 'no disk again',
      details: { stderr: 'ENOSPC' },
    };
    expect(first.value).toEqual(expected);
    expect(seen).toEqual(['early', 'open', 1]);
    expect(shape(first.store)).toContain('AttemptFailed 0');
  });

  test('who gives a task up rejects its call with CancelledError', async () => {
    const program: Program = () => async (_, ctx: Context) =>
      ctx.task(review, { pr: 1 }).catch((error: unknown) => {
        expect(error).toBeInstanceOf(CancelledError);
        return String(error);
      });
    const worker: Worker = (runtime, [task]) => {
      runtime.tasks.claim(task?.id ?? '', { worker: 'ada' });
      runtime.tasks.cancel(task?.id ?? '', 'not needed');
    };
    await everywhereAttended(program, worker, 'CancelledError: not needed');
  });
});

describe('time', () => {
  const DAY = 86_400_000;
  const slow = externalTask<{ pr: number }, string>({ name: 'slow', timeout: '30d' });
  const program: Program = (stage) => async (_, ctx: Context) => {
    const before = await ctx.task(stage.step, t(5, 'before'));
    const said = await ctx
      .task(slow, { pr: 1 })
      .catch((error: unknown) => (error instanceof TimeoutError ? 'timed out' : 'other'));
    return [before, said];
  };

  test('C60 killed while it waits, resumed three days later: still open, and nothing is done again', async () => {
    const whole = await attended(
      program,
      answering(() => 'done'),
    );
    const at = journal(whole.store).find(({ event }) => event.type === 'TaskOffered');
    const stage = Stage.at((at?.at ?? 0) + 3 * DAY);
    const { value } = await attended(
      program,
      (runtime, [task]) => {
        expect(task).toMatchObject({ task: 'slow', status: 'open', description: { title: 'slow' } });
        expect(stage.clock.now() - (task?.offeredAt ?? 0)).toBeGreaterThanOrEqual(3 * DAY);
        runtime.tasks.complete(task?.id ?? '', 'done');
      },
      whole.store.prefix('r', at?.seq ?? 0),
      stage,
    );
    expect(value).toEqual(['before', 'done']);
    expect(stage.invoked).toEqual([]);
  });

  const isOffered = (store: MemoryStore): boolean =>
    shape(store).some((line) => line.startsWith('TaskOffered'));
  const ends = (store: MemoryStore): string[] =>
    journal(store).flatMap(({ event }) =>
      'key' in event && event.key.endsWith('1') && /^Task(Succeeded|Failed)$/.test(event.type)
        ? [event.type]
        : [],
    );

  test('C61 ⟲ nobody answers for 30 days: the timeout once, and an answer after it is closed', async () => {
    const acks: unknown[] = [];
    await everywhereMonthLater(program, ['before', 'timed out'], {
      isWaiting: isOffered,
      // The run has not recorded it: the time of the task is up all the same.
      before: (runtime) => {
        for (const { id } of runtime.tasks.list()) acks.push(runtime.tasks.complete(id, 'late').status);
      },
      check: (store, _value, where) => expect(ends(store), where).toEqual(['TaskFailed']),
    });
    expect([...new Set(acks)]).toEqual(['closed']);
  });

  test('C62 ⟲ answered in time while nobody drives the run, and the time is up when it goes on: the answer counts', async () => {
    await everywhereMonthLater(program, ['before', 'in time'], {
      isWaiting: isOffered,
      down: (runtime) => {
        for (const { id } of runtime.tasks.list())
          expect(runtime.tasks.complete(id, 'in time').status).toBe('accepted');
      },
      check: (store, _value, where) => expect(ends(store), where).toEqual(['TaskSucceeded']),
    });
  });

  test('C62 answered by another program at the last moment: taken before the time is found to be up', async () => {
    const store = new MemoryStore();
    const stage = new Stage();
    const quick = externalTask<void, string>({ name: 'quick', timeout: 1000 });
    const value = await stage.use(store, {}, async (runtime) => {
      const handle = runtime.start(async (_: null, ctx: Context) => ctx.task(quick), null, { id: 'r' });
      while (openIds(store).length === 0) await new Promise((resolve) => setImmediate(resolve));
      stage.later(999, () => {
        // Behind the back of the runtime that drives it: it has not looked yet when the time is up.
        const [offer] = store.offers({ limit: 1 });
        const answer = { kind: 'taskAnswer', id: 'x', key: '0', worker: 'w' } as const;
        const message = { ...answer, as: { status: 'done', output: 'just in time' } } as const;
        store.changeOffer(offer?.taskId ?? '', () => ({ type: 'answer', message }), stage.clock.now());
      });
      return handle.result();
    });
    expect(value).toBe('just in time');
  });
});

describe('claims', () => {
  const one: Program = () => async (_, ctx: Context) => ctx.task(review, { pr: 1 });

  test('a claim lasts as long as its lease, a heartbeat makes it longer, and what is over goes to others', async () => {
    const seen: unknown[] = [];
    const worker: Worker = async (runtime, [task], stage) => {
      const id = task?.id ?? '';
      const { tasks } = runtime;
      const ada = tasks.claim(id, { worker: 'ada', lease: 1000 });
      if (ada.status !== 'claimed') throw new Error(ada.status);
      seen.push(tasks.claim(id, { worker: 'bob' }).status);
      seen.push(tasks.complete(id, { ok: false }, { worker: 'bob' }).status);
      stage.later(900, () => seen.push(tasks.heartbeat(id, { claim: ada.claim, lease: 1000 }).status));
      stage.later(1500, () => seen.push(tasks.claim(id, { worker: 'bob' }).status));
      stage.later(2000, () => {
        const bob = tasks.claim(id, { worker: 'bob', lease: 1000 });
        seen.push(bob.status);
        // A worker that was asleep: it finds out that it has the task no more.
        seen.push(tasks.heartbeat(id, { claim: ada.claim }).status);
        seen.push(tasks.complete(id, { ok: false }, { claim: ada.claim }).status);
        if (bob.status === 'claimed')
          seen.push(tasks.complete(id, { ok: true }, { claim: bob.claim }).status);
      });
    };
    const { value } = await attended(one, worker);
    expect(value).toEqual({ ok: true, note: '-' });
    expect(seen).toEqual(['busy', 'busy', 'held', 'busy', 'claimed', 'lost', 'lost', 'accepted']);
  });

  test('a claim that is over and that nobody took is still good for an answer', async () => {
    const worker: Worker = (runtime, [task], stage) => {
      const claimed = runtime.tasks.claim(task?.id ?? '', { lease: 10 });
      stage.later(50, () => {
        if (claimed.status === 'claimed')
          runtime.tasks.complete(task?.id ?? '', { ok: true }, { claim: claimed.claim });
      });
    };
    expect((await attended(one, worker)).value).toEqual({ ok: true, note: '-' });
  });

  test('who claims again under a name gets the task again, and the earlier claim is over', async () => {
    const seen: unknown[] = [];
    const worker: Worker = (runtime, [task]) => {
      const id = task?.id ?? '';
      const first = runtime.tasks.claim(id, { worker: 'ada' });
      const again = runtime.tasks.claim(id, { worker: 'ada' });
      if (first.status !== 'claimed' || again.status !== 'claimed') throw new Error('not claimed');
      seen.push(runtime.tasks.complete(id, { ok: false }, { claim: first.claim }).status);
      seen.push(runtime.tasks.release(id, { claim: again.claim }), runtime.tasks.get(id)?.status);
      runtime.tasks.complete(id, { ok: true });
    };
    await attended(one, worker);
    expect(seen).toEqual(['lost', true, 'open']);
  });

  test('a lost race gives the task up: it is offered no more, and an answer to it is closed', async () => {
    const seen: unknown[] = [];
    const program: Program = () => async (_, ctx: Context) => {
      const won = await ctx.parallel.race([
        () => ctx.task(review, { pr: 1 }),
        () => ctx.task(review, { pr: 2 }),
      ]);
      await ctx.sleep(1000);
      return won.note;
    };
    const worker: Worker = (runtime, [first, second]) => {
      runtime.tasks.complete(second?.id ?? '', { ok: true, note: 'two' });
      setTimeout(() => undefined, 0);
      const look = (): void => {
        if (runtime.tasks.list().length > 0) return void setImmediate(look);
        seen.push(runtime.tasks.complete(first?.id ?? '', { ok: true, note: 'one' }).status);
      };
      look();
    };
    const { value, store } = await attended(program, worker);
    expect(value).toBe('two');
    expect(seen).toEqual(['closed']);
    expect(openIds(store)).toEqual([]);
  });

  test('a run that is cancelled, driven or not, leaves nothing open', async () => {
    const store = new MemoryStore();
    const stage = new Stage();
    await stage.use(store, {}, async (runtime) => {
      const handle = runtime.start(one(stage), null as never, { id: 'r' });
      handle.result().catch(() => undefined);
      while (openIds(store).length === 0) await new Promise((resolve) => setImmediate(resolve));
      await runtime.stop('r');
      expect(runtime.cancel('r')).toBe('cancelled');
      expect(openIds(store)).toEqual([]);
    });
  });
});

describe('descriptions', () => {
  test('a builder is called once, at the call; below the head the recorded description counts', async () => {
    let built = 0;
    const effects: string[] = [];
    const agent = defineTask<{ what: string }, string>('agent', (args, task) => {
      built += 1;
      effects.push(task.effectId);
      return {
        kind: 'agent',
        title: args.what,
        labels: ['a', ...task.labels],
        nothing: undefined,
        agent: { name: 'writer', prompt: { task: args.what }, outputSchema: { type: 'string' } },
        io: { outputJsonPath: `tasks/${task.effectId}/output.json` },
      };
    });
    const program: Program = () => async (_, ctx: Context) =>
      ctx.task(agent, { what: 'write' }, { labels: ['b'], key: 'w' });
    const tasks: OpenTask[] = [];
    const worker: Worker = (runtime, [task]) => {
      if (task === undefined) return;
      tasks.push(task);
      expect(runtime.tasks.complete(task.id, 5).status).toBe('invalid');
      runtime.tasks.complete(task.id, 'text');
    };
    const first = await attended(program, worker);
    expect(first.value).toBe('text');
    expect(built).toBe(1);
    const [task] = tasks;
    expect(task).toMatchObject({ kind: 'agent', task: 'agent', key: ':w', id: effects[0] });
    expect(task?.id).toMatch(/^r\.[0-9a-f]{16}$/);
    expect(task?.description).toEqual({
      kind: 'agent',
      title: 'write',
      labels: ['a', 'b'],
      agent: { name: 'writer', prompt: { task: 'write' }, outputSchema: { type: 'string' } },
      io: { outputJsonPath: `tasks/${task?.id}/output.json` },
    });
    const offered = journal(first.store).find(({ event }) => event.type === 'TaskOffered')?.seq ?? 0;
    const again = await attended(program, worker, first.store.prefix('r', offered));
    expect(again.value).toBe('text');
    expect(built).toBe(1);
    expect(tasks[1]?.id).toBe(task?.id);
  });

  test('law 8: what is wrong with it is an error at the call, and nothing is recorded', async () => {
    const odd = (spec: unknown, settings = {}) => defineTask('odd', () => spec as { kind: string }, settings);
    const cases: readonly (readonly [string, (ctx: Context) => unknown])[] = [
      ['INVALID_OPTION', (ctx) => ctx.task(odd({ kind: '' }))],
      ['INVALID_OPTION', (ctx) => ctx.task(odd({ kind: 'agent', labels: [5] }))],
      ['UNSERIALIZABLE', (ctx) => ctx.task(odd({ kind: 'agent', fn: () => 1 }))],
      ['UNSERIALIZABLE', (ctx) => ctx.task(odd({ kind: 'agent', n: NaN }))],
      ['UNSERIALIZABLE', (ctx) => ctx.task(odd({ kind: 'agent', map: new Map() }))],
      ['INVALID_OPTION', (ctx) => ctx.task(odd({ kind: 'agent', outputSchema: 'text' }))],
      ['INVALID_OPTION', (ctx) => ctx.task(odd({ kind: 'agent' }, { pool: 'p' }))],
      ['INVALID_OPTION', (ctx) => ctx.task(review, { pr: 1 }, { pool: 'p' })],
      ['INVALID_OPTION', (ctx) => ctx.task(review, { pr: 1 }, { labels: 'x' as never })],
      [
        'INVALID_OPTION',
        (ctx) => ctx.task(defineTask({ name: 'own', run: () => 1 }), undefined, { labels: ['x'] }),
      ],
      ['VALIDATION', (ctx) => ctx.task(review, { pr: 'x' as never })],
      ['INVALID_ARGUMENT', (ctx) => ctx.stream(review, { pr: 1 })],
    ];
    const codes: unknown[] = [];
    const { store } = await attended(
      () => async (_, ctx: Context) => {
        for (const [, call] of cases) {
          try {
            await call(ctx);
            codes.push('none');
          } catch (error) {
            codes.push((error as { code?: unknown }).code ?? String(error));
          }
        }
      },
      () => undefined,
    );
    expect(codes).toEqual(cases.map(([code]) => code));
    expect(shape(store)).toEqual(['RunStarted', 'RunSucceeded']);
  });

  test('a builder of this program is its own task, as before', async () => {
    const add = defineTask('add', (args: { a: number }) => ({ kind: 'function', run: () => args.a + 1 }));
    const echo = defineTask('echo', () => ({ kind: 'shell', command: ['echo', 'hi'] }));
    const bad = defineTask('bad', (): { kind: 'shell'; command: string } => {
      throw new Error('cannot say');
    });
    const { value } = await attended(
      () => async (_, ctx: Context) => [
        await ctx.task(add, { a: 1 }),
        (await ctx.task(echo)).stdout,
        await ctx.task(bad).catch((error: unknown) => String(error)),
      ],
      () => undefined,
    );
    expect(value).toEqual([2, 'hi\n', 'TaskError: cannot say']);
  });
});
