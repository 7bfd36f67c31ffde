import { openJournal, openRuntime, type ReadRun, type Runtime } from '@pawl/runtime';
import { defineProcess, defineTask, externalTask, type Context } from '@pawl/sdk';
import { describe, expect, onTestFinished, test } from 'vitest';

import { readWhy } from '../src/read-why.ts';
import { queuedSentence, renderWhy, whySentence, type WhyView } from '../src/render/why.ts';
import { PLAIN_THEME } from '../src/render/theme.ts';
import { whyNext } from '../src/why-next.ts';
import { Folder } from './here.fixture.ts';
import { printed } from './printed.fixture.ts';
import { documentOf, STEPS, until } from './pawl.fixture.ts';

/* One row for each state that a run can be in: over a journal that a real runtime made, and while it makes it. */

const hold = defineTask({
  name: 'hold',
  run: (_: unknown, { signal }) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))),
});
const fails = defineTask({
  name: 'fails',
  retry: { attempts: 4, delay: '2m' },
  run: () => {
    throw new RangeError('no luck');
  },
});
const once = defineTask({ name: 'once', run: () => Promise.reject(new TypeError('7 is odd')) });
const hears = defineTask({ name: 'hears', run: (_: unknown, task) => task.receive('word') });
const pooled = defineTask({ name: 'pooled', pool: 'gpu', run: () => new Promise(() => undefined) });
const review = externalTask({ name: 'review', kind: 'agent', timeout: '2h' });
const cleans = defineTask({ name: 'cleans', run: () => new Promise(() => undefined) });

const asks = defineProcess({ name: 'asks', run: async (_: unknown, ctx: Context) => ctx.receive('word') });

type Body = (ctx: Context) => Promise<unknown>;

interface Row {
  readonly state: string;
  readonly body: Body;
  /** What happens to it once it stands still. */
  readonly act?: (runtime: Runtime) => unknown;
  /** The runtime is closed before it is looked at. */
  readonly leave?: true;
  readonly sentence: string;
  readonly next: string;
}

