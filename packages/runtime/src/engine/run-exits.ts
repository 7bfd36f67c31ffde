import type { RunId } from '../journal/ids.ts';
import { RuntimeError } from '../errors.ts';

/** Another owner took the run. */
export function fencedError(runId: RunId): RuntimeError {
  return new RuntimeError(
    'FENCED',
    `Run ${runId} was taken over by another owner; this one writes nothing any more.`,
    { hint: `See how it goes on: pawl show ${runId}`, data: { runId } },
  );
}

/** @param isRecorded false where the stop came before the first commit */
export function stoppedError(runId: RunId, isRecorded: boolean): RuntimeError {
  const message = isRecorded
    ? `Run ${runId} was stopped before its end; nothing that was finished is lost.`
    : `Run ${runId} was stopped before anything of it was recorded.`;
  const hint = isRecorded ? `Go on: pawl resume ${runId}` : 'Start it again';
  return new RuntimeError('STOPPED', message, { hint, data: { runId } });
}
