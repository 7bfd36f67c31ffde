/** What `pawl why` says: one sentence for each state of a run, and the command to type next. */
import {
  NEVER,
  type CallWait,
  type ErrorRecord,
  type LeafNode,
  type QueuedStart,
  type RunRecord,
  type Why,
  type WhyState,
} from '@pawl/runtime';

import { clean } from './clean.ts';
import { fit, wrap } from './columns.ts';
import { formatAgo, formatDuration, formatTime } from './duration.ts';
import { errorLines, errorTitle, type Places } from './error-record.ts';
import { renderFacts, type Fact } from './facts.ts';
import { renderNext, type NextCommand } from './next-commands.ts';
import { waitOf } from './queue.ts';
import type { Theme } from './theme.ts';

/** How it ended; nothing of it is known of a run that goes on. */
export interface RunEnd {
  readonly at: number;
  readonly error: ErrorRecord | undefined;
  readonly reason: string | undefined;
  readonly nextRunId: string | undefined;
}

export interface WhyView {
  readonly run: RunRecord;
  readonly why: Why;
  readonly end: RunEnd | undefined;
  /** Why it could not go on. */
  readonly setBack: { readonly at: number; readonly problem: string } | undefined;
  readonly claims: ReadonlyMap<string, { readonly worker: string; readonly until: number }>;
  readonly now: number;
}

interface Look {
  readonly places: Places;
  readonly width: number;
  readonly theme: Theme;
}

const MARKS: Readonly<Record<WhyState | 'queued', readonly [sign: string, paint: keyof Theme]>> = {
  succeeded: ['✓', 'good'],
  continued: ['→', 'good'],
  failed: ['✗', 'bad'],
  diverged: ['✗', 'bad'],
  cancelled: ['○', 'dim'],
  outcome: ['?', 'attention'],
  breakpoint: ['?', 'attention'],
  message: ['?', 'attention'],
  taskMessage: ['?', 'attention'],
  external: ['?', 'attention'],
  childWaits: ['?', 'attention'],
  answered: ['◌', 'attention'],
  cancelling: ['◌', 'attention'],
  setBack: ['↻', 'attention'],
  abandoned: ['◌', 'attention'],
  idle: ['◌', 'attention'],
  retry: ['↻', 'attention'],
  resting: ['◌', 'dim'],
  queued: ['◌', 'dim'],
  claimed: ['●', 'busy'],
  givingUp: ['●', 'busy'],
  task: ['●', 'busy'],
  child: ['●', 'busy'],
  slot: ['·', 'busy'],
  timer: ['●', 'busy'],
  source: ['●', 'busy'],
  code: ['●', 'busy'],
};

export function renderWhy(view: WhyView, next: readonly NextCommand[], look: Look): string[] {
  const { width, theme } = look;
  return [
    ...headLines(view.run.process, view.why.state, whySentence(view), look),
    '',
    ...renderFacts(factsOf(view, look), width, theme),
    '',
    ...renderNext(next, width, theme),
  ];
}

/** Of a run that has not begun. */
export function renderQueuedWhy(
  start: QueuedStart,
  next: readonly NextCommand[],
  now: number,
  look: Look,
): string[] {
  const facts: Fact[] = [
    ['run', clean(start.runId)],
    ['since', sinceText(start.queuedAt, now)],
  ];
  return [
    ...headLines(start.process, 'queued', queuedSentence(start, now), look),
    '',
    ...renderFacts(facts, look.width, look.theme),
    '',
    ...renderNext(next, look.width, look.theme),
  ];
}

export function queuedSentence(start: QueuedStart, now: number): string {
  const { at, problem } = start;
  if (problem !== null) return `It could not begin, ${againText(at, now)}: ${endOfSentence(problem)}`;
  return `It has not begun: it waits for ${waitOf(start, now)}.`;
}

function headLines(
  process: string,
  state: WhyState | 'queued',
  sentence: string,
  { width, theme }: Look,
): string[] {
  const [sign, paint] = MARKS[state];
  return [
    `${theme[paint](sign)} ${theme.bold(fit(clean(process), width - 2))}`,
    '',
    ...wrap(sentence, width - 4).map((line) => `  ${theme[paint === 'dim' ? 'bold' : paint](line)}`),
  ];
}

