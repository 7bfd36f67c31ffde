/** What is asked over HTTP, and what is answered: the documents of `--json`. */
import type { LoadedCode, Runtime } from '@pawl/runtime';
import { durationMs } from '@pawl/sdk';
import { Hono } from 'hono';

import type { ModuleFile } from '../module-file.ts';
import { JSON_VERSION } from '../render/json.ts';
import { runDocument } from '../run-document.ts';
import { queuedRunDocument } from '../start-document.ts';
import { guard, refusal, type GuardOptions } from './guard.ts';
import { addLogs } from './logs.ts';
import { addMessages } from './messages.ts';
import { addOutcomes } from './outcomes.ts';
import { addPeople } from './people.ts';
import { bodyOf, idOf, mustGet, notFound } from './request.ts';
import { endOf, waitForEnd } from './run-end.ts';
import { streamEvents } from './run-events.ts';
import { startOf } from './start-request.ts';
import { addTasks } from './tasks.ts';
import { told } from './told.ts';

export interface AppOptions extends GuardOptions {
  readonly runtime: Runtime;
  /** What may be started, by name. */
  readonly processes: ReadonlyMap<string, LoadedCode & { readonly file: ModuleFile }>;
  /** Aborted once the server is to end. */
  readonly closing: AbortSignal;
}

const LONGEST_WAIT_MS = 60_000;
const MOST_LISTED = 1000;

export function createApp(options: AppOptions): Hono {
  const { runtime, processes, closing } = options;
  const app = new Hono();
  app.use(guard(options));
  addHealth(app, options);
  app.get('/processes', (c) => c.json({ version: JSON_VERSION, processes: [...processes.keys()] }));
  app.post('/runs', async (c) => {
    const start = startOf(await bodyOf(c), processes);
    const enqueued = await runtime.enqueue(start.definition, start.input as never, start.options);
    return c.json({ version: JSON_VERSION, ...enqueued }, enqueued.status === 'queued' ? 202 : 200);
  });
  app.get('/runs', (c) => {
    const limit = Number(c.req.query('limit') ?? 20);
    if (!Number.isInteger(limit) || limit < 1 || limit > MOST_LISTED)
      return refusal(c, 400, 'USAGE', `limit is a whole number from 1 to ${MOST_LISTED}.`);
    const before = c.req.query('before');
    const runs = runtime.list({ limit, ...(before === undefined ? {} : { before }) });
    return c.json({ version: JSON_VERSION, runs: runs.map(runDocument) });
  });
  app.get('/runs/:id', (c) => {
    const id = idOf(c);
    const start = runtime.queue.get(id);
    if (start !== undefined) return c.json({ version: JSON_VERSION, run: queuedRunDocument(start) });
    return c.json({ version: JSON_VERSION, run: runDocument(mustGet(runtime, id)) });
  });
  app.get('/runs/:id/result', async (c) => {
    const id = idOf(c);
    const given = c.req.query('wait') ?? '0';
    const wait = durationMs(/^\d+$/.test(given) ? Number(given) : given, 'wait');
    const signal = AbortSignal.any([closing, c.req.raw.signal]);
    const end = await waitForEnd(() => endOf(runtime, id), Math.min(wait, LONGEST_WAIT_MS), signal);
    if (end === undefined) throw notFound(id);
    return c.json({ version: JSON_VERSION, id, ...end }, end.status === 'open' ? 202 : 200);
  });
  app.get('/runs/:id/events', (c) => {
    const id = idOf(c);
    if (runtime.queue.get(id) === undefined) mustGet(runtime, id);
    return streamEvents(c, runtime, id, closing);
  });
  addLogs(app, runtime);
  addMessages(app, runtime);
  addPeople(app, runtime);
  addOutcomes(app, runtime);
  addTasks(app, runtime);
  app.notFound((c) => refusal(c, 404, 'NOT_FOUND', 'There is nothing here.'));
  app.onError((error, c) => told(error, c));
  return app;
}

function addHealth(app: Hono, { runtime, closing }: AppOptions): void {
  app.get('/healthz', (c) => c.json({ version: JSON_VERSION, status: 'alive' }));
  app.get('/readyz', (c) => {
    if (closing.aborted)
      return refusal(c, 503, 'STOPPED', 'The server is stopping.', 'Start it again: pawl serve');
    runtime.list({ limit: 1 });
    return c.json({ version: JSON_VERSION, status: 'ready' });
  });
}
