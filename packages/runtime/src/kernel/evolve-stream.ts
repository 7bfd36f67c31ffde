import type { CallKey } from '../journal/call-key.ts';
import type { AttemptFailed, AttemptInterrupted, AttemptStarted } from '../journal/attempt-event.ts';
import type { ItemRecorded, JournalEvent, StreamOpened } from '../journal/event.ts';
import type { FoldedSource, SourceStand } from '../journal/fold-event.ts';
import type { Seq } from '../journal/ids.ts';
import { broken, unreachable } from '../journal/invariant.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { RunState, StreamCall, TaskCall } from './state.ts';

export type StreamEvent =
  | Extract<JournalEvent, { type: `Stream${string}` }>
  | ItemRecorded
  | AttemptStarted
  | AttemptFailed
  | AttemptInterrupted;

/** The state of a source that was opened just now. */
export function openedSource(
  seq: Seq,
  event: StreamOpened & { readonly retry: NonNullable<StreamOpened['retry']> },
): StreamCall {
  return {
    kind: 'stream',
    seq,
    group: undefined,
    fingerprint: fingerprintOf(event),
    retry: event.retry,
    phase: 'scheduled',
    attempts: 0,
    failures: 0,
    items: 0,
    foldedSeq: 0,
    retryAt: 0,
    retryDelayMs: 0,
    closed: undefined,
  };
}

/** What happens to a call that gives items, which is pending. @returns whether it is settled by it */
export function applyToStream(
  call: StreamCall,
  seq: Seq,
  event: Exclude<StreamEvent, StreamOpened>,
): boolean {
  switch (event.type) {
    case 'AttemptStarted':
      if (event.attempt !== call.attempts + 1)
        broken('J5', `attempt ${event.attempt} of ${event.key} follows attempt ${call.attempts}`);
      call.attempts = event.attempt;
      call.phase = 'running';
      call.retryAt = 0;
      call.retryDelayMs = 0;
      return false;
    case 'ItemRecorded':
      isNext(event, call.items, call);
      call.items += 1;
      call.failures = 0;
      return false;
    case 'AttemptFailed':
      isRunning(event.key, event.attempt, call);
      call.failures += 1;
      call.phase = 'backoff';
      call.retryAt = event.retryAt;
      call.retryDelayMs = event.delayMs;
      return false;
    case 'AttemptInterrupted':
      isRunning(event.key, event.attempt, call);
      call.phase = 'scheduled';
      return false;
    case 'StreamEnded':
      call.phase = 'ended';
      return true;
    case 'StreamFailed':
      call.failures = event.failures;
      call.phase = 'failed';
      return true;
    case 'StreamClosed':
      call.closed = { consumed: event.consumed, seq };
      call.phase = 'closed';
      return true;
    default:
      return unreachable(event);
  }
}

/** Rows up to one of its items were removed. Of calls that are gone nothing is to be known. */
export function stand(state: RunState, { key, items, attempt }: SourceStand): void {
  const call = state.calls.get(key);
  if (call?.kind !== 'stream') return;
  if (!(items >= call.items && attempt >= call.attempts && state.pending.has(key)))
    broken(
      'J5',
      `removed rows of ${key} end at item ${items} of attempt ${attempt} and follow ${call.items} items of attempt ${call.attempts}`,
    );
  call.items = items;
  call.attempts = attempt;
  call.phase = 'running';
  call.failures = 0;
  call.retryAt = 0;
  call.retryDelayMs = 0;
}

/** A mark holds all items of the source up to this one. */
export function foldSource(state: RunState, mark: Seq, { key, seq }: FoldedSource): void {
  const call = state.calls.get(key);
  if (call?.kind !== 'stream') broken('J8', `the mark at seq ${mark} names ${key}, which is no source`);
  if (!(seq < mark && seq > call.foldedSeq))
    broken(
      'J8',
      `the mark at seq ${mark} holds ${key} up to seq ${seq}, the one before it up to ${call.foldedSeq}`,
    );
  call.foldedSeq = seq;
}

/** What happens to the progress of a task call, which is pending. */
export function applyToProgress(
  call: TaskCall,
  seq: Seq,
  event: Extract<StreamEvent, { type: 'StreamOpened' | 'ItemRecorded' | 'StreamClosed' }>,
): void {
  const { key } = event;
  if (event.type === 'StreamOpened') {
    if (call.progress !== undefined) broken('J3', `the progress of ${key} was opened twice`);
    call.progress = { items: 0, closed: undefined };
    return;
  }
  const { progress } = call;
  if (!(progress !== undefined && progress.closed === undefined))
    broken('J4', `${event.type} for ${key}, whose progress is not read`);
  if (event.type === 'StreamClosed') {
    progress.closed = { consumed: event.consumed, seq };
    return;
  }
  isNext(event, progress.items, call);
  progress.items += 1;
}

function isNext(
  event: ItemRecorded,
  items: number,
  call: { readonly attempts: number; readonly phase: string },
): void {
  const { key, n, attempt } = event;
  if (n !== items) broken('J5', `item ${n} of ${key} follows ${items} items`);
  isRunning(key, attempt, call);
}

function isRunning(
  key: CallKey,
  attempt: number,
  call: { readonly attempts: number; readonly phase: string },
): void {
  if (!(call.phase === 'running' && attempt === call.attempts))
    broken('J4', `attempt ${attempt} of ${key} tells something and is not running`);
}

export function isSource(event: StreamOpened): event is Parameters<typeof openedSource>[1] {
  return event.kind === 'source' && event.retry !== null;
}

export function pendingStream(state: RunState, key: CallKey, what: string): StreamCall | TaskCall {
  const call = state.calls.get(key);
  if (!((call?.kind === 'stream' || call?.kind === 'task') && state.pending.has(key)))
    broken('J4', `${what} for ${key}, which is no pending call that gives items`);
  return call;
}
