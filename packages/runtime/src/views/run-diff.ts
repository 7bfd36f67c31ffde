/**
 * Two runs beside each other, call by call: what has the same key is compared, whenever each run came to it.
 *
 * 1. What is the same in both is counted and forgotten: fed event by event in turn, the diff takes the room of what is
 *    open or in one run only.
 * 2. How long a call took is no difference: no two runs are alike in it.
 */
import { identityText } from '../journal/canonical.ts';
import { compareKeys, type CallKey } from '../journal/call-key.ts';
import type { Digest } from '../journal/digest.ts';
import type { ErrorRecord } from '../journal/error-record.ts';
import type { Encoded, JournalEvent, Recorded } from '../journal/event.ts';
import type { Millis, Seq } from '../journal/ids.ts';
import { inputHashOf } from '../journal/input-hash.ts';
import { shortValue } from './short-value.ts';

export type DiffSide = 'a' | 'b';

/** A value as it is compared, and as people see it. */
interface Seen {
  readonly hash: string;
  readonly text: string;
}

export interface DiffCall {
  readonly seq: Seq;
  readonly at: Millis;
  /** 'run' is the run itself, under the empty key. */
  readonly kind: 'run' | 'task' | 'timer' | 'wait' | 'breakpoint' | 'child' | 'source' | 'group';
  readonly name: string;
  readonly input: Seen;
  attempts: number;
  /** 'open' while it is not settled. */
  status: 'open' | 'succeeded' | 'failed' | 'cancelled' | 'continued';
  output: Seen;
  /** Name and message. */
  error: string;
  endedAt: Millis | null;
}

export type DiffAspect = 'call' | 'input' | 'status' | 'output' | 'error' | 'attempts';

export interface Difference {
  readonly key: CallKey;
  /** Undefined where that run has no such call. */
  readonly a: DiffCall | undefined;
  readonly b: DiffCall | undefined;
  /** In what they differ; empty where only one of them has it. */
  readonly aspects: readonly DiffAspect[];
}

export interface Slower {
  readonly key: CallKey;
  readonly name: string;
  readonly aMs: number;
  readonly bMs: number;
}

export interface RunDiff {
  readonly digest: Digest;
  readonly a: Map<CallKey, DiffCall>;
  readonly b: Map<CallKey, DiffCall>;
  /** Calls that are the same in both. */
  same: number;
  /** All that differ, and of these at most `MOST_KEPT` kept. */
  different: number;
  onlyA: number;
  onlyB: number;
  readonly kept: Difference[];
  /** Those of which the durations differ most. */
  readonly slower: Slower[];
  /** Rows of a journal were removed: calls of them are in neither. */
  isCut: boolean;
}

const MOST_KEPT = 1000;
const MOST_SLOWER = 5;
const LONGEST_TEXT = 100;
const NONE: Seen = { hash: '', text: '' };

/** @param digest by which long values are compared without being kept */
export function createRunDiff(digest: Digest): RunDiff {
  return {
    digest,
    a: new Map(),
    b: new Map(),
    same: 0,
    different: 0,
    onlyA: 0,
    onlyB: 0,
    kept: [],
    slower: [],
    isCut: false,
  };
}

export function addDiffEvent(diff: RunDiff, side: DiffSide, recorded: Recorded): void {
  const { event, at } = recorded;
  if (event.type === 'Compacted') diff.isCut = true;
  const opened = openedCall(recorded);
  if (opened !== undefined) {
    diff[side].set(opened.key, opened.call);
    return;
  }
  const key = 'key' in event ? event.key : '';
  const call = diff[side].get(key);
  if (call === undefined || call.endedAt !== null) return;
  if (event.type === 'AttemptStarted') call.attempts = event.attempt;
  const end = endOf(diff, event);
  if (end === undefined) return;
  Object.assign(call, end, { endedAt: at });
  settle(diff, key);
}

/** Compares what is left: what only one of them has, and what is open. */
export function finishDiff(diff: RunDiff): void {
  for (const key of diff.a.keys()) compare(diff, key);
  for (const key of diff.b.keys()) compare(diff, key);
  // The run itself stands above its calls.
  diff.kept.sort((x, y) => (x.key === '' ? -1 : y.key === '' ? 1 : compareKeys(x.key, y.key)));
}

/** Where they part: the difference that came first in either run; undefined where there is none. */
export function firstDifference(diff: RunDiff): Difference | undefined {
  const seqOf = ({ a, b }: Difference): number => Math.min(a?.seq ?? Infinity, b?.seq ?? Infinity);
  // That a call around another one failed follows from what is within it, and the run's own end from all.
  const causes = diff.kept.filter(
    ({ aspects }) =>
      aspects.length === 0 || aspects.some((aspect) => aspect === 'call' || aspect === 'input'),
  );
  const [first, ...rest] = causes.length > 0 ? causes : diff.kept.filter(({ key }) => key !== '');
  return rest.reduce<Difference | undefined>(
    (least, other) => (least !== undefined && seqOf(least) <= seqOf(other) ? least : other),
    first ?? diff.kept[0],
  );
}

function settle(diff: RunDiff, key: CallKey): void {
  const { a, b } = diff;
  if ((a.get(key)?.endedAt ?? null) !== null && (b.get(key)?.endedAt ?? null) !== null) compare(diff, key);
}

