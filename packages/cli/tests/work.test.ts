import { join } from 'node:path';

import { openJournal, openRuntime, type JournalEvent, type JournalReader } from '@pawl/runtime';
import { expect, test } from 'vitest';

import { raw } from '../../runtime/src/store/sqlite/temp-journals.fixture.ts';
import { Folder } from './here.fixture.ts';
import { documentOf, HELLO, STEPS, until, type Pawl } from './pawl.fixture.ts';

/* Real workers over one journal: queued, drained, killed, stopped. */

function reader<T>(folder: Folder, read: (journal: JournalReader) => T): T {
  const journal = openJournal({ path: `${folder.path}/.pawl/journal.db` });
  try {
    return read(journal);
  } finally {
    journal.close();
  }
}

const statuses = (folder: Folder): string[] =>
  reader(folder, (journal) => journal.list({ limit: 1000 }).map(({ status }) => status));

const eventsOf = (folder: Folder, id: string): JournalEvent[] =>
  reader(folder, (journal) => Array.from(journal.events(id), ({ event }) => event));

const allDone = (folder: Folder, count: number): boolean => {
  const all = folder.has('.pawl/journal.db') ? statuses(folder) : [];
  return all.length === count && all.every((status) => status === 'succeeded');
};

/** Keys that were settled more than once, of any run; and what `verify` found. */
function damageOf(folder: Folder): string[] {
  return reader(folder, (journal) => {
    const twice = journal.list({ limit: 1000 }).flatMap(({ runId }) => {
      const settled = new Map<string, number>();
      for (const { event } of journal.events(runId)) {
        if (event.type === 'TaskSucceeded' || event.type === 'TaskFailed')
          settled.set(event.key, (settled.get(event.key) ?? 0) + 1);
      }
      return [...settled].filter(([, n]) => n > 1).map(([key]) => `${runId} ${key}`);
    });
    return [...twice, ...journal.verify().damage.map(({ runId, problem }) => `${runId} ${problem}`)];
  });
}

async function stopped(pawl: Pawl, signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
  pawl.child.kill(signal);
  return (await pawl.ended).code;
}

/** Some steps that take a moment each, and leave a line each. */
const LINE = `
import { appendFileSync } from 'node:fs';
import { defineTask, type Context } from '@pawl/sdk';

const step = defineTask({
  name: 'step',
  run: async (text: string) => {
    appendFileSync('effects.log', text + '\\n');
    await new Promise((resolve) => setTimeout(resolve, 60));
    return text;
  },
});

export async function process(n: number, ctx: Context): Promise<string[]> {
  const done: string[] = [];
  for (let i = 0; i < 6; i += 1) done.push(await ctx.task(step, n + '.' + i));
  return done;
}
`;

test('a start is kept, begun by a worker, and the worker drains on SIGTERM', async () => {
  using folder = new Folder();
  folder.write('hello.ts', HELLO);
  const enqueue = ['enqueue', 'hello.ts', '--input', '{"name":"x"}', '--id', 'h1'];
  const queued = await folder.pawl(...enqueue);
  expect([queued.code, queued.stdout]).toEqual([0, 'h1 waits for a worker\n']);
  expect((await folder.pawl(...enqueue)).stdout).toBe('h1 is there already, and is one run\n');
  const other = await folder.pawl('enqueue', 'hello.ts', '--input', '{"name":"y"}', '--id', 'h1');
  expect([other.code, other.stderr]).toEqual([11, expect.stringContaining('with other inputs')]);
  const { stdout } = await folder.pawl('queue', '--json');
  expect(documentOf(stdout)).toMatchObject({ starts: [{ id: 'h1', process: 'hello', held: false }] });

  const worker = folder.start(['work']);
  await until(() => allDone(folder, 1));
  expect(await stopped(worker)).toBe(0);
  expect(worker.stderr).toMatch(/h1 hello begins[\s\S]*h1 hello succeeded/);
  expect(eventsOf(folder, 'h1')[0]).toMatchObject({ module: 'hello.ts', codeHash: expect.any(String) });
  expect((await folder.pawl('queue')).stdout).toBe('nothing waits for a worker\n');
});

