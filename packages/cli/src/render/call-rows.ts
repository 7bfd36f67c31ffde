/**
 * A run's tree of calls as rows: what is said of each call, and which calls are said at all. How a row
 * is laid out is `tree.ts`.
 */
import type {
  BranchNode,
  CallNode,
  CallStatus,
  ErrorRecord,
  GroupNode,
  TaskNode,
  WaitNode,
} from '@pawl/runtime';

import { groupCount, groupTitle } from './group-title.ts';
import { breakpointNote } from './breakpoint-note.ts';
import { offerNote, settledBy } from './offer-note.ts';
import { childNote } from './child-note.ts';
import { itemsText, sourceNote } from './source-note.ts';
import { clean } from './clean.ts';
import { branchStatus, selectEntries, statusOfEntry, type Entry, type Gap } from './select-entries.ts';
import { formatDuration, formatLength } from './duration.ts';
import { errorLines, errorTitle, type Places } from './error-record.ts';
import type { Theme } from './theme.ts';
import { shown } from './value.ts';

export interface Line {
  readonly text: string;
  readonly paint: keyof Theme | undefined;
  /** Cut where the terminal ends, not wrapped. */
  readonly isCut?: boolean;
}

export interface Row {
  /** The lines of the tree on the left, as `│ ├ `. */
  readonly guide: string;
  /** The same for lines below the row. */
  readonly guideBelow: string;
  /** Undefined for a row that stands for calls that are left out. */
  readonly status: CallStatus | undefined;
  readonly name: string;
  readonly key: string;
  readonly duration: string;
  readonly note: Line;
  readonly below: readonly Line[];
}

export interface RowOptions {
  readonly now: number;
  /** Somebody drives the run: what is under way goes on. */
  readonly alive: boolean;
  /** Inputs, outputs and errors at length. */
  readonly values: boolean;
  /** How many calls of one place are shown; what is not plainly done goes first. */
  readonly limit: number;
  readonly places: Places;
}

const NO_NOTE: Line = { text: '', paint: undefined };

export function callRows(calls: readonly CallNode[], options: RowOptions): Row[] {
  const rows: Row[] = [];
  new RowBuilder(options, rows).addAll(calls.map(entryOfCall), '', true);
  return rows;
}

class RowBuilder {
  readonly #options: RowOptions;
  readonly #rows: Row[];

  constructor(options: RowOptions, rows: Row[]) {
    this.#options = options;
    this.#rows = rows;
  }

  addAll(entries: readonly Entry[], outer: string, isRoot: boolean): void {
    const { limit, values } = this.#options;
    const parts = selectEntries(entries, limit, values);
    for (const [index, part] of parts.entries()) {
      const isLast = index === parts.length - 1;
      const guide = isRoot ? '' : outer + (isLast ? '└ ' : '├ ');
      const below = isRoot ? '' : outer + (isLast ? '  ' : '│ ');
      if (part.kind === 'gap') this.#addGap(part, guide, parts.length === 1);
      else if (part.kind === 'call') this.#addCall(part.call, part.name, guide, below);
      else this.#addBranch(part.branch, guide, below);
    }
  }

