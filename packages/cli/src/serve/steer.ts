/** Forks, retries and rewinds over HTTP: made, and left to a worker or to whoever resumes them. */
import { RuntimeError, type ForkAsk, type RunId, type Runtime } from '@pawl/runtime';
import type { Context, Hono } from 'hono';

import { JSON_VERSION } from '../render/json.ts';
import { bodyOf, fieldsOf, flagField, idOf, isObject, mustGet, textField } from './request.ts';

export function addSteering(app: Hono, runtime: Runtime): void {
  app.post('/runs/:id/retry', async (c) => {
    const { yes } = fieldsOf(await bodyOf(c), ['yes'], 'A retry');
    return told(c, await left(runtime, idOf(c), { retries: true }, flagField(yes, 'yes') ?? false));
  });
  app.post('/runs/:id/fork', async (c) => {
    const { at, set, reuse, yes, ...more } = fieldsOf(
      await bodyOf(c),
      ['at', 'set', 'input', 'reuse', 'yes'],
      'A fork',
    );
    if (set !== undefined && !isObject(set))
      throw new RuntimeError('USAGE', "'set' is an object: results by the key of their call.");
    const ask = {
      ...placeOf(at),
      ...(set === undefined ? {} : { set }),
      ...('input' in more ? { inputs: more.input } : {}),
      retries: false,
      reuse: flagField(reuse, 'reuse') ?? false,
    };
    return told(c, await left(runtime, idOf(c), ask, flagField(yes, 'yes') ?? false));
  });
  app.post('/runs/:id/rewind', async (c) => {
    const id = idOf(c);
    const { at, yes } = fieldsOf(await bodyOf(c), ['at', 'yes'], 'A rewind');
    if (at === undefined) throw new RuntimeError('USAGE', "Say where to go back to: 'at'.");
    const ask = { ...placeOf(at), retries: false };
    const isOpen = mustGet(runtime, id).status === 'running';
    const fork = await left(runtime, id, ask, flagField(yes, 'yes') ?? false);
    // Behind the fork: where the server dies in between, both are there, and none is lost.
    if (isOpen) runtime.cancel(id, `rewound: it goes on as ${fork}`);
    return told(c, fork);
  });
}

function placeOf(at: unknown): Pick<ForkAsk, 'at'> {
  const key = textField(at, 'at');
  return key === undefined ? {} : { at: key };
}

/** @throws RuntimeError NOT_FOUND, REFUSED; UnserializableError */
async function left(runtime: Runtime, id: RunId, ask: ForkAsk, isAllowed: boolean): Promise<RunId> {
  const { retries, ...more } = ask;
  const plan = retries ? runtime.planRetry(id) : runtime.planFork(id, more);
  const risky = plan.again.filter(({ isRisky, outcome }) => isRisky && outcome !== 'failed');
  if (risky.length > 0 && !isAllowed)
    throw new RuntimeError('REFUSED', `${risky.length} calls may have had their effect already.`, {
      hint: 'Say so: "yes": true',
    });
  return await runtime.leaveFork(id, ask);
}

function told(c: Context, id: RunId): Response {
  return c.json({ version: JSON_VERSION, id, parent: idOf(c) }, 201);
}
