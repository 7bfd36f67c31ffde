/**
 * What a run did when: a bar for each call, made of what it did meanwhile.
 *
 * 1. Of wide groups and long loops the first calls have bars, and all others of that place are one: the room that a
 *    timeline takes does not grow with the run.
 * 2. It holds no value of any call.
 */
import { ROOT_SCOPE, scopeOf, type CallKey } from '../journal/call-key.ts';
import { isTerminal, type JournalEvent, type Recorded } from '../journal/event.ts';
import type { Millis } from '../journal/ids.ts';

export type BarKind = 'task' | 'timer' | 'wait' | 'breakpoint' | 'child' | 'source' | 'group' | 'rest';

/** 'run': an attempt is under way; 'wait': for a slot, a person, a time, another run; 'backoff': for the next attempt. */
export type PartKind = 'run' | 'wait' | 'backoff' | 'stopped';

export interface BarPart {
  readonly kind: PartKind;
  readonly from: Millis;
  /** Null while it goes on. */
  to: Millis | null;
  /** The attempt failed. */
  failed: boolean;
}

export interface Bar {
  readonly key: CallKey;
  readonly kind: BarKind;
  /** Of a task, a message, a process; the mode of a group. */
  readonly name: string;
  /** Groups around it. */
  readonly depth: number;
  readonly from: Millis;
  to: Millis | null;
  status: 'open' | 'succeeded' | 'failed' | 'cancelled';
  attempts: number;
  readonly parts: BarPart[];
  /** Of 'rest': the calls that it stands for. */
  count: number;
  /** Of 'rest': those that failed. */
  failed: number;
}

interface Place {
  readonly bar: Bar | undefined;
  readonly bars: Bar[];
  rest: Bar | undefined;
  /** Calls of `rest` that are open. */
  restOpen: number;
}

export interface Timeline {
  readonly limit: number;
  /** Bars over all places. */
  readonly most: number;
  /** By the key of the group, '' for the run. */
  readonly places: Map<CallKey, Place>;
  /** What the end of an open call changes: its bar, or the place whose rest it is part of. */
  readonly open: Map<CallKey, Bar | Place>;
  total: number;
  from: Millis;
  to: Millis;
  ended: boolean;
}

/** Over all places; beyond it nobody reads a timeline that does not move. */
const MOST_BARS = 2000;
const MOST_PARTS = 40;

/** @param limit calls of one place that have a bar of their own; @param most of all places together */
export function createTimeline(limit: number, most: number = MOST_BARS): Timeline {
  const root: Place = { bar: undefined, bars: [], rest: undefined, restOpen: 0 };
  return {
    limit,
    most,
    places: new Map([['', root]]),
    open: new Map(),
    total: 0,
    from: 0,
    to: 0,
    ended: false,
  };
}

/** In the order in which they are drawn: what lies within a group below it. */
export function barsOf(timeline: Timeline): Bar[] {
  const bars: Bar[] = [];
  const walk = ({ bars: own, rest }: Place): void => {
    for (const bar of own) {
      bars.push(bar);
      const inner = bar.kind === 'group' ? timeline.places.get(bar.key) : undefined;
      if (inner !== undefined) walk(inner);
    }
    if (rest !== undefined) bars.push(rest);
  };
  const root = timeline.places.get('');
  if (root !== undefined) walk(root);
  return bars;
}

export function addTimelineEvent(timeline: Timeline, { at, event }: Recorded): void {
  if (event.type === 'RunStarted') timeline.from = at;
  if (timeline.ended) return;
  timeline.to = at;
  if (isTerminal(event)) {
    endAll(timeline, at);
    return;
  }
  if (event.type === 'RunForked') {
    for (const entry of timeline.open.values())
      if ('parts' in entry && entry.attempts > 0) add(entry, 'stopped', at);
    return;
  }
  const opened = openedBar(event);
  if (opened !== undefined) open(timeline, opened, at);
  else if ('key' in event && event.key !== ROOT_SCOPE) change(timeline, event.key, event, at);
}

function endAll(timeline: Timeline, at: Millis): void {
  timeline.ended = true;
  for (const entry of timeline.open.values()) {
    const bar = 'parts' in entry ? entry : entry.rest;
    if (bar !== undefined && bar.to === null) end(bar, 'cancelled', at);
  }
  timeline.open.clear();
}

type NewBar = Pick<Bar, 'key' | 'kind' | 'name'>;

function openedBar(event: JournalEvent): NewBar | undefined {
  switch (event.type) {
    case 'TaskScheduled':
    case 'TaskOffered':
      return { key: event.key, kind: 'task', name: event.task };
    case 'TimerStarted':
      return { key: event.key, kind: 'timer', name: event.timer };
    case 'SignalAwaited':
      return { key: event.key, kind: 'wait', name: event.name };
    case 'BreakpointOpened':
      return { key: event.key, kind: 'breakpoint', name: event.title };
    case 'ChildStarted':
      return { key: event.key, kind: 'child', name: event.process };
    case 'ScopeOpened':
      return {
        key: event.key,
        kind: 'group',
        name: event.width === null ? event.mode : `${event.mode} ×${event.width}`,
      };
    case 'StreamOpened':
      return event.kind === 'source' ? { key: event.key, kind: 'source', name: event.name } : undefined;
    default:
      return undefined;
  }
}

