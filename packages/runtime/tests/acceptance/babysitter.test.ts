import { babysitter, defineTask, type BabysitterHost, type ProcessContext } from '@pawl/sdk/babysitter';
import type { Process } from '@pawl/sdk';
import { describe, expect, it, test } from 'vitest';
import type { OpenTask } from '../../src/engine/open-task.ts';
import type { Runtime } from '../../src/runtime.ts';
import { MemoryStore } from '../../src/testing.ts';
import { journal, shape } from '../lab.fixture.ts';
import { WatchedStore } from './watched-store.fixture.ts';
import { replays, Stage, watchForLeaks, type Program } from './stage.fixture.ts';
import { answering, attended, everywhereAttended, type Worker } from './worker.fixture.ts';

/* Processes that were written for Babysitter: those in `babysitter/` are files as they are, which import its package. */

watchForLeaks();

type Loaded = (inputs: never, ctx: never) => unknown;

async function load(name: string): Promise<Loaded> {
  const module = (await import(new URL(`../babysitter/${name}`, import.meta.url).href)) as {
    readonly process: Loaded;
  };
  return module.process;
}

const harbour = await load('harbour.js');
const relay = await load('relay.js');
const halting = await load('halting.js');

const HOST: BabysitterHost = {
  openFolder: (runId) => `/somewhere/runs/${runId}`,
  callHook: async (type) => ({
    hookType: type,
    success: true,
    executedHooks: [{ hookPath: 'a.sh', hookName: 'a.sh', hookLocation: 'per-repo', status: 'success' }],
  }),
  loadProcess: (path) => load(path),
};

const program =
  (process: Loaded, inputs: unknown = {}): Program =>
  () =>
  (_, ctx) =>
    (babysitter(process, HOST) as Process<unknown>)(inputs, ctx);

const written = (run: (ctx: ProcessContext) => unknown): Program =>
  program((_, ctx: ProcessContext) => run(ctx));

const titleOf = ({ description }: OpenTask): string =>
  String((description as { readonly title?: string }).title);

/** The first of what is asked of people is rejected, the second approved. */
async function askPeople(runtime: Runtime): Promise<void> {
  for (const wait of runtime.waits('r')) {
    if (wait.kind !== 'breakpoint') continue;
    const isSecond = JSON.stringify(wait.data).includes('previousFeedback');
    await runtime.respond('r', wait.key, {
      by: 'ada',
      approved: isSecond,
      ...(isSecond ? { option: 'Open' } : { feedback: 'paint more' }),
    });
  }
}

function harbourAnswer(task: OpenTask): unknown {
  const title = titleOf(task);
  if (title.startsWith('Survey')) return { depth: title.length };
  if (title.startsWith('Chart')) return { scale: 10 };
  if (title.startsWith('Paint')) return { colour: title.split(' ')[1] };
  if (title.startsWith('Trip')) return { people: 40 };
  if (title === 'roster') return ['ada', 'lin'];
  return { said: title };
}

const atHarbour: Worker = async (runtime, open) => {
  for (const task of open) {
    if (task.task === 'read-tide')
      runtime.tasks.fail(task.id, 'no gauge', { details: { exitCode: 7, stderr: 'no such gauge' } });
    else if (titleOf(task) === 'lost') runtime.tasks.fail(task.id, 'the book is lost');
    else runtime.tasks.complete(task.id, harbourAnswer(task));
  }
  await askPeople(runtime);
};

const HARBOUR = {
  charts: ['0:north:18:10', '1:south:18:10'],
  buoys: ['red', 'none', 'green'],
  tide: [false, 7, 'no such gauge'],
  lost: 'the book is lost',
  notes: [{ said: 'first' }, { said: 'try 1' }, { said: 'first' }, { said: 'try 2' }],
  opened: [2, 'Open', 'ada'],
  hooked: 1,
  plan: ['ada', 'lin'],
  ferry: 'moored',
  folder: true,
  waited: true,
  known: true,
};

