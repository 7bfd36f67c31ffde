/**
 * Voyages under the shim, each with a fault of its own, a line of JSON on stdin for each. Tells what was acknowledged, how
 * each voyage ended, and what this very program makes of the journal afterwards, with the disk in order again.
 */
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { openRuntime } from '@pawl/runtime';

import { JOURNAL } from '../journal-place.ts';
import { sail } from '../sail.ts';
import { arm, counted, NO_FAULT } from '../shim/shim.ts';
import { survey } from '../survey.ts';
import type { Told } from '../told.ts';
import type { Trial, TrialLine } from './trial.ts';

function tell(line: TrialLine): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

async function attempt({ round, root, fault, journey, isResumedHere }: Trial): Promise<void> {
  const told: Told[] = [];
  tell({ at: 'trial', round });
  arm(fault);
  let code = 'finished';
  let message = '';
  try {
    const path = join(root, JOURNAL);
    await sail(
      () => openRuntime({ path, durability: 'full' }),
      journey,
      (each) => {
        told.push(each);
        tell(each);
      },
    );
  } catch (error) {
    code = error instanceof Error && 'code' in error ? String(error.code) : 'not typed';
    message = error instanceof Error ? String(error.stack) : String(error);
  }
  const { seen, fired } = counted();
  arm(NO_FAULT);
  tell({ at: 'ended', round, code, message, seen, fired });
  if (!isResumedHere) return;
  const wrong = await survey(root, told, journey);
  if (wrong !== undefined) tell({ at: 'wrong', round, ...wrong });
}

for await (const line of createInterface({ input: process.stdin })) await attempt(JSON.parse(line) as Trial);
