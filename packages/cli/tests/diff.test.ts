import { expect, test } from 'vitest';

import { Folder } from './here.fixture.ts';
import { documentOf } from './pawl.fixture.ts';

const MODULE = `
import { defineTask, type Context } from '@pawl/sdk';

const work = defineTask({
  name: 'work',
  retry: { attempts: 2, delay: 1 },
  run: async (n: number, task) => {
    if (n === 5 && task.attempt < 2) throw new Error('not yet');
    // The order in which they end is another in each run.
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    if (n > 90) throw new RangeError('too \\u001b[2Jmuch');
    return { n };
  },
});

export const process = async (items: number[], ctx: Context) => {
  await ctx.parallel.mapSettled(items, (n) => ctx.task(work, n), { keyBy: (_, i) => 'i' + i });
  await ctx.sleep(5);
  if (items.length > 3) await ctx.task(work, 1);
  return items.length;
};
`;

/** How long things took is another in each run. */
const untimed = (text: string): string =>
  text.replace(/\n\ntook longer or shorter\n( {2}.*\n)+/, '\n').replace(/, \d+(\.\d)?m?s, started .*/g, '');

test('two runs are aligned by their keys, whatever order things came in', async () => {
  using folder = new Folder();
  folder.write('d.ts', MODULE);
  for (const [id, items] of [
    ['one', '[1,2,3,4]'],
    ['again', '[1,2,3,4]'],
    ['other', '[1,5,95]'],
  ] as const)
    expect((await folder.pawl('run', 'd.ts', '--id', id, '-i', items)).code).toBe(0);

  const same = await folder.pawl('diff', 'one', 'again');
  expect(same.code).toBe(0);
  expect(untimed(same.stdout)).toMatchInlineSnapshot(`
    "d

      a       one    ✓ succeeded
      b       again  ✓ succeeded
      same    7 calls
      differ  = nothing

    next
      pawl show one    all of a
      pawl show again  all of b
    "
  `);

  const { stdout } = await folder.pawl('diff', 'one', 'other');
  expect(untimed(stdout)).toMatchInlineSnapshot(`
    "d

      a       one    ✓ succeeded
      b       other  ✓ succeeded
      same    2 calls
      differ  ≠ 4 in both, 2 only in a
      first   the run itself: another input

    ≠ the run itself
      input     [1, 2, 3, 4] → [1, 5, 95]
      output    4 → 3

    ≠ mapSettled  0
      input     ×4 → ×3

    ≠ work  0/:i1/0
      input     2 → 5
      output    { n: 2 } → { n: 5 }
      attempts  1 → 2

    ≠ work  0/:i2/0
      input     3 → 95
      status    succeeded → failed
      output    { n: 3 } → nothing
      error     none → RangeError: too \\u001b[2Jmuch
      attempts  1 → 2

    - work  0/:i3/0
      4 → { n: 4 }

    - work  2
      1 → { n: 1 }

    next
      pawl show one    all of a
      pawl show other  all of b
    "
  `);

  expect(documentOf((await folder.pawl('diff', 'one', 'other', '--json')).stdout)).toMatchObject({
    version: 1,
    diff: {
      same: false,
      calls: { same: 2, different: 4, onlyA: 2, onlyB: 0 },
      first: { key: '', in: 'both', aspects: ['input', 'output'], a: { input: '[1, 2, 3, 4]' } },
      hasMore: false,
      cut: false,
    },
  });
  expect((await folder.pawl('diff', 'one', 'nobody')).code).toBe(4);
  expect((await folder.pawl('diff', 'one')).code).toBe(2);
});
