/** Opens journals that older versions wrote, each with a fault of its own, a line of JSON on stdin for each. */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { openRuntime } from '@pawl/runtime';

import { arm, counted, NO_FAULT } from '../shim/shim.ts';
import type { Upgrade, UpgradeLine } from './upgrade.ts';

function tell(line: UpgradeLine): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

async function attempt({ round, path, fault }: Upgrade): Promise<void> {
  arm(fault);
  let code = 'opened';
  let message = '';
  try {
    const runtime = await openRuntime({ path, durability: 'full' });
    await runtime.close();
  } catch (error) {
    code = error instanceof Error && 'code' in error ? String(error.code) : 'not typed';
    message = error instanceof Error ? String(error.stack) : String(error);
  }
  const { seen, fired } = counted();
  arm(NO_FAULT);
  tell({ round, code, message, seen, fired });
}

for await (const line of createInterface({ input: process.stdin }))
  await attempt(JSON.parse(line) as Upgrade);