  #addCall(call: CallNode, ofBranch: string | undefined, guide: string, below: string): void {
    const label = nameOf(call);
    this.#rows.push({
      guide,
      guideBelow: below,
      status: this.#statusOf(call),
      name: ofBranch === undefined ? label : `${label} ${ofBranch}`,
      key: clean(call.key),
      duration: this.#durationOf(call),
      note: this.#noteOf(call),
      below:
        (call.kind === 'task' || call.kind === 'source' || call.kind === 'child') && call.status === 'failed'
          ? this.#errorBelow(call.error)
          : [],
    });
    if (call.kind === 'group') this.addAll(call.branches.map(entryOf), below, false);
  }

  #addBranch(branch: BranchNode, guide: string, below: string): void {
    const from = Math.min(...branch.calls.map((call) => call.openedAt));
    const status = branchStatus(branch);
    const ended =
      branch.openCalls > 0 ? undefined : Math.max(...branch.calls.map((call) => call.endedAt ?? 0));
    this.#rows.push({
      guide,
      guideBelow: below,
      status: this.#live(status),
      name: branchTitle(branch),
      key: clean(branch.path),
      duration: this.#span(from, ended),
      note: NO_NOTE,
      below: [],
    });
    this.addAll(branch.calls.map(entryOfCall), below, false);
  }

  #addGap({ entries, leftOut }: Gap, guide: string, isAll: boolean): void {
    const counts = new Map<CallStatus, number>(Object.entries(leftOut) as [CallStatus, number][]);
    for (const entry of entries) {
      const status = this.#live(statusOfEntry(entry));
      counts.set(status, (counts.get(status) ?? 0) + 1);
    }
    for (const [status, count] of counts) if (count === 0) counts.delete(status);
    const all = [...counts.values()].reduce((total, count) => total + count, 0);
    const what =
      counts.size === 1 && counts.has('succeeded')
        ? ''
        : [...counts].map(([status, count]) => `${count} ${status}`).join(', ');
    const text = isAll ? `⋮ ${all} × ${commonName(entries)}` : `⋮ ${all} more`;
    const note: Line = { text: what, paint: 'dim' };
    const rest = { key: '', duration: '', note, below: [] };
    this.#rows.push({ guide, guideBelow: guide, status: undefined, name: text, ...rest });
  }

  #statusOf(call: CallNode): CallStatus {
    return this.#live(call.status);
  }

  /** Without a driver nothing is under way. */
  #live(status: CallStatus): CallStatus {
    return status === 'running' && !this.#options.alive ? 'stopped' : status;
  }

  #durationOf(call: CallNode): string {
    if (call.kind !== 'task') return this.#span(call.openedAt, call.endedAt ?? undefined);
    // A task's time is that of its attempts: waiting for a slot is not work, nor is being given up.
    return call.startedAt === null || call.status === 'cancelled'
      ? ''
      : this.#span(call.startedAt, call.endedAt ?? undefined);
  }

  #span(from: number, to: number | undefined): string {
    if (to !== undefined) return formatDuration(to - from);
    return this.#options.alive ? formatDuration(this.#options.now - from) : '';
  }

  #noteOf(call: CallNode): Line {
    if (call.kind === 'group') return groupNote(call);
    if (call.kind === 'timer') return NO_NOTE;
    if (call.kind === 'wait') return this.#waitNote(call);
    if (call.kind === 'breakpoint') return breakpointNote(call, this.#options.now);
    if (call.kind === 'child') return childNote(call, this.#options.values);
    if (call.kind === 'source') return sourceNote(call, this.#options.alive, this.#options.now);
    return this.#taskNote(call);
  }

  #waitNote(wait: WaitNode): Line {
    const { values, now } = this.#options;
    switch (wait.status) {
      case 'running': {
        const left =
          wait.dueAt === null ? '' : `gives up in ${formatDuration(Math.max(0, wait.dueAt - now))}`;
        return { text: join(clean(wait.prompt ?? 'waits for a message'), left), paint: 'attention' };
      }
      case 'failed':
        return { text: 'no message came in time', paint: 'attention' };
      default:
        return { text: values && wait.output !== undefined ? `→ ${shown(wait.output)}` : '', paint: 'dim' };
    }
  }

  #taskNote(task: TaskNode): Line {
    const { values, alive, now } = this.#options;
    if (task.hears !== undefined)
      return { text: `waits for message '${clean(task.hears)}'`, paint: 'attention' };
    switch (task.status) {
      case 'queued':
        return { text: alive ? 'waits for a slot' : 'not started', paint: 'dim' };
      case 'running':
        if (!alive) return { text: `attempt ${task.attempts}: its end is not known`, paint: 'attention' };
        return { text: join(attempts(task), values ? shown(task.input) : ''), paint: 'dim' };
      case 'backoff': {
        if (task.offer !== null) return offerNote(task, now);
        const wait = (task.retryAt ?? now) - now;
        const when = alive && wait > 0 ? `again in ${formatDuration(wait)}` : 'to be tried again';
        const failed = `attempt ${task.attempts} of ${task.attemptsAllowed} failed, ${when}`;
        return {
          text: join(failed, task.error === undefined ? '' : errorTitle(task.error)),
          paint: 'attention',
        };
      }
      case 'asked':
        if (task.offer !== null) return offerNote(task, now);
        return {
          text: `attempt ${task.attempts} has no recorded end: what became of it?`,
          paint: 'attention',
        };
      case 'stopped':
        return { text: `attempt ${task.attempts} was stopped`, paint: 'dim' };
      case 'succeeded':
        return { text: join(attempts(task), settledBy(task), values ? arrow(task) : ''), paint: 'dim' };
      case 'failed':
        return { text: join(attempts(task), settledBy(task), values ? shown(task.input) : ''), paint: 'dim' };
      case 'cancelled':
        return { text: values ? clean(task.reason ?? '') : '', paint: 'dim' };
      default:
        return task.status satisfies never;
    }
  }

  #errorBelow(error: ErrorRecord | undefined): Line[] {
    if (error === undefined) return [];
    const { message, where, output, causes } = errorLines(error, this.#options.places);
    return [
      ...message.map((text): Line => ({ text, paint: 'bad' })),
      ...causes.map((text): Line => ({ text: `because: ${text}`, paint: 'bad' })),
      ...(where === undefined ? [] : [{ text: `at ${where}`, paint: 'dim' } as const]),
      ...output.map((text): Line => ({ text: `  ${text}`, paint: 'dim', isCut: true })),
    ];
  }
}

