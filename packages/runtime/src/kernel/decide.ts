import type { CallKey } from '../journal/call-key.ts';
import type { JournalEvent } from '../journal/event.ts';
import type { Millis } from '../journal/ids.ts';
import { unreachable } from '../journal/invariant.ts';
import type { ErrorRecord } from '../journal/error-record.ts';
import type { Command, Effect, Report, RunResult } from './input.ts';
import { cancelCall, cancelRun, forceCancel } from './decide-cancel.ts';
import { childEnded, startChild } from './decide-child.ts';
import { decideOffer, offerExpired } from './decide-offer.ts';
import { decideCommand } from './decide-command.ts';
import { decideGroup } from './decide-group.ts';
import { decideStream, decideStreamCommand, isStreamReport, recordItem } from './decide-stream.ts';
import { decidePeople } from './people.ts';
import { backoffMs } from './retry.ts';
import { afterUnknown, resume } from './resume.ts';
import { isFenced, isFencedCall, type RunState, type TaskCall } from './state.ts';

/** What follows from an input: facts to record, and work that starts once they are committed. */
export interface Decision {
  readonly events: readonly JournalEvent[];
  readonly effects: readonly Effect[];
}

export const NOTHING: Decision = { events: [], effects: [] };

/** The rules: pure, and the only source of events. */
export function decide(state: Readonly<RunState>, input: Command | Report, now: Millis): Decision {
  switch (input.type) {
    case 'StartRun':
    case 'ScheduleTask':
    case 'StartTimer':
    case 'AwaitSignal':
    case 'OpenScope':
    case 'RetuneScope':
    case 'CloseScope':
    case 'RegisterExit':
    case 'RecordValue':
    case 'SetState':
    case 'OfferTask':
      return decideCommand(state, input, now);
    case 'StartChild':
      return startChild(input);
    case 'OpenStream':
    case 'CloseStream':
      return decideStreamCommand(state, input);
    case 'SlotGranted':
    case 'AttemptSucceeded':
    case 'AttemptErred':
    case 'AttemptStopped':
    case 'AttemptLost':
    case 'RetryDue':
    case 'DeadlinePassed':
    case 'OutcomeResolved':
    case 'CallRefused':
    case 'CheckErred':
    case 'TransactionEnded':
    case 'ItemProduced':
    case 'SourceEnded':
      return decideAttempt(state, input, now);
    case 'TimerDue':
      return isOpen(state, input.key) ? event({ type: 'TimerFired', key: input.key }) : NOTHING;
    case 'OpenBreakpoint':
    case 'WaitDue':
    case 'SignalTaken':
    case 'TaskSignalMissed':
    case 'TaskSignalPassed':
    case 'TaskSignalTaken':
    case 'AnswerTaken':
    case 'NoticeGiven':
      return decidePeople(state, input);
    case 'ChildEnded':
      return childEnded(state, input);
    case 'AnswerGiven':
    case 'AnswerUnfit':
      return decideOffer(state, input, now);
    case 'ScopeDue':
    case 'SignalAborted':
    case 'FoldReached':
    case 'LeftBehind':
      return decideGroup(state, input);
    case 'CancelCall':
      return cancelCall(state, input.key, input.reason);
    case 'CancelRun':
      return cancelRun(state, input.reason);
    case 'ForceCancel':
      return forceCancel(state, input.reason);
    case 'HeadReached':
      return resume(state, now);
    case 'CodeFits':
      return acceptCode(state, input.codeHash);
    case 'RunEnded':
      return event(endOf(input.result));
    default:
      return unreachable(input);
  }
}

function acceptCode(state: Readonly<RunState>, codeHash: string): Decision {
  return codeHash === state.codeHash ? NOTHING : event({ type: 'CodeAccepted', codeHash });
}

function endOf(result: RunResult): JournalEvent {
  switch (result.status) {
    case 'succeeded':
      return { type: 'RunSucceeded', output: result.output };
    case 'failed':
      return { type: 'RunFailed', error: result.error };
    case 'cancelled':
      return { type: 'RunCancelled', reason: result.reason };
    case 'continued': {
      const { inputs, inputsHash, nextRunId } = result;
      return { type: 'RunContinued', inputs, inputsHash, nextRunId };
    }
    default:
      return unreachable(result);
  }
}