/** The group that a call lies in: a branch is none. */
function groupOf(key: CallKey): CallKey {
  const scope = scopeOf(key);
  return scope === ROOT_SCOPE ? '' : scopeOf(scope);
}

function open(timeline: Timeline, opened: NewBar, at: Millis): void {
  let group = groupOf(opened.key);
  let place = timeline.places.get(group);
  const isKept = place !== undefined && place.bars.length < timeline.limit && timeline.total < timeline.most;
  while (place === undefined && group !== '') {
    group = groupOf(group);
    place = timeline.places.get(group);
  }
  if (place === undefined) return;
  const depth = place.bar === undefined ? 0 : place.bar.depth + 1;
  if (!isKept) {
    place.rest ??= { ...newBar(opened, depth, at), key: group, kind: 'rest', name: '' };
    place.rest.count += 1;
    place.rest.to = null;
    place.restOpen += 1;
    timeline.open.set(opened.key, place);
    return;
  }
  const bar = newBar(opened, depth, at);
  timeline.total += 1;
  place.bars.push(bar);
  timeline.open.set(bar.key, bar);
  if (bar.kind === 'group') timeline.places.set(bar.key, { bar, bars: [], rest: undefined, restOpen: 0 });
  else add(bar, 'wait', at);
}

function newBar(opened: NewBar, depth: number, at: Millis): Bar {
  return {
    ...opened,
    depth,
    from: at,
    to: null,
    status: 'open',
    attempts: 0,
    parts: [],
    count: 0,
    failed: 0,
  };
}

/** What it did before ends where the next begins. */
function add(bar: Bar, kind: PartKind, at: Millis): void {
  const last = bar.parts.at(-1);
  if (last !== undefined && last.to === null) {
    // Nobody sees what took no time.
    if (last.from === at && !last.failed) bar.parts.pop();
    else last.to = at;
  }
  if (bar.parts.length < MOST_PARTS) bar.parts.push({ kind, from: at, to: null, failed: false });
}

function end(bar: Bar, status: Bar['status'], at: Millis): void {
  bar.to = at;
  bar.status = status;
  const last = bar.parts.at(-1);
  if (last === undefined || last.to !== null) return;
  last.to = at;
  last.failed = status === 'failed' && last.kind === 'run';
}

function change(timeline: Timeline, key: CallKey, event: JournalEvent, at: Millis): void {
  const entry = timeline.open.get(key);
  if (entry === undefined) return;
  const status = statusAfter(event);
  if (!('parts' in entry)) {
    if (status !== undefined) endOfRest(timeline, entry, key, status, at);
    return;
  }
  if (status !== undefined) {
    end(entry, status, at);
    timeline.open.delete(key);
    return;
  }
  switch (event.type) {
    case 'AttemptStarted':
      entry.attempts = event.attempt;
      add(entry, 'run', at);
      return;
    case 'AttemptFailed': {
      const last = entry.parts.at(-1);
      if (last !== undefined) last.failed = true;
      add(entry, 'backoff', at);
      return;
    }
    case 'AttemptInterrupted':
      add(entry, 'stopped', at);
      return;
    case 'OutcomeAsked':
    case 'TaskSignalAwaited':
      add(entry, 'wait', at);
      return;
    case 'TaskSignalReceived':
    case 'TaskSignalForgone':
      add(entry, 'run', at);
      return;
    default:
  }
}

function endOfRest(timeline: Timeline, place: Place, key: CallKey, status: Bar['status'], at: Millis): void {
  timeline.open.delete(key);
  const { rest } = place;
  if (rest === undefined) return;
  place.restOpen -= 1;
  if (status === 'failed') rest.failed += 1;
  if (place.restOpen > 0) return;
  rest.to = at;
  rest.status = rest.failed > 0 ? 'failed' : 'succeeded';
}

function statusAfter(event: JournalEvent): Bar['status'] | undefined {
  switch (event.type) {
    case 'TaskSucceeded':
    case 'TimerFired':
    case 'SignalReceived':
    case 'StreamEnded':
    case 'StreamClosed':
      return 'succeeded';
    case 'TaskFailed':
    case 'SignalTimedOut':
    case 'StreamFailed':
      return 'failed';
    case 'TaskCancelled':
      return 'cancelled';
    case 'BreakpointClosed':
      return event.outcome === 'failed' ? 'failed' : 'succeeded';
    case 'ChildFinished':
      return event.outcome.status === 'detached' ? 'succeeded' : event.outcome.status;
    case 'ScopeClosed':
      if (event.outcome === 'fulfilled') return 'succeeded';
      return event.outcome === 'aborted' ? 'cancelled' : 'failed';
    default:
      return undefined;
  }
}