test('⟲ a process with every construct', async () => {
  const { store } = await everywhereAttended(program(harbour), atHarbour, HARBOUR);
  const offered = journal(store).flatMap(({ event }) => (event.type === 'TaskOffered' ? [event] : []));
  const [survey] = offered;
  expect(survey?.description).toMatchObject({
    kind: 'agent',
    labels: ['berth-0', 'survey'],
    io: { outputJsonPath: `tasks/${survey?.taskId}/result.json` },
  });
  const chart = offered.find(({ task }) => task === 'draw-chart');
  expect(chart?.description).toMatchObject({ io: { outputJsonPath: `tasks/${chart?.taskId}/chart.json` } });
  expect(chart?.key).toBe('0/0/1');
  const tide = offered.find(({ task }) => task === 'read-tide');
  expect(tide?.description).toMatchObject({ kind: 'shell', shell: { command: 'tide --now' } });
  expect(tide?.outputSchema).toEqual({ level: 'number' });
  expect(offered.filter(({ key }) => key.includes('first-note'))).toHaveLength(1);
});

test('⟲ a process of another module is a run of its own, whenever the program dies', async () => {
  const open = program(harbour, { berths: ['north'], trips: 2 });
  const expected = { ...HARBOUR, charts: ['0:north:18:10'], ferry: { carried: 80 } };
  const store = new WatchedStore();
  expect((await attended(open, atHarbour, store)).value).toEqual(expected);
  expect(
    store
      .queryRuns({ limit: 9 }, 0)
      .map(({ process, status }) => `${process} ${status}`)
      .toSorted(),
  ).toEqual(['ferry succeeded', 'program succeeded']);
  for (const [n, state] of store.states.entries()) {
    const resumed = MemoryStore.from(state);
    const runs = resumed.queryRuns({ limit: 9 }, 0);
    for (const { owner } of runs) if (owner !== null) resumed.ownerDied(owner);
    const stage = Stage.at(Math.max(...runs.map(({ updatedAt }) => updatedAt)));
    expect((await attended(open, atHarbour, resumed, stage)).value, `after commit ${n}`).toEqual(expected);
  }
});

/** All orders in which several sequences can be mixed. */
function mixes(sequences: readonly (readonly string[])[]): string[][] {
  const left = sequences.filter((each) => each.length > 0);
  if (left.length === 0) return [[]];
  return left.flatMap((each) =>
    mixes(left.map((other) => (other === each ? other.slice(1) : other))).map((mix) => [
      each[0] ?? '',
      ...mix,
    ]),
  );
}

/** Answers one task at a time, the first in the list of those that are open. */
const inOrder =
  (order: readonly string[]): Worker =>
  (runtime, open) => {
    const next = open.toSorted((a, b) => order.indexOf(titleOf(a)) - order.indexOf(titleOf(b)))[0];
    if (next !== undefined) runtime.tasks.complete(next.id, `${titleOf(next)}!`);
  };

describe('every order of posting', () => {
  const orders = mixes([
    ['a1', 'a2'],
    ['b1', 'b2'],
    ['c1', 'c2'],
  ]);
  const times = ['a1!+a2!', 'b1!+b2!', 'c1!+c2!'];

  it('is one of 90', () => {
    expect(new Set(orders.map(String)).size).toBe(90);
  });

  it.each(orders.map((order) => [order.join(' '), order] as const))('%s', async (_, order) => {
    const teams = program(relay, { teams: ['a', 'b', 'c'] });
    const { value, store } = await attended(teams, inOrder(order));
    expect(value).toEqual({ times, order });
    const events = journal(store);
    for (let seq = 1; seq < events.length; seq += 1) {
      const stage = Stage.at(events[seq - 1]?.at ?? 0);
      const again = await attended(teams, inOrder(order), store.prefix('r', seq), stage);
      expect(again.value, `after a crash at seq ${seq}`).toEqual(value);
    }
    await replays(store, teams);
  });

  it('is the same with promises instead of functions', async () => {
    const tasks = defineTask<{ n: number }, string>('n', ({ n }) => ({ kind: 'agent', title: `n${n}` }));
    const process = written((ctx) => ctx.parallel.all([1, 2, 3].map((n) => ctx.task(tasks, { n }))));
    for (const order of mixes([['n1'], ['n2'], ['n3']])) {
      const { value, store } = await attended(process, inOrder(order));
      expect(value, String(order)).toEqual(['n1!', 'n2!', 'n3!']);
      await replays(store, process);
    }
  });
});

