import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { openJournal, openRuntime } from '../src/index.ts';

test('a run that is not there is not found, and is no run without events; a start that waits has none yet', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pawl-reader-'));
  const path = join(folder, 'journal.db');
  try {
    const runtime = await openRuntime({ path });
    async function waits(_: null): Promise<string> {
      return 'done';
    }
    await runtime.start(waits, null, { id: 'there' }).result();
    await runtime.enqueue(waits, null, { id: 'queued' });
    await runtime.close();
    using journal = openJournal({ path });
    expect([...journal.events('there')].map(({ event }) => event.type)).toEqual([
      'RunStarted',
      'RunSucceeded',
    ]);
    expect([...journal.events('there', 2)]).toEqual([]);
    expect([...journal.events('queued')]).toEqual([]);
    expect(() => [...journal.events('thee')]).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
