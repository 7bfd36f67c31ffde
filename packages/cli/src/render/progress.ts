import type { CallKey, CallNode, GroupNode, RunTree, SourceNode, TaskNode, TimerNode } from '@pawl/runtime';

import { groupCount, groupTitle } from './group-title.ts';
import { branchName } from './call-rows.ts';
import { clean } from './clean.ts';
import { columnsOf, fit, padEnd, padStart } from './columns.ts';
import { formatDuration } from './duration.ts';
import { errorTitle } from './error-record.ts';
import { sourceNote } from './source-note.ts';
import { paintStatus, signOf, type Theme } from './theme.ts';

export interface ProgressView {
  readonly tree: RunTree;
  /** What each task that runs told last of how far it is. */
  readonly told: ReadonlyMap<CallKey, string>;
  readonly runId: string;
  readonly name: string;
  /** Since this program took the run up. */
  readonly elapsedMs: number;
  readonly now: number;
  /** Counts up with each drawing. */
  readonly frame: number;
  readonly isStopping: boolean;
  readonly width: number;
  readonly rows: number;
  readonly theme: Theme;
}

const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const MOST_LINES = 12;
const BAR = 20;
/** Calls that are looked at for open groups and timers, in each place. */
const LOOK_BACK = 64;
const STUCK_AFTER_MS = 3000;

/** The picture of a run under way: a line of counts, then one line per task that runs. */
export function renderProgress(view: ProgressView): string[] {
  const { tree, rows, width, theme } = view;
  const { groups, timers, sources } = openCalls(tree.calls);
  const room = Math.max(1, Math.min(MOST_LINES, rows - 3));
  const above = [
    ...groups.slice(0, 3).map((group) => groupLine(group, width, theme)),
    ...timers.slice(0, 2).map((timer) => timerLine(timer, view)),
    ...sources.slice(0, 3).map((source) => sourceLine(source, view)),
  ];
  const tasks = [...firstOf(tree.active.values(), room)];
  const left = tree.active.size - tasks.length;
  return [
    headLine(view),
    ...above,
    ...taskLines(tasks, view),
    ...(left > 0 ? [theme.dim(`  … and ${left} more`)] : []),
    ...(isStuck(view, timers.length + sources.length) ? [stuckLine(view)] : []),
  ];
}

function headLine({ tree, runId, name, elapsedMs, frame, isStopping, width, theme }: ProgressView): string {
  const spinner = FRAMES[frame % FRAMES.length] ?? '';
  const { counts } = tree;
  const parts: [string, keyof Theme][] = [[`${counts.succeeded} done`, 'dim']];
  if (counts.failed > 0) parts.push([`${counts.failed} failed`, 'bad']);
  if (counts.running > 0) parts.push([`${counts.running} running`, 'dim']);
  if (counts.backoff > 0) parts.push([`${counts.backoff} to try again`, 'attention']);
  if (counts.queued > 0) parts.push([`${counts.queued} queued`, 'dim']);
  const elapsed = formatDuration(elapsedMs);
  const title = isStopping ? 'stopping; once more to leave at once' : clean(name);
  const shownTitle = fit(title, width - elapsed.length - 4);
  let line = `${theme.busy(spinner)} ${theme.bold(shownTitle)}  ${theme.dim(elapsed)}`;
  let used = 4 + columnsOf(shownTitle) + elapsed.length;
  for (const [text, paint] of parts) {
    used += text.length + 3;
    if (used > width) break;
    line += `${theme.dim(' · ')}${theme[paint](text)}`;
  }
  // What a killed program leaves on the screen says how to go on.
  const id = clean(runId);
  return used + columnsOf(id) + 2 > width ? line : `${line}  ${theme.dim(id)}`;
}

function groupLine(group: GroupNode, width: number, theme: Theme): string {
  const share =
    group.width === null ? 0 : group.width === 0 ? 1 : Math.min(1, group.quietBranches / group.width);
  const filled = Math.round(share * BAR);
  const label = groupTitle(group);
  const numbers = groupCount(group);
  const bar = width < 50 ? '' : `${theme.busy('━'.repeat(filled))}${theme.dim('━'.repeat(BAR - filled))}  `;
  return `  ${padEnd(label, 12)}  ${bar}${theme.dim(numbers)}`;
}

