/**
 * The page as one file: its script and style within it, and what it would ask a server for as data. Nothing else runs
 * or is loaded: the policy names the digest of each, and what users wrote is JSON in which no tag can end.
 */
import { createHash } from 'node:crypto';

import { RuntimeError } from '@pawl/runtime/errors';

import type { Page } from './page.ts';
import type { SharedRun } from './shared-run.ts';

export function sharedPage(page: Page, run: SharedRun): string {
  // A tag within a text of the script would end it.
  const script = assetOf(page, /src="(\/assets\/[^"]+\.js)"/).replaceAll(/<(?=\/script|!--)/gi, '\\x3c');
  const style = assetOf(page, /href="(\/assets\/[^"]+\.css)"/);
  const policy = [
    "default-src 'none'",
    `script-src ${digestOf(script)}`,
    `style-src ${digestOf(style)}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const data = JSON.stringify(run).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${titleOf(run.id)}</title>
<style>${style}</style>
</head>
<body>
<div id="app"></div>
<script type="application/json" id="recorded">${data}</script>
<script type="module">${script}</script>
</body>
</html>
`;
}

/** @throws RuntimeError NOT_FOUND */
function assetOf(page: Page, place: RegExp): string {
  const index = page.get('/index.html');
  const [, name = ''] = place.exec(index === undefined ? '' : new TextDecoder().decode(index.body)) ?? [];
  const file = page.get(name);
  if (file === undefined)
    throw new RuntimeError('NOT_FOUND', 'The page of the inspector is not built.', {
      hint: 'pnpm run build',
    });
  return new TextDecoder().decode(file.body);
}

/** Ids are of letters, digits and a few signs; what else a file may hold is not markup either. */
function titleOf(id: string): string {
  return `Pawl: ${id.replaceAll(/[^\w.:@/-]/g, '')}`;
}

function digestOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