/** One sentence for each state. */
export function whySentence(view: WhyView): string {
  const { run, why, end, setBack, now } = view;
  const ago = formatAgo(now - (end?.at ?? why.since));
  const took = formatDuration((end?.at ?? run.updatedAt) - run.startedAt);
  switch (why.state) {
    case 'succeeded':
      return `It is done: it succeeded ${ago}, after ${took}.`;
    case 'failed':
      return `It failed ${ago}, after ${took}: ${endOfSentence(end?.error === undefined ? (run.error ?? '') : errorTitle(end.error))}`;
    case 'cancelled':
      return `It was given up ${ago}, after ${took}: ${endOfSentence(end?.reason ?? '')}`;
    case 'continued':
      return `It went on ${ago} as run ${clean(end?.nextRunId ?? '')}.`;
    case 'cancelling':
      return 'It was asked to give up, and nobody drives it: to clean up takes its code.';
    case 'givingUp':
      return 'It is giving up: what it has to clean up goes on.';
    case 'diverged':
      return 'Its code asks for something else than was recorded; nothing was run or written.';
    case 'setBack':
      return `It could not go on, ${againText(setBack?.at ?? now, now)}: ${endOfSentence(setBack?.problem ?? '')}`;
    case 'abandoned':
      return 'The program that drove it is gone; nothing that was done is lost.';
    case 'idle':
      return 'Nobody drives it: it was stopped, or left, and can go on.';
    case 'resting':
      return restingSentence(view);
    case 'code':
      return 'Its own code runs, or waits for something that is no call of ctx.';
    case 'childWaits':
      return `${callSentence(view, why.call, 'child').replace(/\.$/, '')}, which waits for people.`;
    default:
      return callSentence(view, why.call, why.state);
  }
}

function againText(at: number, now: number): string {
  if (at === NEVER) return 'and waits until somebody sees to it';
  return at > now
    ? `and is tried again in ${formatDuration(at - now)}, where a worker is`
    : 'and is tried again as soon as a worker is there';
}

function restingSentence({ run, why, now }: WhyView): string {
  const { wakeAt } = run;
  const until =
    wakeAt === null || wakeAt === NEVER
      ? 'until something comes'
      : wakeAt <= now
        ? 'and its time has come'
        : `for ${formatDuration(wakeAt - now)} more`;
  const { call, wait } = why;
  const what = call === undefined || wait === undefined ? '' : `: ${shortOf(call, wait, now)}`;
  return `It is put down ${until}, and goes on where a worker is${what}.`;
}

