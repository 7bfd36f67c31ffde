/** What people are asked, and what they answer, over HTTP: as `pawl waiting`, `approve` and `reject` do it. */
import { RuntimeError, type Ack, type Runtime } from '@pawl/runtime';
import type { Context, Hono } from 'hono';

import { noQuestion, questionMeant } from '../question.ts';
import { readWaits } from '../read-waits.ts';
import { JSON_VERSION } from '../render/json.ts';
import { waitDocument } from '../wait-document.ts';
import { bodyOf, fieldsOf, idOf, mustGet, textField } from './request.ts';

const STATUS = { accepted: 202, duplicate: 200, invalid: 422, closed: 409, unknown: 404 } as const;

/** What became of a message or an answer. */
export function acknowledged(c: Context, ack: Ack, more: Readonly<Record<string, unknown>> = {}): Response {
  return c.json({ version: JSON_VERSION, ...more, ...ack }, STATUS[ack.status]);
}

export function addPeople(app: Hono, runtime: Runtime): void {
  const reader = {
    get: (id: string) => mustGet(runtime, id),
    list: (query: Parameters<Runtime['list']>[0]) => runtime.list(query),
    waits: (id: string) => runtime.waits(id),
  };
  app.get('/waits', (c) =>
    c.json({ version: JSON_VERSION, waits: readWaits(reader, undefined).map(waitDocument) }),
  );
  app.get('/runs/:id/waits', (c) => {
    const id = idOf(c);
    if (runtime.queue.get(id) !== undefined) return c.json({ version: JSON_VERSION, waits: [] });
    const { process } = mustGet(runtime, id);
    const waits = runtime.waits(id).map((wait) => waitDocument({ runId: id, process, wait }));
    return c.json({ version: JSON_VERSION, waits });
  });
  app.post('/runs/:id/approve', (c) => answer(c, runtime, true));
  app.post('/runs/:id/reject', (c) => answer(c, runtime, false));
}

async function answer(c: Context, runtime: Runtime, approved: boolean): Promise<Response> {
  const id = idOf(c);
  const names = ['wait', 'option', 'feedback', 'response', 'as'] as const;
  const { wait: named, response, ...given } = fieldsOf(await bodyOf(c), names, 'An answer');
  const wait = textField(named, 'wait');
  let key: string | undefined;
  const find = (): string => (key = questionFor(runtime, id, wait).key);
  const ack = await runtime.respond(id, find, {
    approved,
    option: textField(given.option, 'option'),
    feedback: textField(given.feedback, 'feedback'),
    by: textField(given.as, 'as'),
    response,
    id: c.req.header('idempotency-key'),
  });
  if (ack.status === 'unknown') throw noQuestion(runtime, id, wait);
  return acknowledged(c, ack, { runId: id, key, approved });
}

/** That it has to be named is no fault of the request: what the run has asked by now says so. */
function questionFor(runtime: Runtime, id: string, wait: string | undefined): { readonly key: string } {
  try {
    return questionMeant(runtime, id, wait);
  } catch (error) {
    if (!(error instanceof RuntimeError) || error.code !== 'USAGE') throw error;
    throw new RuntimeError('REFUSED', error.message, { hint: `See what is asked: GET /runs/${id}/waits` });
  }
}