const ROWS: readonly Row[] = [
  {
    state: 'succeeded',
    body: async () => 1,
    sentence: 'It is done: it succeeded just now, after T.',
    next: 'pawl show r',
  },
  {
    state: 'failed',
    body: (ctx) => ctx.task(once),
    sentence: 'It failed just now, after T: 7 is odd.',
    next: 'pawl show r',
  },
  {
    state: 'cancelled',
    body: (ctx) => ctx.sleep('1h'),
    act: (runtime) => runtime.cancel('r', 'no need'),
    sentence: 'It was given up just now, after T: no need.',
    next: 'pawl show r',
  },
  {
    state: 'continued',
    body: (ctx) => ctx.continueAsNew(7),
    sentence: 'It went on just now as run r~2.',
    next: 'pawl why r~2',
  },
  {
    state: 'message',
    body: (ctx) => ctx.receive('approval', { prompt: 'Ship it?', timeout: '2d' }),
    sentence: "It has waited T for message 'approval'; it gives up in T.",
    next: 'pawl send r approval <json>',
  },
  {
    state: 'message',
    body: (ctx) => ctx.receive('token', { secret: true }),
    leave: true,
    sentence: "It has waited T for message 'token'.",
    next: 'pawl send r token - --secret',
  },
  {
    state: 'breakpoint',
    body: (ctx) => ctx.breakpoint({ title: 'Go', question: 'Release it?' }),
    sentence: 'It has waited T for people to answer: Release it?',
    next: 'pawl approve r 0',
  },
  {
    state: 'answered',
    body: (ctx) => ctx.breakpoint({ title: 'Go', question: 'Release it?' }),
    leave: true,
    act: (runtime) => runtime.respond('r', '0', { approved: true, by: 'ada' }),
    sentence: 'What it asked is answered; it goes on when it is driven.',
    next: 'pawl resume r',
  },
  {
    state: 'taskMessage',
    body: (ctx) => ctx.task(hears, null),
    sentence: "Task 'hears' has waited T for message 'word'.",
    next: 'pawl send r word <json>',
  },
  {
    state: 'external',
    body: (ctx) => ctx.task(review),
    sentence:
      "It has waited T for somebody to do task 'review' (for agent); nobody has taken it; it gives up in T.",
    next: 'pawl task claim ',
  },
  {
    state: 'claimed',
    body: (ctx) => ctx.task(review),
    act: (runtime) => runtime.tasks.claim(runtime.tasks.list()[0]?.id ?? '', { worker: 'ada' }),
    sentence: "ada works on task 'review' (for agent), which was offered T ago.",
    next: 'pawl events r --follow',
  },
  {
    state: 'timer',
    body: (ctx) => ctx.sleep('2h'),
    sentence: 'It sleeps until D, T more.',
    next: 'pawl events r --follow',
  },
  {
    state: 'task',
    body: (ctx) => ctx.parallel.all([() => ctx.sleep('2h'), () => ctx.task(hold, null)]),
    sentence: "Task 'hold' has been under way for T: attempt 1 of 1.",
    next: 'pawl events r --follow',
  },
  {
    state: 'retry',
    body: (ctx) => ctx.task(fails),
    sentence: "Attempt 1 of 4 of task 'fails' failed; the next one begins in T.",
    next: 'pawl events r --follow',
  },
  {
    state: 'child',
    body: (ctx) => ctx.run(defineProcess({ name: 'part', run: async (_: unknown, c) => c.sleep('1h') }), 0),
    sentence: "It has waited T for run r.0 of process 'part'.",
    next: 'pawl why r.0',
  },
  {
    state: 'childWaits',
    body: (ctx) => ctx.run(asks, 0),
    sentence: "It has waited T for run r.0 of process 'asks', which waits for people.",
    next: 'pawl why r.0',
  },
  {
    state: 'source',
    body: async (ctx) => {
      for await (const _ of ctx.source('orders', async function* never() {
        await new Promise(() => undefined);
        yield { item: 1, cursor: 1 };
      })) {
        // It never comes.
      }
    },
    sentence: "It has waited T for items of source 'orders'.",
    next: 'pawl events r --follow',
  },
  {
    state: 'code',
    body: async () => new Promise((resolve) => setTimeout(resolve, 60_000).unref()),
    sentence: 'Its own code runs, or waits for something that is no call of ctx.',
    next: 'pawl events r --follow',
  },
  {
    state: 'idle',
    body: (ctx) => ctx.sleep('2h'),
    leave: true,
    sentence: 'Nobody drives it: it was stopped, or left, and can go on.',
    next: 'pawl resume r',
  },
  {
    state: 'cancelling',
    body: (ctx) =>
      ctx.scope(async (scope) => {
        scope.onExit(cleans);
        await ctx.sleep('2h');
      }),
    leave: true,
    act: (runtime) => runtime.cancel('r'),
    sentence: 'It was asked to give up, and nobody drives it: to clean up takes its code.',
    next: 'pawl resume r',
  },
  {
    state: 'givingUp',
    body: (ctx) =>
      ctx.scope(async (scope) => {
        scope.onExit(cleans);
        await ctx.sleep('2h');
      }),
    act: (runtime) => runtime.cancel('r'),
    sentence: 'It is giving up: what it has to clean up goes on.',
    next: 'pawl events r --follow',
  },
  {
    state: 'answered',
    body: (ctx) => ctx.receive('go'),
    leave: true,
    act: (runtime) => runtime.send('r', 'go', 1),
    sentence: 'What it asked is answered; it goes on when it is driven.',
    next: 'pawl resume r',
  },
  {
    state: 'diverged',
    body: (ctx) => ctx.sleep('2h'),
    leave: true,
    act: (runtime) =>
      runtime
        .resume('r', async (_: unknown, ctx: Context) => ctx.sleep('3h'))
        .result()
        .catch(() => undefined),
    sentence: 'Its code asks for something else than was recorded; nothing was run or written.',
    next: 'pawl resume r',
  },
  {
    state: 'setBack',
    body: (ctx) => ctx.sleep('2h'),
    leave: true,
    act: async (runtime) => {
      await runtime
        .resume('r', async () => new Promise(() => undefined))
        .result()
        .catch(() => undefined);
    },
    sentence: expect.stringMatching(
      /^It could not go on, and is tried again in T, where a worker is: /,
    ) as string,
    next: 'pawl resume r',
  },
];

