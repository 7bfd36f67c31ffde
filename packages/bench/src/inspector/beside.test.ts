import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';

import { expect, onTestFinished, test } from 'vitest';

import { lookBeside } from './beside.ts';

// It takes the program as it is built.
test.skipIf(process.env['PAWL_BUILT'] !== '1')(
  'seconds of a page beside a run that is written: the log stays short, and is empty when nobody writes',
  async () => {
    const folder = mkdtempSync(`${tmpdir()}/pawl-beside-`);
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const seen = await lookBeside({ minutes: 0.05, events: 900, folder, onStep: () => undefined });
    expect(seen.events).toBeGreaterThan(900);
    expect(seen.requests).toBeGreaterThan(5);
    // How long each held a transaction is a matter of the machine: the command says it.
    expect(seen.probed.statements).toBeGreaterThan(20);
    expect(seen.walMost).toBeLessThan(64 * 2 ** 20);
    expect(seen.walIdle).toBeLessThan(8 * 2 ** 20);
  },
);
