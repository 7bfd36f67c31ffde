import type { CallKey } from '../journal/call-key.ts';
import type { JournalEvent } from '../journal/event.ts';
import type { Millis } from '../journal/ids.ts';
import { unreachable } from '../journal/invariant.ts';
import type { Decision } from './decide.ts';
import type { Command, Effect, Report } from './input.ts';
import { backoffMs } from './retry.ts';
import { isFenced, type RunState, type StreamCall } from './state.ts';
import { NOT_READ } from './why-given-up.ts';

const NOTHING: Decision = { events: [], effects: [] };

function event(fact: JournalEvent, ...effects: readonly Effect[]): Decision {
  return { events: [fact], effects };
}

/** The process opens a stream, or stops reading one. */
export function decideStreamCommand(
  state: Readonly<RunState>,
  command: Extract<Command, { type: 'OpenStream' | 'CloseStream' }>,
): Decision {
  const { key } = command;
  if (command.type === 'OpenStream') {
    const { type: _, ...facts } = command;
    const opened: JournalEvent = { type: 'StreamOpened', ...facts };
    if (command.kind === 'source') return event(opened, { type: 'QueueAttempt', key });
    // Of a task that settled before anyone asked for its progress there is none.
    return state.pending.has(key) ? event(opened) : NOTHING;
  }
  const call = state.calls.get(key);
  if (call === undefined || !state.pending.has(key) || isFenced(state, key)) return NOTHING;
  const closed: JournalEvent = { type: 'StreamClosed', key, consumed: command.consumed };
  const effects: Effect[] =
    call.kind === 'task'
      ? [{ type: 'CancelWithin', scope: key, reason: NOT_READ }]
      : [{ type: 'ClearTimers', key }];
  if (call.kind === 'stream' && call.phase === 'running')
    effects.push({ type: 'AbortAttempt', key, reason: NOT_READ });
  return { events: [closed], effects };
}

type StreamReport = Extract<
  Report,
  {
    type: 'SlotGranted' | 'ItemProduced' | 'SourceEnded' | 'AttemptErred' | 'AttemptStopped' | 'RetryDue';
  }
>;

export function isStreamReport(report: { readonly type: Report['type'] }): report is StreamReport {
  switch (report.type) {
    case 'SlotGranted':
    case 'ItemProduced':
    case 'SourceEnded':
    case 'AttemptErred':
    case 'AttemptStopped':
    case 'RetryDue':
      return true;
    default:
      return false;
  }
}

/** What a source tells. After its end, and of an attempt that was given up, nothing counts any more. */
export function decideStream(
  state: Readonly<RunState>,
  call: StreamCall,
  report: StreamReport,
  now: Millis,
): Decision {
  const { key } = report;
  if (!state.pending.has(key) || isFenced(state, key)) return NOTHING;
  if ('attempt' in report && (report.attempt !== call.attempts || call.phase !== 'running')) return NOTHING;
  switch (report.type) {
    case 'SlotGranted': {
      const attempt = call.attempts + 1;
      return event({ type: 'AttemptStarted', key, attempt }, { type: 'StartAttempt', key, attempt });
    }
    case 'ItemProduced':
      return recordItem(key, call.items, report);
    case 'SourceEnded':
      return event({ type: 'StreamEnded', key }, { type: 'ClearTimers', key });
    case 'AttemptStopped':
      return event({ type: 'AttemptInterrupted', key, attempt: report.attempt });
    case 'AttemptErred':
      return attemptErred(call, report, now);
    case 'RetryDue':
      return call.phase === 'backoff' ? { events: [], effects: [{ type: 'QueueAttempt', key }] } : NOTHING;
    default:
      return unreachable(report);
  }
}

/** @param n items recorded before it */
export function recordItem(
  key: CallKey,
  n: number,
  { attempt, item, cursor }: Extract<Report, { type: 'ItemProduced' }>,
): Decision {
  return event({ type: 'ItemRecorded', key, n, attempt, item, cursor });
}

function attemptErred(
  call: StreamCall,
  { key, attempt, error, retryable, draw }: Extract<Report, { type: 'AttemptErred' }>,
  now: Millis,
): Decision {
  const failures = call.failures + 1;
  if (!retryable || failures >= call.retry.attempts)
    return event({ type: 'StreamFailed', key, error, failures }, { type: 'ClearTimers', key });
  const delayMs = backoffMs(call.retry, failures, draw);
  return event(
    { type: 'AttemptFailed', key, attempt, error, retryAt: now + delayMs, delayMs },
    { type: 'SetTimer', delayMs, report: { type: 'RetryDue', key } },
  );
}
