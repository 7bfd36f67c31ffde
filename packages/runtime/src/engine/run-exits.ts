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

/** Of these nothing is wrong with the run. */
const BLAMELESS: readonly string[] = ['STOPPED', 'FENCED', 'STORAGE'];
const LONGEST_PROBLEM = 500;

/** Why a run that was left cannot go on now; undefined where it can. */
export function problemOf(error: unknown): string | undefined {
  if (error instanceof RuntimeError && BLAMELESS.includes(error.code)) return undefined;
  return textOf(error).slice(0, LONGEST_PROBLEM);
}

/** Ours say what happened, and then what to do next. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (!(error instanceof RuntimeError)) return `${error.name}: ${error.message}`;
  return error.hint === undefined ? error.message : `${error.message} ${error.hint}`;
}

/** It was put down by the worker that drove it. */
export function restedError(runId: RunId): RuntimeError {
  return new RuntimeError('WAITING', `Run ${runId} was put down: it waits, and a worker goes on with it.`, {
    hint: `See for what: pawl show ${runId}`,
    data: { runId },
  });
}

/** @param isRecorded false where the stop came before the first commit */
export function stoppedError(runId: RunId, isRecorded: boolean): RuntimeError {
  const message = isRecorded
    ? `Run ${runId} was stopped before its end; nothing that was finished is lost.`
    : `Run ${runId} was stopped before anything of it was recorded.`;
  const hint = isRecorded ? `Go on: pawl resume ${runId}` : 'Start it again';
  return new RuntimeError('STOPPED', message, { hint, data: { runId } });
}
