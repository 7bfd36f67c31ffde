import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { Folder } from '../../../cli/tests/pawl.fixture.ts';
import { Looking, NAME } from './browser.fixture.ts';
import { CHROMIUM } from './chromium.fixture.ts';

/* What people do on the page, over real runs: several at once, answers with a form, forks with other values. */

const CHARGE = `
import { defineTask, type Context } from '@pawl/sdk';
const charge = defineTask({ name: 'charge', run: () => { throw new RangeError('card refused'); } });
export async function process(_: unknown, ctx: Context) { return ctx.task(charge); }
`;

const LOT = `
import { defineTask, type Context } from '@pawl/sdk';
const weigh = defineTask({ name: 'weigh', run: (kilos: number) => ({ kilos }) });
const inspect = defineTask('inspect', () => ({
  kind: 'person',
  title: 'Look at it',
  outputSchema: {
    type: 'object',
    required: ['verdict', 'score'],
    properties: {
      verdict: { enum: ['good', 'bad'] },
      score: { type: 'integer', maximum: 10 },
      remarks: { type: 'array', title: 'Remarks', items: { type: 'string', maxLength: 80 } },
    },
  },
}));
// As zod and others give it.
const seal = { '~standard': {
  version: 1,
  vendor: 'test',
  validate: (value: unknown) => ({ value }),
  jsonSchema: { input: () => ({ type: 'object', required: ['seal'], properties: { seal: { type: 'string', minLength: 1 }, heavy: { type: 'boolean' } } }) },
} };
export async function process({ kilos }: { kilos: number }, ctx: Context) {
  const weight = await ctx.task(weigh, kilos);
  const [found, sealed] = await ctx.parallel.all([
    () => ctx.task(inspect, {}),
    () => ctx.receive('sealed', { schema: seal as never, prompt: 'Which seal?' }),
  ]);
  const { approved, feedback } = await ctx.breakpoint({ title: 'Ship it?', question: 'May it go?' });
  return { weight, found, sealed, approved, feedback };
}
`;

describe.skipIf(CHROMIUM === undefined)(`what people do on the page, ${NAME}`, () => {
  const folder = new Folder();
  let looking: Looking;

  beforeAll(async () => {
    folder.write('charge.ts', CHARGE);
    folder.write('lot.ts', LOT);
    await Promise.all([
      folder.pawl('run', 'lot.ts', '--id', 'lot', '--input', '{"kilos":7}'),
      folder.pawl('run', 'charge.ts', '--id', 'c1').then(() => folder.pawl('run', 'charge.ts', '--id', 'c2')),
    ]);
    looking = await Looking.at(folder);
  });

  afterAll(async () => {
    await looking?.close();
    folder[Symbol.dispose]();
  });

  test('several runs are picked by keyboard, told what becomes of each, and each result is said', async () => {
    await using page = await looking.visit('/');
    await page.locator('.run-row').nth(2).waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('x');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('X');
    const bar = page.getByRole('region', { name: 'Chosen runs' });
    await bar.getByText('3 chosen').waitFor();
    await bar.getByRole('button', { name: /^Retry 2/ }).click();
    const dialog = page.getByRole('dialog', { name: 'Retry 2 runs of 3' });
    await dialog.getByText('keeps 0, again: charge').first().waitFor();
    await dialog.getByText('left: it has not failed').waitFor();
    // Another page was faster with one of them.
    await page.route('**/api/runs/c1/retry', (route) =>
      route.fulfill({ status: 409, json: { error: { code: 'REFUSED', message: 'No more.' } } }),
    );
    await dialog.getByRole('button', { name: 'Retry 2' }).click();
    await dialog.getByText('1 of 2 done. Not done: c1').waitFor();
    await dialog.getByText('✗ No more.').waitFor();
    await dialog.getByText('✓ goes on as').waitFor();
    await dialog.getByRole('button', { name: 'Close', exact: true }).last().click();
    await bar.waitFor({ state: 'detached' });
    expect((await folder.pawl('list', '--json')).stdout.match(/"process":"charge"/g)).toHaveLength(3);
  });

  test('a form of the schema says what is wrong, and what it comes to goes to the run; a no has a reason', async () => {
    await using page = await looking.visit('/runs/lot');
    const task = page.getByRole('article', { name: 'task inspect' });
    const complete = task.getByRole('button', { name: 'Complete', exact: true });
    await complete.click();
    expect(await task.getByText('is needed').count()).toBe(2);
    await task.getByLabel('verdict').selectOption('good');
    await task.getByLabel('score').fill('11');
    await task.getByText('is at most 10').waitFor();
    await task.getByLabel('score').fill('9');
    await task.getByRole('button', { name: 'Add to Remarks' }).click();
    await task.getByLabel('Remarks 1', { exact: true }).fill('a scratch');
    await complete.click();
    await task.getByText('Answered; the run takes it').waitFor();
    // What a message must look like is a form, too.
    const message = page.getByRole('article', { name: 'message sealed' });
    await message.getByRole('button', { name: 'Send' }).click();
    await message.getByText('is needed').waitFor();
    await message.getByLabel('seal').fill('wax');
    await message.getByRole('button', { name: 'Send' }).click();
    await message.getByText('Sent').waitFor();
    await folder.pawl('resume', 'lot');
    const question = page.getByRole('article', { name: 'question Ship it?' });
    await question.getByLabel('Feedback').fill('not with that scratch');
    await question.getByRole('button', { name: 'Reject' }).click();
    await question.getByText('Answered; the run takes it').waitFor();
    await folder.pawl('resume', 'lot');
    expect(JSON.parse((await folder.pawl('show', 'lot', '--json')).stdout)).toMatchObject({
      run: {
        output: {
          weight: { kilos: 7 },
          sealed: { seal: 'wax' },
          found: { verdict: 'good', score: 9, remarks: ['a scratch'] },
          approved: false,
          feedback: 'not with that scratch',
        },
      },
    });

    // As if the scale had said something else: what it would do again comes first, and is asked in words.
    await page.goto(looking.url('/runs/lot?call=0'));
    await page.getByRole('button', { name: 'Fork from here' }).click();
    const dialog = page.getByRole('dialog', { name: 'Fork this run here' });
    const fork = dialog.getByRole('button', { name: 'Fork', exact: true });
    await dialog.getByText('not declared safe to repeat').first().waitFor();
    expect(await fork.isDisabled()).toBe(true);
    await dialog.getByLabel('Give this call another result', { exact: true }).check();
    const editor = dialog.getByLabel('Give this call another result, as JSON');
    await editor.and(page.locator(':not(:placeholder-shown)')).waitFor();
    await editor.fill('{"kilos": }');
    await dialog.getByText('That is not JSON yet').waitFor();
    await editor.fill('{"kilos": 8}');
    await dialog.getByLabel('Take later results over').check();
    const sure = dialog.getByLabel(/^Yes, do/);
    if (await sure.isVisible()) await sure.check();
    await fork.click();
    await page.getByText('Fork of').waitFor();
    await folder.pawl('resume', new URL(page.url()).pathname.split('/').at(-1) ?? '');
    await page.locator('.call', { hasText: 'weigh' }).click();
    await page.getByRole('region', { name: 'Output' }).getByText('8').waitFor();
  });
});
