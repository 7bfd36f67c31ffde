import { RuntimeError } from '@pawl/runtime/errors';
import { setTimeout as delay } from 'node:timers/promises';

/** A server that has just started takes no deployments for a moment. */
const TRIES = 50;
const PAUSE_MS = 200;

/** Tells Restate of a worker. @throws RuntimeError REFUSED */
export async function register(admin: string, uri: string): Promise<void> {
  let problem = '';
  for (let i = 0; i < TRIES; i += 1) {
    try {
      const response = await fetch(new URL('/deployments', admin), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ uri, force: true }),
      });
      if (response.ok) return;
      problem = `${response.status} ${await response.text()}`;
    } catch (error) {
      problem = String(error instanceof Error ? (error.cause ?? error) : error);
    }
    await delay(PAUSE_MS);
  }
  throw new RuntimeError('REFUSED', `Restate at ${admin} did not take the worker ${uri}: ${problem}`, {
    hint: `See whether it is there: curl ${admin}/health`,
  });
}