describe('parallel', () => {
  const work = defineTask<unknown, unknown>('work', (args) => ({ kind: 'agent', title: String(args) }));
  const failing: Worker = (runtime, open) => {
    const task = open.find((each) => titleOf(each) === 'bad') ?? open[0];
    if (task === undefined) return;
    if (titleOf(task) === 'bad') runtime.tasks.fail(task.id, 'broken');
    else runtime.tasks.complete(task.id, titleOf(task));
  };

  test('⟲ the hint about promises is told once in a run', async () => {
    const logs: string[] = [];
    const onLog = ({ values }: { values: readonly unknown[] }): void => void logs.push(String(values[0]));
    const process = written(async (ctx) => {
      await ctx.parallel.all([ctx.task(work, 1), ctx.task(work, 2)]);
      return ctx.parallel.all([ctx.task(work, 3)]);
    });
    const { value, store } = await attended(process, answering(titleOf), undefined, undefined, { onLog });
    expect(value).toEqual(['3']);
    expect(logs.filter((line) => line.includes('promises instead of functions'))).toHaveLength(1);
    await replays(store, process);
  });

  test('⟲ a failure gives up the other branches, and a catch around the group sees only that', async () => {
    const process = written(async (ctx) => {
      const seen: string[] = [];
      try {
        await ctx.parallel.all([() => ctx.task(work, 'slow'), () => ctx.task(work, 'bad')]);
      } catch (error) {
        seen.push(String(error));
      }
      return [...seen, await ctx.task(work, 'after')];
    });
    await everywhereAttended(process, failing, ['TaskError: broken', 'after']);
  });

  test('⟲ a failure among promises does not end the program, and leaves the others as they are', async () => {
    const process = written(async (ctx) => {
      const slow = ctx.task(work, 'slow');
      const seen = await ctx.parallel.all([ctx.task(work, 'bad'), slow]).catch(String);
      return [seen, await slow];
    });
    await everywhereAttended(process, failing, ['TaskError: broken', 'slow']);
  });

  test('⟲ maxConcurrency holds calls back; what is no number from 1 on is no bound', async () => {
    const most: number[] = [];
    for (const maxConcurrency of [1, 2, 2.5, 0, Number.NaN, undefined]) {
      let open = 0;
      const process = written((ctx) =>
        ctx.parallel.map(
          [1, 2, 3, 4],
          (n) => ctx.task(work, n),
          maxConcurrency === undefined ? {} : { maxConcurrency },
        ),
      );
      const { value } = await attended(process, (runtime, tasks) => {
        open = Math.max(open, tasks.length);
        const [first] = tasks;
        if (first !== undefined) runtime.tasks.complete(first.id, titleOf(first));
      });
      expect(value).toEqual(['1', '2', '3', '4']);
      most.push(open);
    }
    expect(most).toEqual([1, 2, 2, 4, 4, 4]);
  });

  it.each([
    ['no list', (ctx: ProcessContext) => ctx.parallel.all('ab' as never), 'takes a list'],
    [
      'a value',
      (ctx: ProcessContext) => ctx.parallel.all([1 as never]),
      'at 0 it has a value of type number',
    ],
    ['no function', (ctx: ProcessContext) => ctx.parallel.map([1], 2 as never), 'takes a function'],
  ])('refuses %s', async (_, call, message) => {
    const { value, store } = await attended(written(call), answering(titleOf));
    expect(value).toContain(message);
    expect(shape(store).filter((line) => line.startsWith('ScopeOpened'))).toEqual([]);
  });
});

