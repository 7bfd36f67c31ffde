import { isTerminal, type Runtime } from '@pawl/runtime';
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';

import { timestamp } from '../run-document.ts';
import { refusal } from './guard.ts';

const PAGE = 200;
const LOOK_MS = 100;
/** So that what lies between does not take the line for dead. */
const BEAT_MS = 15_000;
const MOST_STREAMS = 256;

let open = 0;

/** Server-sent events: each event of a run once it is committed, from `Last-Event-ID` on; ends with the run. */
export function streamEvents(
  c: Context,
  runtime: Runtime,
  id: string,
  closing: AbortSignal,
): Response | Promise<Response> {
  const after = c.req.header('last-event-id') ?? c.req.query('after') ?? '0';
  if (!/^\d{1,15}$/.test(after)) return refusal(c, 400, 'USAGE', 'Last-Event-ID is the id of an event.');
  if (open >= MOST_STREAMS) return refusal(c, 503, 'BUSY', `${MOST_STREAMS} streams are open already.`);
  open += 1;
  return streamSSE(c, async (stream) => {
    try {
      let seq = Number(after);
      let beatAt = performance.now() + BEAT_MS;
      while (!stream.aborted && !closing.aborted) {
        const page = runtime.store.read(id, seq, PAGE);
        for (const { seq: at, at: time, event } of page) {
          const data = JSON.stringify({ runId: id, seq: at, at: timestamp(time), ...event });
          await stream.writeSSE({ id: String(at), event: event.type, data });
          seq = at;
          if (isTerminal(event)) return;
        }
        if (page.length > 0) continue;
        if (performance.now() >= beatAt) {
          beatAt = performance.now() + BEAT_MS;
          await stream.write(': \n\n');
        }
        await stream.sleep(LOOK_MS);
      }
    } finally {
      open -= 1;
    }
  });
}
