import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { measure, sqliteSizes } from './kit/peer.mjs';
import { perform } from './kit/perform.mjs';

// The cap of 1,000 steps a run has no option; it is lifted as the file is loaded.
registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith('/openworkflow/dist/worker/step-history.js')) return loaded;
    const source = String(loaded.source).replace('WORKFLOW_STEP_LIMIT = 1000;', 'WORKFLOW_STEP_LIMIT = 1e9;');
    return { ...loaded, source };
  },
});

const fileIn = (dir) => join(dir, 'openworkflow.db');

await measure({
  durability: 'SQLite WAL, synchronous=FULL',
  note: 'step cap lifted; concurrency 100 for runs; after a crash its lease adds up to 30 s to resume, not counted',

  async open(dir) {
    const { OpenWorkflow } = await import('openworkflow');
    const { BackendSqlite } = await import('openworkflow/sqlite');
    const backend = BackendSqlite.connect(fileIn(dir));
    const client = new OpenWorkflow({ backend });
    const workflow = client.defineWorkflow({ name: 'case' }, ({ input, step }) =>
      perform(input, (name, fn) => step.run({ name }, fn)),
    );
    return {
      async start(inputs) {
        for (const input of inputs) await workflow.run(input);
        await client.newWorker({ concurrency: Math.min(Math.max(inputs.length, 1), 100) }).start();
      },
      sizes: () => sqliteSizes(fileIn(dir), (sql) => withFile(dir, sql)),
    };
  },

  expireLease: (dir) => withFile(dir, "UPDATE workflow_runs SET available_at = '2000-01-01T00:00:00.000Z'"),
});

function withFile(dir, sql) {
  const db = new DatabaseSync(fileIn(dir));
  db.exec(sql);
  db.close();
}
