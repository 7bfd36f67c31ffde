import { shortValue, type JournalEvent, type Recorded } from '@pawl/runtime';

import { clean } from './clean.ts';
import { fit, fitEnd, padEnd, padStart } from './columns.ts';
import { formatClock, formatDuration } from './duration.ts';
import { errorTitle } from './error-record.ts';
import { isWaitEvent, waitDetail } from './wait-detail.ts';
import type { Theme } from './theme.ts';

const NARROW = 64;
const TYPE = 18;
const KEY = 10;
const LONGEST_VALUE = 400;

/** One event in one line: seq, time, what, where, and the part of it that matters. */
export function renderEvent(recorded: Recorded, width: number, theme: Theme): string {
  const { seq, at, event } = recorded;
  const type = paintType(event, theme);
  const key = 'key' in event ? clean(event.key) : '';
  const detail = detailOf(event);
  if (width < NARROW) {
    const rest = fit([key, detail].filter((text) => text !== '').join(' '), width - TYPE - 8);
    return `${padStart(String(seq), 4)}  ${type}  ${theme.dim(rest)}`.trimEnd();
  }
  const start = `${padStart(String(seq), 6)}  ${theme.dim(formatClock(at))}  ${type}`;
  const room = width - TYPE - KEY - 26;
  return `${start}  ${padEnd(fitEnd(key, KEY), KEY)}  ${theme.dim(fit(detail, room))}`.trimEnd();
}

function paintType(event: JournalEvent, theme: Theme): string {
  const type = padEnd(event.type, TYPE);
  switch (event.type) {
    case 'RunSucceeded':
    case 'RunContinued':
    case 'TaskSucceeded':
    case 'StreamEnded':
      return theme.good(type);
    case 'RunFailed':
    case 'TaskFailed':
    case 'StreamFailed':
      return theme.bad(type);
    case 'AttemptFailed':
    case 'OutcomeAsked':
    case 'ScopeTimedOut':
    case 'SignalTimedOut':
    case 'CancelRequested':
    case 'AnswerRefused':
    case 'CancelForced':
      return theme.attention(type);
    default:
      return type;
  }
}

function childEnd(outcome: Extract<JournalEvent, { type: 'ChildFinished' }>['outcome']): string {
  if (outcome.status === 'succeeded') return value(outcome.output);
  if (outcome.status === 'detached') return 'it goes on by itself';
  return outcome.status === 'failed' ? errorTitle(outcome.error) : `cancelled: ${clean(outcome.reason)}`;
}

function value(encoded: Parameters<typeof shortValue>[0]): string {
  return clean(shortValue(encoded, LONGEST_VALUE));
}

type StreamEvent = Extract<
  JournalEvent,
  { type: 'StreamOpened' | 'ItemRecorded' | 'StreamFailed' | 'StreamClosed' | 'StreamEnded' }
>;

function streamDetail(event: StreamEvent): string {
  switch (event.type) {
    case 'StreamOpened':
      return event.kind === 'source' ? `source ${clean(event.name)}` : `progress of ${clean(event.name)}`;
    case 'ItemRecorded':
      return `${event.n}: ${value(event.item)}`;
    case 'StreamFailed':
      return errorTitle(event.error);
    case 'StreamClosed':
      return `read ${event.consumed}`;
    case 'StreamEnded':
      return '';
    default:
      return event satisfies never;
  }
}

type ValueEvent = Extract<JournalEvent, { type: 'ValueRecorded' | 'StateSet' | 'CodeAccepted' }>;

function valueDetail(event: ValueEvent): string {
  switch (event.type) {
    case 'ValueRecorded':
      return `${event.kind} ${event.value} of ${clean(event.name)}`;
    case 'StateSet':
      return `${clean(event.name)} = ${value(event.value)}`;
    case 'CodeAccepted':
      return clean(event.codeHash);
    default:
      return event satisfies never;
  }
}

function forkDetail({ parentRunId, parentSeq, given = [], inputs, reuses }: RunForked): string {
  const parts = [
    parentSeq === 0
      ? `with results of ${clean(parentRunId)}`
      : `of ${clean(parentRunId)} behind ${parentSeq}`,
    ...(inputs === undefined ? [] : [`input ${value(inputs.value)}`]),
    ...given.map(({ key, output }) => `${clean(key)} = ${value(output)}`),
    ...(reuses === true && parentSeq > 0 ? ['taking its later results'] : []),
  ];
  return parts.join(', ');
}

type RunForked = Extract<JournalEvent, { type: 'RunForked' }>;