test('a start that is run by hand does not stay in the queue', async () => {
  using folder = new Folder();
  folder.write(
    'asks.ts',
    `import type { Context } from '@pawl/sdk';
     export const process = (_: unknown, ctx: Context) => ctx.receive('word');`,
  );
  await folder.pawl('enqueue', 'asks.ts', '--id', 'gh', '--input', '1', '--delay', '1h');
  expect((await folder.pawl('run', 'asks.ts', '--id', 'gh', '--input', '1')).code).toBe(13);
  expect((await folder.pawl('queue')).stdout).toBe('nothing waits for a worker\n');
  expect((await folder.pawl('cancel', 'gh')).stdout).toContain('cancelled');
  expect((await folder.pawl('verify')).code).toBe(0);
});

test('a start that waits is shown, takes messages, and is cancelled', async () => {
  using folder = new Folder();
  folder.write(
    'asks.ts',
    `import type { Context } from '@pawl/sdk';
     export const process = (_: unknown, ctx: Context) => ctx.receive('word');`,
  );
  await folder.pawl('enqueue', 'asks.ts', '--id', 'q', '--input', '{"n":1}', '--priority', '5');
  const shown = await folder.pawl('show', 'q');
  expect([shown.code, shown.stdout]).toEqual([
    0,
    expect.stringMatching(/q {2}queued[\s\S]*waits for +a worker/),
  ]);
  expect(shown.stdout).toMatch(/priority +5[\s\S]*input +\{ ?"?n"?: ?1 ?\}/);
  expect(documentOf((await folder.pawl('show', 'q', '--json')).stdout)).toMatchObject({
    run: { id: 'q', status: 'queued', process: 'asks', module: 'asks.ts', priority: 5, inputs: { n: 1 } },
  });
  expect(await folder.pawl('events', 'q')).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('has not begun'),
  });
  const sent = await folder.pawl('send', 'q', 'word', '"early"', '--id', 'm');
  expect(sent).toMatchObject({ code: 0, stdout: "message 'word' for q was taken\n" });
  expect(sent.stderr).toContain('pawl work');
  expect((await folder.pawl('send', 'q', 'word', '"early"', '--id', 'm')).stdout).toContain('counts once');
  await folder.pawl('enqueue', 'asks.ts', '--id', 'not');
  const cancelled = await folder.pawl('cancel', 'not');
  expect([cancelled.code, cancelled.stdout]).toEqual([
    0,
    'not was taken out of the queue: it had not begun\n',
  ]);
  expect((await folder.pawl('cancel', 'not')).code).toBe(4);
  expect((await folder.pawl('work', '--until-idle')).code).toBe(0);
  expect(eventsOf(folder, 'q').at(-1)).toMatchObject({ type: 'RunSucceeded', output: 'early' });
  expect(statuses(folder)).toEqual(['succeeded']);
});

test('a worker that is stopped amid a run leaves it to the next one', async () => {
  using folder = new Folder();
  folder.write('steps.ts', STEPS);
  await folder.pawl('enqueue', 'steps.ts', '--id', 's');
  const first = folder.start(['work']);
  await until(() => folder.effects().includes('start 2'));
  expect(await stopped(first)).toBe(0);
  expect(first.stderr).toContain('s steps was stopped');
  const second = folder.start(['work', '--json']);
  await until(() => folder.effects().filter((line) => line === 'start 2').length === 2);
  folder.write('go', '');
  await until(() => allDone(folder, 1));
  expect(await stopped(second)).toBe(0);
  expect(folder.effects()).toEqual(['start 1', 'end 1', 'start 2', 'start 2', 'end 2', 'start 3', 'end 3']);
  for (const line of second.stderr.trim().split('\n')) expect(documentOf(line)).toHaveProperty('version');
});

test('kill -9 of a worker amid fifty runs: another one takes over, and nothing is done twice that was done', async () => {
  using folder = new Folder();
  folder.write('line.ts', LINE);
  await fill(folder, 50);
  const first = folder.start(['work']);
  await until(() => folder.effects().length > 60);
  first.child.kill('SIGKILL');
  await first.ended;
  const done = reader(folder, (journal) =>
    journal
      .list({ limit: 99 })
      .flatMap(({ runId }) =>
        Array.from(journal.events(runId), ({ event }) => event).flatMap((event) =>
          event.type === 'TaskSucceeded' ? [String(event.output)] : [],
        ),
      ),
  );
  const before = folder.effects();
  const second = folder.start(['work']);
  await until(() => allDone(folder, 50));
  expect(await stopped(second)).toBe(0);
  const after = folder.effects().slice(before.length);
  expect(after.filter((line) => done.includes(line))).toEqual([]);
  expect(new Set(folder.effects()).size).toBe(300);
  expect(damageOf(folder)).toEqual([]);
  expect(second.stderr).toContain('runs of programs that died are free');
});

