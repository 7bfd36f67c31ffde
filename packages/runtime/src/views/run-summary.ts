import { isWithin, type CallKey } from '../journal/call-key.ts';
import type { JournalEvent, Recorded } from '../journal/event.ts';
import type { RunForked } from '../journal/fork-event.ts';
import type { RunId } from '../journal/ids.ts';
import type { RunSummary } from '../journal/run-summary.ts';

function firstLine(text: string): string {
  const line = text.split('\n', 1)[0] ?? '';
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
}

/** A summary that is being made. */
type Draft = { -readonly [Field in keyof RunSummary]: RunSummary[Field] };

function change(draft: Draft, event: JournalEvent): void {
  switch (event.type) {
    case 'RunSucceeded':
      draft.status = 'succeeded';
      return;
    case 'RunFailed':
      draft.status = 'failed';
      draft.error = firstLine(`${event.error.name}: ${event.error.message}`);
      return;
    case 'RunCancelled':
      draft.status = 'cancelled';
      draft.error = firstLine(event.reason);
      return;
    case 'RunContinued':
      draft.status = 'continued';
      return;
    case 'CodeAccepted':
      draft.codeHash = event.codeHash;
      return;
    case 'RunForked':
      if (event.parentSeq > 0) draft.startedAt = draft.updatedAt;
      fork(draft, event);
      return;
    case 'TaskScheduled':
      draft.tasksScheduled += 1;
      return;
    case 'TaskOffered':
      draft.tasksScheduled += 1;
      draft.asked = [...draft.asked, event.key];
      return;
    case 'OutcomeAsked':
    case 'SignalAwaited':
    case 'BreakpointOpened':
    case 'TaskSignalAwaited':
      answer(draft, event.key);
      draft.asked = [...draft.asked, event.key];
      return;
    case 'TaskSucceeded':
    case 'TaskFailed':
      draft.tasksSettled += 1;
      answer(draft, event.key);
      return;
    case 'Compacted':
      draft.tasksScheduled += event.scheduled;
      draft.tasksSettled += event.succeeded + event.failed;
      return;
    case 'Folded':
      // The rows that answered may have been removed, and the one that asked not yet.
      draft.asked = draft.asked.filter((key) => !isWithin(key, event.key));
      return;
    case 'AttemptStarted':
    case 'AttemptFailed':
    case 'TaskSignalReceived':
    case 'TaskSignalForgone':
    case 'TaskCancelled':
    case 'SignalReceived':
    case 'SignalTimedOut':
    case 'BreakpointClosed':
      answer(draft, event.key);
      return;
    default:
  }
}

function fork(draft: Draft, { inputs, code }: RunForked): void {
  if (inputs !== undefined) draft.inputsHash = inputs.hash;
  if (code !== undefined) Object.assign(draft, code);
}

function answer(draft: Draft, key: CallKey): void {
  if (draft.asked.includes(key)) draft.asked = draft.asked.filter((other) => other !== key);
}

function begin(runId: RunId, { seq, at, event }: Recorded): Draft {
  const started = event.type === 'RunStarted' ? event : undefined;
  return {
    runId,
    process: started?.process ?? '',
    module: started?.module ?? null,
    codeHash: started?.codeHash ?? null,
    inputsHash: started?.inputsHash ?? '',
    status: 'running',
    startedAt: at,
    updatedAt: at,
    lastSeq: seq,
    tasksScheduled: 0,
    tasksSettled: 0,
    asked: [],
    error: null,
  };
}

/** The summary after `recorded`; `undefined` stands for a run that has none yet. */
export function summarize(runId: RunId, before: RunSummary | undefined, recorded: Recorded): RunSummary {
  const draft = before === undefined ? begin(runId, recorded) : { ...before };
  if (before !== undefined) addToSummary(draft, recorded);
  return draft;
}

/** As `summarize`, in place: for many events at once. */
export function addToSummary(draft: Draft, { seq, at, event }: Recorded): void {
  draft.updatedAt = at;
  draft.lastSeq = seq;
  change(draft, event);
}
