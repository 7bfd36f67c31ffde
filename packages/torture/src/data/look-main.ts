/** Looks at journals that may be hostile, a line of JSON on stdin for each: `{ round, path, resumed }`. */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { look } from './look.ts';

export interface LookAsked {
  readonly round: number;
  readonly path: string;
  readonly resumed: string;
}

process.on('warning', () => undefined);
for await (const line of createInterface({ input: process.stdin })) {
  const { round, path, resumed } = JSON.parse(line) as LookAsked;
  writeSync(1, `${JSON.stringify({ begun: round })}\n`);
  const start = performance.now();
  const { outcomes } = await look(path, resumed);
  writeSync(1, `${JSON.stringify({ round, outcomes, ms: performance.now() - start })}\n`);
}
