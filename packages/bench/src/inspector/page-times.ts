/** What somebody waits for who looks at a large journal: measured in the browser, by its own clock. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { env } from 'node:process';

import type { UiServer } from './ui-server.ts';

/** What is used of Playwright: its own types take those of a browser, which nothing else here has. */
export interface Page {
  goto(url: string, options?: { readonly waitUntil: 'commit' }): Promise<unknown>;
  setDefaultTimeout(ms: number): void;
  evaluate(script: string): Promise<unknown>;
  on(event: 'request', listener: () => void): unknown;
}

export interface Browser {
  newPage(options: { readonly viewport: { readonly width: number; readonly height: number } }): Promise<Page>;
  close(): Promise<void>;
}

interface Playwright {
  readonly chromium: {
    launch(options: { readonly executablePath: string; readonly args: readonly string[] }): Promise<Browser>;
  };
}

const LIMIT_MS = 120_000;
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export interface ViewTime {
  readonly view: string;
  /** Until anything is drawn; null where it is drawn already. */
  readonly paintMs: number | null;
  /** Until what was asked for is in the page. */
  readonly contentMs: number;
}

/** Undefined where there is none. */
export async function openBrowser(): Promise<Browser | undefined> {
  const executablePath = env['PAWL_CHROMIUM'] ?? PLACES.find((place) => existsSync(place));
  if (executablePath === undefined) return undefined;
  const { chromium } = createRequire(import.meta.url)('playwright-core') as Playwright;
  return await chromium.launch({ executablePath, args: ['--no-sandbox'] });
}

/** A page that was let in, at no view yet. */
export async function enter(browser: Browser, ui: UiServer): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(LIMIT_MS);
  await page.goto(ui.url.href);
  return page;
}

export interface View {
  readonly name: string;
  readonly path: string;
  /** Of what was asked for. */
  readonly content: string;
}

export async function timeView(page: Page, ui: UiServer, { name, path, content }: View): Promise<ViewTime> {
  await page.goto('about:blank');
  await page.goto(ui.path(path), { waitUntil: 'commit' });
  const contentMs = await untilThere(page, content);
  const paintMs = await page.evaluate(
    `performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null`,
  );
  return { view: name, paintMs: paintMs === null ? null : Number(paintMs), contentMs };
}

/** @param act an expression that is done in the page */
export async function timeAct(page: Page, name: string, act: string, content: string): Promise<ViewTime> {
  const began = await page.evaluate(`(() => { const began = performance.now(); ${act}; return began; })()`);
  return { view: name, paintMs: null, contentMs: (await untilThere(page, content)) - Number(began) };
}

/** @returns the time of the page; looked at once a frame, without what its policy forbids */
export async function untilThere(page: Page, content: string): Promise<number> {
  const found = await page.evaluate(`new Promise((done, fail) => {
    const look = () => {
      if (document.querySelector(${JSON.stringify(content)}) !== null) done(performance.now());
      else if (performance.now() > ${LIMIT_MS}) fail(new TypeError(${JSON.stringify(`no ${content} in the page`)}));
      else requestAnimationFrame(look);
    };
    look();
  })`);
  return Number(found);
}
