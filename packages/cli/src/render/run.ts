import {
  NEVER,
  displayStatus,
  type DisplayStatus,
  type Encoded,
  type RunId,
  type RunRecord,
  type RunTree,
  type OpenWait,
} from '@pawl/runtime';

import { clean } from './clean.ts';
import { columnsOf, fit } from './columns.ts';
import { formatAgo, formatDuration, formatTime } from './duration.ts';
import { errorLines, errorTitle, type Places } from './error-record.ts';
import { renderFacts, type Fact } from './facts.ts';
import { renderNext, sendCommand, shellWords, type NextCommand } from './next-commands.ts';
import { paintOf, paintStatus, signOf, type Theme } from './theme.ts';
import { renderTree } from './tree.ts';
import { keepText, shown } from './value.ts';
import { answeredText, isDecided } from './waits.ts';

export interface RunView {
  readonly run: RunRecord;
  readonly tree: RunTree;
  /** What it says of itself. */
  readonly state?: Readonly<Record<string, Encoded>>;
  /** What it waits for from outside, where that may have come already. */
  readonly waits?: readonly OpenWait[];
  /** Runs that share their beginning with it. */
  readonly forks?: readonly RunId[];
  readonly now: number;
  /** Calls of one place that are shown; Infinity = all. */
  readonly limit: number;
  /** Added to each command that is offered, such as `--db other.db`. */
  readonly flags: readonly string[];
  readonly places: Places;
  readonly width: number;
  readonly theme: Theme;
}

/** What `pawl show` prints. */
export function renderRun(view: RunView): string[] {
  const { run, width, theme } = view;
  const status = displayStatus(run);
  return [
    titleLine(view, status, ''),
    '',
    ...renderFacts(runFacts(view, status), width, theme),
    ...bodyLines(view),
  ];
}

/** What only a look at every event tells. */
const LATE_FACT = 'tasks';

/**
 * The first part of it, for a run that takes a while to read: all that stands in its summary, its first events and
 * its end. What people were asked is not among these, nor whether they answered.
 */
export function renderRunFirst(view: RunView): string[] {
  const { run, width, theme } = view;
  const status = displayStatus(run);
  return [titleLine(view, status, ''), '', ...renderFacts(firstFacts(view), width, theme, LATE_FACT.length)];
}

function firstFacts(view: RunView): Fact[] {
  const isAsked = view.run.asked.length > 0;
  return runFacts(view, displayStatus(view.run)).filter(
    ([label]) => label !== LATE_FACT && !(isAsked && label === 'status'),
  );
}

/** And the rest, when all is read. @param first what the first part was made of */
export function renderRunRest(view: RunView, first: RunView): string[] {
  const told = firstFacts(first).map(([label]) => label);
  const { width, theme } = view;
  const late = runFacts(view, displayStatus(view.run)).filter(([label]) => !told.includes(label));
  const label = Math.max(LATE_FACT.length, ...told.map(columnsOf));
  return [...renderFacts(late, width, theme, label), ...bodyLines(view)];
}

function bodyLines(view: RunView): string[] {
  const { run, width, theme } = view;
  const itself = clean(shellWords('pawl', 'show', run.runId, ...view.flags));
  const next = nextCommands(view).filter(({ command }) => command !== itself);
  return [
    ...section(treeLines(view, true)),
    ...section(outcomeLines(view)),
    ...section(renderNext(next, width, theme)),
  ];
}

/** What `pawl run` prints at the end: the same without values. */
export function renderRunEnd(view: RunView): string[] {
  const { run, tree } = view;
  const took = formatDuration((tree.endedAt ?? tree.updatedAt) - tree.startedAt);
  return [titleLine(view, displayStatus(run), `${took}  ${clean(run.runId)}`), ...treeLines(view, false)];
}

/** Of the facts those that change. */
const LIVE_FACTS: ReadonlySet<string> = new Set([
  'run',
  'status',
  'tasks',
  'state',
  'answered',
  'error',
  'at',
]);
/** Calls of one place: as many as have room. */
const LIVE_LIMITS = [12, 8, 5, 3, 1] as const;

/** What `pawl show --watch` draws again and again: at most `rows` lines. */
export function renderRunLive(view: RunView, rows: number): string[] {
  const { run, width, theme } = view;
  const status = displayStatus(run);
  const facts = runFacts(view, status).filter(([label]) => LIVE_FACTS.has(label));
  const head = [titleLine(view, status, ''), '', ...renderFacts(facts, width, theme)];
  // While it goes on by itself there is nothing to type.
  const next = status === 'running' ? [] : section(renderNext(nextCommands(view).slice(0, 2), width, theme));
  const room = Math.max(1, rows - head.length - next.length - 1);
  let tree: string[] = [];
  for (const limit of LIVE_LIMITS) {
    tree = treeLines({ ...view, limit }, true);
    if (tree.length <= room) break;
  }
  const left = tree.length - room + 1;
  const fitting = left > 1 ? [...tree.slice(0, room - 1), theme.dim(`⋮ ${left} more lines`)] : tree;
  return [...head, ...section(fitting), ...next].slice(0, rows);
}

