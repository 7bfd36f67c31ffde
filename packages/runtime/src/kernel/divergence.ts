import type { CallKey } from '../journal/call-key.ts';
import { encode } from '../journal/codec.ts';
import type { Encoded, JournalEvent } from '../journal/event.ts';
import type { RunId, Seq } from '../journal/ids.ts';
import type { ExitRegistered } from '../journal/exit-event.ts';
import { likelyCause, NO_HINTS, type DivergenceHints } from './likely-cause.ts';
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
  /** file:line:column of the call that was made last, where the recorded one was not made again and this is known. */
  readonly lastCall: string | null;
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
      return 'the end of the run: it succeeded';
    case 'RunFailed':
      return `the end of the run: it failed with ${event.error.name}: ${event.error.message}`;
    case 'RunCancelled':
      return 'the end of the run: it was cancelled';
    case 'RunContinued':
      return 'the end of the run: another one follows it';
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

/** @param hints what else the journal tells of the two sides */
export function describeDivergence(
  seq: Seq,
  key: CallKey,
  recorded: JournalEvent,
  asked: AskedInstead | undefined,
  hints: DivergenceHints = NO_HINTS,
): Divergence {
  const was = describeEvent(recorded);
  const inputs =
    asked?.args !== undefined && 'args' in recorded
      ? firstDifference(recorded.args, asked.args, '$')
      : undefined;
  const difference = asked?.what === was && hints.newKey === null ? (inputs ?? null) : null;
  const sides = { recorded, was, asked, difference, isSameInput: inputs === null };
  const as = hints.newKey === null ? '' : `, as call ${hints.newKey}`;
  return {
    seq,
    key,
    recorded: was,
    asked: asked === undefined ? null : `${asked.what}${as}`,
    difference,
    where: asked?.where ?? null,
    lastCall: asked === undefined ? hints.lastCall : null,
    likelyCause: likelyCause(sides, hints),
  };
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

/** As `undefined` is recorded. */
const UNDEFINED = JSON.stringify(encode(undefined));

function brief(value: Encoded | undefined): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  if (text === UNDEFINED) return 'undefined';
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/** What to do about it, with the command to type where there is one. */
export function remediesOf(runId: RunId, hasEnded: boolean): string[] {
  const keepBoth = `keep both: if (ctx.patched('<name>')) what is new, else what was recorded`;
  const show = `see what was recorded: pawl show ${runId}`;
  if (hasEnded)
    return [
      `nothing for this run, which has ended and keeps its result; one like it that is open would stop here`,
      keepBoth,
      show,
    ];
  return [
    `put the code back as it was, then: pawl resume ${runId}`,
    keepBoth,
    show,
    `give the run up: pawl cancel ${runId}, and start anew with the new code: pawl run <module>`,
  ];
}

/** The report as a person reads it. */
export function renderDivergence(runId: string, divergence: Divergence): string {
  const { seq, key, recorded, asked, difference, where, lastCall } = divergence;
  return [
    `The process asks for something else than run ${runId} has recorded.`,
    `  at            seq ${seq}, ${key === '' ? 'the process itself' : `call ${key}`}`,
    `  recorded      ${recorded}`,
    `  asked         ${asked ?? 'nothing: the call was not made again'}`,
    ...(difference === null ? [] : [`  difference    ${difference}`]),
    ...(where === null ? [] : [`  source        ${where}`]),
    ...(lastCall === null ? [] : [`  last call     ${lastCall}`]),
    `  likely cause  ${divergence.likelyCause}`,
    `Nothing was run or recorded since.`,
  ].join('\n');
}