/** Lengths and points of time that depend on the machine. */
function steady(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'D')
    .replace(/\b(\d+d \d+h|\d+h \d\dm|\d+m \d\ds|\d+(\.\d)?(ms|s))\b/g, 'T');
}

async function open(path: string): Promise<Runtime> {
  const runtime = await openRuntime({
    path,
    graceMs: 1,
    stallMs: 50,
    secretKey: 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=',
  });
  onTestFinished(async () => runtime.close());
  return runtime;
}

function look<T>(path: string, read: (reader: ReturnType<typeof openJournal>) => T): T {
  const reader = openJournal({ path });
  try {
    return read(reader);
  } finally {
    reader.close();
  }
}

const whyIn = (path: string, id = 'r'): WhyView => look(path, (reader) => readWhy(reader, id, Date.now()));

/** Waits until nothing changes in the file any more. */
async function settled(path: string): Promise<ReadRun> {
  const state = (): string => look(path, (reader) => JSON.stringify(reader.list({ limit: 9 })));
  for (let before = state(); ;) {
    await new Promise((resolve) => setTimeout(resolve, 120));
    const now = state();
    if (now === before) return look(path, (reader) => reader.get('r'));
    before = now;
  }
}

describe('one sentence for each state', () => {
  test.each(ROWS)('$state: $sentence', async ({ state, body, act, leave, sentence, next }) => {
    using folder = new Folder();
    const path = `${folder.path}/j.db`;
    const runtime = await open(path);
    const process = defineProcess({
      name: 'p',
      run: async (n: number, ctx: Context) => (n === 7 ? n : body(ctx)),
    });
    runtime
      .start(process, 0, { id: 'r' })
      .result()
      .catch(() => undefined);
    await settled(path);
    if (leave === true) await runtime.close();
    await act?.(leave === true ? await open(path) : runtime);
    await settled(path);
    const view = whyIn(path);
    expect({ state: view.why.state, sentence: steady(whySentence(view)) }).toEqual({ state, sentence });
    expect(whyNext(view, [])[0]?.command.slice(0, next.length)).toBe(next);
  });
});

test('a slot: of which pool', async () => {
  using folder = new Folder();
  const path = `${folder.path}/j.db`;
  const runtime = await openRuntime({ path, pools: { gpu: 1 }, graceMs: 1 });
  onTestFinished(async () => runtime.close());
  const process = defineProcess({ name: 'p', run: async (_: unknown, ctx: Context) => ctx.task(pooled) });
  for (const id of ['a', 'b'])
    runtime
      .start(process, 0, { id })
      .result()
      .catch(() => undefined);
  await until(() =>
    look(path, (reader) =>
      reader.list({ limit: 9 }).some(({ runId, lastSeq }) => runId === 'b' && lastSeq >= 2),
    ),
  );
  const view = whyIn(path, 'b');
  expect(steady(whySentence(view))).toBe("Task 'pooled' has waited T for a slot of pool 'gpu'.");
  expect(whyNext(view, [])[0]?.command).toBe('pawl pools');
});