function nameOf(call: CallNode): string {
  switch (call.kind) {
    case 'task':
      return clean(call.name);
    case 'timer':
      return call.timer === 'sleep' ? `sleep ${formatLength(call.durationMs)}` : 'sleep until';
    case 'wait':
      return `receive ${clean(call.name)}`;
    case 'breakpoint':
      return `breakpoint${call.title === call.question ? '' : ` ${clean(call.title)}`}`;
    case 'child':
      return `run ${clean(call.name)}`;
    case 'source':
      return `source ${clean(call.name)}`;
    case 'group':
      return groupTitle(call);
    default:
      return call satisfies never;
  }
}

function groupNote(group: GroupNode): Line {
  const failed = group.failedCalls > 0 ? `${group.failedCalls} failed` : '';
  if (group.outcome === 'timedOut') return { text: join('timed out', failed), paint: 'attention' };
  if (group.outcome === 'aborted') return { text: join('aborted', failed), paint: 'attention' };
  if (group.mode === 'scope') {
    const exits = group.exits === 0 ? '' : `${group.exits} registered for its end`;
    return { text: join(exits, failed), paint: 'dim' };
  }
  if (group.endedAt === null) {
    return { text: join(`${groupCount(group)} done`, failed), paint: 'dim' };
  }
  const won = group.winner !== null && (group.mode === 'race' || group.mode === 'any');
  return { text: join(won ? `decided by branch ${group.winner}` : '', failed), paint: 'dim' };
}

function attempts(task: TaskNode): string {
  const unknown = task.unknown > 0 ? ` (${task.unknown} with no known end)` : '';
  const tries = task.attempts > 1 ? `${task.attempts} attempts${unknown}` : '';
  return join(tries, task.items === null ? '' : itemsText(task.items));
}

function arrow(task: TaskNode): string {
  const input = shown(task.input);
  const output = shown(task.output);
  if (output === '') return input;
  return input === '' ? `→ ${output}` : `${input} → ${output}`;
}

function join(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' · ');
}

function entryOf(branch: BranchNode): Entry {
  const { leftOut, path } = branch;
  const [call, second] = branch.calls;
  if (call === undefined || second !== undefined) return { kind: 'branch', branch, leftOut };
  return { kind: 'call', call, name: branchName(path), leftOut };
}

function entryOfCall(call: CallNode): Entry {
  return { kind: 'call', call, name: undefined, leftOut: call.leftOut };
}

/** The name that `keyBy` gave, as it was before it went into a path. */
export function branchName(path: string): string | undefined {
  const segment = path.slice(path.lastIndexOf('/') + 1);
  if (!segment.startsWith(':')) return undefined;
  try {
    return clean(decodeURIComponent(segment.slice(1)));
  } catch {
    return clean(segment.slice(1));
  }
}

function branchTitle(branch: BranchNode): string {
  const segment = branch.path.slice(branch.path.lastIndexOf('/') + 1);
  // Where a stream takes its items from.
  if (segment === 'src') return 'source';
  if (segment === 'exit') return 'at its end';
  return branchName(branch.path) ?? `branch ${clean(segment)}`;
}

/** Of calls that are one and the same task, its name. */
function commonName(entries: readonly Entry[]): string {
  const names = new Set(entries.map((entry) => (entry.kind === 'call' ? nameOf(entry.call) : 'branch')));
  const [name = ''] = names;
  return names.size === 1 ? name : 'call';
}
