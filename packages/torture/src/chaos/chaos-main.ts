/**
 * A worker of the chaos: `chaos-main.ts <journal> <ledger>`. Tells now and then how it is; run with --expose-gc.
 */
import { readdirSync, writeSync } from 'node:fs';
import { argv, getActiveResourcesInfo, memoryUsage } from 'node:process';

import { openRuntime } from '@pawl/runtime';

import type { Health } from './health.ts';
import { ledger, mixed, part } from './mixed.ts';

const HEALTH_MS = 2000;

function tell(health: Health): void {
  writeSync(1, `${JSON.stringify(health)}\n`);
}

function listeners(): number {
  return process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
}

const [path = '', ledgerPath = ''] = argv.slice(2);
ledger.path = ledgerPath;
const runtime = await openRuntime({
  path,
  processes: [mixed, part],
  leaseMs: 2000,
  pools: { narrow: 3 },
});
const worker = runtime.work({ concurrency: 20, poll: 100, restAfter: 300 });
const pulse = setInterval(() => {
  globalThis.gc?.();
  const { rss, heapUsed } = memoryUsage();
  tell({
    rss,
    heapUsed,
    descriptors: readdirSync('/proc/self/fd').length,
    listeners: listeners(),
    resources: getActiveResourcesInfo().length,
  });
}, HEALTH_MS);
process.once('SIGTERM', () => {
  clearInterval(pulse);
  void runtime.close();
});
await worker.done;
