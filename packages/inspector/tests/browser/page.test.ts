import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { Folder } from '../../../cli/tests/pawl.fixture.ts';
import { showing, type Ui } from '../../../cli/tests/ui.fixture.ts';
import { CHROMIUM, launch, problems, visit as visitAt } from './chromium.fixture.ts';

/* The page, in a real browser, over a real journal. */

const REVIEW = `
import { defineTask, type Context } from '@pawl/sdk';
const draft = defineTask({ name: 'draft', run: (n: number) => 'draft ' + n });
const publish = defineTask({ name: 'publish', run: (what: string) => 'published for ' + what });
export async function process(_: unknown, ctx: Context) {
  await ctx.parallel.map([1, 2, 3], (n) => ctx.task(draft, n));
  const { approved, feedback } = await ctx.breakpoint({ title: 'Publish?', question: 'May it go out?' });
  return approved ? await ctx.task(publish, feedback ?? '') : 'no';
}
`;

/** Texts that would be more than text in some page, in every place that a user's text reaches. */
const HOSTILE: readonly string[] = Array.from({ length: 50 }, (_, n) => {
  const kinds = [
    `<script>document.title='owned ${n}'</script>`,
    `<img src=x onerror="document.title='owned ${n}'">`,
    `"><svg onload=document.title='owned'>${n}`,
    `javascript:document.title='owned ${n}'`,
    `\u202E\u0000</title></textarea><iframe srcdoc="<script>top.document.title='owned'</script>">${n}`,
  ];
  return kinds[n % kinds.length] ?? '';
});

const EVIL = `
import { defineTask, type Context } from '@pawl/sdk';
import { readFileSync } from 'node:fs';
const texts: string[] = JSON.parse(readFileSync('hostile.json', 'utf8'));
const tasks = texts.map((name) => defineTask({ name, run: () => name }));
export async function process(inputs: unknown, ctx: Context) {
  for (const [n, task] of tasks.entries()) await ctx.task(task, { [texts[n]!]: texts });
  ctx.setState('evil', texts[0]);
  await ctx.breakpoint({ title: texts[1]!, question: texts[2]!, options: texts.slice(3, 6), context: texts });
}
`;

describe.skipIf(CHROMIUM === undefined)('the page, in Chromium (none here: set PAWL_CHROMIUM)', () => {
  const folder = new Folder();
  let browser: Browser;
  let ui: Ui;

  beforeAll(async () => {
    folder.write('review.ts', REVIEW);
    folder.write('evil.ts', EVIL);
    folder.write('hostile.json', JSON.stringify(HOSTILE));
    await folder.pawl('run', 'review.ts', '--id', 'r1');
    await folder.pawl('run', 'evil.ts', '--id', 'evil', '--input', JSON.stringify({ all: HOSTILE }));
    [browser, ui] = await Promise.all([launch(), showing(folder, [], { USER: 'ada' })]);
  });

  afterAll(async () => {
    await browser?.close();
    folder[Symbol.dispose]();
  });

  async function visit(path: string, options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
    return await visitAt(browser, ui, path, options);
  }

  test.each(['light', 'dark'] as const)(
    'every view is free of what axe finds, in %s',
    async (colorScheme) => {
      const page = await visit('/', { colorScheme, viewport: { width: 1280, height: 800 } });
      const paths = ['/', '/waiting', '/runs/evil', '/runs/r1?call=0', '/runs/r1?tab=events', '/queue'];
      for (const path of paths) {
        await page.goto(new URL(path, ui.url).href);
        await page.locator('h1').waitFor();
        await page.waitForTimeout(150);
        expect([path, await problems(page)]).toEqual([path, []]);
      }
      await page.context().close();
    },
  );

  test('a switch turns light into dark, and the choice stays', async () => {
    const page = await visit('/', { colorScheme: 'light' });
    const ground = (): Promise<string> => page.evaluate('getComputedStyle(document.body).backgroundColor');
    const light = await ground();
    await page.keyboard.press('t');
    const dark = await ground();
    expect(dark).not.toBe(light);
    await page.reload();
    expect(await ground()).toBe(dark);
    await page.context().close();
  });

  test('nothing is wider than a telephone', async () => {
    const page = await visit('/', { viewport: { width: 380, height: 760 } });
    for (const path of ['/', '/waiting', '/runs/r1', '/runs/evil', '/runs/evil?tab=events', '/queue']) {
      await page.goto(new URL(path, ui.url).href);
      await page.locator('h1').waitFor();
      await page.waitForTimeout(150);
      expect([path, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([path, 380]);
    }
    await page.context().close();
  });

  test('what users wrote is text in every view', async () => {
    const page = await visit('/runs/evil');
    const paths = [
      '/',
      '/waiting',
      '/runs/evil',
      '/runs/evil?call=0',
      '/runs/evil?tab=values',
      '/runs/evil?tab=events',
    ];
    for (const path of paths) {
      await page.goto(new URL(path, ui.url).href);
      await page.locator('h1').waitFor();
      await page.evaluate(`document.querySelectorAll('details').forEach((each) => (each.open = true))`);
      await page.waitForTimeout(200);
      expect(await page.evaluate('document.title')).toBe('Pawl');
      // The page's own: one script, and no picture or frame.
      expect(await page.evaluate(`document.querySelectorAll('script').length`)).toBe(1);
      expect(
        await page.evaluate(`document.querySelectorAll('img, iframe, svg[onload], [onerror]').length`),
      ).toBe(0);
      expect(
        await page.evaluate(`[...document.querySelectorAll('a')].every((a) => a.protocol === 'http:')`),
      ).toBe(true);
    }
    expect(await page.locator('body').innerText()).toContain('<script>');
    await page.context().close();
  });

  test('by keyboard alone a person finds the question, approves it, and sees the run end', async () => {
    const page = await visit('/');
    await page.locator('[data-row]').first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('review');
    await page.locator('a.run-row').nth(1).waitFor({ state: 'detached' });
    // Until it is found the list is empty.
    const row = page.locator('a.run-row', { hasText: 'r1' });
    await row.waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('j');
    await page.waitForFunction(`document.activeElement?.matches('a.run-row') === true`);
    await page.keyboard.press('Enter');
    await page.getByText('May it go out?', { exact: true }).waitFor();
    expect(page.url()).toContain('/runs/r1');
    await page.getByLabel('Feedback').fill('well done');
    await page.getByRole('button', { name: 'Approve', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('Answered; the run takes it').waitFor();
    expect((await folder.pawl('resume', 'r1')).stdout).toContain('published for well done');
    await page.locator('.run-head .badge', { hasText: 'succeeded' }).waitFor();
    await page.getByText('It is done').waitFor();
    expect(await page.locator('.call .label bdi').allInnerTexts()).toContain('publish');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.locator('h1', { hasText: 'Runs' }).waitFor();
    await page.context().close();
  });
});
