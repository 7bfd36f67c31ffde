import { expect, it } from 'vitest';

import { isCommand, isOutcome, isTerminal, keyOf, type JournalEvent } from './event.ts';
import { SAMPLE_EVENTS } from './sample-events.fixture.ts';

const EVENTS = Object.values(SAMPLE_EVENTS) as readonly JournalEvent[];
const typesOf = (is: (event: JournalEvent) => boolean): string =>
  EVENTS.filter(is)
    .map(({ type }) => type)
    .toSorted()
    .join(' ');

it('what a process asks for is compared on a replay, and what is delivered to it is an outcome', () => {
  expect(typesOf(isCommand)).toBe(
    'BreakpointOpened ChildStarted ExitRegistered ScopeClosed ScopeOpened SignalAwaited StreamClosed StreamOpened TaskOffered TaskScheduled TimerStarted',
  );
  expect(typesOf(isOutcome)).toBe(
    'BreakpointClosed CancelForced CancelRequested ChildFinished Folded ItemRecorded ScopeAborted ScopeTimedOut SignalReceived SignalTimedOut StreamEnded StreamFailed TaskCancelled TaskFailed TaskSucceeded TimerFired',
  );
});

it('a run ends in one of four ways', () => {
  expect(typesOf(isTerminal)).toBe('RunCancelled RunContinued RunFailed RunSucceeded');
});

it('an event is about a call, or about the run', () => {
  expect(keyOf(SAMPLE_EVENTS.TimerFired)).toBe('1');
  expect(keyOf(SAMPLE_EVENTS.CancelRequested)).toBe('');
});
