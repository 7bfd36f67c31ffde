import { isDeepStrictEqual } from 'node:util';

import { RuntimeError } from '../errors.ts';
import type { JournalEvent } from '../journal/event.ts';
import type { RunId, Seq } from '../journal/ids.ts';
import { parseEvent, StoredEventRefusal } from '../journal/stored-event.ts';
import type { StoredEvent } from '../journal/stored-event.ts';
import type { RunSummary } from '../journal/run-summary.ts';

export function corrupt(runId: RunId, seq: Seq, problem: string, cause?: unknown): RuntimeError {
  const place = seq === 0 ? `The journal of run ${runId}` : `Event ${seq} of run ${runId}`;
  return new RuntimeError('CORRUPT', `${place} is damaged: ${problem}.`, {
    hint: `pawl verify ${runId}`,
    data: { runId, seq, problem },
    cause,
  });
}

/** @throws RuntimeError NEWER or CORRUPT */
export function parseRow(runId: RunId, seq: Seq, row: StoredEvent): JournalEvent {
  try {
    return parseEvent(row);
  } catch (refusal) {
    if (refusal instanceof StoredEventRefusal) throw refusedRow(runId, seq, refusal);
    throw refusal;
  }
}

/** NEWER or CORRUPT. */
export function refusedRow(runId: RunId, seq: Seq, refusal: StoredEventRefusal): RuntimeError {
  if (refusal.kind === 'malformed') return corrupt(runId, seq, refusal.message, refusal);
  return new RuntimeError(
    'NEWER',
    `Event ${seq} of run ${runId} is newer than this program: ${refusal.message}.`,
    {
      hint: 'Use the version of pawl that wrote it, or a newer one.',
      data: { runId, seq },
      cause: refusal,
    },
  );
}

/** What of a kept summary is not the fold of the events (S3), undefined where all is. */
export function summaryProblem(kept: RunSummary, folded: RunSummary): string | undefined {
  for (const field of Object.keys(folded) as (keyof RunSummary)[]) {
    if (!isDeepStrictEqual(kept[field], folded[field])) {
      const [is, shouldBe] = [kept[field], folded[field]].map((value) => JSON.stringify(value) ?? 'nothing');
      return `its summary has ${field} ${is}, its events give ${shouldBe}`;
    }
  }
  return undefined;
}
