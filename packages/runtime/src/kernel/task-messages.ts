/** Messages that running attempts take: they belong to the call, and settle nothing. */
import type { CallKey } from '../journal/call-key.ts';
import type { JournalEvent } from '../journal/event.ts';
import type { Seq } from '../journal/ids.ts';
import { broken } from '../journal/invariant.ts';
import type { TaskSignalAwaited, TaskSignalForgone, TaskSignalReceived } from '../journal/message-event.ts';
import type { Decision } from './decide.ts';
import type { Report } from './input.ts';
import { isFenced, type RunState, type TaskCall } from './state.ts';

/** The call whose attempt may take a message; undefined where that attempt is not, or no longer, wanted. */
export function hearerOf(state: Readonly<RunState>, key: CallKey, attempt: number): TaskCall | undefined {
  const call = state.calls.get(key);
  if (call?.kind !== 'task' || call.phase !== 'running' || call.attempts !== attempt) return undefined;
  return state.pending.has(key) && !isFenced(state, key) ? call : undefined;
}

export function decideTaskMessage(
  state: Readonly<RunState>,
  { key, attempt, name, messageId, payload }: Extract<Report, { type: 'TaskSignalTaken' }>,
): Decision {
  const call = hearerOf(state, key, attempt);
  if (call === undefined) return { events: [], effects: [] };
  const n = messagesOf(call, name).length;
  return {
    events: [{ type: 'TaskSignalReceived', key, attempt, n, name, messageId, payload }],
    effects: [{ type: 'HandMessage', key, attempt, n, payload }],
  };
}

/** That an attempt waits is recorded for those who look: a later attempt waits anew. */
export function decideHearing(
  state: Readonly<RunState>,
  { type, ...facts }: Extract<Report, { type: 'TaskSignalMissed' | 'TaskSignalPassed' }>,
): Decision {
  const call = hearerOf(state, facts.key, facts.attempt);
  if (call === undefined || (call.hearing === facts.name) === (type === 'TaskSignalMissed'))
    return { events: [], effects: [] };
  const event: JournalEvent =
    'timeoutMs' in facts ? { type: 'TaskSignalAwaited', ...facts } : { type: 'TaskSignalForgone', ...facts };
  return { events: [event], effects: [] };
}

export function applyHearing(call: TaskCall, event: TaskSignalAwaited | TaskSignalForgone): void {
  const { key, attempt, name, type } = event;
  if (!(call.phase === 'running' && call.attempts === attempt))
    broken('J4', `attempt ${attempt} of ${key} waits for a message and is not running`);
  call.hearing = type === 'TaskSignalAwaited' ? name : undefined;
}

/** Where the messages of a name that a call took are recorded, in their order. */
export function messagesOf({ messages }: TaskCall, name: string): readonly Seq[] {
  return messages?.get(name) ?? [];
}

export function applyTaskMessage(call: TaskCall, seq: Seq, event: TaskSignalReceived): void {
  const { key, attempt, n, name } = event;
  if (!(call.phase === 'running' && call.attempts === attempt))
    broken('J4', `attempt ${attempt} of ${key} took a message and was not running`);
  call.hearing = undefined;
  call.messages ??= new Map();
  const seqs = call.messages.get(name) ?? [];
  if (n !== seqs.length) broken('J5', `message ${n} of ${key} follows ${seqs.length} messages`);
  seqs.push(seq);
  call.messages.set(name, seqs);
}

export function pendingTask(state: RunState, key: CallKey, what: string): TaskCall {
  const call = state.calls.get(key);
  if (!(call?.kind === 'task' && state.pending.has(key)))
    broken('J4', `${what} for ${key}, which is no pending task`);
  return call;
}
