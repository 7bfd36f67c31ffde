import type { OpenTask, Responded, SettledTask } from '@pawl/runtime';

import { clean } from './clean.ts';
import { formatDuration } from './duration.ts';
import { errorTitle } from './error-record.ts';
import { renderFacts, type Fact } from './facts.ts';
import { shellWords } from './next-commands.ts';
import type { Theme } from './theme.ts';
import { shown } from './value.ts';

interface View {
  readonly now: number;
  readonly width: number;
  readonly theme: Theme;
  readonly flags: readonly string[];
}

export function renderTasks(
  open: readonly OpenTask[],
  settled: readonly SettledTask[],
  view: View,
): string[] {
  if (open.length + settled.length === 0) return ['no external tasks'];
  const blocks = [
    ...settled.map((task) => [settledLine(task, view.theme)]),
    ...open.map((task) => openLines(task, view)),
  ];
  return blocks.flatMap((lines, index) => (index === 0 || lines.length === 1 ? lines : ['', ...lines]));
}

const SIGNS = {
  succeeded: ['✓', 'good'],
  failed: ['✗', 'bad'],
  timedOut: ['✗', 'attention'],
  cancelled: ['○', 'dim'],
} as const;

function settledLine(task: SettledTask, theme: Theme): string {
  const [sign, paint] = SIGNS[task.status];
  const by = task.worker === null ? '' : ` by ${clean(task.worker)}`;
  const what =
    task.status === 'succeeded'
      ? shown(task.output ?? null)
      : task.error === undefined
        ? clean(task.reason ?? '')
        : errorTitle(task.error);
  return `${theme[paint](sign)} ${clean(task.task)} ${theme.dim(`(${clean(task.key)})${by}  ${what}`)}`;
}

function openLines(task: OpenTask, { now, width, theme, flags }: View): string[] {
  const facts: Fact[] = [
    ['task', clean(task.id)],
    ['name', `${clean(task.task)}, for ${clean(task.kind)}`],
    ['call', clean(task.key)],
    ['since', `${formatDuration(now - task.offeredAt)} ago`],
  ];
  if (task.dueAt !== null) facts.push(['gives up', `in ${formatDuration(Math.max(0, task.dueAt - now))}`]);
  facts.push(['status', statusText(task, now)]);
  if (task.refusal !== null) facts.push(['refused', clean(task.refusal)]);
  facts.push(['description', shown(task.description)]);
  if (task.status !== 'answered')
    facts.push([
      'answer',
      `${clean(shellWords('pawl', 'task', 'complete', task.id, ...flags))} --value <json>`,
    ]);
  return [`${theme.attention('?')} ${theme.bold(titleOf(task))}`, ...renderFacts(facts, width, theme)];
}

function titleOf({ description, task }: OpenTask): string {
  const title: unknown =
    typeof description === 'object' && description !== null ? Reflect.get(description, 'title') : undefined;
  return clean(typeof title === 'string' ? title : task);
}

function statusText({ status, worker, claimedUntil, failures, opensAt }: OpenTask, now: number): string {
  const failed = failures === 0 ? '' : `, failed ${failures === 1 ? 'once' : `${failures} times`}`;
  switch (status) {
    case 'open':
      return `open${failed}`;
    case 'claimed':
      return `${clean(worker ?? 'somebody')} works on it, for ${formatDuration((claimedUntil ?? now) - now)} without a sign${failed}`;
    case 'answered':
      return 'answered: its run takes it next';
    case 'backoff':
      return `open again in ${formatDuration((opensAt ?? now) - now)}${failed}`;
    default:
      return status satisfies never;
  }
}

/** What a responder did, in one line. */
export function respondedLine(responded: Responded, theme: Theme): string {
  const { task, status } = responded;
  const name = `${clean(task.task)} ${theme.dim(`(${clean(task.id)})`)}`;
  switch (status) {
    case 'completed':
      return responded.ack.status === 'accepted' || responded.ack.status === 'duplicate'
        ? `${theme.good('✓')} ${name}`
        : `${theme.attention('!')} ${name}: the answer came too late (${responded.ack.status})`;
    case 'failed':
      return `${theme.bad('✗')} ${name}: ${clean(messageOf(responded.error))}`;
    case 'retrying':
      return `${theme.attention('↻')} ${name}: ${clean(messageOf(responded.error))}`;
    case 'left':
      return `${theme.dim('○')} ${name}: given back`;
    default:
      return responded satisfies never;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