describe('ctx.task', () => {
  it.each([
    ['a name', 'work' as never, 'takes a task made by defineTask'],
    [
      'a description without a kind',
      defineTask('x', () => ({ title: 't' }) as never),
      'gives no object with a kind',
    ],
    [
      'a later description without a kind',
      defineTask('x', async () => ({}) as never),
      'gives no object with a kind',
    ],
    [
      'a promise of no async function',
      defineTask('x', () => Promise.resolve({ kind: 'a' })),
      'write async before it',
    ],
    [
      'a builder that throws',
      defineTask('x', () => {
        throw new TypeError('no berth');
      }),
      'no berth',
    ],
  ])('refuses %s, and nothing of it is recorded', async (_, task, message) => {
    const { value, store } = await attended(
      written((ctx) => ctx.task(task, {})),
      answering(titleOf),
    );
    expect(value).toContain(message);
    expect(shape(store).filter((line) => line.startsWith('TaskOffered'))).toEqual([]);
  });

  test('⟲ what a builder leaves out is what the definition says, whichever way it is written', async () => {
    const tasks = [
      defineTask<unknown, string>('a', async () => ({ more: 1 }) as never, {
        kind: 'agent',
        title: 'A',
        labels: ['l'],
      }),
      defineTask<unknown, string>('b', { kind: 'agent', title: 'B', labels: ['l'] }),
      defineTask<unknown, string>({
        name: 'c',
        kind: 'agent',
        labels: ['l'],
        run: () => ({ title: 'C' }) as never,
      }),
    ];
    const process = written((ctx) => ctx.parallel.all(tasks.map((task) => () => ctx.task(task, {}))));
    const { store } = await everywhereAttended(process, answering(titleOf), ['A', 'B', 'C']);
    const told = journal(store).flatMap(({ event }) =>
      event.type === 'TaskOffered' ? [event.description] : [],
    );
    expect(told).toHaveLength(3);
    for (const description of told) expect(description).toMatchObject({ kind: 'agent', labels: ['l'] });
  });

  test('⟲ what is called as work of this program is still the work of others', async () => {
    const kinds = ['function', 'process', 'shell'];
    const tasks = kinds.map((kind) =>
      defineTask<unknown, string>(kind, () => ({ kind, command: 'ls', title: kind })),
    );
    const process = written((ctx) => ctx.parallel.all(tasks.map((task) => () => ctx.task(task))));
    const { store } = await everywhereAttended(process, answering(titleOf), kinds);
    const told = journal(store).flatMap(({ event }) => (event.type === 'TaskOffered' ? [event.kind] : []));
    expect(told.toSorted()).toEqual(['babysitter.function', 'babysitter.process', 'shell']);
  });

  test('an answer is checked against a schema, and not against a sketch of one', async () => {
    const strict = defineTask('strict', () => ({
      kind: 'agent',
      agent: { outputSchema: { type: 'object', required: ['ok'] } },
    }));
    const sketch = defineTask('sketch', () => ({
      kind: 'agent',
      agent: { outputSchema: { ok: 'boolean', type: 'yes' } },
    }));
    const acks: string[] = [];
    const worker: Worker = (runtime, open) => {
      for (const { id } of open)
        for (const answer of [{}, { ok: true }]) acks.push(runtime.tasks.complete(id, answer).status);
    };
    const process = written(async (ctx) => [await ctx.task(strict), await ctx.task(sketch)]);
    const { value } = await attended(process, worker);
    expect(value).toEqual([{ ok: true }, {}]);
    expect(acks).toEqual(['invalid', 'accepted', 'accepted', 'closed']);
  });

  test('⟲ a key names one call over all branches, for each task', async () => {
    const one = defineTask<{ n: number }, string>('one', ({ n }) => ({ kind: 'agent', title: `one ${n}` }));
    const two = defineTask<{ n: number }, string>('two', ({ n }) => ({ kind: 'agent', title: `two ${n}` }));
    const process = written((ctx) =>
      ctx.parallel.map([1, 2], async (n) => [
        await ctx.task(one, { n }, { key: 'k' }),
        await ctx.task(two, { n }, { key: 'k' }),
      ]),
    );
    await everywhereAttended(process, answering(titleOf), [
      ['one 1', 'two 1'],
      ['one 1', 'two 1'],
    ]);
  });
});

