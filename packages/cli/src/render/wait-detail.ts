/** What matters of an event about messages and answers, in words, and clean. */
import { shortValue, type Encoded, type JournalEvent } from '@pawl/runtime';

import { clean } from './clean.ts';

type WaitEvent = Extract<
  JournalEvent,
  { type: `Signal${string}` | `TaskSignal${string}` | `Breakpoint${string}` | 'WaitNotified' }
>;

const LONGEST_VALUE = 400;

export function isWaitEvent(event: JournalEvent): event is WaitEvent {
  return /^(Task)?Signal|^Breakpoint|^WaitNotified$/.test(event.type);
}

export function waitDetail(event: WaitEvent): string {
  switch (event.type) {
    case 'SignalAwaited':
      return `${clean(event.name)}${event.prompt === null ? '' : `: ${clean(event.prompt)}`}`;
    case 'SignalReceived':
      return value(event.payload);
    case 'SignalsSuperseded':
      return `${event.messageIds.length} older ones`;
    case 'WaitNotified':
    case 'SignalTimedOut':
      return '';
    case 'TaskSignalAwaited':
    case 'TaskSignalForgone':
      return clean(event.name);
    case 'TaskSignalReceived':
      return `${clean(event.name)} ${event.n}: ${value(event.payload)}`;
    case 'BreakpointOpened':
      return clean(event.title === event.question ? event.question : `${event.title}: ${event.question}`);
    case 'BreakpointAnswered': {
      const { by, approved, option, feedback } = event;
      const said = [approved ? 'approved' : 'rejected', option, feedback].filter(Boolean).join(': ');
      return clean(`${by} ${said}`);
    }
    case 'BreakpointClosed':
      return event.by === 'timeout' ? `${event.outcome}, since its time had passed` : event.outcome;
    default:
      return event satisfies never;
  }
}

function value(encoded: Encoded): string {
  return clean(shortValue(encoded, LONGEST_VALUE));
}
