/** What is asked of the two benchmarks of the inspector. */
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { BenchFailure } from '../failure.ts';
import { benchBeside } from './beside.ts';
import { benchInspector } from './inspector.ts';

interface Told {
  readonly args: readonly string[];
  /** Where journals are written, unless --dir says otherwise. */
  readonly folder: string;
  readonly onStep: (what: string) => void;
}

/** @returns whether all stayed within its limits. @throws BenchFailure */
export async function inspectorCommand(
  name: 'inspector' | 'beside',
  { args, folder: usual, onStep }: Told,
): Promise<boolean> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '1000' },
      events: { type: 'string', default: name === 'inspector' ? '100000' : '200000' },
      minutes: { type: 'string', default: '60' },
      dir: { type: 'string', default: usual },
    },
  });
  const folder = resolve(values.dir);
  mkdirSync(folder, { recursive: true });
  const events = positive('--events', values.events);
  if (name === 'beside')
    return await benchBeside({ minutes: positive('--minutes', values.minutes), events, folder, onStep });
  await benchInspector({ runs: positive('--runs', values.runs), events, folder, onStep });
  return true;
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new BenchFailure('USAGE', `${option} is a number above 0, not ${text}`);
}
