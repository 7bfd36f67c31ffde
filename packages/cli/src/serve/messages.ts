/** What is sent to runs over HTTP: as `pawl send` and `pawl cancel` do it. */
import type { Runtime } from '@pawl/runtime';
import type { Hono } from 'hono';

import { JSON_VERSION } from '../render/json.ts';
import { acknowledged } from './people.ts';
import { bodyOf, fieldsOf, flagField, idOf, textField } from './request.ts';

export function addMessages(app: Hono, runtime: Runtime): void {
  app.post('/runs/:id/messages/:name', async (c) => {
    const id = idOf(c);
    const said = c.req.query('secret');
    const secret = flagField(said === 'true' ? true : said === 'false' ? undefined : said, 'secret');
    const payload = await bodyOf(c);
    const messageId = c.req.header('idempotency-key');
    return acknowledged(c, await runtime.send(id, c.req.param('name'), payload, { id: messageId, secret }));
  });
  app.post('/runs/:id/cancel', async (c) => {
    const id = idOf(c);
    const { reason, force } = fieldsOf(await bodyOf(c), ['reason', 'force'], 'A cancel');
    const why = textField(reason, 'reason') ?? 'asked over HTTP';
    const result = runtime.cancel(id, why, { force: flagField(force, 'force') ?? false });
    return c.json({ version: JSON_VERSION, id, result });
  });
}
