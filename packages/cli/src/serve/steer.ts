/** Forks and retries over HTTP: made, and left to a worker or to whoever resumes them. */
import { RuntimeError, type ForkAsk, type RunId, type Runtime } from '@pawl/runtime';
import type { Context, Hono } from 'hono';

import { JSON_VERSION } from '../render/json.ts';
import { bodyOf, fieldsOf, flagField, idOf, textField } from './request.ts';

export function addSteering(app: Hono, runtime: Runtime): void {
  app.post('/runs/:id/retry', async (c) => {
    const { yes } = fieldsOf(await bodyOf(c), ['yes'], 'A retry');
    return await left(c, runtime, { retries: true }, flagField(yes, 'yes') ?? false);
  });
  app.post('/runs/:id/fork', async (c) => {
    const { at, yes } = fieldsOf(await bodyOf(c), ['at', 'yes'], 'A fork');
    const key = textField(at, 'at');
    const ask = { retries: false, ...(key === undefined ? {} : { at: key }) };
    return await left(c, runtime, ask, flagField(yes, 'yes') ?? false);
  });
}

/** @throws RuntimeError NOT_FOUND, REFUSED */
async function left(c: Context, runtime: Runtime, ask: ForkAsk, isAllowed: boolean): Promise<Response> {
  const id: RunId = idOf(c);
  const { retries, ...more } = ask;
  const plan = retries ? runtime.planRetry(id) : runtime.planFork(id, more);
  const risky = plan.again.filter(({ isRisky, outcome }) => isRisky && outcome !== 'failed');
  if (risky.length > 0 && !isAllowed)
    throw new RuntimeError('REFUSED', `${risky.length} calls may have had their effect already.`, {
      hint: 'Say so: "yes": true',
    });
  return c.json({ version: JSON_VERSION, id: await runtime.leaveFork(id, ask), parent: id }, 201);
}
