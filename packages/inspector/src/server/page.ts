/** The page's own files: read once, and nothing else of the disk is ever sent. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { RuntimeError } from '@pawl/runtime/errors';
import type { Context } from 'hono';

/** Nothing but what the page itself brings runs or is asked for: no inline script, no other origin. */
export const PAGE_POLICY: string = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

interface PageFile {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly type: string;
}

/** By path: `/index.html`, `/assets/index-1a2b.js`. */
export type Page = ReadonlyMap<string, PageFile>;

/** Beside what is built, or where the build leaves it when sources run as they are. */
const PLACES = ['./page/', '../../dist/page/'];

/** @throws RuntimeError NOT_FOUND */
export function readPage(folder: string | undefined = builtPage()): Page {
  if (folder === undefined)
    throw new RuntimeError('NOT_FOUND', 'The page of the inspector is not built.', {
      hint: 'pnpm run build',
    });
  const page = new Map<string, PageFile>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const type = TYPES[extname(entry.name)];
    if (!entry.isFile() || type === undefined) continue;
    const file = join(entry.parentPath, entry.name);
    const name = file.slice(folder.length).replaceAll('\\', '/').replace(/^\/*/, '/');
    page.set(name, { body: new Uint8Array(readFileSync(file)), type });
  }
  return page;
}

function builtPage(): string | undefined {
  return PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((folder) =>
    existsSync(join(folder, 'index.html')),
  );
}

/** A path of the page itself is the page, which shows what the path says. */
export function sendPage(c: Context, page: Page): Response {
  const { path } = c.req;
  const isAsset = path.startsWith('/assets/');
  const file = page.get(isAsset ? path : '/index.html');
  if (file === undefined) return c.text('There is nothing here.', 404);
  c.header('content-type', file.type);
  // The name of an asset changes with what is in it.
  if (isAsset) c.header('cache-control', 'private, max-age=31536000, immutable');
  return c.body(file.body);
}
