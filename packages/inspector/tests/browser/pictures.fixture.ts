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

/** A picture, and what is kept of it; both PNG. */
export interface Taken {
  readonly whole: Buffer;
  readonly small: Buffer;
}

export async function take(page: Page): Promise<Taken> {
  const whole = await page.screenshot({ animations: 'disabled' });
  const small = await page.evaluate(
    async ([png, tile]) => {
      const blob = await (await fetch(`data:image/png;base64,${png}`)).blob();
      const bitmap = await createImageBitmap(blob);
      const from = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
      const [width, height] = [Math.ceil(bitmap.width / tile), Math.ceil(bitmap.height / tile)];
      const canvas = new OffscreenCanvas(width, height);
      const to = canvas.getContext('2d');
      if (from === null || to === null) throw new TypeError('no canvas');
      from.drawImage(bitmap, 0, 0);
      const { data } = from.getImageData(0, 0, bitmap.width, bitmap.height);
      const image = to.createImageData(width, height);
      for (let y = 0; y < height; y += 1)
        for (let x = 0; x < width; x += 1) {
          const [right, bottom] = [
            Math.min((x + 1) * tile, bitmap.width),
            Math.min((y + 1) * tile, bitmap.height),
          ];
          const sums = [0, 0, 0];
          let count = 0;
          for (let row = y * tile; row < bottom; row += 1)
            for (let column = x * tile; column < right; column += 1) {
              const at = (row * bitmap.width + column) * 4;
              for (const n of [0, 1, 2]) sums[n] = (sums[n] ?? 0) + (data[at + n] ?? 0);
              count += 1;
            }
          image.data.set([...sums.map((sum) => Math.round(sum / count)), 255], (y * width + x) * 4);
        }
      to.putImageData(image, 0, 0);
      const kept = new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer());
      return [...kept];
    },
    [whole.toString('base64'), TILE] as const,
  );
  return { whole, small: Buffer.from(small) };
}

/** What is wrong with a picture; undefined where it is the one that was kept. */
export async function difference(page: Page, kept: Buffer, taken: Buffer): Promise<string | undefined> {
  const found = await page.evaluate(
    async ([a, b, most]) => {
      const read = async (png: string): Promise<ImageData> => {
        const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
        const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
        if (context === null) throw new TypeError('no canvas');
        context.drawImage(bitmap, 0, 0);
        return context.getImageData(0, 0, bitmap.width, bitmap.height);
      };
      const [one, other] = [await read(a), await read(b)];
      const sizes = [one, other].map(({ width, height }) => `${width} by ${height}`);
      if (sizes[0] !== sizes[1]) return { sizes, off: [], total: 0, width: one.width };
      const off: number[] = [];
      for (let at = 0; at < one.data.length; at += 4)
        if ([0, 1, 2].some((n) => Math.abs((one.data[at + n] ?? 0) - (other.data[at + n] ?? 0)) > most))
          off.push(at / 4);
      return { sizes, off, total: one.data.length / 4, width: one.width };
    },
    [kept.toString('base64'), taken.toString('base64'), MOST_OFF] as const,
  );
  const { sizes, off, total, width } = found;
  if (sizes[0] !== sizes[1]) return `it is ${sizes[1]} tiles, and was ${sizes[0]}`;
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
