import { openJournal, type JournalEvent } from '@pawl/runtime';
import { expect, test } from 'vitest';

import { Folder } from './here.fixture.ts';
import { documentOf, until } from './pawl.fixture.ts';

/* Which code a worker runs, and who does external tasks of its runs. */

const ORDER = `
import { appendFileSync } from 'node:fs';
import { defineTask, type Context } from '@pawl/sdk';
import { words } from './words.ts';

appendFileSync('effects.log', 'loaded\\n');
const ship = defineTask({ name: 'ship', run: (to: string) => words(to) });

export async function process(_: unknown, ctx: Context): Promise<string> {
  const to = await ctx.receive<string>('to');
  return await ctx.task(ship, to);
}
`;
const wordsOf = (text: string): string => `export const words = (to: string): string => '${text} ' + to;`;

function eventsOf(folder: Folder, id: string): JournalEvent[] {
  const journal = openJournal({ path: `${folder.path}/.pawl/journal.db` });
  try {
    return Array.from(journal.events(id), ({ event }) => event);
  } finally {
    journal.close();
  }
}

const told = (text: string): number => text.split('is set back').length - 1;

const setbacks = async (folder: Folder): Promise<number> => {
  const { setBack } = documentOf((await folder.pawl('queue', '--json')).stdout) as {
    setBack: readonly { readonly setbacks: number }[];
  };
  return setBack[0]?.setbacks ?? 0;
};

/** A run that waits for a message, and was put down by its worker. */
async function waiting(folder: Folder): Promise<void> {
  folder.write('order.ts', ORDER);
  folder.write('words.ts', wordsOf('sent to'));
  await folder.pawl('enqueue', 'order.ts', '--id', 'o');
  expect((await folder.pawl('work', '--until-idle')).code).toBe(0);
}

test('a run whose code changed in a file that it imports is not driven, and that is told once', async () => {
  using folder = new Folder();
  await waiting(folder);
  const before = eventsOf(folder, 'o');
  const effects = folder.effects();
  folder.write('words.ts', wordsOf('thrown at'));
  await folder.pawl('send', 'o', 'to', '"Ada"');
  const worker = folder.start(['work']);
  await until(() => worker.stderr.includes('is set back'));
  while ((await setbacks(folder)) < 3);
  expect(told(worker.stderr)).toBe(1);
  expect(worker.stderr).toContain(
    'order.ts, or a local file that it imports, has changed since run o was started',
  );
  expect(worker.stderr).toContain('pawl resume o --accept-code-change');
  // Nothing was recorded, and nothing of the new code was run.
  expect(eventsOf(folder, 'o')).toEqual(before);
  expect(folder.effects()).toEqual(effects);
  const { setBack } = documentOf((await folder.pawl('queue', '--json')).stdout);
  expect(setBack).toMatchObject([{ problem: expect.stringContaining('changed since run o was started') }]);

  // The next command is the one that was told.
  const resumed = await folder.pawl('resume', 'o', '--accept-code-change');
  expect([resumed.code, resumed.stdout.trim()]).toEqual([0, 'thrown at Ada']);
  expect(eventsOf(folder, 'o').map(({ type }) => type)).toContain('CodeAccepted');
  worker.child.kill('SIGTERM');
  expect((await worker.ended).code).toBe(0);
});

test('with the old code back it goes on; processes of a folder are held to the pin as well', async () => {
  using folder = new Folder();
  await waiting(folder);
  folder.write('words.ts', wordsOf('thrown at'));
  await folder.pawl('send', 'o', 'to', '"Ada"');
  const known = folder.start(['work', '--processes', '.', '--json']);
  await until(() => known.stderr.includes('--accept-code-change'));
  known.child.kill('SIGTERM');
  expect((await known.ended).code).toBe(0);
  expect(eventsOf(folder, 'o').some(({ type }) => type === 'SignalReceived')).toBe(false);

  const worker = folder.start(['work']);
  await until(() => worker.stderr.includes('is set back'));
  folder.write('words.ts', wordsOf('sent to'));
  await until(() => eventsOf(folder, 'o').some(({ type }) => type === 'RunSucceeded'));
  expect(eventsOf(folder, 'o').at(-1)).toMatchObject({ type: 'RunSucceeded', output: 'sent to Ada' });
  worker.child.kill('SIGTERM');
  expect((await worker.ended).code).toBe(0);
});