test('the rest of a worker: until when, and what for', async () => {
  using folder = new Folder();
  const path = `${folder.path}/j.db`;
  const runtime = await open(path);
  const process = defineProcess({ name: 'p', run: async (_: unknown, ctx: Context) => ctx.sleep('2h') });
  await runtime.enqueue(process, 0, { id: 'r' });
  const worker = runtime.work({ restAfter: 0, poll: 10 });
  await until(() => look(path, (reader) => reader.start('r') === undefined && !reader.get('r').ownerAlive));
  const view = whyIn(path);
  expect(view.why.state).toBe('resting');
  expect(steady(whySentence(view))).toBe(
    'It is put down for T more, and goes on where a worker is: it sleeps until D, T more.',
  );
  expect(whyNext(view, [])[0]?.command).toBe('pawl work');
  await worker.drain();
  await runtime.close();
  const all = await printed(['resume', '--all', '--db', path], { cwd: folder.path, now: Date.now() });
  expect(all).toMatchObject({ code: 0, out: '' });
  expect(all.err).toContain('nothing to resume now: run r sleeps, and nobody drives it; ');
});

test('a start that could not begin: when it is tried again, and why', async () => {
  using folder = new Folder();
  const path = `${folder.path}/j.db`;
  const runtime = await open(path);
  await runtime.enqueue(defineProcess({ name: 'p', run: () => Promise.resolve(1) }), 0, {
    id: 'r',
    delay: '1h',
  });
  const start = look(path, (reader) => reader.start('r'));
  if (start === undefined) throw new TypeError('no start waits');
  const { at } = start;
  const sentence = (now: number): string => queuedSentence({ ...start, problem: 'p.ts is gone' }, now);
  expect(sentence(at - 400)).toBe(
    'It could not begin, and is tried again in 400ms, where a worker is: p.ts is gone.',
  );
  expect(sentence(at)).toBe(
    'It could not begin, and is tried again as soon as a worker is there: p.ts is gone.',
  );
});

test('killed: its program is gone; and an outcome that nobody knows', async () => {
  using folder = new Folder();
  folder.write('steps.ts', STEPS.replace("name: 'step',", "name: 'step', onUnknown: 'ask',"));
  const run = folder.start(['run', 'steps.ts', '--id', 'r']);
  await until(() => folder.effects().includes('start 2'));
  run.child.kill('SIGKILL');
  await run.ended;
  const path = `${folder.path}/.pawl/journal.db`;
  const gone = whyIn(path);
  expect([gone.why.state, whySentence(gone), whyNext(gone, [])[0]?.command]).toEqual([
    'abandoned',
    'The program that drove it is gone; nothing that was done is lost.',
    'pawl resume r',
  ]);
  expect((await folder.pawl('resume', 'r')).code).toBe(13);
  const asked = whyIn(path);
  expect([asked.why.state, whySentence(asked), whyNext(asked, [])[0]?.command]).toEqual([
    'outcome',
    "Nobody knows what became of attempt 1 of task 'step': its end was never recorded, and somebody has to say it.",
    'pawl resolve r 1 --as done',
  ]);
  expect(documentOf((await folder.pawl('why', 'r', '--json')).stdout)).toMatchObject({
    version: 1,
    why: {
      run: 'r',
      state: 'outcome',
      driven: 'nobody',
      call: { key: '1', kind: 'task', name: 'step', attempt: 1, attemptsAllowed: 1 },
      open: 1,
      others: [],
      next: [{ command: 'pawl resolve r 1 --as done' }, {}, {}, { command: 'pawl resume r' }],
    },
  });
});

test('a start that waits, as text and as JSON', async () => {
  using folder = new Folder();
  folder.write('steps.ts', STEPS);
  await folder.pawl('enqueue', 'steps.ts', '--id', 'later', '--delay', '1h');
  expect((await folder.pawl('why', 'later')).stdout).toMatch(
    /^◌ steps\n\n {2}It has not begun: it waits for its time, in (1h 00m|59m \d\ds)\.\n\n {2}run {4}later\n {2}since {2}.*, just now\n\nnext\n {2}pawl work {16}begin it when its time comes\n {2}pawl queue remove later {2}it never begins\n$/,
  );
  expect(documentOf((await folder.pawl('why', 'later', '--json')).stdout)).toMatchObject({
    why: { run: 'later', state: 'queued', driven: 'nobody', next: [{ command: 'pawl work' }, {}] },
  });
  expect((await folder.pawl('why', 'nobody')).code).toBe(4);
  expect((await folder.pawl('why', '../x')).code).toBe(2);
});

