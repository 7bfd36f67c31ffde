import type { CommandEvent, StreamOpened } from '../journal/event.ts';
import type { ExitRegistered } from '../journal/exit-event.ts';
import type { ValueRecorded } from '../journal/value-event.ts';
import { unreachable } from '../journal/invariant.ts';

type Opening = Exclude<CommandEvent, { type: 'ScopeClosed' | 'StreamClosed' }>;

/**
 * What makes a call the same call on replay, apart from its key: a task's name, version and input;
 * a timer's length or point of time; a message's name; a breakpoint's title; a source's name; a group's mode, width
 * and chunks; what an exit does, and when. Concurrency, priority, pool,
 * retry and timeouts are no identity.
 */
export function fingerprintOf(event: Opening): string {
  switch (event.type) {
    case 'TaskScheduled':
    // Where a task is done is no identity.
    case 'TaskOffered':
      return taskFingerprint(event.task, event.version, event.inputHash);
    case 'TimerStarted':
      return event.timer === 'sleep' ? `sleep ${event.durationMs}ms` : `sleepUntil ${event.dueAt}`;
    case 'SignalAwaited':
      return waitFingerprint(event.name, event.secret === true);
    case 'BreakpointOpened':
      return breakpointFingerprint(event.title);
    case 'ChildStarted':
      return childFingerprint(event.process, event.inputHash, event.detached === true);
    case 'ExitRegistered':
      return exitFingerprint(event.when, taskFingerprint(event.task, event.version, event.inputHash));
    case 'ScopeOpened':
      return groupFingerprint(event.mode, event.width);
    case 'StreamOpened':
      return streamFingerprint(event.kind, event.name);
    default:
      return unreachable(event);
  }
}

/** A prompt, its data and a timeout are no identity. A secret gives the process something else than a plain message. */
export function waitFingerprint(name: string, isSecret: boolean): string {
  return `receive ${isSecret ? 'secret ' : ''}${JSON.stringify(name)}`;
}

/** Whom it asks, what can be chosen, its words and its time are no identity: those that were recorded count. */
export function breakpointFingerprint(title: string): string {
  return `breakpoint ${JSON.stringify(title)}`;
}

/**
 * Its id, and what becomes of it where the call is given up, are no identity: those that were recorded count. A call
 * that does not wait gives something else.
 */
export function childFingerprint(process: string, inputHash: string, isDetached: boolean): string {
  return `${isDetached ? 'start' : 'run'} ${JSON.stringify(process)} ${inputHash}`;
}

export function taskFingerprint(task: string, version: string | null, inputHash: string): string {
  return `${taskPrefix(task, version)}${inputHash}`;
}

/** Of tasks without a version, by name: each is called many times, and its name is quoted once. */
const prefixes = new Map<string, string>();
const MAX_PREFIXES = 1000;

function taskPrefix(task: string, version: string | null): string {
  if (version !== null) return `task ${JSON.stringify(task)} v${version} `;
  let prefix = prefixes.get(task);
  if (prefix === undefined) {
    prefix = `task ${JSON.stringify(task)} `;
    if (prefixes.size >= MAX_PREFIXES) prefixes.clear();
    prefixes.set(task, prefix);
  }
  return prefix;
}

export function valueFingerprint({ name, value }: Pick<ValueRecorded, 'name' | 'value'>): string {
  return `version ${value} of ${JSON.stringify(name)}`;
}

export function exitFingerprint(when: ExitRegistered['when'], task: string): string {
  return `${EXIT_METHODS[when]} ${task}`;
}

/** How each is registered. */
export const EXIT_METHODS = { always: 'onExit', failure: 'compensate' } as const;

export function streamFingerprint(kind: StreamOpened['kind'], name: string): string {
  return kind === 'source' ? `source '${name}'` : `the progress of task '${name}'`;
}

export function groupFingerprint(mode: string, width: number | null): string {
  if (mode === 'reduce' || mode === 'scope') return `ctx.${mode}`;
  return width === null ? `parallel.${mode}` : `parallel.${mode} of ${width}`;
}
