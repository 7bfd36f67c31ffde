import {
  CancelledError,
  ChildError,
  CircuitOpenError,
  InvalidCostError,
  QueueFullError,
  SourceError,
  TaskError,
  TimeoutError,
} from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import type { ChildFinished } from '../journal/child-event.ts';
import { decode } from '../journal/codec.ts';
import { reviveError } from '../journal/error-record.ts';
import type { ItemRecorded, OutcomeEvent, StreamFailed, TaskFailed } from '../journal/event.ts';
import type { Seq } from '../journal/ids.ts';
import { broken, unreachable } from '../journal/invariant.ts';
import { settleBreakpoint } from './breakpoint-result.ts';
import type { OpenCall } from './open-call.ts';

type CallOutcome = Exclude<
  OutcomeEvent,
  { type: 'CancelRequested' | 'CancelForced' | 'ScopeAborted' | 'ScopeTimedOut' | 'ItemRecorded' | 'Folded' }
>;

/** P1: hands an outcome to the call that it is of. @returns whether the call is settled by it */
export function deliverTo(
  open: Map<CallKey, OpenCall>,
  event: CallOutcome | ItemRecorded,
  seq: Seq,
): boolean {
  const { key } = event;
  const call = open.get(key);
  if (call === undefined) broken('P1', `${event.type} for ${key}, which the process does not wait for`);
  if (event.type === 'ItemRecorded') {
    // A source counts its failures since its last item, and a replay may begin behind one.
    if (call.source !== undefined) delete call.lastFailure;
    call.stream?.item(event, seq);
    return false;
  }
  open.delete(key);
  // Of a stream only who waits for an item counts.
  if (call.stream === undefined) call.scope.outstanding -= 1;
  settleCall(call, event);
  return true;
}

/** Settles a call's promise by what was recorded of it: the same value live and on replay. */
function settleCall(call: OpenCall, event: CallOutcome): void {
  switch (event.type) {
    case 'TaskSucceeded':
      call.resolve(decode(event.output));
      return;
    case 'TaskFailed':
      call.reject(failure(call, event));
      return;
    case 'TaskCancelled': {
      const cause = call.lastFailure === undefined ? undefined : { cause: reviveError(call.lastFailure) };
      call.reject(new CancelledError(event.reason, cause));
      return;
    }
    case 'TimerFired':
    case 'StreamEnded':
      call.resolve(undefined);
      return;
    case 'SignalReceived':
      call.resolve(decode(event.payload));
      return;
    case 'SignalTimedOut':
      if (call.wait?.mayPass === true) call.resolve(null);
      else call.reject(new TimeoutError(`No message '${call.wait?.name ?? ''}' came in time (${event.key})`));
      return;
    case 'BreakpointClosed':
      settleBreakpoint(call, event);
      return;
    case 'ChildFinished':
      settleChild(call, event);
      return;
    case 'StreamFailed':
      call.reject(sourceFailure(call, event));
      return;
    default:
      unreachable(event);
  }
}

function failure(call: OpenCall, { key, error, cause, failures }: TaskFailed): Error {
  const task = call.task?.definition.name ?? call.offer?.task ?? '';
  const last = call.lastFailure === undefined ? undefined : { cause: reviveError(call.lastFailure) };
  const message = `Task '${task}' (${key}): ${error.message}`;
  switch (cause) {
    case 'timeout':
      return new TimeoutError(message, last);
    case 'queueFull':
      // Both are told by the pool: the queue is full, or what the call costs would never have its turn in it.
      return error.name === 'InvalidCostError'
        ? new InvalidCostError(message, last)
        : new QueueFullError(message, last);
    case 'circuitOpen':
      return new CircuitOpenError(message, last);
    case 'error': {
      const revived = reviveError(error);
      return new TaskError(revived.message, { task, key, attempts: failures, cause: revived });
    }
    default:
      return unreachable(cause);
  }
}

function settleChild(call: OpenCall, { key, outcome }: ChildFinished): void {
  const { process = '', runId = '' } = call.child ?? {};
  const what = `Run ${runId} of process '${process}'`;
  switch (outcome.status) {
    case 'succeeded':
      call.resolve(decode(outcome.output));
      return;
    case 'failed': {
      const cause = reviveError(outcome.error);
      call.reject(new ChildError(`${what} failed: ${cause.message}`, { runId, process, key, cause }));
      return;
    }
    case 'detached':
      call.resolve({ runId });
      return;
    case 'cancelled': {
      const cause = new CancelledError(outcome.reason);
      call.reject(new ChildError(`${what} was cancelled: ${outcome.reason}`, { runId, process, key, cause }));
      return;
    }
    default:
      unreachable(outcome);
  }
}

function sourceFailure(call: OpenCall, { key, error, failures }: StreamFailed): SourceError {
  const revived = reviveError(error);
  const source = call.source?.name ?? '';
  return new SourceError(revived.message, { source, key, attempts: failures, cause: revived });
}