function event(fact: JournalEvent, ...effects: readonly Effect[]): Decision {
  return { events: [fact], effects };
}

type TaskReport = Extract<
  Report,
  {
    type:
      | 'SlotGranted'
      | 'AttemptSucceeded'
      | 'AttemptErred'
      | 'AttemptStopped'
      | 'AttemptLost'
      | 'RetryDue'
      | 'DeadlinePassed'
      | 'OutcomeResolved'
      | 'CallRefused'
      | 'CheckErred'
      | 'TransactionEnded'
      | 'ItemProduced'
      | 'SourceEnded';
  }
>;

function decideAttempt(state: Readonly<RunState>, report: TaskReport, now: Millis): Decision {
  const call = state.calls.get(report.key);
  if (call?.kind === 'stream')
    return isStreamReport(report) ? decideStream(state, call, report, now) : NOTHING;
  if (call?.kind === 'offer')
    return report.type === 'DeadlinePassed' ? offerExpired(state, report.key) : NOTHING;
  return call?.kind === 'task' ? decideTask(state, call, report, now) : NOTHING;
}

function decideTask(state: Readonly<RunState>, call: TaskCall, report: TaskReport, now: Millis): Decision {
  const { key } = report;
  if (!state.pending.has(key) || isStale(call, report)) return lateResult(call, report);
  const fenced = isFencedCall(state, key, call);
  switch (report.type) {
    case 'SlotGranted':
      return fenced ? NOTHING : startAttempt(report, call);
    case 'AttemptSucceeded':
      return fenced
        ? lateResult(call, report)
        : settle({ type: 'TaskSucceeded', key, output: report.output, by: 'attempt' });
    case 'AttemptErred':
      return fenced ? lateResult(call, report) : attemptErred(call, report, now);
    case 'AttemptStopped':
      return fenced
        ? lateResult(call, report)
        : event({ type: 'AttemptInterrupted', key, attempt: report.attempt });
    case 'AttemptLost':
      return fenced ? NOTHING : afterUnknown(key, call);
    case 'RetryDue':
      return fenced || call.phase !== 'backoff'
        ? NOTHING
        : { events: [], effects: [{ type: 'QueueAttempt', key }] };
    case 'DeadlinePassed':
      return fenced ? NOTHING : deadlinePassed(key, call);
    case 'CheckErred':
      return fenced || call.phase !== 'running'
        ? NOTHING
        : event({ type: 'OutcomeAsked', key, attempt: call.attempts });
    case 'OutcomeResolved':
      return fenced ? NOTHING : resolved(key, call, report);
    case 'ItemProduced':
      return fenced || call.progress === undefined ? NOTHING : recordItem(key, call.progress.items, report);
    case 'SourceEnded':
      return NOTHING;
    case 'TransactionEnded':
      return fenced ? NOTHING : transactionEnded(call, report, now);
    case 'CallRefused':
      return fenced || (call.phase !== 'scheduled' && call.phase !== 'backoff')
        ? NOTHING
        : refused(call, report);
    default:
      return unreachable(report);
  }
}

/** A report of an attempt that was given up before (it timed out, and another may run). */
function isStale(call: TaskCall, report: TaskReport): boolean {
  return 'attempt' in report && (report.attempt !== call.attempts || call.phase !== 'running');
}

function isEnd(
  report: TaskReport,
): report is Extract<TaskReport, { type: 'AttemptSucceeded' | 'AttemptErred' | 'AttemptStopped' }> {
  return (
    report.type === 'AttemptSucceeded' || report.type === 'AttemptErred' || report.type === 'AttemptStopped'
  );
}

function lateResult(call: TaskCall, report: TaskReport): Decision {
  const outcomes = {
    AttemptSucceeded: 'succeeded',
    AttemptErred: 'failed',
    AttemptStopped: 'interrupted',
  } as const;
  if (!isEnd(report) || report.attempt > call.attempts) return NOTHING;
  return event({
    type: 'LateResult',
    key: report.key,
    attempt: report.attempt,
    outcome: outcomes[report.type],
  });
}

