import type { BreakpointOptions, BreakpointQuestion, Context } from '@pawl/sdk';
import { describe, expect, it, test } from 'vitest';
import { RuntimeError, type Response } from '../../src/index.ts';
import type { Runtime } from '../../src/runtime.ts';
import { MemoryStore } from '../../src/testing.ts';
import { journal, shape, transcript } from '../lab.fixture.ts';
import { until } from '../until.fixture.ts';
import { expectIdle, told, type Said } from './hearer.fixture.ts';
import { everywhereMonthLater } from './month.fixture.ts';
import { brief, replays, resumeAt, Stage, t, text, watchForLeaks, type Program } from './stage.fixture.ts';

/* People who are asked by `ctx.breakpoint`. */

watchForLeaks();

const respond =
  (key: string, by: string | undefined, approved: boolean, more: Partial<Response> = {}) =>
  (runtime: Runtime): unknown =>
    runtime.respond('r', key, { by, approved, ...more });

/** Says several things one after the other. */
const each =
  (...said: readonly ((runtime: Runtime) => unknown)[]) =>
  async (runtime: Runtime): Promise<void> => {
    for (const say of said) await say(runtime);
  };

const asks =
  (question: Partial<BreakpointQuestion> = {}, options: BreakpointOptions = {}): Program =>
  () =>
  (_, ctx: Context) =>
    ctx.breakpoint({ question: 'ship it?', ...question }, options);

const answered = (store: MemoryStore): string[] =>
  journal(store).flatMap(({ event }) => (event.type === 'BreakpointAnswered' ? [event.by] : []));

describe('an answer', () => {
  test('⟲ is what the process gets, and every answer is recorded', async () => {
    const program = asks({ title: 'Ship', options: ['now', 'later'], context: { pr: 7 } });
    const { value, store } = await told(program, {
      5: respond('0', 'ada', true, { option: 'later', feedback: 'after lunch', response: { hour: 13 } }),
    });
    const response = {
      respondedBy: 'ada',
      approved: true,
      option: 'later',
      feedback: 'after lunch',
      response: { hour: 13 },
    };
    const { respondedBy, ...rest } = response;
    expect(value).toEqual({ ...rest, respondedBy, allResponses: [response] });
    expect(shape(store)).toEqual([
      'RunStarted',
      'BreakpointOpened 0',
      'BreakpointAnswered 0',
      'BreakpointClosed 0',
      'RunSucceeded',
    ]);
    await replays(store, program);
    for (const [seq, answers] of [
      [2, { 5: respond('0', 'ada', true, { option: 'later' }) }],
      [4, {}],
    ] as const) {
      const stage = Stage.at(journal(store)[seq - 1]?.at ?? 0);
      const again = await told(program, answers, { store: store.prefix('r', seq), stage });
      expect(again.value).toMatchObject({ approved: true, option: 'later', respondedBy: 'ada' });
    }
  });

  it.each([
    ['a rejection', { approved: false }, { approved: false, option: null, feedback: null, response: null }],
    ['feedback', { approved: false, feedback: 'no' }, { approved: false, feedback: 'no', response: 'no' }],
    ['an option', { approved: true, option: 'b' }, { approved: true, option: 'b', response: 'b' }],
    ['nobody by name', { approved: true, by: undefined }, { respondedBy: 'somebody' }],
  ] as const)('%s', async (_, given, expected) => {
    const { value } = await told(asks({ options: ['a', 'b'] }), {
      1: (runtime) => runtime.respond('r', '0', { by: 'ada', ...given }),
    });
    expect(value).toMatchObject(expected);
  });

  test('⟲ reject with feedback and try again is a loop', async () => {
    const program: Program = (stage) => async (_, ctx: Context) => {
      const drafts: unknown[] = [];
      for (let feedback = 'first'; ;) {
        const draft = await ctx.task(stage.step, t(5, feedback));
        drafts.push(draft);
        const said = await ctx.breakpoint({ title: 'Draft', question: `Is this good: ${String(draft)}?` });
        if (said.approved) return drafts;
        feedback = said.feedback ?? '';
      }
    };
    const said: Said = {
      20: respond('1', 'ada', false, { feedback: 'shorter' }),
      40: respond('3', 'ada', false, { feedback: 'funnier' }),
      60: respond('5', 'ada', true),
    };
    const { value, store } = await told(program, said);
    expect(value).toEqual(['first', 'shorter', 'funnier']);
    await replays(store, program);
    const events = journal(store);
    for (let seq = 1; seq <= events.length; seq += 1) {
      const stage = Stage.at(events[seq - 1]?.at ?? 0);
      const left = Object.fromEntries(Object.entries(said).slice(answeredBy(store, seq)));
      const again = await told(program, left, { store: store.prefix('r', seq), stage });
      expect(again.value, `after a crash at seq ${seq}`).toEqual(value);
      expect(transcript(again.store).slice(0, seq)).toEqual(transcript(store).slice(0, seq));
    }
  });
});