/** One that is stopped while it writes keeps all others from writing, and nobody can take over what it drives. */
async function stopOutsideOfWrites(folder: Folder, worker: Pawl | undefined): Promise<void> {
  for (;;) {
    worker?.child.kill('SIGSTOP');
    if (canBeWritten(join(folder.path, '.pawl/journal.db'))) return;
    worker?.child.kill('SIGCONT');
    await new Promise((resolve) => setTimeout(resolve, 7));
  }
}

function canBeWritten(path: string): boolean {
  return raw(path, (db) => {
    db.pragma('busy_timeout = 1000');
    try {
      db.exec('begin immediate; rollback');
      return true;
    } catch {
      return false;
    }
  });
}

test('two workers, one of them stopped past its lease and woken: no task has two outcomes', async () => {
  using folder = new Folder();
  folder.write('line.ts', LINE);
  await fill(folder, 20);
  const lease = ['work', '--lease', '500ms', '--concurrency', '8'];
  const workers = [folder.start(lease), folder.start(lease)];
  await until(() => folder.effects().length > 30);
  await stopOutsideOfWrites(folder, workers[0]);
  // On a slow machine the one that is stopped may not have come to drive any.
  await until(() => workers[1]?.stderr.includes('are free') === true || allDone(folder, 20));
  workers[0]?.child.kill('SIGCONT');
  await until(() => allDone(folder, 20));
  for (const worker of workers) expect(await stopped(worker)).toBe(0);
  expect(damageOf(folder)).toEqual([]);
  expect(new Set(folder.effects()).size).toBe(120);
});

test('a wait is put down, its worker may die, and another one takes it up when its time comes', async () => {
  using folder = new Folder();
  folder.write(
    'nap.ts',
    `import type { Context } from '@pawl/sdk';
     export async function process(_: unknown, ctx: Context) { await ctx.sleep('6s'); return 'woken'; }`,
  );
  await folder.pawl('enqueue', 'nap.ts', '--id', 'n');
  const first = folder.start(['work']);
  await until(() => first.stderr.includes('n nap is put down until'));
  first.child.kill('SIGKILL');
  await first.ended;
  expect(documentOf((await folder.pawl('list', '--json')).stdout)).toMatchObject({
    runs: [{ id: 'n', status: 'sleeping', wakeAt: expect.any(String) }],
  });
  const second = folder.start(['work']);
  await until(() => allDone(folder, 1));
  expect(await stopped(second)).toBe(0);
  expect(second.stderr).not.toContain('are free');
  expect(eventsOf(folder, 'n').map(({ type }) => type)).toEqual([
    'RunStarted',
    'TimerStarted',
    'TimerFired',
    'RunSucceeded',
  ]);
});

test('a schedule fires once a time, with two workers, until it is removed', async () => {
  using folder = new Folder();
  folder.write('hello.ts', HELLO);
  const add = ['schedule', 'add', '* * * * * *', 'hello.ts', '--input', '{"name":"x"}'];
  expect((await folder.pawl(...add, '--tz', 'Europe/Berlin')).stdout).toMatch(/^hello fires next at /);
  expect((await folder.pawl(...add)).code).toBe(11);
  const listed = documentOf((await folder.pawl('schedule', '--json')).stdout);
  expect(listed).toMatchObject({ schedules: [{ name: 'hello', zone: 'Europe/Berlin', missed: 'one' }] });
  const workers = [folder.start(['work']), folder.start(['work'])];
  await until(() => statuses(folder).filter((status) => status === 'succeeded').length >= 3);
  expect((await folder.pawl('schedule', 'remove', 'hello')).stdout).toBe('hello is removed\n');
  for (const worker of workers) expect(await stopped(worker)).toBe(0);
  const ids = reader(folder, (journal) => journal.list({ limit: 99 }).map(({ runId }) => runId));
  expect(ids.every((id) => /^hello@\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(id))).toBe(true);
  expect(damageOf(folder)).toEqual([]);
});

