/** Makes journal-fixtures/<version>/journal.db, and sealed.db: a journal as a file, with something in each of its tables. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ProcessDefinition } from '@pawl/sdk';
import Database from 'better-sqlite3';

import { openRuntime, type Recorded, type Runtime } from '../src/index.ts';
import { ManualClock, seededEntropy } from '../src/testing.ts';

export const JOURNAL_FILE = 'journal.db';
/** The same, encrypted with `JOURNAL_KEY`. */
export const SEALED_FILE = 'sealed.db';
export const JOURNAL_KEY = 'cd'.repeat(32);
export const SECRET_KEY = 'ab'.repeat(32);
const FIXTURES = join(import.meta.dirname, '..', '..', '..', 'journal-fixtures');

export type Waiting = ProcessDefinition<{ readonly what: string }>;

export async function waitingOf(version: string): Promise<Waiting> {
  const path = join(FIXTURES, version, 'waiting.ts');
  return ((await import(pathToFileURL(path).href)) as { readonly default: Waiting }).default;
}

/** Until nothing moves by itself. */
export async function untilStill(runtime: Runtime, clock: ManualClock): Promise<void> {
  for (let still = 0; still < 20; still = runtime.isIdle ? still + 1 : 0) {
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(1);
  }
}

export async function recordJournalFile(version: string, file: string = JOURNAL_FILE): Promise<Buffer> {
  const waiting = await waitingOf(version);
  const folder = mkdtempSync(join(tmpdir(), 'pawl-journal-file-'));
  const limit = Error.stackTraceLimit;
  // Stacks tell where on this machine they were made.
  Error.stackTraceLimit = 0;
  try {
    const path = join(folder, 'live.db');
    const clock = new ManualClock();
    const runtime = await openRuntime({
      path,
      clock,
      entropy: seededEntropy(11),
      secretKey: SECRET_KEY,
      ...(file === SEALED_FILE ? { encryption: { key: JOURNAL_KEY } } : {}),
      pools: { harbour: { maxConcurrent: 1 } },
    });
    await leaveBehind(runtime, clock, waiting);
    await runtime.close();
    const db = new Database(path);
    db.pragma('journal_mode = delete');
    db.exec(`vacuum into '${join(folder, JOURNAL_FILE)}'`);
    db.close();
    return readFileSync(join(folder, JOURNAL_FILE));
  } finally {
    Error.stackTraceLimit = limit;
    rmSync(folder, { recursive: true, force: true });
  }
}

function journalOf(runtime: Runtime, runId: string): readonly Recorded[] {
  return runtime.store.read(runId, 0, 1000);
}

/** A run that has ended, a fork of it, one that waits for everything and has mail, a start that waits and has mail, a schedule. */
async function leaveBehind(runtime: Runtime, clock: ManualClock, waiting: Waiting): Promise<void> {
  const module = 'waiting.ts';
  for (const id of ['ended', 'open']) {
    runtime
      .start(waiting, { what: id }, { id, module })
      .result()
      .catch(() => undefined);
    await untilStill(runtime, clock);
  }
  const [ended = '', open = ''] = ['ended', 'open'].map((runId) => runtime.tasks.list({ runId })[0]?.id);
  runtime.tasks.complete(ended, 'a drawing', { idempotencyKey: 'ended drawing' });
  await runtime.respond('ended', '2/1/0', { approved: true, by: 'ada' });
  await runtime.send('ended', 'word', 'go', { id: 'ended word' });
  await untilStill(runtime, clock);
  // Behind the question to people, while all three are asked.
  const asked = journalOf(runtime, 'ended').find(({ event }) => event.type === 'BreakpointOpened')?.seq ?? 0;
  const fork = await runtime.fork('ended', { afterSeq: asked + 2, id: 'forked', process: waiting, module });
  fork.result().catch(() => undefined);
  await untilStill(runtime, clock);
  await runtime.stop('forked');

  runtime.tasks.claim(open, { worker: 'grace' });
  await runtime.stop('open');
  const limited = { module, concurrency: { key: 'k', limit: 1 } };
  await runtime.enqueue(waiting, { what: 'keyed' }, { ...limited, id: 'keyed' });
  const worker = runtime.work();
  await untilStill(runtime, clock);
  await worker.drain();
  await runtime.send('open', 'word', 'go', { id: 'open word' });
  await runtime.send('open', 'secret', 'a secret', { id: 'open secret', secret: true });
  await runtime.enqueue(waiting, { what: 'queued' }, { ...limited, id: 'queued' });
  await runtime.send('queued', 'word', 'go', { id: 'queued word' });
  await runtime.schedules.add(waiting, { what: 'weekly' }, { name: 'weekly', cron: '0 9 * * 1', module });
}
