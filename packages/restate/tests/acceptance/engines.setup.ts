import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRuntime } from '@pawl/runtime';
import { defineProcess } from '@pawl/sdk';
import { afterAll, expect, inject } from 'vitest';
import { alsoOn, Stage } from '../../../runtime/tests/acceptance/stage.fixture.ts';
import { RestateClient, serve } from '../../src/index.ts';

/** Time that passes in a case: it passes really here. */
const LONGEST_MS = 20_000;

const folder = mkdtempSync(join(tmpdir(), 'pawl-acceptance-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  console.log(`${count / 2} cases came to the same on SQLite and on Restate`);
});

const { admin, ingress } = inject('restate');
let count = 0;

function nameOfNext(): string {
  count += 1;
  return `case-${process.pid}-${count}`;
}

alsoOn(async (program, expected, options) => {
  const runtime = await openRuntime({ ...options, path: join(folder, `${nameOfNext()}.db`) });
  try {
    const run = runtime.start(defineProcess({ name: 'program', run: program(Stage.live()) }), null as never);
    expect(await run.result(), 'on SQLite').toEqual(expected);
  } finally {
    await runtime.close();
  }
}, LONGEST_MS);

alsoOn(async (program, expected, options) => {
  const definition = defineProcess({ name: nameOfNext(), run: program(Stage.live()) });
  const own = { processes: [definition], port: 0, admin, restAfter: 50, boundsPerRun: true };
  const worker = await serve({ ...options, ...own });
  try {
    const run = await new RestateClient({ ingress }).start(definition, null as never);
    expect(await run.result(), 'on Restate').toEqual(expected);
  } finally {
    await worker.close();
  }
}, LONGEST_MS);
