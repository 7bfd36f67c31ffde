import type {
  BreakpointNode,
  ChildNode,
  GroupNode,
  JournalEvent,
  Recorded,
  RunTree,
  SourceNode,
  TaskNode,
} from '@pawl/runtime';

import { breakpointNote } from './breakpoint-note.ts';
import { groupCount, groupTitle } from './group-title.ts';
import { clean } from './clean.ts';
import { formatDuration, formatLength } from './duration.ts';
import { errorTitle } from './error-record.ts';
import { itemsText } from './source-note.ts';
import { paintStatus, signOf, type Theme } from './theme.ts';

/** A group of more branches tells of itself in tenths; its calls are told of only where one fails. */
const WIDE = 40;
/** A shorter sleep is not worth a line. */
const LONG_SLEEP_MS = 1000;

/** What an event adds to a log of a run that is read line by line; `tree` has the event already. */
export function progressLine(tree: RunTree, recorded: Recorded, theme: Theme): string | undefined {
  const { event } = recorded;
  const node = 'key' in event ? tree.byKey.get(event.key) : undefined;
  if (node === undefined) return undefined;
  if (node.kind === 'timer') {
    const isLong = event.type === 'TimerStarted' && node.durationMs >= LONG_SLEEP_MS;
    return isLong
      ? `${theme.dim('·')} sleep ${formatLength(node.durationMs)} (${clean(node.key)})`
      : undefined;
  }
  if (node.kind === 'wait') {
    if (event.type !== 'SignalAwaited') return undefined;
    return `${theme.attention('?')} ${clean(node.prompt ?? `waits for message ${node.name}`)} ${theme.dim(`(${clean(node.key)})`)}`;
  }
  if (node.kind === 'breakpoint') return breakpointLine(node, event, theme);
  if (node.kind === 'child') return childLine(node, event, theme);
  if (node.kind === 'source') return sourceEvent(node, event, theme);
  if (node.kind === 'group') return groupEvent(node, event, theme);
  const wide = wideGroupAround(tree, node.key);
  switch (event.type) {
    case 'TaskOffered':
      return `${theme.attention('?')} ${clean(node.name)} ${theme.dim(`(${clean(node.key)}) for ${clean(event.kind)}`)}`;
    case 'TaskSucceeded':
      return wide === undefined ? taskLine(node, '', theme) : tenthOf(wide, theme);
    case 'TaskFailed':
      return taskLine(node, errorTitle(event.error), theme);
    case 'AttemptFailed': {
      const wait = formatDuration(event.delayMs);
      return taskLine(
        node,
        `attempt ${event.attempt} failed, again in ${wait}: ${errorTitle(event.error)}`,
        theme,
      );
    }
    case 'TaskSignalAwaited':
      return taskLine(node, `waits for message '${clean(event.name)}'`, theme);
    case 'OutcomeAsked':
      return taskLine(
        node,
        `attempt ${event.attempt} has no recorded end: a person has to say what became of it`,
        theme,
      );
    default:
      return undefined;
  }
}

/** `? Deploy 1.4? (2)`, then `✓ Deploy 1.4? (2) approved by ada` */
function breakpointLine(node: BreakpointNode, { type }: JournalEvent, theme: Theme): string | undefined {
  const what = `${clean(node.question)} ${theme.dim(`(${clean(node.key)})`)}`;
  if (type === 'BreakpointOpened') return `${theme.attention('?')} ${what}`;
  if (type !== 'BreakpointClosed') return undefined;
  return `${paintStatus(theme, node.status, signOf(node.status))} ${what} ${breakpointNote(node, 0).text}`;
}

/** `✓ run billing (2) job.2` */
function childLine(node: ChildNode, { type }: JournalEvent, theme: Theme): string | undefined {
  if (type !== 'ChildStarted' && type !== 'ChildFinished') return undefined;
  const note = node.error === undefined ? '' : `: ${errorTitle(node.error)}`;
  const what = `run ${clean(node.name)} (${clean(node.key)}) ${theme.dim(clean(node.runId))}`;
  return `${paintStatus(theme, node.status, signOf(node.status))} ${what}${note}`;
}

/** `✓ read-file (2/1/0) 1.2s: note` */
function taskLine(task: TaskNode, note: string, theme: Theme): string {
  const took =
    task.startedAt === null || task.endedAt === null
      ? ''
      : ` ${formatDuration(task.endedAt - task.startedAt)}`;
  return `${sign(task, theme)} ${clean(task.name)} ${theme.dim(`(${clean(task.key)})${took}`)}${note === '' ? '' : `: ${note}`}`;
}

function sourceEvent(source: SourceNode, event: JournalEvent, theme: Theme): string | undefined {
  const title = `${sign(source, theme)} source ${clean(source.name)} ${theme.dim(`(${clean(source.key)})`)}`;
  switch (event.type) {
    case 'StreamEnded':
    case 'StreamClosed':
      return `${title} ${itemsText(source.items)}`;
    case 'StreamFailed':
      return `${title}: ${errorTitle(event.error)}`;
    case 'AttemptFailed':
      return `${title}: attempt ${event.attempt} failed, again in ${formatDuration(event.delayMs)}: ${errorTitle(event.error)}`;
    default:
      return undefined;
  }
}

function groupEvent(group: GroupNode, event: JournalEvent, theme: Theme): string | undefined {
  if (event.type === 'Folded' && isTold(event.n))
    return `${sign(group, theme)} ${groupTitle(group)} ${theme.dim(`(${clean(group.key)})`)} ${groupCount(group)}`;
  if (!isWide(group) || event.type !== 'ScopeClosed') return undefined;
  const took = group.endedAt === null ? '' : ` ${formatDuration(group.endedAt - group.openedAt)}`;
  return `${sign(group, theme)} ${groupTitle(group)} ${theme.dim(`(${clean(group.key)})${took}`)}`;
}

/** A thousand marks are no thousand lines: nine for each power of ten. */
function isTold(items: number): boolean {
  return items % 10 ** Math.floor(Math.log10(Math.max(1, items))) === 0;
}

function tenthOf(group: GroupNode, theme: Theme): string | undefined {
  if (group.width === null) return undefined;
  const step = Math.ceil(group.width / 10);
  if (group.quietBranches % step !== 0 || group.quietBranches >= group.width) return undefined;
  return `${sign(group, theme)} ${groupTitle(group)} ${theme.dim(`(${clean(group.key)})`)} ${groupCount(group)}`;
}

function sign(node: TaskNode | SourceNode | GroupNode, theme: Theme): string {
  return paintStatus(theme, node.status, signOf(node.status));
}

/** A reduce tells of itself at its marks. */
function isWide({ mode, width }: GroupNode): boolean {
  return mode === 'reduce' || (width ?? 0) > WIDE;
}

/** The innermost group with many branches that the call is in: keys alternate call, branch, call. */
function wideGroupAround(tree: RunTree, key: string): GroupNode | undefined {
  const segments = key.split('/');
  for (let length = segments.length - 2; length > 0; length -= 2) {
    const group = tree.byKey.get(segments.slice(0, length).join('/'));
    if (group?.kind === 'group' && isWide(group)) return group;
  }
  return undefined;
}