/** `● order  running for 3s · 12 done, 1 under way  run_01kh…`, in one line for who reads a log. */
export function renderRunStatus(view: RunView): string {
  const { run, tree, theme } = view;
  const status = displayStatus(run);
  const error = tree.error === undefined ? '' : `: ${errorTitle(tree.error)}`;
  const tasks = tree.byKey.size === 0 ? '' : ` · tasks: ${tasksText(tree, isAlive(run))}`;
  const said = `${statusText(view, status)}${error}${tasks}`;
  const name = theme.bold(clean(run.process));
  return `${paintStatus(theme, status, signOf(status))} ${name}  ${said}  ${theme.dim(clean(run.runId))}`;
}

/** And after the output. */
export function renderRunNext(view: RunView): string[] {
  return section(renderNext(nextCommands(view), view.width, view.theme));
}

function section(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', ...lines];
}

function treeLines(view: RunView, values: boolean): string[] {
  const { run, tree, now, limit, places, width, theme } = view;
  return renderTree(tree.calls, { now, alive: isAlive(run), values, limit, places, width, theme });
}

function isAlive(run: RunRecord): boolean {
  return run.status === 'running' && run.ownerAlive;
}

function titleLine({ run, width, theme }: RunView, status: DisplayStatus, beside: string): string {
  const sign = paintStatus(theme, status, signOf(status));
  const name = clean(run.process);
  const room = width - columnsOf(name) - 5;
  const more = room < 12 || beside === '' ? '' : `  ${theme.dim(fit(beside, room))}`;
  return `${sign} ${theme.bold(fit(name, width - 2))}${more}`;
}

function runFacts(view: RunView, status: DisplayStatus): Fact[] {
  const { run, tree, state = {}, waits = [], forks = [], now, places } = view;
  const facts: Fact[] = [
    ['run', clean(run.runId)],
    ['status', statusText(view, status), paintOf(status)],
    ['started', `${formatTime(run.startedAt)}, ${formatAgo(now - run.startedAt)}`],
  ];
  if (tree.parent !== undefined)
    facts.push(['within', `${clean(tree.parent.runId)}, call ${clean(tree.parent.key)}`]);
  if (tree.forkOf !== undefined) {
    const { runId, seq } = tree.forkOf;
    facts.push(seq === 0 ? ['reuses', clean(runId)] : ['fork of', `${clean(runId)}, behind event ${seq}`]);
  }
  if (forks.length > 0) facts.push(['forks', forksText(forks)]);
  if (run.module !== null) facts.push(['module', clean(run.module)]);
  facts.push(['tasks', tasksText(tree, isAlive(run))]);
  if (tree.input !== undefined && shown(tree.input) !== '') facts.push(['input', shown(tree.input)]);
  for (const { name, breakpoint } of waits)
    if (breakpoint !== null && breakpoint.answers.length > 0)
      facts.push(['answered', `${clean(name)}: ${answeredText(breakpoint)}`]);
  const says = Object.entries(state).map(([name, value]) => `${clean(name)} ${shown(keepText(value))}`);
  if (says.length > 0) facts.push(['state', says.join(' · ')]);
  if (tree.cancelReason !== undefined) facts.push(['cancelled', clean(tree.cancelReason)]);
  if (tree.error !== undefined) {
    const { message, where } = errorLines(tree.error, places);
    facts.push(['error', message.join(' ')]);
    const key = tree.error.name === 'TaskError' ? tree.error.fields?.['key'] : undefined;
    if (typeof key === 'string') facts.push(['call', clean(key)]);
    if (where !== undefined) facts.push(['at', where]);
  }
  return facts;
}

/** Forks that are named; of a run that many were made of the newest are of interest. */
const NAMED_FORKS = 3;

function forksText(forks: readonly RunId[]): string {
  const more = forks.length - NAMED_FORKS;
  const named = forks.slice(-NAMED_FORKS).map(clean).join(', ');
  return more > 0 ? `${named}, and ${more} more` : named;
}

function statusText({ run, tree, waits = [], now }: RunView, status: DisplayStatus): string {
  const took = formatDuration((tree.endedAt ?? run.updatedAt) - run.startedAt);
  switch (status) {
    case 'running':
      return `running for ${formatDuration(now - run.startedAt)}`;
    case 'waiting':
      return waitingText(run, waits);
    case 'cancelling':
      return 'cancel asked for; it has to be cleaned up, which takes its code';
    case 'sleeping':
      return sleepText(run.wakeAt, now);
    case 'interrupted':
      return `interrupted after ${took}; it can be resumed`;
    case 'succeeded':
    case 'failed':
    case 'cancelled':
      return `${status} after ${took}`;
    case 'continued':
      return `continued as ${clean(tree.nextRunId ?? '')} after ${took}`;
    default:
      return status satisfies never;
  }
}

