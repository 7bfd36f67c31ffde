import { spawn } from 'node:child_process';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { Folder, until, type Ended } from './pawl.fixture.ts';

// Whoever reads what is printed may not read: the run is none of their business. (Of one who goes away: resume.test.ts.)

/** Tells more than a pipe holds, and waits in its midst until a file is there. */
const TALKS = `
import { existsSync, writeFileSync } from 'node:fs';
import { defineTask } from '@pawl/sdk';

const say = defineTask({ name: 'say', run: async (n, task) => {
  for (let i = 0; i < 40; i += 1) task.log('x'.repeat(1000));
  writeFileSync('said-' + n, '');
  while (n === 3 && !existsSync('go')) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    task.signal.throwIfAborted();
  }
  return n;
} });
export async function process(_, ctx) {
  let sum = 0;
  for (let n = 0; n < 5; n += 1) sum += await ctx.task(say, n);
  return sum;
}
`;

const BIN = join(
  import.meta.dirname,
  '..',
  ...(process.env['PAWL_BUILT'] === '1' ? ['dist', 'bin.js'] : ['bin', 'pawl.js']),
);

const folder = new Folder();
beforeAll(() => {
  folder.write('talks.mjs', TALKS);
});
afterAll(() => folder[Symbol.dispose]());

/** Its stdout and stderr are pipes that nobody reads. */
function unread(args: readonly string[]): {
  readonly ended: Promise<Pick<Ended, 'code' | 'signal'>>;
  readonly kill: (signal: NodeJS.Signals) => void;
} {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: folder.path,
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return {
    ended: new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal }))),
    kill: (signal) => child.kill(signal),
  };
}

test('a reader that does not read keeps no run from its work, nor from stopping', async () => {
  const pawl = unread(['run', 'talks.mjs', '--id', 'blocked']);
  await until(() => folder.has('said-3'));
  pawl.kill('SIGTERM');
  expect(await pawl.ended).toEqual({ code: 143, signal: null });
  folder.write('go', '');
  const { code: resumed } = await folder.pawl('resume', 'blocked');
  expect(resumed).toBe(0);
});
