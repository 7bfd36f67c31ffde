import type { OpenWait, RunId } from '@pawl/runtime';

import { clean } from './clean.ts';
import { wrap } from './columns.ts';
import { formatDuration } from './duration.ts';
import { renderFacts, type Fact } from './facts.ts';
import { sendCommand, shellWords } from './next-commands.ts';
import type { Theme } from './theme.ts';
import { shown } from './value.ts';

export interface WaitOfRun {
  readonly runId: RunId;
  readonly process: string;
  readonly wait: OpenWait;
}

/** Each wait as a few lines: the question first, then what belongs to it, then how to answer. */
export function renderWaits(view: {
  readonly waits: readonly WaitOfRun[];
  readonly now: number;
  readonly width: number;
  readonly theme: Theme;
  readonly flags: readonly string[];
}): string[] {
  const { waits, now, width, theme, flags } = view;
  if (waits.length === 0) return ['nothing waits'];
  return waits.flatMap((wait, index) => [
    ...(index === 0 ? [] : ['']),
    ...renderWait(wait, { now, width, theme }, [nextOf(wait, flags)]),
  ]);
}

function nextOf({ runId, wait }: WaitOfRun, flags: readonly string[]): Fact {
  return isDecided(wait)
    ? ['go on', clean(shellWords('pawl', 'resume', runId, ...flags))]
    : ['answer', answerOf(runId, wait, flags)];
}

/** Answers that decide it, or the message, wait for its run to take them. */
export function isDecided({ breakpoint, answered }: OpenWait): boolean {
  return breakpoint === null ? answered === true : breakpoint.decided !== null;
}

/** Who said what, as far as it counts. */
export function answeredText({ answers, decided }: NonNullable<OpenWait['breakpoint']>): string {
  const said = answers.map(({ by, approved }) => `${by} ${approved ? 'approved' : 'rejected'}`).join(', ');
  return clean(decided === null ? said : `${said}: ${decided}, its run takes it next`);
}

export function renderWait(
  wait: WaitOfRun,
  { now, width, theme }: { readonly now: number; readonly width: number; readonly theme: Theme },
  more: readonly Fact[] = [],
): string[] {
  const [question = '', ...rest] = wrap(clean(questionOf(wait.wait)), width - 2);
  return [
    `${theme.attention('?')} ${theme.bold(question)}`,
    ...rest.map((line) => `  ${theme.bold(line)}`),
    ...renderFacts([...factsOf(wait, now), ...more], width, theme),
  ];
}

export function questionOf({ prompt, name, kind }: OpenWait): string {
  return prompt ?? `${kind === 'task' ? 'a task ' : ''}waits for message '${name}'`;
}

function factsOf({ runId, process, wait }: WaitOfRun, now: number): Fact[] {
  const { key, name, since, dueAt, data, schema, breakpoint } = wait;
  const facts: Fact[] = [
    ['run', `${clean(runId)}  ${clean(process)}`],
    ['call', breakpoint === null || name === wait.prompt ? clean(key) : `${clean(key)}  ${clean(name)}`],
  ];
  if (breakpoint !== null) facts.push(...breakpointFacts(breakpoint));
  else if (isDecided(wait)) facts.push(['answered', 'its run takes it next']);
  facts.push(['since', `${formatDuration(now - since)} ago`]);
  if (dueAt !== null) facts.push(['gives up', `in ${formatDuration(Math.max(0, dueAt - now))}`]);
  if (data !== null) facts.push([breakpoint === null ? 'data' : 'context', shown(data)]);
  if (schema !== null) facts.push(['takes', shown(schema)]);
  return facts;
}

const RULES = {
  single: '',
  first: 'the first answer decides',
  all: 'all have to approve',
  quorum: 'have to approve',
} as const;

function breakpointFacts(asked: NonNullable<OpenWait['breakpoint']>): Fact[] {
  const { options, expert, experts, tags, strategy, quorum, answers } = asked;
  const people = experts ?? expert;
  const rule = quorum === null ? RULES[strategy] : `${quorum} ${RULES.quorum}`;
  const facts: Fact[] = [];
  if (people.length > 0 || rule !== '')
    facts.push(['for', [clean(people.join(', ')), rule].filter(Boolean).join(' · ')]);
  if (options.length > 0) facts.push(['options', clean(options.join(' | '))]);
  if (tags.length > 0) facts.push(['tags', clean(tags.join(', '))]);
  if (answers.length > 0) facts.push(['answered', answeredText(asked)]);
  return facts;
}

function answerOf(runId: RunId, { kind, key, name, secret }: OpenWait, flags: readonly string[]): string {
  const pawl = (...words: readonly string[]): string => clean(shellWords('pawl', ...words, ...flags));
  switch (kind) {
    case 'breakpoint':
      return `${pawl('approve', runId, key)}   (or pawl reject)`;
    case 'outcome':
      return `${pawl('resolve', runId, key, '--as', 'done')}   (or --as failed, or --as retry)`;
    case 'message':
    case 'task':
      return sendCommand(pawl, runId, name, secret);
    default:
      return kind satisfies never;
  }
}