function answeredBy(store: MemoryStore, seq: number): number {
  return journal(store)
    .slice(0, seq)
    .filter(({ event }) => event.type === 'BreakpointAnswered').length;
}

describe('strategies', () => {
  const experts = ['ada', 'grace', 'lin'];
  const yes = (by: string, option?: string): ReturnType<typeof respond> =>
    respond('0', by, true, option === undefined ? {} : { option });
  const no = (by: string): ReturnType<typeof respond> => respond('0', by, false, { feedback: `${by}: no` });

  it.each([
    ['first: the first answer', { strategy: 'first', experts }, [yes('grace'), no('ada')], true, 'grace', 1],
    ['first: a rejection too', { strategy: 'first', experts }, [no('lin'), yes('ada')], false, 'lin', 1],
    [
      'all: everybody',
      { strategy: 'all', experts },
      [yes('lin'), yes('ada'), yes('grace')],
      true,
      'grace',
      3,
    ],
    [
      'all: one rejection',
      { strategy: 'all', experts },
      [yes('lin'), no('ada'), yes('grace')],
      false,
      'ada',
      2,
    ],
    [
      'quorum',
      { strategy: 'quorum', quorum: 2, experts },
      [no('lin'), yes('ada'), yes('grace')],
      true,
      'grace',
      3,
    ],
    [
      'quorum out of reach',
      { strategy: 'quorum', quorum: 2, experts },
      [no('lin'), yes('ada'), no('grace')],
      false,
      'grace',
      3,
    ],
    ['quorum of all', { strategy: 'quorum', quorum: 3, experts }, [yes('lin'), no('ada')], false, 'ada', 2],
    ['quorum of anybody', { strategy: 'quorum', quorum: 2 }, [yes('a'), no('b'), yes('c')], true, 'c', 3],
    [
      'quorum of anybody, against',
      { strategy: 'quorum', quorum: 2 },
      [no('a'), yes('b'), no('c')],
      false,
      'c',
      3,
    ],
    [
      'a second answer of one person',
      { strategy: 'quorum', quorum: 2 },
      [yes('a'), yes('a'), no('b'), yes('c')],
      true,
      'c',
      3,
    ],
    [
      'a change of mind',
      { strategy: 'all', experts: ['a', 'b'] },
      [yes('a'), no('a'), yes('b')],
      true,
      'b',
      2,
    ],
  ] as const)('⟲ %s', async (_, question, answers, approved, respondedBy, count) => {
    const program = asks(question);
    const { value, store } = await told(program, { 5: each(...answers) });
    expect(value).toMatchObject({ approved, respondedBy });
    expect((value as { allResponses: unknown[] }).allResponses).toHaveLength(count);
    await replays(store, program);
    // The program dies behind each answer; all of them are given once more, and count once.
    const events = journal(store);
    for (let seq = 2; seq <= events.length; seq += 1) {
      const stage = Stage.at(events[seq - 1]?.at ?? 0);
      const again = await told(program, { 5: each(...answers) }, { store: store.prefix('r', seq), stage });
      expect(text(again.value), `after a crash at seq ${seq}`).toBe(text(value));
      expect(answered(again.store)).toEqual(answered(store));
    }
  });

  test('the option is what most of those chose who agree with the decision', async () => {
    const { value } = await told(asks({ strategy: 'quorum', quorum: 3, options: ['now', 'later'] }), {
      5: each(yes('a', 'now'), no('x'), yes('b', 'later'), yes('c', 'later')),
    });
    expect(value).toMatchObject({ approved: true, option: 'later', respondedBy: 'c' });
  });
});

