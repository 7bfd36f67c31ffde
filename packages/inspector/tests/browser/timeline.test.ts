import { join } from 'node:path';

import { openRuntime } from '@pawl/runtime';
import { defineTask, type Process } from '@pawl/sdk';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { Folder } from '../../../cli/tests/pawl.fixture.ts';
import { Looking, NAME } from './browser.fixture.ts';
import { CHROMIUM } from './chromium.fixture.ts';

/* Ten thousand calls: what they cost is counted, in rows that are drawn and strokes of the picture, not in time. */

const CALLS = 10_000;

const echo = defineTask({ name: 'echo', run: (value: unknown) => value });
const wide: Process<number, number> = async (count, ctx) => {
  const items = Array.from({ length: count }, (_, index) => index);
  return (await ctx.parallel.map(items, (index) => ctx.task(echo, index))).length;
};

/** Notes rows that come into the page, and strokes on canvases. */
function countWork(): void {
  const work = { rows: 0, strokes: 0 };
  Object.assign(globalThis, { work });
  const { fillRect } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fillRect = function fill(...box) {
    work.strokes += 1;
    fillRect.apply(this, box);
  };
  const observer = new MutationObserver((changes) => {
    for (const { addedNodes } of changes)
      for (const node of addedNodes)
        if (node instanceof Element)
          work.rows += node.matches('.call-item') ? 1 : node.querySelectorAll('.call-item').length;
  });
  observer.observe(document, { childList: true, subtree: true });
}

interface Work {
  readonly rows: number;
  readonly strokes: number;
}

describe.skipIf(CHROMIUM === undefined)(`a timeline of ${CALLS} calls, ${NAME}`, () => {
  const folder = new Folder();
  let looking: Looking;

  beforeAll(async () => {
    await using runtime = await openRuntime({
      path: join(folder.path, '.pawl', 'journal.db'),
      durability: 'normal',
    });
    await runtime.start(wide, CALLS, { id: 'wide' }).result();
    looking = await Looking.at(folder);
  });

  afterAll(async () => {
    await looking?.close();
    folder[Symbol.dispose]();
  });

  async function workOf(page: Page, act: () => Promise<unknown>): Promise<Work> {
    await page.evaluate('Object.assign(work, { rows: 0, strokes: 0 })');
    await act();
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
    return await page.evaluate<Work>('work');
  }

  test('only what is seen is drawn, whatever scrolls and zooms', async () => {
    await using page = await looking.visit('/', { viewport: { width: 1280, height: 800 } });
    await page.addInitScript(countWork);
    await page.goto(looking.url('/runs/wide?all=1'));
    await page.getByRole('list', { name: '10,001 calls' }).waitFor();
    await page.getByText('Drag to zoom').waitFor();
    const inPage = (): Promise<number> => page.locator('.call-item').count();
    expect(await inPage()).toBeLessThan(60);
    // Were each call a stroke, there would be ten thousand for each time that the picture is drawn.
    expect((await page.evaluate<Work>('work')).strokes).toBeLessThan(CALLS);

    const rows = page.locator('.rows');
    const scroll = (by: number): Promise<unknown> => rows.evaluate((each, px) => each.scrollBy(0, px), by);
    const near = await workOf(page, () => scroll(30));
    expect(near).toEqual({ rows: expect.any(Number), strokes: 0 });
    expect(near.rows).toBeLessThanOrEqual(8);
    const far = await workOf(page, () => scroll(150_000));
    expect(far.strokes).toBe(0);
    expect(far.rows).toBeLessThan(60);
    expect(await inPage()).toBeLessThan(60);
    await page.locator('.call-item', { hasText: 'echo' }).first().waitFor();
    expect(await page.locator('[data-at="5010"]').isVisible()).toBe(true);

    // It is looked at again every few seconds, though the run has ended.
    const look = await workOf(page, () => page.waitForResponse(/api\/runs\/wide\?/));
    expect(look).toEqual({ rows: 0, strokes: 0 });

    const zoom = await workOf(page, async () => {
      for (let n = 0; n < 5; n += 1) await page.keyboard.press('+');
    });
    // The rows that are there are drawn again in their places.
    expect(zoom).toEqual({ rows: 0, strokes: 0 });
    await page.getByRole('button', { name: 'Show all of it' }).click();

    // In other colours, once.
    const theme = await workOf(page, () => page.keyboard.press('t'));
    expect(theme.strokes).toBeGreaterThan(0);
    expect(theme.rows).toBe(0);
    await page.locator('[data-at="5010"]').click();
    await page.getByRole('complementary', { name: 'Call' }).getByText('Input').waitFor();
  });
});
