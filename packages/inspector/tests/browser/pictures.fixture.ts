/**
 * Pictures of the page that are the same on every machine, and small enough to be kept.
 *
 * Text is drawn with a font of boxes, so that the fonts of a machine and how it draws them do not count. Of each tile of
 * pixels its mean colour is kept: the edges of a curve, which another browser draws otherwise, vanish in it, and what
 * moves, is missing, or has another colour does not.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import type { Browser, BrowserContext, Page } from 'playwright-core';

import { buildPageOnce } from '../../../cli/tests/ui.fixture.ts';
import { blockFont } from './block-font.fixture.ts';
import { readPng, type Picture } from './png.fixture.ts';

const TILE = 10;
/** By which a mean colour may differ, of 255. */
const MOST_OFF = 20;
/** Of all tiles: a control that a browser draws in its own way takes a few. */
const MOST_TILES = 0.003;

/** A letter is put where it belongs: the settings of a machine for its fonts would move it to the next pixel. */
export const SWITCHES: readonly string[] = [
  '--font-render-hinting=none',
  '--disable-lcd-text',
  '--force-color-profile=srgb',
];

export const NOW = 1_795_251_600_000 + 90 * 60_000;

export interface Shop extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
}

export async function openShop(): Promise<Shop> {
  buildPageOnce();
  const program = join(import.meta.dirname, '../shop-main.fixture.ts');
  const child = spawn(process.execPath, ['--conditions=source', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const { url, token } = JSON.parse(line) as { readonly url: string; readonly token: string };
  return {
    url,
    token,
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
    },
  };
}

/** A page of boxes, at the time of the shop, in which nothing moves. */
export async function openBoxed(browser: Browser, shop: Shop): Promise<Page> {
  const context: BrowserContext = await browser.newContext({
    // The policy lets in no font and no style of others.
    bypassCSP: true,
    timezoneId: 'UTC',
    locale: 'en-US',
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  await page.clock.setFixedTime(NOW);
  await page.goto(`${shop.url}/?token=${shop.token}`);
  await page.evaluate(
    async (font) => {
      const blocks = new FontFace('blocks', Uint8Array.from(font).buffer);
      document.fonts.add(await blocks.load());
    },
    [...blockFont()],
  );
  await page.addStyleTag({
    content: `*, *::before, *::after {
      font-family: blocks !important; text-rendering: geometricPrecision !important; caret-color: transparent !important;
      animation: none !important; transition: none !important }`,
  });
  return page;
}

/** A picture, and the mean colours of its tiles: a pixel each. */
export interface Taken {
  readonly whole: Buffer;
  readonly tiles: Picture;
}

export async function take(page: Page): Promise<Taken> {
  const whole = await page.screenshot({ animations: 'disabled' });
  return { whole, tiles: tilesOf(readPng(whole)) };
}

function tilesOf({ width, height, depth, pixels }: Picture): Picture {
  const [across, down] = [Math.ceil(width / TILE), Math.ceil(height / TILE)];
  const means = new Uint8Array(across * down * 3);
  for (let tile = 0; tile < across * down; tile += 1) {
    const [left, top] = [(tile % across) * TILE, Math.floor(tile / across) * TILE];
    const [right, bottom] = [Math.min(left + TILE, width), Math.min(top + TILE, height)];
    for (let n = 0; n < 3; n += 1) {
      let sum = 0;
      for (let row = top; row < bottom; row += 1)
        for (let column = left; column < right; column += 1)
          sum += pixels[(row * width + column) * depth + n] as number;
      means[tile * 3 + n] = Math.round(sum / ((right - left) * (bottom - top)));
    }
  }
  return { width: across, height: down, depth: 3, pixels: means };
}

/** What is wrong with a picture; undefined where it is the one that was kept. */
export function difference(kept: Picture, taken: Picture): string | undefined {
  const sizes = [kept, taken].map(({ width, height }) => `${width} by ${height}`);
  if (sizes[0] !== sizes[1]) return `it is ${sizes[1]} tiles, and was ${sizes[0]}`;
  const { width, height } = kept;
  const total = width * height;
  const colour = (of: Picture, at: number, n: number): number => of.pixels[at * of.depth + n] ?? 0;
  const off = Array.from({ length: total }, (_, at) => at).filter((at) =>
    [0, 1, 2].some((n) => Math.abs(colour(kept, at, n) - colour(taken, at, n)) > MOST_OFF),
  );
  if (off.length <= total * MOST_TILES) return undefined;
  const [xs, ys] = [off.map((at) => at % width), off.map((at) => Math.floor(at / width))];
  const [left, right, top, bottom] = [
    Math.min(...xs),
    Math.max(...xs) + 1,
    Math.min(...ys),
    Math.max(...ys) + 1,
  ];
  const place = `x ${left * TILE} to ${right * TILE}, y ${top * TILE} to ${bottom * TILE}`;
  return `${off.length} of ${total} tiles differ: ${place}`;
}
