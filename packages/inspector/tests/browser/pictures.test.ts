import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { NAME } from './browser.fixture.ts';
import { CHROMIUM, launch } from './chromium.fixture.ts';
import { difference, openBoxed, openShop, SWITCHES, take, type Shop } from './pictures.fixture.ts';
import { readPng, writePng } from './png.fixture.ts';

/* How each view looks, against pictures that were looked at. After a change that is meant: PICTURES=record. */

const KEPT = join(import.meta.dirname, 'pictures');
/** What differs is left here, as it is and as it was. */
const LEFT = join(import.meta.dirname, '../../../../test-pictures');
const IS_RECORDING = process.env['PICTURES'] === 'record';

const LATE_MS = 8000;

const LOOKS = [
  ['light', 1280],
  ['dark', 1280],
  ['light', 380],
  ['dark', 380],
] as const;

/** A path, and what is there once it is drawn. */
const VIEWS: readonly (readonly [name: string, path: string, drawn: string])[] = [
  ['runs', '/', '.run-row'],
  ['runs-filtered', '/?process=order&status=failed', '.run-row'],
  ['runs-none', '/?text=nothing', '.empty'],
  ['run-failed', '/runs/order-3', '.failure'],
  ['run-asks', '/runs/release-4', '.ask'],
  ['run-wide', '/runs/boxes-1', '.call'],
  ['call', '/runs/order-4?call=3', '.panel .value'],
  ['values', '/runs/order-4?tab=values', '.value'],
  ['events', '/runs/order-4?tab=events', '.event'],
  ['logs', '/runs/order-4?tab=logs', '.empty'],
  ['compare', '/runs/order-3/compare/order-4', '.difference'],
  ['waiting', '/waiting', '.ask'],
  ['workers', '/workers', 'h1'],
  ['graph', '/graph?process=order', '.graph .node'],
  ['pools', '/pools', '.pool'],
  ['queue', '/queue', 'tbody tr'],
  ['schedules', '/schedules', 'h1 + *, .schedule, tbody tr'],
  ['nowhere', '/nowhere', '.empty'],
];

describe.skipIf(CHROMIUM === undefined)(`pictures, ${NAME}`, () => {
  let browser: Browser;
  let shop: Shop;
  let page: Page;

  beforeAll(async () => {
    [browser, shop] = await Promise.all([launch(SWITCHES), openShop()]);
    page = await openBoxed(browser, shop);
  });

  afterAll(async () => {
    await browser?.close();
    await shop?.[Symbol.asyncDispose]();
  });

  async function show(path: string, drawn: string): Promise<void> {
    await page.evaluate((to) => {
      history.pushState(null, '', to);
      dispatchEvent(new PopStateEvent('popstate'));
    }, path);
    await page.locator(drawn).first().waitFor();
    await page.mouse.move(0, 0);
  }

  async function look(colorScheme: 'light' | 'dark', width: number): Promise<void> {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 900 });
    await page.evaluate(
      () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
    );
  }

  /** What comes a moment later is waited for: a part of the page that asks by itself, or that goes on by the second. */
  async function differs(file: string): Promise<string | undefined> {
    const kept = readPng(readFileSync(join(KEPT, file)));
    for (const end = performance.now() + LATE_MS; ;) {
      const { whole, tiles } = await take(page);
      const found = difference(kept, tiles);
      if (found === undefined) return undefined;
      if (performance.now() < end) continue;
      mkdirSync(LEFT, { recursive: true });
      writeFileSync(join(LEFT, file), whole);
      return found;
    }
  }

  test.each(VIEWS)('%s looks as it did, light and dark, wide and narrow', async (name, path, drawn) => {
    await show(path, drawn);
    if (IS_RECORDING) await page.waitForTimeout(LATE_MS / 4);
    for (const [colorScheme, width] of LOOKS) {
      await look(colorScheme, width);
      const file = `${name}-${colorScheme}-${width}.png`;
      if (IS_RECORDING) writeFileSync(join(KEPT, file), writePng((await take(page)).tiles));
      if (!existsSync(join(KEPT, file))) expect.fail(`there is no ${file}: PICTURES=record`);
      const found = await differs(file);
      if (found !== undefined)
        expect.fail(`${file}: ${found}. As it is: test-pictures/${file}; if it is meant: PICTURES=record`);
    }
  });

  /** What somebody could do to a style without a test of any words failing. */
  test.each([
    ['a column is wider', '.shell { grid-template-columns: 232px minmax(0, 1fr) !important }'],
    [
      'a colour of a status is another',
      ':root { --good: #b8231a !important; --good-ground: #fdecea !important }',
    ],
    ['a column of numbers is gone', '.run-row .took { visibility: hidden }'],
    ['rows are closer', '.run-row { min-height: 38px !important }'],
    ['text is larger', ':root { font-size: 14.5px !important }'],
  ])('a picture in which %s is another one', async (_, style) => {
    await show('/', '.run-row');
    await look('light', 1280);
    const { tiles: kept } = await take(page);
    expect(difference(kept, (await take(page)).tiles)).toBeUndefined();
    const tag = await page.addStyleTag({ content: style });
    await look('light', 1280);
    expect(difference(kept, (await take(page)).tiles)).toMatch(/tiles differ/);
    await tag.evaluate((element) => element.parentNode?.removeChild(element));
  });
});
