import { setTimeout as sleep } from 'node:timers/promises';

import {
  isTerminal,
  type Encoded,
  type ErrorRecord,
  type RunRecord,
  type Runtime,
  type TerminalEvent,
} from '@pawl/runtime';

/** How a run stands, as it is told over HTTP. */
export type RunEnd =
  | { readonly status: 'open' }
  | { readonly status: 'succeeded'; readonly output: Encoded }
  | { readonly status: 'failed'; readonly error: Pick<ErrorRecord, 'name' | 'message'> }
  | { readonly status: 'cancelled'; readonly reason: string };

const LOOK_MS = 100;
const PAGE = 100;

/** Of a run that was continued, that of the last one; undefined where there is no such run. */
export function endOf(runtime: Runtime, id: string): RunEnd | undefined {
  const run = runtime.get(id);
  if (run === undefined) return runtime.queue.get(id) === undefined ? undefined : { status: 'open' };
  if (run.status === 'running') return { status: 'open' };
  const last = lastEvent(runtime, run);
  switch (last?.type) {
    case 'RunSucceeded':
      return { status: 'succeeded', output: last.output };
    case 'RunFailed':
      return { status: 'failed', error: { name: last.error.name, message: last.error.message } };
    case 'RunCancelled':
      return { status: 'cancelled', reason: last.reason };
    case 'RunContinued':
      return endOf(runtime, last.nextRunId);
    default:
      return { status: 'open' };
  }
}

/** What ended it: nothing but late results follows. */
function lastEvent(runtime: Runtime, { runId, lastSeq }: RunRecord): TerminalEvent | undefined {
  for (let end = lastSeq; end > 0; end -= PAGE) {
    let seq = Math.max(0, end - PAGE);
    for (let page = runtime.store.read(runId, seq, PAGE); page.length > 0 && seq < end;) {
      const found = page.map(({ event }) => event).find(isTerminal);
      if (found !== undefined) return found;
      seq = page.at(-1)?.seq ?? end;
      page = runtime.store.read(runId, seq, PAGE);
    }
  }
  return undefined;
}

/** Looks until it has ended, or the time is up. */
export async function waitForEnd(
  look: () => RunEnd | undefined,
  waitMs: number,
  signal: AbortSignal,
): Promise<RunEnd | undefined> {
  const until = performance.now() + waitMs;
  for (;;) {
    const end = look();
    if (end?.status !== 'open' || performance.now() >= until || signal.aborted) return end;
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
}
