import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { JournalEvent } from '@pawl/runtime';
import { onTestFinished } from 'vitest';

import { openSqliteStore } from '../../runtime/src/store/sqlite/sqlite-store.ts';

// Journals of given events, for the command line in this very process.

/** As long as the test, or as `atEnd` says, such as `afterAll`. */
export function freshFolder(atEnd: (clean: () => void) => void = onTestFinished): string {
  const folder = mkdtempSync(join(tmpdir(), 'pawl-here-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** An event, and how long after the start of its run it came. */
export type Timed = readonly [afterMs: number, event: JournalEvent];

/** Events in one transaction. */
const BATCH = 20_000;

/** Writes a run as a program would have that nobody drives now; of a hundred thousand events, too. */
export function writeRun(path: string, runId: string, start: number, events: Iterable<Timed>): void {
  const store = openSqliteStore({ path, durability: 'normal' });
  const claim = { owner: 'somebody', now: start, ttlMs: 1 };
  let afterSeq = 0;
  let batch: { at: number; event: JournalEvent }[] = [];
  const commit = (): void => {
    store.append([{ runId, epoch: 1, afterSeq, events: batch, consumed: [] }], claim);
    afterSeq += batch.length;
    batch = [];
  };
  for (const [afterMs, event] of events) {
    batch.push({ at: start + afterMs, event });
    if (batch.length === BATCH) commit();
  }
  if (batch.length > 0) commit();
  store.releaseLease(runId, 1);
  store.close();
}
