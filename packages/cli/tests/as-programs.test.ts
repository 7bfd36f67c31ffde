import { afterAll, beforeAll, expect, test } from 'vitest';

import { Folder, QUIET } from './here.fixture.ts';
import { documentOf } from './pawl.fixture.ts';

// The other tests do in their own process what only looks or leaves something: here the real program does the same.

const MODULE = `
import { defineTask, externalTask, type Context } from '@pawl/sdk';

const work = defineTask({ name: 'work', pool: 'desk', run: (n: number, { log }) => {
  log('at', n);
  return n;
} });
const outside = externalTask({ name: 'outside', kind: 'agent', title: 'Look at it' });

export async function process(asks: string, ctx: Context) {
  ctx.pool('desk', { maxConcurrent: 2 });
  await ctx.task(work, 1);
  if (asks === 'people') await ctx.breakpoint({ title: 'ship', question: 'Ship?' });
  if (asks === 'message') await ctx.receive('go');
  if (asks === 'agent') await ctx.task(outside, null);
  return asks;
}
`;

const folder = new Folder();
beforeAll(async () => {
  folder.write('m.ts', MODULE);
  const asked = ['nothing', 'people', 'message', 'agent'];
  for (const what of asked) await folder.pawl('run', 'm.ts', '--id', what, '-i', JSON.stringify(what));
});
afterAll(() => folder[Symbol.dispose]());

/** Each with what it is told twice without another effect, so that both can be compared. */
const LOOKS: readonly (readonly string[])[] = [
  ['list'],
  ['show', 'people'],
  ['why', 'message'],
  ['diff', 'nothing', 'people'],
  ['timeline', 'nothing'],
  ['events', 'agent'],
  ['logs', 'nothing'],
  ['pools'],
  ['queue'],
  ['stats', 'm'],
  ['waiting'],
  ['tasks', '--json'],
  ['verify'],
  ['export', 'nothing'],
];

/** What it prints without the time since, which is longer a moment later, and its column wider. */
const timeless = (text: string): string =>
  text
    .replaceAll(/just now|(?:\d+h )?(?:\d+m )?\d+(?:\.\d+)? ?m?s\b(?: ago)?|\d+[mh] ago/g, 'T')
    .replaceAll(/ +/g, ' ');

test.each(LOOKS)('pawl %s', async (...args) => {
  const [here, program] = [await folder.pawl(...args), await folder.start(args).ended];
  expect(program.code, program.stderr).toBe(0);
  expect({ ...program, stdout: timeless(program.stdout) }).toEqual({
    ...here,
    stdout: timeless(here.stdout),
  });
});

test('answers, refusals and their exit codes', async () => {
  const { tasks } = documentOf((await folder.pawl('tasks', 'agent', '--json')).stdout) as {
    readonly tasks: readonly { readonly id: string }[];
  };
  const id = tasks[0]?.id ?? '';
  const left: readonly (readonly [args: readonly string[], code: number])[] = [
    [['approve', 'people', '--as', 'ada'], 0],
    [['reject', 'people', '--as', 'bob'], 11],
    [['send', 'message', 'go', '1', '--id', 'a'], 0],
    [['send', 'nobody', 'go', '1'], 4],
    [['task', 'claim', id, '--as', 'ada'], 0],
    [['task', 'claim', id, '--as', 'bob'], 5],
    [['resolve', 'agent', '1', '--as', 'retry'], 11],
    [['cancel', 'message'], 0],
    [['cancel', 'nobody'], 4],
  ];
  for (const [args, code] of left) {
    const ended = await folder.start(args).ended;
    expect([args, ended.code], ended.stderr).toEqual([args, code]);
  }
  const tried = new Set([...LOOKS, ...left.map(([args]) => args)].map(([command]) => command));
  expect(tried).toEqual(QUIET);
});
