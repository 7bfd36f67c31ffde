import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { bytesIn, measure, PeerFailure } from './kit/peer.mjs';
import { finish } from './kit/perform.mjs';

await measure({
  durability: 'files, each with fsync',
  note: 'its runner replaced by one in the same program; without its agents and command line',
  most: { sequential: 150, fanOut: 100, runs: 30, resume: 150, payload: 100 },

  async open(dir) {
    const { default: sdk } = await import('@a5c-ai/babysitter-sdk');
    const { work } = await import('./process.mjs');
    const runsDir = join(dir, '.a5c', 'runs');

    async function drive(runDir) {
      for (;;) {
        const iteration = await sdk.orchestrateIteration({ runDir });
        if (iteration.status === 'completed') return;
        if (iteration.status === 'failed') throw new PeerFailure(JSON.stringify(iteration.error));
        // One after the other: each takes the lock of the run, and waits 250 ms where it finds it held.
        for (const { effectId, taskDef } of iteration.nextActions) {
          const value = await work.get(taskDef.title)();
          await sdk.commitEffectResult({ runDir, effectId, result: { status: 'ok', value } });
        }
      }
    }
    return {
      async start(inputs) {
        const process = {
          processId: 'case',
          importPath: join(import.meta.dirname, 'process.mjs'),
          exportName: 'process',
        };
        const created = await Promise.all(
          inputs.map((input) => sdk.createRun({ runsDir, process, inputs: input })),
        );
        const runDirs = created.map(({ runDir }) => runDir);
        if (runDirs.length === 0) runDirs.push(join(runsDir, readdirSync(runsDir)[0]));
        await Promise.all(runDirs.map((runDir) => drive(runDir).then(() => finish())));
      },
      sizes: async () => ({ diskBytes: bytesIn(dir, { allocated: true }), walBytes: null }),
    };
  },
});
