/** A worker as a program of its own, for tests that kill it: random programs, and what they invoke goes to a file. */
import { appendFileSync } from 'node:fs';
import { env } from 'node:process';
import { systemClock } from '../../runtime/src/system.ts';
import { serve } from '../src/index.ts';
import { randomProcess, type Seen } from './random-process.fixture.ts';
import { steadyProcess } from './steady-process.fixture.ts';

/** Tasks take their time, so that there is some to kill the program in. */
const slow: typeof systemClock = {
  ...systemClock,
  after: (ms, callback) => systemClock.after(5 * ms, callback),
};

const invoked = (invocation: Seen): void =>
  appendFileSync(String(env['PAWL_EFFECTS']), `${JSON.stringify(invocation)}\n`);

const worker = await serve({
  processes: [randomProcess(slow, invoked), steadyProcess(invoked)],
  port: Number(env['PAWL_PORT']),
  reusePort: true,
  restAfter: Number(env['PAWL_REST_AFTER'] ?? 50),
});
process.stdout.write(`listens on ${worker.port}\n`);