test('a schedule is told in its own zone, and refused in the words of the command line', async () => {
  using folder = new Folder();
  folder.write('hello.ts', HELLO);
  const add = (...args: string[]): ReturnType<Folder['pawl']> =>
    folder.pawl('schedule', 'add', ...args, 'hello.ts', '--input', '{"name":"x"}');
  const added = await add('0 9 * * *', '--tz', 'Asia/Tokyo');
  expect(added.stdout).toMatch(/^hello fires next at \d{4}-\d\d-\d\d 09:00:00 \(Asia\/Tokyo\)\n$/);
  expect((await folder.pawl('schedule')).stdout).toMatch(/Asia\/Tokyo.+ 09:00:00 {2}in /);
  const again = await add('0 9 * * *');
  expect(again).toMatchObject({ code: 11, stderr: expect.stringContaining('--replace') as string });
  const nowhere = await add('0 9 * * *', '--tz', 'Mars/Olympus', '--name', 'b');
  expect(nowhere).toMatchObject({
    code: 11,
    stderr: expect.stringMatching(/--tz must be a time zone/) as string,
  });
  const never = await add('61 9 * * *', '--name', 'c');
  expect(never).toMatchObject({
    code: 11,
    stderr: expect.stringMatching(/The times must be a cron pattern/) as string,
  });
});

test('the processes of a folder are its, and nobody else may bring code', async () => {
  using folder = new Folder();
  folder.write('hello.ts', HELLO);
  folder.write('other.ts', HELLO);
  await folder.pawl('enqueue', 'hello.ts', '--input', '{"name":"x"}', '--id', 'mine');
  await folder.pawl('enqueue', 'other.ts', '--input', '{"name":"x"}', '--id', 'theirs');
  using jobs = new Folder();
  jobs.write('hello.ts', HELLO);
  jobs.write('helper.ts', 'export const one = 1;');
  const worker = folder.start(['work', '--processes', jobs.path]);
  await until(() => statuses(folder).includes('succeeded'));
  expect(await stopped(worker)).toBe(0);
  expect(documentOf((await folder.pawl('queue', '--json')).stdout)).toMatchObject({
    starts: [{ id: 'theirs' }],
  });
  expect((await folder.pawl('queue', 'remove', 'theirs')).code).toBe(0);
  expect((await folder.pawl('queue', 'remove', 'theirs')).code).toBe(4);
});

test.each([
  [['enqueue'], 2],
  [['enqueue', 'nowhere.ts'], 4],
  [['enqueue', 'hello.ts', '--input', '{'], 11],
  [['enqueue', 'hello.ts', '--limit', '2'], 2],
  [['enqueue', 'hello.ts', '--priority', '900'], 2],
  [['enqueue', 'hello.ts', '--delay', 'soon'], 2],
  [['enqueue', 'hello.ts', '--id', '../x'], 2],
  [['enqueue', 'hello.ts', '--debounce', '1s', '--delay', '1s'], 11],
  [['work', '--concurrency', '0'], 2],
  [['work', '--processes', 'nowhere'], 2],
  [['queue'], 4],
  [['schedule', 'x'], 2],
  [['schedule', 'add', 'x', 'hello.ts'], 11],
  [['schedule', 'add', '* * * * *', 'hello.ts', '--tz', 'Mars'], 11],
  [['schedule', 'remove', 'x'], 4],
] as const)('%j ends with %i, in words', async (args, code) => {
  using folder = new Folder();
  folder.write('hello.ts', HELLO);
  const ended = await folder.pawl(...args);
  expect([ended.code, ended.stderr]).toEqual([code, expect.stringMatching(/\S/)]);
  expect(ended.stderr).not.toContain('    at ');
});

/** Starts of line.ts, all at once. */
async function fill(folder: Folder, count: number): Promise<void> {
  const runtime = await openRuntime({ path: `${folder.path}/.pawl/journal.db` });
  const process = { name: 'line', run: async () => null };
  for (let i = 0; i < count; i += 1) await runtime.enqueue(process, i, { id: `r${i}`, module: 'line.ts' });
  await runtime.close();
}
