/** What comes from people and programs outside: messages for the process and for its tasks, and answers. */
import type { CallKey } from '../journal/call-key.ts';
import type { JournalEvent } from '../journal/event.ts';
import type { Millis, Seq } from '../journal/ids.ts';
import { broken, unreachable } from '../journal/invariant.ts';
import { applyToBreakpoint, openBreakpoint, takeAnswer, timeBreakpoint } from './breakpoint.ts';
import type { Decision } from './decide.ts';
import type { Command, Report } from './input.ts';
import { isFenced, type RunState } from './state.ts';
import {
  applyHearing,
  applyTaskMessage,
  decideHearing,
  decideTaskMessage,
  pendingTask,
} from './task-messages.ts';
import { applyToWait, settleWait } from './waiting.ts';

type PeopleInput = Extract<
  Command | Report,
  {
    type:
      | 'OpenBreakpoint'
      | 'WaitDue'
      | 'SignalTaken'
      | `TaskSignal${string}`
      | 'AnswerTaken'
      | 'NoticeGiven';
  }
>;

export function decidePeople(state: Readonly<RunState>, input: PeopleInput): Decision {
  switch (input.type) {
    case 'OpenBreakpoint':
      return openBreakpoint(input);
    case 'WaitDue': {
      const call = state.calls.get(input.key);
      return call?.kind === 'breakpoint' ? timeBreakpoint(state, call, input.key) : settleWait(state, input);
    }
    case 'SignalTaken':
      return settleWait(state, input);
    case 'TaskSignalMissed':
    case 'TaskSignalPassed':
      return decideHearing(state, input);
    case 'TaskSignalTaken':
      return decideTaskMessage(state, input);
    case 'AnswerTaken':
      return takeAnswer(state, input);
    case 'NoticeGiven':
      return wantsNotice(state, input.key)
        ? { events: [{ type: 'WaitNotified', key: input.key }], effects: [] }
        : { events: [], effects: [] };
    default:
      return unreachable(input);
  }
}

type PeopleEvent = Extract<
  JournalEvent,
  { type: `Signal${string}` | `TaskSignal${string}` | `Breakpoint${string}` | 'WaitNotified' }
>;

/** Whether the call waits for people, and nobody was told of it. */
export function wantsNotice(state: Readonly<RunState>, key: CallKey): boolean {
  const call = state.calls.get(key);
  const isForPeople =
    call?.kind === 'breakpoint' ||
    (call?.kind === 'wait' && call.hasPrompt) ||
    (call?.kind === 'task' && call.phase === 'asked');
  return isForPeople && state.pending.has(key) && !state.notified.has(key) && !isFenced(state, key);
}

export function applyPeople(state: RunState, seq: Seq, at: Millis, event: PeopleEvent): void {
  switch (event.type) {
    case 'SignalAwaited':
    case 'SignalReceived':
    case 'SignalsSuperseded':
    case 'SignalTimedOut':
      applyToWait(state, seq, at, event);
      return;
    case 'TaskSignalAwaited':
    case 'TaskSignalForgone':
      applyHearing(pendingTask(state, event.key, event.type), event);
      return;
    case 'TaskSignalReceived':
      applyTaskMessage(pendingTask(state, event.key, event.type), seq, event);
      return;
    case 'BreakpointOpened':
    case 'BreakpointAnswered':
    case 'BreakpointClosed':
      applyToBreakpoint(state, seq, at, event);
      return;
    case 'WaitNotified':
      if (!state.pending.has(event.key)) broken('J4', `${event.key} was told of and is not pending`);
      state.notified.add(event.key);
      return;
    default:
      unreachable(event);
  }
}
