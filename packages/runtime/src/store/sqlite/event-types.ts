/** How a row names the type of its event: by a small number, which takes a byte. */
import type { Database } from 'better-sqlite3';

import type { EventType } from '../../journal/event.ts';

/** Part of the format: a number is never given to another type. */
const CODES: { readonly [Type in EventType]: number } = {
  RunStarted: 1,
  RunSucceeded: 2,
  RunFailed: 3,
  RunCancelled: 4,
  RunContinued: 5,
  ScopeOpened: 6,
  ScopeRetuned: 7,
  ScopeAborted: 8,
  ScopeTimedOut: 9,
  ScopeClosed: 10,
  TaskScheduled: 11,
  AttemptStarted: 12,
  AttemptFailed: 13,
  AttemptInterrupted: 14,
  OutcomeAsked: 15,
  TaskSucceeded: 16,
  TaskFailed: 17,
  TaskCancelled: 18,
  LateResult: 19,
  TimerStarted: 20,
  TimerFired: 21,
  SignalAwaited: 22,
  SignalReceived: 23,
  SignalTimedOut: 24,
  TaskSignalReceived: 25,
  ChildStarted: 26,
  ChildFinished: 27,
  ParentRecorded: 28,
  StreamOpened: 29,
  ItemRecorded: 30,
  StreamEnded: 31,
  StreamFailed: 32,
  StreamClosed: 33,
  Folded: 34,
  Compacted: 35,
  CancelRequested: 36,
  BreakpointOpened: 37,
  BreakpointAnswered: 38,
  BreakpointClosed: 39,
  SignalsSuperseded: 40,
  TaskSignalAwaited: 41,
  TaskSignalForgone: 42,
  WaitNotified: 43,
  TaskOffered: 44,
  AnswerRefused: 45,
  ExitRegistered: 46,
  CancelForced: 47,
  ValueRecorded: 48,
  StateSet: 49,
  CodeAccepted: 50,
  RunForked: 51,
};

export const EVENT_TYPES: readonly (readonly [name: string, code: number])[] = Object.entries(CODES);

const NAMES: readonly (string | undefined)[] = EVENT_TYPES.reduce<string[]>((names, [name, code]) => {
  names[code] = name;
  return names;
}, []);

export function codeOf(type: string): number {
  return CODES[type as EventType];
}

/** A number that this program does not know names a type that it does not know either. */
export function typeOf(code: unknown): string {
  return NAMES[Number(code)] ?? `#${String(code)}`;
}

/** For whoever reads the file with SQL; Pawl itself does not look at the table. Inside a transaction. */
export function nameEventTypes(db: Database): void {
  const insert = db.prepare('insert or ignore into event_types (code, name) values (?, ?)');
  for (const [name, code] of EVENT_TYPES) insert.run(code, name);
}

export function hasNamedEventTypes(db: Database): boolean {
  const count = db.prepare<[], number>('select count(*) from event_types').pluck().get() ?? 0;
  return count >= EVENT_TYPES.length;
}