function compare(diff: RunDiff, key: CallKey): void {
  const a = diff.a.get(key);
  const b = diff.b.get(key);
  diff.a.delete(key);
  diff.b.delete(key);
  const aspects = a === undefined || b === undefined ? [] : aspectsOf(a, b);
  if (a === undefined) diff.onlyB += 1;
  else if (b === undefined) diff.onlyA += 1;
  else {
    compareTimes(diff, key, a, b);
    if (aspects.length === 0) {
      if (key !== '') diff.same += 1;
      return;
    }
    diff.different += 1;
  }
  if (diff.kept.length < MOST_KEPT) diff.kept.push({ key, a, b, aspects });
}

function aspectsOf(a: DiffCall, b: DiffCall): DiffAspect[] {
  if (a.kind !== b.kind || a.name !== b.name) return ['call'];
  const aspects: DiffAspect[] = [];
  if (a.input.hash !== b.input.hash) aspects.push('input');
  if (a.status !== b.status) aspects.push('status');
  if (a.output.hash !== b.output.hash) aspects.push('output');
  if (a.error !== b.error) aspects.push('error');
  if (a.attempts !== b.attempts) aspects.push('attempts');
  return aspects;
}

function gapOf({ aMs, bMs }: Slower): number {
  return Math.abs(aMs - bMs);
}

function compareTimes(diff: RunDiff, key: CallKey, a: DiffCall, b: DiffCall): void {
  if (a.endedAt === null || b.endedAt === null) return;
  const { slower } = diff;
  slower.push({ key, name: a.name, aMs: a.endedAt - a.at, bMs: b.endedAt - b.at });
  slower.sort((x, y) => gapOf(y) - gapOf(x));
  slower.length = Math.min(slower.length, MOST_SLOWER);
}

interface Opened {
  readonly key: CallKey;
  readonly call: DiffCall;
}

type NewCall = [kind: DiffCall['kind'], name: string, input: Seen];

function newCall(seq: Seq, at: Millis, ...[kind, name, input]: NewCall): DiffCall {
  return { seq, at, kind, name, input, attempts: 0, status: 'open', output: NONE, error: '', endedAt: null };
}

function plain(text: string): Seen {
  return { hash: text, text };
}

function openedCall({ seq, at, event }: Recorded): Opened | undefined {
  const opened = (key: CallKey, ...call: NewCall): Opened => ({ key, call: newCall(seq, at, ...call) });
  switch (event.type) {
    case 'RunStarted':
      return opened('', 'run', event.process, { hash: event.inputsHash, text: textOf(event.inputs) });
    case 'TaskScheduled':
    case 'TaskOffered':
      return opened(event.key, 'task', event.task, { hash: event.inputHash, text: textOf(event.args) });
    case 'TimerStarted':
      // When a point of time lies is what the process asked for; when a length ends is not.
      return opened(
        event.key,
        'timer',
        event.timer,
        plain(event.timer === 'sleep' ? `${event.durationMs} ms` : String(event.dueAt)),
      );
    case 'SignalAwaited':
      return opened(event.key, 'wait', event.name, plain(event.prompt ?? ''));
    case 'BreakpointOpened':
      return opened(event.key, 'breakpoint', event.title, plain(event.question));
    case 'ChildStarted':
      return opened(event.key, 'child', event.process, { hash: event.inputHash, text: '' });
    case 'ScopeOpened':
      return opened(event.key, 'group', event.mode, plain(event.width === null ? '' : `×${event.width}`));
    case 'StreamOpened':
      return event.kind === 'source' ? opened(event.key, 'source', event.name, NONE) : undefined;
    default:
      return undefined;
  }
}

type End = Partial<Pick<DiffCall, 'output' | 'error'>> & Pick<DiffCall, 'status'>;

function endOf(diff: RunDiff, event: JournalEvent): End | undefined {
  switch (event.type) {
    case 'TaskSucceeded':
    case 'RunSucceeded':
      return { status: 'succeeded', output: seen(diff, event.output) };
    case 'SignalReceived':
      return { status: 'succeeded', output: seen(diff, event.payload) };
    case 'BreakpointClosed':
      return {
        status: event.outcome === 'failed' ? 'failed' : 'succeeded',
        output: seen(diff, event.outcome),
      };
    case 'TaskFailed':
    case 'RunFailed':
    case 'StreamFailed':
      return { status: 'failed', error: errorText(event.error) };
    case 'TaskCancelled':
    case 'RunCancelled':
      return { status: 'cancelled' };
    case 'SignalTimedOut':
      return { status: 'failed' };
    case 'TimerFired':
    case 'StreamEnded':
    case 'StreamClosed':
      return { status: 'succeeded' };
    case 'ChildFinished': {
      const { outcome } = event;
      if (outcome.status === 'succeeded') return { status: 'succeeded', output: seen(diff, outcome.output) };
      if (outcome.status === 'failed') return { status: 'failed', error: errorText(outcome.error) };
      return { status: outcome.status === 'cancelled' ? 'cancelled' : 'succeeded' };
    }
    case 'ScopeClosed':
      // The root scope has no call, and the run its own end.
      if (event.key === '') return undefined;
      return { status: event.outcome === 'fulfilled' ? 'succeeded' : 'failed' };
    case 'RunContinued':
      return { status: 'continued' };
    default:
      return undefined;
  }
}

function errorText({ name, message }: ErrorRecord): string {
  return `${name}: ${message}`.slice(0, LONGEST_TEXT * 2);
}

function seen({ digest }: RunDiff, value: Encoded): Seen {
  return { hash: inputHashOf(digest, identityText(value)), text: textOf(value) };
}

function textOf(value: Encoded): string {
  return shortValue(value, LONGEST_TEXT);
}
