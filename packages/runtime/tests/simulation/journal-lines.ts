import { decode } from '../../src/journal/codec.ts';
import type { JournalEvent, Recorded, TaskPolicy } from '../../src/journal/event.ts';
import { text } from './text.ts';

/** An event as the model tells it, or undefined for what only concerns attempts. */
export function lineOf(event: JournalEvent): string | undefined {
  switch (event.type) {
    case 'TaskScheduled':
      return `TaskScheduled ${event.key} ${event.task} ${text(decode(event.args))} in ${event.pool} ${policyText(event.policy)}`;
    case 'TimerStarted':
      return `TimerStarted ${event.key} ${event.timer} ${event.timer === 'sleep' ? event.durationMs : event.dueAt}`;
    case 'StreamOpened': {
      const { key, kind, name, retry } = event;
      return `StreamOpened ${key} ${kind} ${name} ${retry === null ? null : planText(retry)}`;
    }
    case 'StreamClosed':
      return `StreamClosed ${event.key} after ${event.consumed}`;
    case 'SignalAwaited':
      return `SignalAwaited ${event.key} ${event.name} timeout ${event.timeoutMs} ${text(decode(event.data))}`;
    case 'SignalReceived':
      return `SignalReceived ${event.key} ${text(decode(event.payload))}`;
    case 'BreakpointOpened': {
      const { key, title, strategy, quorum, experts, timeoutMs, onTimeout } = event;
      return `BreakpointOpened ${key} ${title} ${strategy} ${quorum} of ${text(experts)} timeout ${timeoutMs} ${onTimeout}`;
    }
    case 'BreakpointAnswered': {
      const { key, by, approved, option } = event;
      return answerLine(key, { by, approved, option: option ?? undefined });
    }
    case 'BreakpointClosed':
      return `BreakpointClosed ${event.key} ${event.outcome} by ${event.by}`;
    case 'TaskOffered': {
      const { key, args, policy } = event;
      return `TaskOffered ${key} ${text(decode(args))} ${planText(policy.retry)}, timeout ${policy.timeoutMs}`;
    }
    case 'ExitRegistered':
      return `ExitRegistered ${event.key} for ${event.scope} ${event.when} ${event.task} ${text(decode(event.args))}`;
    case 'StateSet':
      return `StateSet ${event.name} ${text(decode(event.value))}`;
    case 'ScopeOpened':
      return `ScopeOpened ${event.key} ${event.mode} of ${event.width} by ${event.concurrency ?? Infinity} in ${event.batchSize ?? Infinity} timeout ${event.timeoutMs} losers ${event.losers} buffer ${event.buffer}${event.aborted ? ' aborted' : ''}`;
    case 'ScopeClosed':
      return `ScopeClosed ${event.key} ${event.outcome} by ${event.winner}${event.begun === undefined ? '' : `, ${event.begun} begun`}`;
    case 'TaskSucceeded':
      return `TaskSucceeded ${event.key} ${text(decode(event.output))}`;
    case 'TaskFailed':
      return `TaskFailed ${event.key} ${event.cause} ${event.failures} ${event.cause === 'error' ? event.error.message : ''}`;
    case 'TaskCancelled':
    case 'TimerFired':
    case 'SignalTimedOut':
    case 'ScopeAborted':
    case 'ScopeTimedOut':
      return `${event.type} ${event.key}`;
    case 'CancelRequested':
      return 'CancelRequested';
    default:
      return undefined;
  }
}

export function answerLine(
  key: string,
  {
    by,
    approved,
    option,
  }: { readonly by: string; readonly approved: boolean; readonly option: string | undefined },
): string {
  return `BreakpointAnswered ${key} ${by} ${approved ? 'approves' : 'rejects'} ${option ?? null}`;
}

function planText(retry: TaskPolicy['retry']): string {
  return retry.maxDelayMs === 0
    ? 'no retry'
    : `${retry.attempts} attempts after ${retry.delayMs} x ${retry.factor} - ${retry.jitter} up to ${retry.maxDelayMs}`;
}

function policyText({ retry, timeoutMs, deadlineMs }: TaskPolicy): string {
  return `${planText(retry)}, timeout ${timeoutMs}, deadline ${deadlineMs}`;
}

export function linesOf(journal: readonly Recorded[]): string[] {
  return journal.map(({ event }) => lineOf(event)).filter((line) => line !== undefined);
}

/** A journal as bytes to compare: seq, time and event, one a line. */
export function transcript(journal: readonly Recorded[]): string[] {
  return journal.map(({ seq, at, event }) => `${seq} ${at} ${JSON.stringify(event)}`);
}
