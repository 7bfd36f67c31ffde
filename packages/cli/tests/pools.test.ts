import { afterAll, beforeAll, expect, test } from 'vitest';

import { Folder } from './here.fixture.ts';
import { documentOf, until } from './pawl.fixture.ts';

const MODULE = `
import { defineTask } from '@pawl/sdk';
import { existsSync } from 'node:fs';

const double = defineTask({
  name: 'double',
  run: async (n: number, { signal }) => {
    while (n === 3 && !existsSync('go')) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      signal.throwIfAborted();
    }
    return n * 2;
  },
});

export const process = async (_: unknown, ctx) => {
  const all = ctx.pool('all', { maxConcurrent: 5 });
  const gpu = ctx.pool('gpu', { limits: { gpu: 2, mem: 8 }, parent: all });
  return gpu.executeMany(double, [1, 2, 3, 4], { cost: { gpu: 1, mem: 3 } });
};
`;

const folder = new Folder();

beforeAll(() => {
  folder.write('m.ts', MODULE);
});
afterAll(() => folder[Symbol.dispose]());

test('no journal, and none is made', async () => {
  expect((await folder.pawl('pools')).code).toBe(4);
  expect((await folder.pawl('pools', 'set', 'gpu', '--max', '2')).code).toBe(4);
  expect(folder.has('.pawl')).toBe(false);
});

test('what a program that runs has of them, and what is left when it is done', async () => {
  const running = folder.start(['run', 'm.ts', '--id', 'r']);
  await until(() => folder.has('.pawl/journal.db'));
  let seen = '';
  while (!seen.includes('"gpu":1')) seen = (await folder.pawl('pools', '--json')).stdout;
  expect(documentOf(seen)).toMatchObject({
    version: 1,
    pools: [
      { name: 'all', parent: null, limits: { slots: 5 }, set: false },
      { name: 'gpu', parent: 'all', used: { gpu: 1, mem: 3 }, available: { gpu: 1, mem: 5 }, owners: 1 },
    ],
  });
  folder.write('go', '');
  expect((await running.ended).code).toBe(0);
  const { stdout } = await folder.pawl('pools');
  expect(stdout.split('\n').slice(0, 3)).toEqual([
    expect.stringMatching(/^POOL +IN USE +WAITING +DONE +FAILED +WAITED +TOOK$/),
    expect.stringMatching(/^all +░{8} 0\/5 +0 +0 +0 +– +–$/),
    expect.stringMatching(/^ {2}gpu +░{8} gpu 0\/2 mem… +0 +4 +0 +\S+ +\S+$/),
  ]);
}, 60_000);

test('set: other limits, and those that are declared again', async () => {
  const set = await folder.pawl('pools', 'set', 'gpu', '--limits', 'gpu=1,mem=4', '--json');
  expect(documentOf(set.stdout)).toMatchObject({
    pools: [{ name: 'gpu', limits: { gpu: 1, mem: 4 }, set: true }],
  });
  expect((await folder.pawl('pools')).stdout).toContain('gpu *');
  const back = await folder.pawl('pools', 'set', 'gpu', '--declared', '--json');
  expect(documentOf(back.stdout)).toMatchObject({
    pools: [{ name: 'gpu', limits: { gpu: 2, mem: 8 }, set: false }],
  });
  const unknown = await folder.pawl('pools', 'set', 'gpi', '--max', '2');
  expect([unknown.code, unknown.stderr]).toEqual([4, expect.stringContaining('gpu')]);
  for (const args of [
    ['get', 'gpu'],
    ['set', 'gpu'],
    ['set'],
    ['--max', '2'],
    ['set', 'gpu', '--limits', 'gpu=0'],
    ['set', 'gpu', '--max', '0'],
  ])
    expect((await folder.pawl('pools', ...args)).code, args.join(' ')).toBe(2);
});
