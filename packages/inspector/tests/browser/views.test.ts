import { join } from 'node:path';

import { openRuntime } from '@pawl/runtime';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { Folder } from '../../../cli/tests/pawl.fixture.ts';
import { showing, type Ui } from '../../../cli/tests/ui.fixture.ts';
import { recordOrders } from '../views.fixture.ts';
import { NAME } from './browser.fixture.ts';
import { CHROMIUM, isFit, launch, visit } from './chromium.fixture.ts';

/* Each view by itself: what it shows, that it is reached by its address, and that all can read it. */

describe.skipIf(CHROMIUM === undefined)(`views, ${NAME}`, () => {
  const folder = new Folder();
  let browser: Browser;
  let ui: Ui;

  beforeAll(async () => {
    await recordOrders(folder.path);
    [browser, ui] = await Promise.all([launch(), showing(folder, ['--read-only'])]);
  });

  afterAll(async () => {
    await browser?.close();
    folder[Symbol.dispose]();
  });

  test('runs are filtered by what stands in the address, and what is chosen stands there', async () => {
    const page = await visit(browser, ui, '/');
    const ids = page.locator('.run-row .id');
    await page.locator('.chip b').first().waitFor();
    await page.getByRole('button', { name: 'Filters' }).click();
    await page.getByLabel('Process', { exact: true }).fill('order');
    await page.keyboard.press('Enter');
    await page.getByLabel('Says of itself').fill('customer=ada');
    await page.keyboard.press('Enter');
    await page.getByLabel('Started').selectOption('24h');
    await expect.poll(() => ids.count()).toBe(2);
    expect(await ids.allInnerTexts()).toEqual(['order-3', 'order-1']);
    expect(new URL(page.url()).search).toBe('?process=order&where=customer%3Dada&within=24h');
    // Counts are of all runs.
    expect(await page.locator('.chip b').count()).toBe(0);
    await page.reload();
    await expect.poll(() => ids.count()).toBe(2);
    await page.getByLabel('Started').selectOption('between');
    await page.getByLabel('Until').fill('2020-01-01T00:00');
    await page.getByRole('heading', { name: 'No run fits' }).waitFor();
    await page.getByRole('button', { name: 'Clear' }).click();
    await expect.poll(() => ids.count()).toBe(5);
    await isFit(page);
  });

  test('what is being typed into a filter stays when something else arrives', async () => {
    const page = await visit(browser, ui, '/');
    await page.locator('.run-row').first().waitFor();
    let arrive = (): void => undefined;
    const arrives = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    await page.route('**/api/processes', async (route) => {
      await arrives;
      await route.continue();
    });
    await page.getByRole('button', { name: 'Filters' }).click();
    const field = page.getByLabel('Process', { exact: true });
    await field.fill('order');
    arrive();
    await page.locator('#processes option').first().waitFor({ state: 'attached' });
    expect(await field.inputValue()).toBe('order');
    await page.keyboard.press('Enter');
    await expect.poll(() => new URL(page.url()).search).toBe('?process=order');
    await page.getByRole('button', { name: 'Clear' }).click();
    await expect.poll(() => field.inputValue()).toBe('');
    await page.close();
  });

  test('two runs that are chosen in the list are compared, with their values beside each other', async () => {
    const page = await visit(browser, ui, '/?process=order');
    await page.locator('.run-row').first().waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('x');
    await page.getByLabel('Choose order-1').check();
    await page.getByRole('link', { name: 'Compare' }).click();
    await page.getByText('They part at once: other input.').waitFor();
    expect(new URL(page.url()).pathname).toBe('/runs/order-3/compare/order-1');
    const charged = page.locator('.difference', { hasText: 'charge' }).first();
    expect(await charged.innerText()).toContain('declined <img src=x');
    await charged.locator('summary').click();
    await charged.getByRole('region', { name: 'Input' }).nth(1).getByText('10').waitFor();
    await page.goto(new URL('/runs/order-2', ui.url).href);
    await page.getByRole('link', { name: 'Compare…' }).click();
    await page.locator('.pick-row', { hasText: 'order-1' }).click();
    await page.getByText('They part at once: other input.').waitFor();
    expect(await page.title()).toBe('Pawl');
    await isFit(page);
  });

  test('workers, pools and logs say what they know, also where that is nothing', async () => {
    const page = await visit(browser, ui, '/workers');
    await page.getByText('Nobody drives anything').waitFor();
    await page.getByRole('link', { name: 'Pools' }).click();
    await page.getByRole('img', { name: 'Running: 0 now' }).waitFor();
    expect(await page.locator('.pool').innerText()).toMatch(/Attempts\n12, 1 tried again, 1 failed$/);
    await isFit(page);
    const logs = await visit(browser, ui, '/runs/order-3?tab=logs');
    await logs.getByText('asks for 90 <img src=x').first().waitFor();
    expect(await logs.locator('.log-line').count()).toBe(2);
    await isFit(logs);
    const silent = await visit(browser, ui, '/runs/order-1.2?tab=logs');
    await silent.getByText('pawl logs order-1.2 --replay').waitFor();
  });

  test('the calls of a run within a run stand among its own, and its forks above them', async () => {
    const page = await visit(browser, ui, '/runs/order-2');
    await page.getByRole('button', { name: 'Calls of notify, run order-2.2' }).click();
    await page.locator('.call.inner', { hasText: 'mail' }).waitFor();
    // Who is sent the address sees the same.
    expect(new URL(page.url()).search).toBe('?open=order-2.2');
    await page.reload();
    await page.locator('.call.inner', { hasText: 'mail' }).waitFor();
    const runtime = await openRuntime({ path: join(folder.path, '.pawl/journal.db') });
    await runtime.leaveFork('order-2', { retries: false, at: '1', id: 'again' });
    await runtime.close();
    const forks = page.getByRole('navigation', { name: 'Forks' });
    await forks.getByText('again').waitFor();
    await isFit(page);
    const child = await visit(browser, ui, '/runs/order-1');
    await child.getByRole('button', { name: 'Calls of notify, run order-1.2' }).click();
    await child.getByRole('button', { name: 'Calls of notify, run order-1.2' }).click();
    expect([new URL(child.url()).search, await child.locator('.call.inner').count()]).toEqual(['', 0]);
    await child.goto(new URL('/runs/order-1?open=order-1.2&open=none', ui.url).href);
    await child.locator('.call.inner').click();
    await child.getByRole('complementary', { name: 'Call' }).getByText('sent to ada').first().waitFor();
    expect(new URL(child.url()).pathname).toBe('/runs/order-1.2');
    await child.context().close();
  });

  test('a run that is saved as a file is read without a server, and asks nobody for anything', async () => {
    const from = await visit(browser, ui, '/runs/order-3');
    const [download] = await Promise.all([
      from.waitForEvent('download'),
      from.getByRole('link', { name: 'Save as a file' }).click(),
    ]);
    const file = join(folder.path, 'order-3.html');
    await download.saveAs(file);
    await from.context().close();
    const page = await (await browser.newContext()).newPage();
    const asked: string[] = [];
    const said: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(error.message));
    await page.goto(`file://${file}`);
    await page.getByText('declined <img src=x').first().waitFor();
    await page.locator('.call', { hasText: 'charge' }).click();
    await page.getByRole('complementary', { name: 'Call' }).getByText('2 of 2').waitFor();
    await page.getByRole('link', { name: 'Events' }).click();
    await page.locator('.event', { hasText: 'RunFailed' }).waitFor();
    await page.reload();
    await page.locator('.event', { hasText: 'RunFailed' }).waitFor();
    expect(asked.filter((url) => !url.startsWith('file:') && !url.startsWith('data:'))).toEqual([]);
    expect(said).toEqual([]);
    expect(await page.title()).toBe('Pawl: order-3');
    expect(await page.evaluate(`document.querySelectorAll('img, iframe, [onerror]').length`)).toBe(0);
    await isFit(page);
  });

  test('a graph of the calls leads to the runs that have them', async () => {
    const page = await visit(browser, ui, '/graph?process=order');
    const charge = page.getByRole('link', { name: 'charge' });
    await charge.waitFor();
    expect(await charge.textContent()).toMatch(/failed/);
    await charge.focus();
    await page.keyboard.press('Enter');
    const panel = page.getByRole('complementary', { name: 'Call' });
    await panel.getByText('order-3').waitFor();
    expect(new URL(page.url()).searchParams.get('node')).toBe('task charge');
    await isFit(page);
    const again = await visit(browser, ui, '/graph?process=order&node=task%20charge');
    await again.getByRole('link', { name: /order-3/ }).click();
    await again.getByText('Why it failed').first().waitFor();
    await again.context().close();
  });
});