describe('time', () => {
  it.each([
    ['reject', { approved: false, respondedBy: null, option: null, feedback: null, allResponses: [] }],
    ['approve', { approved: true, respondedBy: null, option: null, feedback: null, allResponses: [] }],
    ['fail', 'TimeoutError'],
  ] as const)('⟲ not answered in time: %s', async (onTimeout, expected) => {
    const program: Program = () => (_, ctx: Context) =>
      ctx.breakpoint({ question: 'q' }, { timeout: 50, onTimeout }).catch(brief);
    const { value, store } = await told(program, {});
    if (typeof expected === 'string') expect(value).toBe(expected);
    else expect(value).toMatchObject(expected);
    await replays(store, program);
    for (let seq = 1; seq <= journal(store).length; seq += 1) {
      const again = await resumeAt(store, seq, program);
      expect(again.value, `after a crash at seq ${seq}`).toEqual(value);
    }
  });

  test('what happens then is as it was recorded, also where the code says something else by now', async () => {
    const before = asks({}, { timeout: '30d', onTimeout: 'approve' });
    const store = new MemoryStore();
    const stage = new Stage();
    await stage.use(store, {}, async (runtime) => {
      runtime.start(before(stage), null as never, { id: 'r' });
      await until(() => shape(store).includes('BreakpointOpened 0'));
    });
    const later = Stage.at((journal(store).at(-1)?.at ?? 0) + 31 * 86_400_000);
    const after = asks({}, { timeout: '60d', onTimeout: 'reject' });
    const { value } = await told(after, {}, { store, stage: later });
    expect(value).toMatchObject({ approved: true, respondedBy: null });
  });

  test('C62 ⟲ an answer and the deadline while nobody drives the run: the journal decides', async () => {
    const program: Program = () => async (_, ctx: Context) => {
      const said = await ctx.breakpoint({ question: 'ship it?' }, { timeout: '30d', onTimeout: 'reject' });
      return said.respondedBy;
    };
    // What has come is looked at before the clock.
    await everywhereMonthLater(program, 'ada', {
      isWaiting: (store) => shape(store).some((line) => line.startsWith('BreakpointOpened')),
      before: async (runtime) => {
        for (const { key, breakpoint } of runtime.waits('r'))
          expect(await runtime.respond('r', key, { by: 'ada', approved: true })).toMatchObject({
            // Where the journal ends right behind the answer, it has it.
            status: breakpoint?.answers.length === 0 ? 'accepted' : 'duplicate',
          });
      },
      check: (store, _value, where) =>
        expect(
          journal(store).flatMap(({ event }) => (event.type === 'BreakpointClosed' ? [event.by] : [])),
          where,
        ).toEqual(['answer']),
    });
  });
});

