import { isWithin, type CallKey } from '../journal/call-key.ts';
import type { JournalEvent, Recorded } from '../journal/event.ts';
import type { RunId } from '../journal/ids.ts';
import type { RunSummary } from '../journal/run-summary.ts';

function firstLine(text: string): string {
  const line = text.split('\n', 1)[0] ?? '';
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
}

type Change = Partial<Omit<RunSummary, 'runId'>>;

function changeBy(summary: RunSummary, event: JournalEvent): Change {
  switch (event.type) {
    case 'RunSucceeded':
      return { status: 'succeeded' };
    case 'RunFailed':
      return { status: 'failed', error: firstLine(`${event.error.name}: ${event.error.message}`) };
    case 'RunCancelled':
      return { status: 'cancelled', error: firstLine(event.reason) };
    case 'RunContinued':
      return { status: 'continued' };
    case 'TaskScheduled':
      return { tasksScheduled: summary.tasksScheduled + 1 };
    case 'OutcomeAsked':
    case 'SignalAwaited':
      return { asked: [...summary.asked, event.key] };
    case 'AttemptStarted':
      return { asked: without(summary.asked, event.key) };
    case 'TaskSucceeded':
    case 'TaskFailed':
      return { tasksSettled: summary.tasksSettled + 1, asked: without(summary.asked, event.key) };
    case 'Compacted':
      return {
        tasksScheduled: summary.tasksScheduled + event.scheduled,
        tasksSettled: summary.tasksSettled + event.succeeded + event.failed,
      };
    case 'Folded':
      // The rows that answered may have been removed, and the one that asked not yet.
      return { asked: summary.asked.filter((key) => !isWithin(key, event.key)) };
    case 'TaskCancelled':
    case 'SignalReceived':
    case 'SignalTimedOut':
      return { asked: without(summary.asked, event.key) };
    default:
      return {};
  }
}

function without(asked: readonly CallKey[], key: CallKey): readonly CallKey[] {
  return asked.includes(key) ? asked.filter((other) => other !== key) : asked;
}

/** The summary after `recorded`; `undefined` stands for a run that has none yet. */
export function summarize(runId: RunId, before: RunSummary | undefined, recorded: Recorded): RunSummary {
  const { seq, at, event } = recorded;
  if (before === undefined) {
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
  return { ...before, updatedAt: at, lastSeq: seq, ...changeBy(before, event) };
}