test('a start begins with the code as it is when it begins, and is pinned to that', async () => {
  using folder = new Folder();
  folder.write('order.ts', ORDER);
  folder.write('words.ts', wordsOf('sent to'));
  await folder.pawl('enqueue', 'order.ts', '--id', 'o');
  folder.write('words.ts', wordsOf('thrown at'));
  expect((await folder.pawl('work', '--until-idle')).code).toBe(0);
  await folder.pawl('send', 'o', 'to', '"Ada"');
  expect((await folder.pawl('work', '--until-idle')).code).toBe(0);
  expect(eventsOf(folder, 'o').at(-1)).toMatchObject({ type: 'RunSucceeded', output: 'thrown at Ada' });
});

const ASKS = `
import { externalTask, type Context } from '@pawl/sdk';
const ask = externalTask<number, string>({ name: 'ask', kind: 'agent' });
const other = externalTask<number, string>({ name: 'other', kind: 'person', timeout: '20s' });
export async function process(_: unknown, ctx: Context): Promise<unknown> {
  const said = await ctx.parallel.all([() => ctx.task(ask, 1), () => ctx.task(ask, 2)]);
  return [...said, await ctx.task(other, 3)];
}
`;

/** Slower than a worker waits before it puts a run down. */
const CONFIG = `
import { defineConfig } from '@pawl/sdk';
export default defineConfig({
  executors: {
    agent: {
      respond: async ({ description }: any) => {
        await new Promise((resolve) => setTimeout(resolve, 2600));
        return 'agent ' + description.input;
      },
    },
    person: { command: ['node', '-e', "console.log(JSON.stringify(process.env.PAWL_TASK_KIND))"] },
  },
});
`;

test('executors of pawl.config.ts do the tasks of a worker, also of runs that are put down meanwhile', async () => {
  using folder = new Folder();
  folder.write('asks.ts', ASKS);
  await folder.pawl('enqueue', 'asks.ts', '--id', 'a');
  folder.write('pawl.config.ts', CONFIG);
  const left = await folder.pawl('work', '--until-idle', '--external');
  expect([left.code, left.stderr]).toEqual([0, expect.stringContaining('is put down')]);
  const { tasks } = documentOf((await folder.pawl('tasks', '--json')).stdout);
  expect(tasks).toMatchObject([{ status: 'open' }, { status: 'open' }]);

  const done = await folder.pawl('work', '--until-idle', '--processes', '.');
  expect(done.code).toBe(0);
  expect(done.stderr.match(/✓ ask/g)).toHaveLength(2);
  expect(eventsOf(folder, 'a').at(-1)).toMatchObject({
    type: 'RunSucceeded',
    output: ['agent 1', 'agent 2', 'person'],
  });
  // It ended by itself, and had rested before.
  expect(done.stderr).toContain('a asks is put down');
});

test('a module is not run with the aliases of another run', async () => {
  using folder = new Folder();
  folder.write('job.mjs', `import { who } from 'who';\nexport const process = async () => who;\n`);
  for (const who of ['a', 'b']) {
    folder.write(`${who}.mjs`, `export const who = '${who}';\n`);
    await folder.pawl('enqueue', 'job.mjs', '--id', who, '--alias', `who=./${who}.mjs`);
  }
  const { code, stderr } = await folder.pawl('work', '--until-idle');
  expect([code, stderr]).toEqual([
    0,
    expect.stringContaining('job.mjs was loaded by this worker with other'),
  ]);
  expect(eventsOf(folder, 'a').at(-1)).toMatchObject({ type: 'RunSucceeded', output: 'a' });
  const { starts } = documentOf((await folder.pawl('queue', '--json')).stdout);
  expect(starts).toMatchObject([{ id: 'b' }]);
});
