import { isLevel, LOG_LEVELS, RuntimeError, type Runtime } from '@pawl/runtime';
import type { Hono } from 'hono';

import { logLineDocument } from '../log-printer.ts';
import { JSON_VERSION } from '../render/json.ts';
import { idOf, mustGet } from './request.ts';

const MOST_LINES = 1000;

/** What a run logged: a page of lines, and behind which place the next one begins. */
export function addLogs(app: Hono, runtime: Runtime): void {
  app.get('/runs/:id/logs', (c) => {
    const { runId } = mustGet(runtime, idOf(c));
    const after = wholeNumber(c.req.query('after') ?? '0', 'after', 0);
    const limit = wholeNumber(c.req.query('limit') ?? '200', 'limit', 1);
    const level = c.req.query('level') ?? 'debug';
    if (!isLevel(level)) throw new RuntimeError('USAGE', `level is one of ${LOG_LEVELS.join(', ')}.`);
    const lines = runtime
      .logs(runId, { after, level, task: c.req.query('task') })
      .take(limit)
      .toArray();
    const logs = lines.map((line) => logLineDocument(runId, line));
    return c.json({ version: JSON_VERSION, logs, after: lines.at(-1)?.n ?? after });
  });
}

function wholeNumber(text: string, name: string, least: number): number {
  const most = name === 'limit' ? MOST_LINES : Number.MAX_SAFE_INTEGER;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : -1;
  if (value >= least && value <= most) return value;
  const range = name === 'limit' ? `from ${least} to ${most}` : `>= ${least}`;
  throw new RuntimeError('USAGE', `${name} is a whole number ${range}.`);
}
