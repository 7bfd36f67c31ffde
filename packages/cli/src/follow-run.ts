/** A run as it goes on, and each run that it continues as: read from the file, whoever drives them. */
import { setTimeout as sleep } from 'node:timers/promises';

import { isTerminal, type JournalReader, type Recorded, type RunId, type TerminalEvent } from '@pawl/runtime';

const POLL_MS = 150;

export interface FollowStep {
  readonly runId: RunId;
  /** Undefined where all that is recorded so far was read: comes again and again while nothing happens. */
  readonly recorded: Recorded | undefined;
}

export interface FollowOptions {
  /** Only events after this one of the first run. */
  readonly after: number;
  /** Ends it between two looks. */
  readonly signal: AbortSignal;
}

/** Until the last of them ends. One that has not begun is waited for. */
export async function* followRun(
  reader: JournalReader,
  first: RunId,
  { after, signal }: FollowOptions,
): AsyncGenerator<FollowStep, void, void> {
  while (reader.start(first) !== undefined) {
    yield { runId: first, recorded: undefined };
    if (!(await isPast(POLL_MS, signal))) return;
  }
  let runId = first;
  for (let seq = after; ;) {
    const mark = reader.changeMark();
    const wasOver = reader.get(runId).status !== 'running';
    let end: TerminalEvent | undefined;
    for (const recorded of reader.events(runId, seq)) {
      if (signal.aborted) return;
      yield { runId, recorded };
      seq = recorded.seq;
      if (isTerminal(recorded.event)) end = recorded.event;
    }
    yield { runId, recorded: undefined };
    if (end?.type === 'RunContinued') {
      runId = end.nextRunId;
      seq = 0;
      continue;
    }
    if (end !== undefined || wasOver) return;
    do {
      if (!(await isPast(POLL_MS, signal))) return;
      yield { runId, recorded: undefined };
    } while (reader.changeMark() === mark);
  }
}

async function isPast(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(ms, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}
