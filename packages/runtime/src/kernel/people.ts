/** What comes from people and programs outside: messages for the process and for its tasks, and answers. */
import type { JournalEvent } from '../journal/event.ts';
import type { Millis, Seq } from '../journal/ids.ts';
import { unreachable } from '../journal/invariant.ts';
import { applyToBreakpoint, openBreakpoint, takeAnswer, timeBreakpoint } from './breakpoint.ts';
import type { Decision } from './decide.ts';
import type { Command, Report } from './input.ts';
import type { RunState } from './state.ts';
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
  { type: 'OpenBreakpoint' | 'WaitDue' | 'SignalTaken' | `TaskSignal${string}` | 'AnswerTaken' }
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
    default:
      return unreachable(input);
  }
}

type PeopleEvent = Extract<
  JournalEvent,
  { type: `Signal${string}` | `TaskSignal${string}` | `Breakpoint${string}` }
>;

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
    default:
      unreachable(event);
  }
}
