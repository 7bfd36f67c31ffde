/** Waits of the process for messages. */
import type { JournalEvent } from '../journal/event.ts';
import type { Millis, Seq } from '../journal/ids.ts';
import { broken } from '../journal/invariant.ts';
import type {
  SignalAwaited,
  SignalReceived,
  SignalsSuperseded,
  SignalTimedOut,
} from '../journal/message-event.ts';
import type { Decision } from './decide.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { Command, Effect, Report } from './input.ts';
import { addCall, addPending, removePending } from './recorded-call.ts';
import { isFenced, type RunState } from './state.ts';

const NOTHING: Decision = { events: [], effects: [] };

export function awaitSignal({ type: _, ...facts }: Extract<Command, { type: 'AwaitSignal' }>): Decision {
  const { key, name, timeoutMs } = facts;
  const effects: Effect[] = [{ type: 'OfferMessages', name }];
  if (timeoutMs !== null)
    effects.push({ type: 'SetTimer', delayMs: timeoutMs, report: { type: 'WaitDue', key } });
  return { events: [{ type: 'SignalAwaited', ...facts }], effects };
}

/** What a wait comes to; one that was given up has lost its say. */
export function settleWait(
  state: Readonly<RunState>,
  input: Extract<Report, { type: 'WaitDue' | 'SignalTaken' }>,
): Decision {
  const { key } = input;
  if (!state.pending.has(key) || isFenced(state, key)) return NOTHING;
  if (input.type === 'WaitDue') return { events: [{ type: 'SignalTimedOut', key }], effects: [] };
  const { messageId, payload, superseded: messageIds = [] } = input;
  const received: JournalEvent = { type: 'SignalReceived', key, messageId, payload };
  return {
    events: messageIds.length === 0 ? [received] : [{ type: 'SignalsSuperseded', key, messageIds }, received],
    effects: [{ type: 'ClearTimers', key }],
  };
}

export function applyToWait(
  state: RunState,
  seq: Seq,
  at: Millis,
  event: SignalAwaited | SignalReceived | SignalsSuperseded | SignalTimedOut,
): void {
  if (event.type === 'SignalAwaited') {
    addCall(state, event.key, {
      kind: 'wait',
      seq,
      group: undefined,
      openedAt: at,
      fingerprint: fingerprintOf(event),
      name: event.name,
      timeoutMs: event.timeoutMs,
      hasPrompt: event.prompt !== null,
      phase: 'pending',
    });
    addPending(state, event.key);
    return;
  }
  const wait = state.calls.get(event.key);
  if (!(wait?.kind === 'wait' && wait.phase === 'pending'))
    broken('J4', `${event.type} for ${event.key}, which is no pending wait`);
  if (event.type === 'SignalsSuperseded') return;
  wait.phase = event.type === 'SignalReceived' ? 'received' : 'timedOut';
  removePending(state, event.key);
}
