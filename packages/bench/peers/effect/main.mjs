import { join } from 'node:path';

import { measure, sqliteSizes } from './kit/peer.mjs';

await measure({
  // better-sqlite3 is built with NORMAL as the default of a WAL: a power cut may take back what was committed.
  durability: 'SQLite WAL, synchronous=NORMAL (not power-safe)',
  note: 'single runner, its registry in memory, else as it comes',

  async open(dir) {
    const { executeAll, runtimeOn, sql } = await import('./workflow.mjs');
    const file = join(dir, 'effect.db');
    const runtime = runtimeOn(file);
    await runtime.runtime(); // Takes up what was left.
    return {
      start: (inputs) => runtime.runPromise(executeAll(inputs)),
      sizes: () => sqliteSizes(file, (text) => runtime.runPromise(sql(text))),
    };
  },
});