function timerLine(timer: TimerNode, { now, theme }: ProgressView): string {
  const left = formatDuration(Math.max(0, timer.dueAt - now));
  return `  ${theme.dim(padEnd('sleep', 12))}  ${theme.dim(`wakes in ${left}`)}`;
}

function sourceLine(source: SourceNode, { now, width, theme }: ProgressView): string {
  const { text, paint } = sourceNote(source, true, now);
  const name = fit(`source ${clean(source.name)}`, Math.floor(width / 2));
  return `  ${padEnd(name, 12)}  ${theme[paint](fit(text, Math.max(8, width - columnsOf(name) - 6)))}`;
}

function taskLines(tasks: readonly TaskNode[], { now, width, theme, told }: ProgressView): string[] {
  const times = tasks.map((task) => formatDuration(now - (task.lastStartedAt ?? task.openedAt)));
  const timeWidth = Math.max(0, ...times.map((time) => time.length));
  const names = tasks.map(nameOf);
  const nameWidth = Math.min(
    Math.max(0, ...names.map(columnsOf)),
    Math.max(8, Math.floor((width - timeWidth - 6) * 0.6)),
  );
  return tasks.map((task, index) => {
    const name = padEnd(fit(names[index] ?? '', nameWidth), nameWidth);
    const time = padStart(times[index] ?? '', timeWidth);
    const note = fit(noteOf(task, now, told.get(task.key)), width - nameWidth - timeWidth - 8);
    const sign = paintStatus(theme, task.status, signOf(task.status));
    return `  ${sign} ${name}  ${theme.dim(time)}  ${theme.dim(note)}`.trimEnd();
  });
}

/** With the name of its branch, where `keyBy` gave one. */
function nameOf({ name, key }: TaskNode): string {
  const branch = branchName(key.slice(0, Math.max(0, key.lastIndexOf('/'))));
  return branch === undefined ? clean(name) : `${clean(name)} ${branch}`;
}

function noteOf(task: TaskNode, now: number, told: string | undefined): string {
  const key = clean(task.key);
  if (task.status === 'backoff') {
    const wait = formatDuration(Math.max(0, (task.retryAt ?? now) - now));
    const title = task.error === undefined ? '' : `: ${errorTitle(task.error)}`;
    return `${key} · attempt ${task.attempts} of ${task.attemptsAllowed} failed, again in ${wait}${title}`;
  }
  if (task.status === 'asked') return `${key} · waits for ${awaitedBy(task)}`;
  const parts = task.attempts > 1 ? [key, `attempt ${task.attempts}`] : [key];
  return (told === undefined ? parts : [...parts, clean(told)]).join(' · ');
}

function awaitedBy({ hears, offer }: TaskNode): string {
  if (hears !== undefined) return `message '${clean(hears)}'`;
  return offer === null ? 'a person' : clean(offer.taskKind);
}

/** Process code holds the run up where nothing of ours is under way. */
function isStuck({ tree, now }: ProgressView, timers: number): boolean {
  return tree.active.size + tree.counts.queued + timers === 0 && now - tree.updatedAt > STUCK_AFTER_MS;
}

function stuckLine({ tree, now, width, theme }: ProgressView): string {
  const since = formatDuration(now - tree.updatedAt);
  return `  ${theme.attention(fit(`for ${since} the process has been busy, or waits for something outside ctx`, width - 2))}`;
}

interface OpenCalls {
  readonly groups: GroupNode[];
  readonly timers: TimerNode[];
  readonly sources: SourceNode[];
}

/** What is open among the newest calls, group within group. */
function openCalls(
  calls: readonly CallNode[],
  found: OpenCalls = { groups: [], timers: [], sources: [] },
): OpenCalls {
  for (const call of calls.slice(-LOOK_BACK)) {
    if (call.endedAt !== null) continue;
    if (call.kind === 'timer') found.timers.push(call);
    if (call.kind === 'source') found.sources.push(call);
    if (call.kind !== 'group') continue;
    found.groups.push(call);
    for (const branch of call.branches.slice(-LOOK_BACK)) openCalls(branch.calls, found);
  }
  return found;
}

function* firstOf<T>(items: Iterable<T>, limit: number): Generator<T> {
  let index = 0;
  for (const item of items) {
    if (index >= limit) return;
    index += 1;
    yield item;
  }
}