describe('the end of a run', () => {
  test('⟲ functions in the output are left out, as JSON does', async () => {
    const task = defineTask('t', () => ({ kind: 'agent' }));
    const process = written(() => ({ tasks: [task], more: undefined }));
    await everywhereAttended(process, answering(titleOf), { tasks: [{ id: 't' }] });
    const plain = written(() => ({ at: new Date(5), places: [undefined, 1] }));
    await everywhereAttended(plain, answering(titleOf), { at: new Date(5), places: [undefined, 1] });
  });

  test('⟲ halting fails the run with its reason', async () => {
    const worker = answering(() => ({ tons: 5 }));
    const { store } = await everywhereAttended(
      program(halting),
      worker,
      'threw RuntimeError: Run r failed: Run halted: too heavy',
    );
    const end = journal(store).at(-1)?.event;
    expect(end).toMatchObject({
      type: 'RunFailed',
      error: {
        name: 'RunHaltedError',
        code: 'RUN_HALTED',
        fields: { reason: 'too heavy', payload: { tons: 5 } },
      },
    });
    const legacy = await attended(program(halting, { legacy: true }), worker);
    expect(journal(legacy.store).at(-1)?.event).toMatchObject({
      type: 'RunFailed',
      error: { name: 'RunHaltedError' },
    });
    expect(
      await attended(
        program(halting),
        answering(() => ({ tons: 2 })),
      ),
    ).toMatchObject({ value: 2 });
  });

  test('⟲ clean-ups run in reverse, one that fails stops no other, and a replay runs none', async () => {
    const ran: string[] = [];
    const process = written((ctx) => {
      ctx.onCleanup(() => void ran.push('first'));
      ctx.onCleanup(() => {
        throw new Error('jammed');
      });
      ctx.onCleanup(() => void ran.push('last'));
      throw new Error('storm');
    });
    const logs: string[] = [];
    const { value, store } = await attended(process, answering(titleOf), undefined, undefined, {
      onLog: ({ values }) => void logs.push(String(values[0])),
    });
    expect(value).toContain('storm');
    expect(ran).toEqual(['last', 'first']);
    expect(logs).toEqual(['a clean-up failed: jammed']);
    await replays(store, process);
    expect(ran).toEqual(['last', 'first']);
  });
});

