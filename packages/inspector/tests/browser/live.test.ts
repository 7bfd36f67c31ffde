import { join } from 'node:path';

import { openRuntime } from '@pawl/runtime';
import { defineTask, type Process } from '@pawl/sdk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { Folder, STEPS, until } from '../../../cli/tests/pawl.fixture.ts';
import { Looking, NAME } from './browser.fixture.ts';
import { CHROMIUM } from './chromium.fixture.ts';

/* The page beside programs that run, are killed, and come back. */

const REVIEW = `
import { defineTask, type Context } from '@pawl/sdk';
const publish = defineTask({ name: 'publish', run: (what: string) => 'published for ' + what });
export async function process(_: unknown, ctx: Context) {
  const { approved, feedback } = await ctx.breakpoint({ title: 'Publish?', question: 'May it go out?' });
  return approved ? await ctx.task(publish, feedback ?? '') : 'no';
}
`;

const ENTRY = ['--port', '0', '--token', 'a-token-that-stays-the-same'];

describe.skipIf(CHROMIUM === undefined)(`the page, live, ${NAME}`, () => {
  const folder = new Folder();
  let looking: Looking;

  beforeAll(async () => {
    folder.write('review.ts', REVIEW);
    folder.write('steps.ts', STEPS);
    await folder.pawl('run', 'review.ts', '--id', 'first');
    looking = await Looking.at(folder, ENTRY);
  });

  afterAll(async () => {
    await looking?.close();
    folder[Symbol.dispose]();
  });

  test('by keyboard alone a person finds what a living program asks, approves it, and sees it end', async () => {
    await using page = await looking.visit('/');
    const worker = folder.start(['work']);
    await page.locator('.run-row').first().waitFor();
    const running = folder.start(['run', 'review.ts', '--id', 'asked']);
    await page.locator('.run-row', { hasText: 'asked' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('asked');
    await page.locator('.run-row').nth(1).waitFor({ state: 'detached' });
    const row = page.locator('a.run-row', { hasText: 'asked' });
    await row.waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('j');
    await page.waitForFunction(`document.activeElement?.matches('a.run-row') === true`);
    await page.keyboard.press('Enter');
    await page.getByText('May it go out?', { exact: true }).waitFor();
    await page.getByLabel('Feedback').fill('well done');
    await page.getByRole('button', { name: 'Approve', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.locator('.run-head .badge', { hasText: 'succeeded' }).waitFor();
    await page.getByText('It is done').waitFor();
    expect(await page.locator('.call .label bdi').allInnerTexts()).toContain('publish');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.locator('h1', { hasText: 'Runs' }).waitFor();
    worker.child.kill('SIGTERM');
    await Promise.all([running.ended, worker.ended]);
  });

  test('a program that is killed is missed, with what to type; one that goes on is seen', async () => {
    await using page = await looking.visit('/runs/killed');
    const dying = folder.start(['run', 'steps.ts', '--id', 'killed']);
    await until(() => folder.effects().includes('start 2'));
    await page.locator('.run-head .badge', { hasText: 'running' }).waitFor();
    dying.child.kill('SIGKILL');
    await dying.ended;
    await page.locator('.run-head .badge', { hasText: 'interrupted' }).waitFor();
    await page.locator('.command', { hasText: 'pawl resume killed' }).waitFor();
    await page.getByText('by nobody: its program is gone').waitFor();
    const resumed = folder.start(['resume', 'killed']);
    await page.locator('.run-head .badge', { hasText: 'running' }).waitFor();
    folder.write('go', '');
    expect((await resumed.ended).code).toBe(0);
    await page.locator('.run-head .badge', { hasText: 'succeeded' }).waitFor();
  });

  test('thousands of events reach the page as a few questions, and it goes on drawing', async () => {
    await using page = await looking.visit('/runs/many');
    let asked = 0;
    page.on('request', (request) => (asked += request.url().endsWith('/api/runs/many') ? 1 : 0));
    await page.evaluate(() => {
      const seen = { frames: 0, longest: 0 };
      Object.assign(globalThis, { seen });
      const draw = (): void => {
        seen.frames += 1;
        requestAnimationFrame(draw);
      };
      requestAnimationFrame(draw);
    });
    const tick = defineTask({ name: 'tick', run: (n: number) => n });
    // It goes on until the page has answered somebody meanwhile.
    const seenBy = { isAnswered: false };
    const many: Process<number, number> = async (least, ctx) => {
      let n = 0;
      for (; n < least || (!seenBy.isAnswered && n < least * 20); n += 1) await ctx.task(tick, n);
      return n;
    };
    await using runtime = await openRuntime({
      path: join(folder.path, '.pawl', 'journal.db'),
      durability: 'normal',
    });
    const began = performance.now();
    const run = runtime.start(many, 1500, { id: 'many' });
    await page.locator('.run-head .badge', { hasText: 'running' }).waitFor();
    await page.getByRole('link', { name: /^Events/ }).click();
    await page.locator('.event').first().waitFor();
    await page.getByRole('link', { name: 'Timeline' }).click();
    await page.locator('.call-item').first().waitFor();
    seenBy.isAnswered = true;
    const count = await run.result();
    await page.locator('.run-head .badge', { hasText: 'succeeded' }).waitFor();
    const seconds = (performance.now() - began) / 1000;
    const all = count.toLocaleString('en-US');
    await page.getByText(`${all} of ${all}`).waitFor();
    const events = runtime.get('many')?.lastSeq ?? 0;
    expect(events).toBeGreaterThan(4000);
    // Four changes a second are told, and each question waits for its answer: not one an event.
    expect(asked).toBeLessThanOrEqual(4 * seconds + 8);
    // Where each event were drawn, or a drawing took as long as all of them, there would be next to none.
    expect((await page.evaluate<{ frames: number }>('seen')).frames).toBeGreaterThan(asked);
    expect(await page.locator('.call-item').count()).toBeLessThan(120);
  });

  test('a server that is killed is missed, and one that comes back is found again', async () => {
    await using page = await looking.visit('/runs/first');
    await page.getByText('May it go out?', { exact: true }).waitFor();
    const { ui } = looking;
    ui.pawl.child.kill('SIGKILL');
    await ui.pawl.ended;
    await page.getByRole('alert').getByText('The server does not answer').waitFor();
    // What was there stays there.
    expect(await page.getByText('May it go out?', { exact: true }).isVisible()).toBe(true);
    await folder.pawl('cancel', 'first');
    const again = folder.start(['ui', '--no-open', ...ENTRY.with(1, String(ui.port))]);
    await until(() => again.stderr.includes('Ctrl-C'));
    await page.locator('.run-head .badge', { hasText: 'cancelled' }).waitFor();
    await page.getByRole('alert').waitFor({ state: 'detached' });
    again.child.kill('SIGKILL');
    await again.ended;
    await page.getByRole('alert').waitFor();
    // Another token: the page cannot come in, and says so.
    const other = folder.start(['ui', '--no-open', '--port', String(ui.port)]);
    await until(() => other.stderr.includes('Ctrl-C'));
    await page.getByText('Open the address that pawl ui printed').waitFor();
  });
});
