/** What became of attempts of which nobody knows the end, over HTTP: as `pawl resolve` says it. */
import { RuntimeError, type Runtime } from '@pawl/runtime';
import type { Hono } from 'hono';

import { JSON_VERSION } from '../render/json.ts';
import { bodyOf, fieldsOf, idOf, textField } from './request.ts';

type Answer = Parameters<Runtime['resolve']>[2];

export function addOutcomes(app: Hono, runtime: Runtime): void {
  app.post('/runs/:id/resolve', async (c) => {
    const id = idOf(c);
    const said = fieldsOf(await bodyOf(c), ['key', 'as', 'output', 'message'], 'An outcome');
    const key = textField(said.key, 'key');
    if (key === undefined) throw new RuntimeError('USAGE', "Say of which call: 'key'.");
    const answer = answerOf(said);
    runtime.resolve(id, key, answer);
    const isDriven = runtime.get(id)?.ownerAlive === true;
    return c.json({ version: JSON_VERSION, runId: id, key, as: answer.status, isDriven }, 202);
  });
}

/** @throws RuntimeError USAGE */
function answerOf(said: {
  readonly as?: unknown;
  readonly output?: unknown;
  readonly message?: unknown;
}): Answer {
  const { as } = said;
  if ('output' in said && as !== 'done') throw new RuntimeError('USAGE', "'output' goes with done only.");
  if ('message' in said && as !== 'failed')
    throw new RuntimeError('USAGE', "'message' goes with failed only.");
  switch (as) {
    case 'done':
      return { status: 'done', output: said.output ?? null };
    case 'failed':
      return {
        status: 'failed',
        message: textField(said.message, 'message') ?? 'a person said that it failed',
      };
    case 'retry':
      return { status: 'retry' };
    default:
      throw new RuntimeError('USAGE', "'as' says what became of it: done, failed or retry.");
  }
}