describe('breakpoints', () => {
  const asked = async (
    call: (ctx: ProcessContext) => Promise<unknown>,
    answer: Readonly<Record<string, unknown>> = {},
  ): Promise<{ readonly value: unknown; readonly question: unknown }> => {
    const { value, store } = await attended(written(call), async (runtime) => {
      for (const wait of runtime.waits('r'))
        await runtime.respond('r', wait.key, { by: 'ada', approved: true, ...answer });
    });
    const question = journal(store).find(({ event }) => event.type === 'BreakpointOpened')?.event;
    return { value, question };
  };

  it.each([
    [
      'a payload',
      { question: 'Ship?', title: 'Ship' },
      undefined,
      { question: 'Ship?', title: 'Ship', context: null },
    ],
    ['a label', { message: 'Ready' }, { label: 'gate' }, { question: 'Ready', title: 'gate' }],
    [
      'a name and a payload',
      'plan-review',
      { question: 'Good?' },
      { question: 'Good?', title: 'plan-review' },
    ],
    ['a name alone', 'plan-review', undefined, { question: 'plan-review', title: 'plan-review' }],
    ['nothing', undefined, undefined, { question: 'Approve?', title: 'Approve?' }],
    [
      'what has no place of its own',
      { question: 'Ship?', context: { pr: 1 }, data: { a: 1 }, autoApproveAfterN: 3 },
      undefined,
      { context: { pr: 1, data: { a: 1 }, autoApproveAfterN: 3 } },
    ],
    [
      'options that are objects',
      { question: 'q', options: [{ label: 'A' }, { value: 'b' }] },
      undefined,
      { options: ['A', 'b'] },
    ],
    [
      'options that are none',
      { question: 'q', options: ['a', 'a'] },
      undefined,
      { options: [], context: { options: ['a', 'a'] } },
    ],
    [
      'a quorum',
      { question: 'q', expert: ['ada', 'lin', 'grace'], strategy: 'quorum' },
      undefined,
      { strategy: 'quorum', quorum: 2, experts: ['ada', 'lin', 'grace'] },
    ],
    [
      'all of them',
      { question: 'q' },
      { expert: ['ada'], strategy: 'collect-all' },
      { strategy: 'all', experts: ['ada'] },
    ],
    [
      'a quorum of nobody',
      { question: 'q', strategy: 'quorum' },
      undefined,
      { strategy: 'single', experts: null },
    ],
    [
      'the first',
      { question: 'q', expert: 'ada', strategy: 'first-response-wins' },
      undefined,
      { strategy: 'first', expert: ['ada'] },
    ],
  ] as const)('%s', async (_, payload, options, expected) => {
    const call = (ctx: ProcessContext): Promise<unknown> => ctx.breakpoint(payload, options as never);
    // A quorum of three waits for more than ada.
    if ('strategy' in expected && expected.strategy === 'quorum') {
      const { store } = await attended(written(call), async (runtime) => {
        for (const by of ['ada', 'lin'])
          for (const wait of runtime.waits('r')) await runtime.respond('r', wait.key, { by, approved: true });
      });
      const opened = journal(store).find(({ event }) => event.type === 'BreakpointOpened');
      expect(opened?.event).toMatchObject(expected);
      return;
    }
    expect((await asked(call)).question).toMatchObject(expected);
  });

  it('has no fields that nobody filled, and the fields of an answer that is an object', async () => {
    const call = (ctx: ProcessContext): Promise<unknown> => ctx.breakpoint({ question: 'q', options: ['x'] });
    expect((await asked(call)).value).toEqual({
      approved: true,
      respondedBy: 'ada',
      allResponses: [{ expert: 'ada', approved: true }],
    });
    expect((await asked(call, { response: { score: 7 }, option: 'x', feedback: 'f' })).value).toEqual({
      score: 7,
      approved: true,
      option: 'x',
      feedback: 'f',
      respondedBy: 'ada',
      response: '{"score":7}',
      allResponses: [{ expert: 'ada', approved: true, response: '{"score":7}' }],
    });
  });
});

it('works without a host, but for what needs one', async () => {
  const bare: Program = () => (_, ctx) =>
    (
      babysitter(async (_inputs: never, own: ProcessContext) => {
        const seen = [(await own.hook('any', {})).success];
        await own
          .subprocess({ processPath: 'x.js' })
          .catch((error: unknown) => seen.push(String(error).includes('loadProcess')));
        await own
          .sleepUntil('never')
          .catch((error: unknown) => seen.push(String(error).includes('sleepUntil')));
        return [...seen, own.artifactsDir];
      }) as Process<unknown>
    )(null, ctx);
  const { value } = await attended(bare, answering(titleOf), new MemoryStore());
  expect(value).toContain('This run has no folder');
});