test('the whole of it, with the source line of what failed, and hostile names clean', async () => {
  using folder = new Folder();
  const path = `${folder.path}/j.db`;
  const runtime = await open(path);
  const evil = defineTask({
    name: 'pay\u202E',
    run: () => Promise.reject(new RangeError('card\u001B[2J refused\nsecond line')),
  });
  const process = defineProcess({ name: 'p', run: async (_: unknown, ctx: Context) => ctx.task(evil) });
  await runtime
    .start(process, 0, { id: 'r' })
    .result()
    .catch(() => undefined);
  const view = whyIn(path);
  const looked = { places: { cwd: import.meta.dirname, ownFolders: [] }, width: 60, theme: PLAIN_THEME };
  const lines = renderWhy(view, whyNext(view, ['--db', 'j.db']), looked).map(steady);
  expect(`\n${lines.join('\n').replace(/:\d+:\d+/, ':L:C')}\n`).toMatchInlineSnapshot(`
    "
    ✗ p

      It failed just now, after T: card refused …

      run    r
      since  D, just now
      error  card refused second line
      call   0
      at     why.test.ts:L:C

    next
      pawl show r --db j.db
        every call, with what it got and gave
    "
  `);
});

test('a divergence: both sides a line each, controls escaped, and the remedies', async () => {
  using folder = new Folder();
  const path = `${folder.path}/j.db`;
  const runtime = await open(path);
  const run = async (_: unknown, ctx: Context): Promise<unknown> => ctx.receive('go\u001B[2J');
  const started = runtime.start(defineProcess({ name: 'p', run }), 0, { id: 'r' });
  started.result().catch(() => undefined);
  await settled(path);
  await runtime.close();
  const later = await open(path);
  await later
    .resume('r', async (__: unknown, ctx: Context) => ctx.sleep('3h'))
    .result()
    .catch(() => undefined);
  await settled(path);
  const view = whyIn(path);
  const looked = { places: { cwd: import.meta.dirname, ownFolders: [] }, width: 90, theme: PLAIN_THEME };
  const lines = renderWhy(view, whyNext(view, []), looked).map(steady);
  expect(`\n${lines.join('\n').replace(/source .*/, 'source PLACE')}\n`).toMatchInlineSnapshot(`
    "
    ✗ p

      Its code asks for something else than was recorded; nothing was run or written.

      run        r
      since      D, just now
      driven     by nobody
      problem    NonDeterminismError: The process asks for something else than run r has
                 recorded.
                   at            seq 2, call 0
                   recorded      receive "go\\u001b[2J"
                   asked         sleep T
                   source PLACE
                   likely cause  the call was replaced by one of another kind, or another one
                   was inserted before it
                 Nothing was run or recorded since.
      keep both  if (ctx.patched('<name>')) what is new, else what was recorded
      open       0  it waits for message 'go\\u001b[2J'

    next
      pawl resume r  go on, with the code put back as it was
      pawl show r    what was recorded
      pawl cancel r  give it up, and start anew with the new code
    "
  `);
});

test('of two that wait for the same message, one that came is for the older', async () => {
  using folder = new Folder();
  const path = `${folder.path}/j.db`;
  const runtime = await open(path);
  const run = async (_: unknown, ctx: Context): Promise<unknown> =>
    Promise.all([ctx.receive('go'), ctx.receive('go')]);
  const started = runtime.start(defineProcess({ name: 'p', run }), 0, { id: 'r' });
  started.result().catch(() => undefined);
  await settled(path);
  await runtime.close();
  await (await open(path)).send('r', 'go', 1);
  expect(look(path, (reader) => reader.waits('r').map(({ answered }) => answered))).toEqual([
    true,
    undefined,
  ]);
  const { out } = await printed(['waiting', '--db', path], { cwd: folder.path, now: Date.now() });
  expect(out.match(/^ {2}(go on|answer) +pawl \w+/gm)).toEqual([
    '  go on     pawl resume',
    '  answer  pawl send',
  ]);
});