type Outside = Extract<
  JournalEvent,
  {
    type: 'TaskOffered' | 'AnswerRefused' | 'ChildStarted' | 'ChildFinished' | 'ParentRecorded' | 'RunForked';
  }
>;

/** What other runs, and those who work for this one, have to do with it. */
function outsideDetail(event: Outside): string {
  switch (event.type) {
    case 'RunForked':
      return forkDetail(event);
    case 'TaskOffered':
      return `${clean(event.task)} for ${clean(event.kind)} ${value(event.args)}`;
    case 'AnswerRefused':
      return event.issues.map(({ path, message }) => clean(`${path}: ${message}`)).join('; ');
    case 'ChildStarted':
      return `${clean(event.process)} as ${clean(event.runId)}`;
    case 'ChildFinished':
      return childEnd(event.outcome);
    case 'ParentRecorded':
      return `started by ${clean(event.parentRunId)} call ${clean(event.parentKey)}`;
    default:
      return event satisfies never;
  }
}

type FoldEvent = Extract<JournalEvent, { type: 'Folded' | 'Compacted' }>;

function foldDetail(event: FoldEvent): string {
  switch (event.type) {
    case 'Folded':
      return `${event.n} items → ${value(event.state)}`;
    case 'Compacted':
      return `${event.count} events were removed: a later mark holds what they came to`;
    default:
      return event satisfies never;
  }
}

type AttemptEvent = Extract<JournalEvent, { readonly attempt: number; readonly type: string }>;

function attemptDetail(
  event: Exclude<AttemptEvent, { type: 'ItemRecorded' | 'TaskSignalReceived' }>,
): string {
  const attempt = `attempt ${event.attempt}`;
  switch (event.type) {
    case 'AttemptStarted':
      return event.remote === true ? `${attempt}, elsewhere` : attempt;
    case 'AttemptFailed':
      return `${attempt}, again in ${formatDuration(event.delayMs)}: ${errorTitle(event.error)}`;
    case 'LateResult':
      return `${attempt} ${event.outcome}`;
    default:
      return attempt;
  }
}

/** In words, and clean. */
function detailOf(event: JournalEvent): string {
  if (isWaitEvent(event)) return waitDetail(event);
  switch (event.type) {
    case 'RunStarted':
      return `${clean(event.process)} ${value(event.inputs)}`;
    case 'RunSucceeded':
      return value(event.output);
    case 'RunFailed':
      return errorTitle(event.error);
    case 'RunContinued':
      return `as ${clean(event.nextRunId)} ${value(event.inputs)}`;
    case 'RunCancelled':
    case 'CancelRequested':
    case 'CancelForced':
    case 'TaskCancelled':
    case 'ScopeAborted':
      return clean(event.reason);
    case 'TaskScheduled':
      return `${clean(event.task)} ${value(event.args)}`;
    case 'ExitRegistered':
      return `${event.when === 'failure' ? 'on failure ' : ''}${clean(event.task)} ${value(event.args)}`;
    case 'ValueRecorded':
    case 'StateSet':
    case 'CodeAccepted':
      return valueDetail(event);
    case 'AttemptStarted':
    case 'AttemptInterrupted':
    case 'OutcomeAsked':
    case 'AttemptFailed':
    case 'LateResult':
      return attemptDetail(event);
    case 'TaskSucceeded':
      return value(event.output);
    case 'TaskFailed':
      return errorTitle(event.error);
    case 'ScopeOpened':
      return `${event.mode}${event.width === null ? '' : ` of ${event.width}`}${event.concurrency === null ? '' : `, ${event.concurrency} at once`}`;
    case 'ScopeRetuned':
      return `${event.concurrency ?? 'all'} at once`;
    case 'ScopeClosed':
      return event.winner === null ? event.outcome : `${event.outcome} by branch ${event.winner}`;
    case 'TimerStarted':
      return `${event.timer} ${formatDuration(event.durationMs)}`;
    case 'Folded':
    case 'Compacted':
      return foldDetail(event);
    case 'TaskOffered':
    case 'AnswerRefused':
    case 'ChildStarted':
    case 'ChildFinished':
    case 'ParentRecorded':
    case 'RunForked':
      return outsideDetail(event);
    case 'StreamOpened':
    case 'ItemRecorded':
    case 'StreamFailed':
    case 'StreamClosed':
    case 'StreamEnded':
      return streamDetail(event);
    case 'TimerFired':
    case 'ScopeTimedOut':
      return '';
    default:
      return event satisfies never;
  }
}
