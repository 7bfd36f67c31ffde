import { isExitPath, scopeOf, type CallKey } from '../journal/call-key.ts';
import { keyOf, type Encoded, type JournalEvent } from '../journal/event.ts';
import type { Seq } from '../journal/ids.ts';
import type { ExitRegistered } from '../journal/exit-event.ts';
import {
  breakpointFingerprint,
  EXIT_METHODS,
  groupFingerprint,
  streamFingerprint,
  valueFingerprint,
  waitFingerprint,
} from './fingerprint.ts';

/** Where a process and its journal part. */
export interface Divergence {
  readonly seq: Seq;
  readonly key: CallKey;
  /** What the journal holds at `seq`, in words. */
  readonly recorded: string;
  /** What the process asked for instead, in words; null = nothing. */
  readonly asked: string | null;
  /** First difference of the inputs, where both are inputs of one task. */
  readonly difference: string | null;
  /** file:line:column of the call. */
  readonly where: string | null;
  readonly likelyCause: string;
}

export interface AskedInstead {
  readonly what: string;
  readonly args?: Encoded;
  readonly where: string | undefined;
}

export function describeEvent(event: JournalEvent): string {
  switch (event.type) {
    case 'TaskScheduled':
    case 'TaskOffered':
      return taskText(event.task, event.version);
    case 'TimerStarted':
      return event.timer === 'sleep'
        ? `sleep ${event.durationMs}ms`
        : `sleepUntil ${new Date(event.dueAt).toISOString()}`;
    case 'SignalAwaited':
      return waitFingerprint(event.name, event.secret === true);
    case 'BreakpointOpened':
      return breakpointFingerprint(event.title);
    case 'ChildStarted':
      return `run ${JSON.stringify(event.process)}`;
    case 'StreamOpened':
      return streamFingerprint(event.kind, event.name);
    case 'StreamClosed':
      return leavingAfter(event.consumed);
    case 'ExitRegistered':
      return exitText(event.when, event.task, event.version);
    case 'ValueRecorded':
      return valueFingerprint(event);
    case 'ScopeOpened':
      return groupFingerprint(event.mode, event.width);
    case 'Folded':
      return `the mark of a reduce at item ${event.n}`;
    case 'ScopeClosed':
      return event.key === ''
        ? 'the end of the process'
        : `the decision ${event.outcome}${event.winner === null ? '' : ` by branch ${event.winner}`}`;
    case 'RunSucceeded':
    case 'RunFailed':
    case 'RunCancelled':
    case 'RunContinued':
      return `the end of the run (${event.type})`;
    default:
      return event.type;
  }
}

/** What is registered for the end of a scope, in words. */
export function exitText(when: ExitRegistered['when'], task: string, version: string | null): string {
  return `${EXIT_METHODS[when]} of ${taskText(task, version)}`;
}

/** A task as it is asked for, in words. */
export function taskText(task: string, version: string | null): string {
  return `task '${task}'${version === null ? '' : ` (version ${version})`}`;
}

/** That the process stops reading a stream, in words. */
export function leavingAfter(items: number): string {
  return `the end of reading after ${items} ${items === 1 ? 'item' : 'items'}`;
}

/** @param atKey what the journal holds under the key, for a call asked for under a recorded key */
export function describeDivergence(
  seq: Seq,
  key: CallKey,
  recorded: JournalEvent,
  asked: AskedInstead | undefined,
): Divergence {
  const was = describeEvent(recorded);
  const difference =
    (recorded.type === 'TaskScheduled' ||
      recorded.type === 'TaskOffered' ||
      recorded.type === 'ExitRegistered') &&
    asked?.args !== undefined &&
    asked.what === was
      ? firstDifference(recorded.args, asked.args, '$')
      : null;
  return {
    seq,
    key,
    recorded: was,
    asked: asked?.what ?? null,
    difference,
    where: asked?.where ?? null,
    likelyCause: likelyCause(recorded, was, asked, difference),
  };
}

function likelyCause(
  recorded: JournalEvent,
  was: string,
  asked: AskedInstead | undefined,
  difference: string | null,
): string {
  if (asked === undefined && isExitPath(scopeOf(keyOf(recorded))))
    return `the scope registers less for its end than it did, or ends in another way`;
  if (recorded.type === 'ValueRecorded') return `the code no longer does what this version did`;
  if (recorded.type === 'StreamOpened' && recorded.kind === 'progress')
    return `the process no longer reads what the task tells: it was called by ctx.stream`;
  if (asked === undefined) return `the call was removed, or moved behind a condition that is false now`;
  if (difference !== null) return `the input of the call changed`;
  if (asked.what === was && recorded.type === 'ChildStarted') return `the input of the run changed`;
  if (withoutVersion(asked.what) === withoutVersion(was)) return `the version of the task changed`;
  if (recorded.type === 'StreamClosed' && asked.what.startsWith('the end of reading'))
    return `the process takes another number of items before it leaves the loop`;
  if (recorded.type === 'ScopeOpened' && asked.what.startsWith('parallel.'))
    return `the number of branches, or the combinator, changed`;
  return `the call was renamed or replaced, or calls were inserted, removed or put in another order before it`;
}

function withoutVersion(what: string): string {
  return what.replace(/ \(version .*\)$/, '');
}

/** The first place where two JSON values differ, in words; null when they are equal. */
export function firstDifference(was: Encoded, is: Encoded, path: string): string | null {
  if (Object.is(was, is)) return null;
  if (
    typeof was !== 'object' ||
    typeof is !== 'object' ||
    was === null ||
    is === null ||
    Array.isArray(was) !== Array.isArray(is)
  ) {
    return `${path}: recorded ${brief(was)}, asked ${brief(is)}`;
  }
  const left = new Map<string, Encoded>(Object.entries(was));
  const right = new Map<string, Encoded>(Object.entries(is));
  for (const key of [...new Set([...left.keys(), ...right.keys()])].toSorted()) {
    const place = Array.isArray(was) ? `${path}[${key}]` : `${path}.${key}`;
    const a = left.get(key);
    const b = right.get(key);
    if (a === undefined || b === undefined) return `${place}: recorded ${brief(a)}, asked ${brief(b)}`;
    const inner = firstDifference(a, b, place);
    if (inner !== null) return inner;
  }
  return null;
}

function brief(value: Encoded | undefined): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/** The report as a person reads it. */
export function renderDivergence(runId: string, divergence: Divergence): string {
  const { seq, key, recorded, asked, difference, where } = divergence;
  return [
    `The process asks for something else than run ${runId} has recorded.`,
    `  at            seq ${seq}, call ${key === '' ? '(the process itself)' : key}`,
    `  recorded      ${recorded}`,
    `  asked         ${asked ?? 'nothing: the call was not made again'}`,
    ...(difference === null ? [] : [`  difference    ${difference}`]),
    ...(where === null ? [] : [`  source        ${where}`]),
    `  likely cause  ${divergence.likelyCause}`,
    `Nothing was run or recorded since.`,
  ].join('\n');
}