test('whoever answers is told what became of it', async () => {
  const program = asks({ strategy: 'quorum', quorum: 2, experts: ['ada', 'lin'], options: ['a'] });
  const acks: unknown[] = [];
  const say = (runtime: Runtime, key: string, response: Response): Promise<unknown> =>
    runtime.respond('r', key, response).then(
      (ack) => acks.push(ack.status),
      (error: unknown) => acks.push(brief(error)),
    );
  await told(program, {
    5: async (runtime) => {
      await say(runtime, '0', { by: 'eve', approved: true });
      await say(runtime, '0', { by: 'ada', approved: true, option: 'z' });
      await say(runtime, '7', { by: 'ada', approved: true });
      acks.push((await runtime.respond('nobody', '0', { approved: true })).status);
      await say(runtime, '0', { by: 'ada', approved: 'yes' as never });
      await say(runtime, '0', { by: '', approved: true });
      await say(runtime, '0', null as never);
      await say(runtime, '0', { by: 'ada', approved: true, response: () => 1 });
      await say(runtime, '0', { by: 'ada', approved: true, option: 'a' });
      await say(runtime, '0', { by: 'ada', approved: false });
      await until(() => answered(runtime.store as MemoryStore).length === 1);
      expect(runtime.waits('r')).toMatchObject([
        {
          kind: 'breakpoint',
          key: '0',
          name: 'ship it?',
          prompt: 'ship it?',
          breakpoint: { experts: ['ada', 'lin'], answers: [{ by: 'ada', approved: true, option: 'a' }] },
        },
      ]);
      await say(runtime, '0', { by: 'ada', approved: false });
      await expect(async () => runtime.resolve('r', '0', { status: 'retry' })).rejects.toThrow(RuntimeError);
      await say(runtime, '0', { by: 'lin', approved: true });
    },
  });
  expect(acks).toEqual([
    'invalid',
    'invalid',
    'unknown',
    'unknown',
    'InvalidArgumentError',
    'InvalidArgumentError',
    'InvalidArgumentError',
    'UnserializableError',
    'accepted',
    'duplicate',
    'duplicate',
    'accepted',
  ]);
});

test('so it is once the run has ended', async () => {
  const store = new MemoryStore();
  await told(asks(), { 5: respond('0', 'ada', true) }, { store });
  await new Stage().use(store, {}, async (runtime) => {
    expect(await runtime.respond('r', '0', { by: 'lin', approved: true })).toEqual({ status: 'closed' });
  });
});

test('a question that is decided, of a run that goes on, is closed', async () => {
  const program: Program = (stage) => async (_, ctx: Context) => {
    const said = await ctx.breakpoint({ question: 'q' });
    await ctx.task(stage.step, t(50));
    return said.respondedBy;
  };
  const acks: unknown[] = [];
  const { value } = await told(program, {
    5: respond('0', 'ada', true),
    20: async (runtime) => acks.push((await runtime.respond('r', '0', { by: 'lin', approved: true })).status),
  });
  expect([value, acks]).toEqual(['ada', ['closed']]);
});

test('a question that loses a race is given up, and answered no more', async () => {
  const program: Program = (stage) => async (_, ctx: Context) => {
    const won = await ctx.parallel.race([
      () => ctx.breakpoint({ question: 'q' }),
      () => ctx.task(stage.step, t(5, 'task')),
    ]);
    await ctx.task(stage.step, t(50));
    return won;
  };
  const { value, store } = await told(program, { 20: respond('0/0/0', 'ada', true) });
  expect(value).toBe('task');
  expect(shape(store)).toContain('TaskCancelled 0/0/0');
  expect(answered(store)).toEqual([]);
  await replays(store, program);
});

test('an answer to a run that is followed by another is no answer to what that asks', async () => {
  const program: Program = () => {
    const process = async (n: number | null, ctx: Context): Promise<unknown> => {
      const said = await ctx.breakpoint(
        { question: `question ${n ?? 0}` },
        { timeout: 100, onTimeout: 'reject' },
      );
      if (n === 1) return said.respondedBy;
      return ctx.continueAsNew(1);
    };
    return process as ReturnType<Program>;
  };
  const { value, stage } = await told(program, {
    5: async (runtime) => {
      await runtime.respond('r', '0', { by: 'lin', approved: true });
      // By another program: it is found in the file once the run is followed.
      const late = { kind: 'answer', id: 'late', runId: 'r', key: '0', by: 'ada', approved: true } as const;
      runtime.store.post('r', { ...late, option: null, feedback: null, response: null }, 0);
    },
  });
  expect(value).toBeNull();
  expect(stage.warnings).toEqual([expect.stringContaining('to a question of run r')]);
});

describe('changed code', () => {
  const recorded = async (): Promise<MemoryStore> => {
    const store = new MemoryStore();
    const stage = new Stage();
    await stage.use(store, {}, async (runtime) => {
      runtime.start(asks({ title: 'Ship' })(stage), null as never, { id: 'r' });
      await until(() => shape(store).includes('BreakpointOpened 0'));
    });
    return store;
  };

  test('other words, options and people are no other question', async () => {
    const program = asks({ title: 'Ship', question: 'Really?', options: ['x'], strategy: 'first' });
    const { value } = await told(program, { 1: respond('0', 'ada', true) }, { store: await recorded() });
    expect(value).toMatchObject({ approved: true });
  });

  test('another title is', async () => {
    const { value } = await told(asks({ title: 'Pay' }), {}, { store: await recorded() });
    expect(value).toBe('NonDeterminismError');
  });
});