function waitingText(run: RunRecord, waits: readonly OpenWait[]): string {
  if (run.asked.length === 0) return 'waiting for a run within it, which waits for people';
  const { asked } = unanswered(run, waits);
  return asked.length === 0 && run.asked.length > 0
    ? 'answered: it goes on when it is resumed'
    : `waiting for ${count(asked.length, 'answer')}`;
}

function sleepText(wakeAt: number | null, now: number): string {
  if (wakeAt === null || wakeAt === NEVER) return 'put down until something comes from outside';
  return `put down; it goes on in ${formatDuration(wakeAt - now)}, where a worker is`;
}

/** `12 done, 1 failed, 3 running` */
function tasksText(tree: RunTree, alive: boolean): string {
  const { counts } = tree;
  const parts = (
    [
      [counts.succeeded, 'done'],
      [counts.failed, 'failed'],
      [counts.running, alive ? 'under way' : 'with no known end'],
      [counts.backoff, 'to be tried again'],
      [counts.asked, 'asked about'],
      [counts.stopped, 'stopped'],
      [counts.queued, 'queued'],
      [counts.cancelled, 'cancelled'],
    ] as const
  ).filter(([number]) => number > 0);
  return parts.length === 0 ? 'none' : parts.map(([number, word]) => `${number} ${word}`).join(', ');
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function outcomeLines({ tree, width, theme }: RunView): string[] {
  const output = shown(tree.output);
  return output === '' ? [] : renderFacts([['output', output]], width, theme);
}

function nextCommands({ run, tree, flags, waits = [] }: RunView): NextCommand[] {
  const id = run.runId;
  const pawl = (...words: readonly string[]): string => clean(shellWords('pawl', ...words, ...flags));
  const show: NextCommand = { command: pawl('show', id), why: 'what each call got and gave' };
  const events: NextCommand = { command: pawl('events', id), why: 'every fact, in order' };
  switch (displayStatus(run)) {
    case 'running':
      return [
        { command: pawl('events', id, '--follow'), why: 'watch it go on' },
        { command: pawl('cancel', id), why: 'give it up' },
      ];
    case 'cancelling':
      return [
        { command: pawl('resume', id), why: 'cleans up, and ends it' },
        { command: pawl('cancel', id, '--force'), why: 'ends it without cleaning up' },
        show,
      ];
    case 'sleeping':
      return [{ command: pawl('work'), why: 'go on with it when its time comes' }, show];
    case 'interrupted':
      return [{ command: pawl('resume', id), why: 'go on; nothing that is done is done again' }, show];
    case 'waiting':
      return [
        ...(run.asked.length === 0 ? [{ command: pawl('waiting'), why: 'what a run within it asks' }] : []),
        ...answerCommands(unanswered(run, waits), tree, pawl),
        // Whoever drives it takes the answer.
        ...(run.ownerAlive ? [] : [{ command: pawl('resume', id), why: 'then go on' }]),
      ];
    case 'succeeded':
    case 'failed':
    case 'cancelled':
      return [show, events];
    case 'continued':
      return [{ command: pawl('show', tree.nextRunId ?? id), why: 'the run that followed' }, show, events];
    default:
      return [];
  }
}

const MOST_ASKED = 3;

/** Without what is decided, and waits for the run to take it. */
function unanswered(run: RunRecord, waits: readonly OpenWait[]): RunRecord {
  const decided = new Set(waits.filter(isDecided).map(({ key }) => key));
  return { ...run, asked: run.asked.filter((key) => !decided.has(key)) };
}

function answerCommands(
  run: RunRecord,
  tree: RunTree,
  pawl: (...words: readonly string[]) => string,
): NextCommand[] {
  return run.asked.slice(0, MOST_ASKED).map((key) => {
    const call = tree.byKey.get(key);
    const name = call?.kind === 'task' ? `task '${clean(call.name)}'` : 'the call';
    if (call?.kind === 'wait') {
      return {
        command: sendCommand(pawl, run.runId, call.name, call.secret),
        why: clean(call.prompt ?? `it waits for message '${call.name}'`),
      };
    }
    if (call?.kind === 'task' && call.hears !== undefined)
      return { command: sendCommand(pawl, run.runId, call.hears, false), why: `${name} waits for it` };
    if (call?.kind === 'breakpoint')
      return { command: pawl('approve', run.runId, key), why: `${clean(call.question)} (or pawl reject)` };
    if (call?.kind === 'task' && call.offer !== null) {
      return {
        command: `${pawl('task', 'complete', call.offer.taskId)} --value <json>`,
        why: `when ${clean(call.offer.taskKind)} has done ${name}`,
      };
    }
    return {
      command: pawl('resolve', run.runId, key, '--as', 'done'),
      why: `if ${name} was done; else --as failed or --as retry`,
    };
  });
}