/** Of the call that decides it. */
function callSentence(view: WhyView, call: LeafNode | undefined, wait: WhyState): string {
  const { claims, why, now } = view;
  const name = call === undefined ? '' : titleOf(call);
  const since = formatDuration(now - why.since);
  switch (wait) {
    case 'outcome':
      return `Nobody knows what became of ${attemptOf(call)} of ${name}: its end was never recorded, and somebody has to say it.`;
    case 'breakpoint':
      return `It has waited ${since} for people to answer: ${call?.kind === 'breakpoint' ? endOfQuestion(call.question) : ''}`;
    case 'message':
      return `It has waited ${since} for ${name}${dueText(call, now)}.`;
    case 'taskMessage':
      return `${capital(name)} has waited ${since} for message '${call?.kind === 'task' ? clean(call.hears ?? '') : ''}'.`;
    case 'external':
      return `It has waited ${since} for somebody to do ${name}; nobody has taken it${dueText(call, now)}.`;
    case 'claimed':
      return `${clean(claims.get(call?.key ?? '')?.worker ?? 'Somebody')} works on ${name}, which was offered ${since} ago.`;
    case 'child':
      return `It has waited ${since} for ${name}.`;
    case 'task':
      return `${capital(name)} has been under way for ${since}: ${attemptOf(call)}${allowed(call)}.`;
    case 'retry':
      return `${capital(attemptOf(call))}${allowed(call)} of ${name} failed; ${nextAttempt(call, now)}.`;
    case 'slot':
      return `${capital(name)} has waited ${since} for a slot${poolText(call)}.`;
    case 'timer':
      return `It sleeps${dueIn(call, now)}.`;
    case 'source':
      return `It has waited ${since} for items of ${name}.`;
    case 'answered':
      return 'What it asked is answered; it goes on when it is driven.';
    default:
      return '';
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function endOfSentence(text: string): string {
  const cleaned = clean(text.split('\n', 1)[0] ?? '').trim();
  return /[.!?…]$/.test(cleaned) ? cleaned : `${cleaned}.`;
}

function endOfQuestion(text: string): string {
  return endOfSentence(text);
}

function titleOf(call: LeafNode): string {
  switch (call.kind) {
    case 'task':
      return call.offer === null
        ? `task '${clean(call.name)}'`
        : `task '${clean(call.name)}' (for ${clean(call.offer.taskKind)})`;
    case 'source':
      return `source '${clean(call.name)}'`;
    case 'timer':
      return 'a timer';
    case 'wait':
      return `message '${clean(call.name)}'`;
    case 'breakpoint':
      return `question '${clean(call.title)}'`;
    case 'child':
      return `run ${clean(call.runId)} of process '${clean(call.name)}'`;
    default:
      return call satisfies never;
  }
}

function attemptOf(call: LeafNode | undefined): string {
  return call?.kind === 'task' || call?.kind === 'source' ? `attempt ${call.attempts}` : 'attempt 1';
}

function allowed(call: LeafNode | undefined): string {
  return call?.kind === 'task' || call?.kind === 'source' ? ` of ${call.attemptsAllowed}` : '';
}

function nextAttempt(call: LeafNode | undefined, now: number): string {
  const at = call?.kind === 'task' || call?.kind === 'source' ? call.retryAt : null;
  return at === null || at <= now
    ? 'the next one begins now'
    : `the next one begins in ${formatDuration(at - now)}`;
}

function poolText(call: LeafNode | undefined): string {
  return call?.kind === 'task' && call.pool !== null ? ` of pool '${clean(call.pool)}'` : '';
}

/** When it gives up. */
export function dueAtOf(call: LeafNode): number | null {
  switch (call.kind) {
    case 'timer':
    case 'wait':
    case 'breakpoint':
      return call.dueAt;
    case 'task':
      return call.retryAt ?? call.offer?.dueAt ?? null;
    case 'source':
      return call.retryAt;
    case 'child':
      return null;
    default:
      return call satisfies never;
  }
}

function dueText(call: LeafNode | undefined, now: number): string {
  const due = call === undefined ? null : dueAtOf(call);
  return due === null ? '' : `; it gives up in ${formatDuration(Math.max(0, due - now))}`;
}

function dueIn(call: LeafNode | undefined, now: number): string {
  const due = call?.kind === 'timer' ? call.dueAt : now;
  return due <= now
    ? ', and its time has come'
    : ` until ${formatTime(due)}, ${formatDuration(due - now)} more`;
}

/** A call that is open, in few words. */
function shortOf(call: LeafNode, wait: CallWait, now: number): string {
  const name = titleOf(call);
  switch (wait) {
    case 'outcome':
      return `${attemptOf(call)} of ${name} has no recorded end`;
    case 'breakpoint':
    case 'message':
    case 'child':
      return `it waits for ${name}`;
    case 'taskMessage':
      return `${name} waits for message '${call.kind === 'task' ? clean(call.hears ?? '') : ''}'`;
    case 'external':
      return `${name} is open`;
    case 'claimed':
      return `${name} is claimed`;
    case 'task':
      return `${name}: ${attemptOf(call)}${allowed(call)}`;
    case 'retry':
      return `${name}: ${attemptOf(call)}${allowed(call)} failed, ${nextAttempt(call, now)}`;
    case 'slot':
      return `${name} waits for a slot${poolText(call)}`;
    case 'timer':
      return `it sleeps${dueIn(call, now)}`;
    case 'source':
      return `it waits for items of ${name}`;
    case 'answered':
      return `${name} is answered`;
    case 'stopped':
      return `${name}: ${attemptOf(call)} was stopped`;
    default:
      return wait satisfies never;
  }
}

function sinceText(at: number, now: number): string {
  return `${formatTime(at)}, ${formatAgo(now - at)}`;
}

const DRIVEN: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled', 'continued']);

function factsOf({ run, why, end, setBack, now }: WhyView, { places }: Look): Fact[] {
  const { call, state } = why;
  const facts: Fact[] = [['run', clean(run.runId)]];
  if (call !== undefined) facts.push(['call', clean(call.key)]);
  facts.push(['since', sinceText(end?.at ?? why.since, now)]);
  if (!DRIVEN.has(state)) facts.push(['driven', drivenText(run)]);
  const error = end?.error ?? (call?.kind === 'task' || call?.kind === 'source' ? call.error : undefined);
  if (error !== undefined) facts.push(...errorFacts(error, places));
  if (state === 'diverged') facts.push(...divergenceFacts(setBack?.problem ?? ''));
  const hidden = why.open - why.others.length - (call === undefined ? 0 : 1);
  for (const [index, other] of why.others.entries())
    facts.push([
      index > 0 ? '' : call === undefined ? 'open' : 'also',
      `${clean(other.call.key)}  ${shortOf(other.call, other.wait, now)}`,
    ]);
  if (hidden > 0) facts.push(['', `… ${hidden} more`]);
  return facts;
}

/** Both sides as they are recorded, a line each, and the remedy that is no command. */
function divergenceFacts(problem: string): Fact[] {
  const [first = '', ...rest] = problem.split('\n').map(clean);
  return [
    ['problem', first],
    ...rest.map((line): Fact => ['', line]),
    ['keep both', "if (ctx.patched('<name>')) what is new, else what was recorded"],
  ];
}

function errorFacts(error: ErrorRecord, places: Places): Fact[] {
  const { message, where, causes } = errorLines(error, places);
  const key = error.name === 'TaskError' ? error.fields?.['key'] : undefined;
  const facts: Fact[] = [['error', message.join(' '), 'bad']];
  for (const cause of causes) facts.push(['because', cause]);
  if (typeof key === 'string') facts.push(['call', clean(key)]);
  if (where !== undefined) facts.push(['at', where]);
  return facts;
}

function drivenText({ owner, ownerAlive }: RunRecord): string {
  if (ownerAlive) return 'by another program, which is alive';
  return owner === null ? 'by nobody' : 'by nobody: its program is gone, or gave no sign of life';
}
