import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { chromium, type Browser, type Page } from 'playwright-core';
import { expect } from 'vitest';

import type { Ui } from '../../../cli/tests/ui.fixture.ts';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
export const CHROMIUM = process.env['PAWL_CHROMIUM'] ?? PLACES.find((place) => existsSync(place));
const AXE = createRequire(import.meta.url).resolve('axe-core');

/** @param more switches of the browser */
export async function launch(more: readonly string[] = []): Promise<Browser> {
  return await chromium.launch({ executablePath: CHROMIUM ?? '', args: ['--no-sandbox', ...more] });
}

/** A fresh browser that comes by the printed address. */
export async function visit(
  browser: Browser,
  ui: Ui,
  path: string,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<Page> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const address = new URL(path, ui.url);
  // The address that lets in keeps the path alone.
  const inner = address.search;
  address.search = '';
  address.searchParams.set('token', ui.token);
  await page.goto(address.href);
  expect(page.url()).not.toContain('token');
  if (inner !== '') await page.goto(new URL(path, ui.url).href);
  return page;
}

/** What axe finds. */
export async function problems(page: Page): Promise<string[]> {
  // The policy lets in no script of others: it is brought by the debugger, as a person's own tools would be.
  await page.evaluate(readFileSync(AXE, 'utf8'));
  return await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
    type Violation = { id: string; nodes: { html: string }[] };
    const { violations } = await axe.run();
    return violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' ')}`,
    );
  });
}

/** In both themes nothing is found by axe, and on a telephone nothing is wider than it. */
export async function isFit(page: Page): Promise<void> {
  for (const [colorScheme, width] of [
    ['light', 1280],
    ['dark', 380],
  ] as const) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    expect([colorScheme, await problems(page)]).toEqual([colorScheme, []]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
  }
  await page.context().close();
}
