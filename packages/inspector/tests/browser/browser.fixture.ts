import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';

import type { Folder } from '../../../cli/tests/pawl.fixture.ts';
import { showing, type Ui } from '../../../cli/tests/ui.fixture.ts';
import { launch } from './chromium.fixture.ts';

export const NAME = 'in Chromium (none here: set PAWL_CHROMIUM)';

type Options = Parameters<Browser['newContext']>[0];

/** One browser and one server, which many pages look at. */
export class Looking {
  readonly ui: Ui;
  readonly #browser: Browser;

  private constructor(browser: Browser, ui: Ui) {
    this.#browser = browser;
    this.ui = ui;
  }

  static async at(folder: Folder, args: readonly string[] = []): Promise<Looking> {
    const [browser, ui] = await Promise.all([launch(), showing(folder, args, { USER: 'ada' })]);
    return new Looking(browser, ui);
  }

  url(path: string): string {
    return new URL(path, this.ui.url).href;
  }

  /** A fresh browser that comes by the printed address; closed where the use of it ends. */
  async visit(path: string, options: Options = {}): Promise<Page & AsyncDisposable> {
    const context = await this.#browser.newContext(options);
    const page = await context.newPage();
    const address = new URL(path, this.ui.url);
    address.searchParams.set('token', this.ui.token);
    await page.goto(address.href);
    expect(page.url()).not.toContain('token');
    return Object.assign(page, { [Symbol.asyncDispose]: () => context.close() });
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }
}