function startAttempt({ key, remote }: Extract<Report, { type: 'SlotGranted' }>, call: TaskCall): Decision {
  const attempt = call.attempts + 1;
  const fact = { type: 'AttemptStarted', key, attempt } as const;
  return event(remote === undefined ? fact : { ...fact, remote }, { type: 'StartAttempt', key, attempt });
}

function transactionEnded(
  call: TaskCall,
  report: Extract<Report, { type: 'TransactionEnded' }>,
  now: Millis,
): Decision {
  const { key, result } = report;
  const attempt = call.attempts + 1;
  const ended =
    result.status === 'done'
      ? settle({ type: 'TaskSucceeded', key, output: result.output, by: 'attempt' })
      : attemptErred(call, { ...result, type: 'AttemptErred', key, attempt, cause: 'error' }, now);
  return { events: [{ type: 'AttemptStarted', key, attempt }, ...ended.events], effects: ended.effects };
}

function settle(fact: JournalEvent & { readonly key: CallKey }): Decision {
  return event(fact, { type: 'ClearTimers', key: fact.key });
}

function attemptErred(
  call: TaskCall,
  report: Extract<Report, { type: 'AttemptErred' }>,
  now: Millis,
): Decision {
  const { key, attempt, error } = report;
  const failures = call.failures + 1;
  const { retry, deadlineMs } = call.policy;
  const delayMs = backoffMs(retry, failures, report.draw);
  const inTime = deadlineMs === null || now + delayMs < call.scheduledAt + deadlineMs;
  if (!report.retryable || failures >= retry.attempts || !inTime) {
    return settle({ type: 'TaskFailed', key, error, cause: report.cause, failures, by: 'attempt' });
  }
  return event(
    { type: 'AttemptFailed', key, attempt, error, retryAt: now + delayMs, delayMs },
    { type: 'SetTimer', delayMs, report: { type: 'RetryDue', key } },
  );
}

function deadlinePassed(key: CallKey, call: TaskCall): Decision {
  const error: ErrorRecord = {
    name: 'TimeoutError',
    message: `deadline of ${call.policy.deadlineMs} ms passed`,
  };
  const failed = settle({
    type: 'TaskFailed',
    key,
    error,
    cause: 'timeout',
    failures: call.failures,
    by: 'attempt',
  });
  if (call.phase !== 'running') return failed;
  return { ...failed, effects: [...failed.effects, { type: 'AbortAttempt', key, reason: error.message }] };
}

const ANSWERED_PHASE = {
  person: 'asked',
  check: 'running',
  cache: 'scheduled',
  given: 'scheduled',
  reused: 'scheduled',
} as const;

function refused(call: TaskCall, report: Extract<Report, { type: 'CallRefused' }>): Decision {
  const { key, error, cause } = report;
  return settle({ type: 'TaskFailed', key, error, cause, failures: call.failures, by: 'attempt' });
}

function resolved(
  key: CallKey,
  call: TaskCall,
  report: Extract<Report, { type: 'OutcomeResolved' }>,
): Decision {
  const { answer, by } = report;
  // A person answers what was asked, a check what was running: a second answer finds neither.
  if (call.phase !== ANSWERED_PHASE[by]) return NOTHING;
  switch (answer.status) {
    case 'done': {
      const { output, fromSeq } = answer;
      return settle({
        type: 'TaskSucceeded',
        key,
        output,
        by,
        ...(fromSeq === undefined ? {} : { fromSeq }),
      });
    }
    case 'failed':
      return settle({
        type: 'TaskFailed',
        key,
        error: answer.error,
        cause: 'error',
        failures: call.failures + 1,
        by,
      });
    case 'retry': {
      const { attempts: attempt, unknowns, policy } = call;
      // A person may say it as often as they like. By a check alone, a task that kills its program would never end.
      if (by === 'check' && unknowns >= policy.maxUnknown)
        return event({ type: 'OutcomeAsked', key, attempt });
      const fact = { type: 'AttemptInterrupted', key, attempt } as const;
      return event(by === 'check' ? { ...fact, unknown: true } : fact, { type: 'QueueAttempt', key });
    }
    default:
      return unreachable(answer);
  }
}

function isOpen(state: Readonly<RunState>, key: CallKey): boolean {
  return state.pending.has(key) && !isFenced(state, key);
}