test('bad questions are refused at the call, and nothing is recorded', async () => {
  const bad: readonly (readonly [unknown, unknown?])[] = [
    [undefined],
    ['q'],
    [{}],
    [{ question: '' }],
    [{ question: 7 }],
    [{ question: '\ud800' }],
    [{ question: 'q', title: '' }],
    [{ question: 'q', qestion: 'x' }],
    [{ question: 'q', options: 'yes' }],
    [{ question: 'q', options: ['a', 'a'] }],
    [{ question: 'q', options: [''] }],
    [{ question: 'q', options: Array.from({ length: 101 }, (_, i) => String(i)) }],
    [{ question: 'q', expert: 7 }],
    [{ question: 'q', tags: [1] }],
    [{ question: 'q', strategy: 'most' }],
    [{ question: 'q', quorum: 2 }],
    [{ question: 'q', strategy: 'quorum' }],
    [{ question: 'q', strategy: 'quorum', quorum: 0 }],
    [{ question: 'q', strategy: 'quorum', quorum: 1.5 }],
    [{ question: 'q', strategy: 'quorum', quorum: 3, experts: ['a', 'b'] }],
    [{ question: 'q', strategy: 'all' }],
    [{ question: 'q', experts: [] }],
    [{ question: 'q', context: () => 1 }],
    [{ question: 'q' }, { timeout: -1 }],
    [{ question: 'q' }, { onTimeout: 'reject' }],
    [{ question: 'q' }, { timeout: 5, onTimeout: 'maybe' }],
    [{ question: 'q' }, { key: '' }],
    [{ question: 'q' }, { wait: 1 }],
    [{ question: 'q' }, 7],
  ];
  const program: Program = () => (_, ctx: Context) =>
    bad.map(([question, options]) => {
      try {
        void ctx.breakpoint(question as never, options as never);
        return 'taken';
      } catch (error) {
        return error instanceof Error ? error.name : 'odd';
      }
    });
  const { value, store } = await told(program, {});
  expect(value).not.toContain('taken');
  expect(new Set(value as string[])).toEqual(
    new Set(['InvalidArgumentError', 'InvalidOptionError', 'UnserializableError']),
  );
  expect(shape(store)).toEqual(['RunStarted', 'RunSucceeded']);
});

describe('many at once', () => {
  const many =
    (count: number): Program =>
    (stage) =>
    (_, ctx: Context) =>
      ctx.parallel.map(
        Array.from({ length: count }, (_unused, i) => i),
        async (i) => {
          const inPool = stage.with({ pool: 'one' });
          const { approved } = await ctx.breakpoint({ title: `Item ${i}`, question: 'good?' });
          return approved ? ctx.task(inPool, t(1, i)) : null;
        },
        { concurrency: Infinity },
      );

  test('C54 ⟲ 500 questions under a pool of one hold no slot, and are answered in reverse order', async () => {
    const program = many(500);
    const grown: number[] = [];
    const { value, store, stage, pools } = await told(
      program,
      {
        5: async (runtime) => {
          expect(runtime.waits('r')).toHaveLength(500);
          const { pending } = { pending: runtime.pools().find(({ name }) => name === 'one') };
          grown.push(pending?.active ?? 0, pending?.queueLength ?? 0);
          for (let i = 499; i >= 0; i -= 1) await runtime.respond('r', `0/${i}/0`, { approved: i % 2 === 0 });
        },
      },
      { pools: { one: 1 } },
    );
    expect(value).toEqual(Array.from({ length: 500 }, (_, i) => (i % 2 === 0 ? i : null)));
    expect(grown).toEqual([0, 0]);
    expect(stage.maxParallel).toBe(1);
    expectIdle(pools);
    await replays(store, program);
  });
});
