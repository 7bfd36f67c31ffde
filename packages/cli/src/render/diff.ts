/** What `pawl diff` prints: where two runs part, then each call in which they differ. */
import {
  displayStatus,
  firstDifference,
  type DiffAspect,
  type DiffCall,
  type Difference,
  type ReadRun,
  type RunDiff,
} from '@pawl/runtime';

import { clean } from './clean.ts';
import { columnsOf, fit, padEnd } from './columns.ts';
import { formatDuration, formatTime } from './duration.ts';
import { renderFacts, type Fact } from './facts.ts';
import { renderNext, shellWords } from './next-commands.ts';
import { statusWord, type Theme } from './theme.ts';

export interface DiffView {
  readonly a: ReadRun;
  readonly b: ReadRun;
  readonly diff: RunDiff;
  /** Calls that are shown. */
  readonly limit: number;
  readonly flags: readonly string[];
  readonly width: number;
  readonly theme: Theme;
}

/** What stands above it: known before anything is compared. */
export function renderDiffHead({ a, b, width, theme }: Omit<DiffView, 'diff' | 'limit'>): string[] {
  const names = a.process === b.process ? clean(a.process) : `${clean(a.process)} and ${clean(b.process)}`;
  const ids = Math.max(...[a, b].map(({ runId }) => columnsOf(clean(runId))));
  const facts: Fact[] = [
    ['a', runText(a, ids, theme)],
    ['b', runText(b, ids, theme)],
  ];
  return [theme.bold(fit(names, width)), '', ...renderFacts(facts, width, theme, LABEL_OF_FACTS)];
}

/** Of 'differ'. */
const LABEL_OF_FACTS = 6;

export function renderDiff(view: DiffView): string[] {
  const { diff, limit, width, theme } = view;
  const shown = diff.kept.slice(0, limit);
  const hidden = diff.different + diff.onlyA + diff.onlyB - shown.length;
  return [
    ...summaryLines(view),
    ...shown.flatMap((difference) => ['', ...differenceLines(difference, view)]),
    ...(hidden > 0 ? ['', theme.dim(`⋮ ${hidden} more: --all shows them`)] : []),
    ...slowerLines(view),
    '',
    ...renderNext(nextOf(view), width, theme),
  ];
}

export function isSame({ different, onlyA, onlyB }: RunDiff): boolean {
  return different + onlyA + onlyB === 0;
}

function summaryLines({ a, b, diff, width, theme }: DiffView): string[] {
  const first = firstDifference(diff);
  const facts: Fact[] = [
    ['same', `${diff.same} ${diff.same === 1 ? 'call' : 'calls'}`],
    isSame(diff) ? ['differ', '= nothing', 'good'] : ['differ', `≠ ${countsText(diff)}`, 'attention'],
  ];
  if (first !== undefined) facts.push(['first', firstText(first), 'attention']);
  if (a.codeHash !== b.codeHash) facts.push(['code', 'another in each']);
  if (diff.isCut) facts.push(['note', 'rows of a long loop were removed: calls of them are not compared']);
  return renderFacts(facts, width, theme, LABEL_OF_FACTS);
}

function runText(run: ReadRun, ids: number, theme: Theme): string {
  const took = formatDuration(run.updatedAt - run.startedAt);
  return `${padEnd(clean(run.runId), ids)}  ${statusWord(theme, displayStatus(run))}, ${took}, started ${formatTime(run.startedAt)}`;
}

function countsText({ different, onlyA, onlyB }: RunDiff): string {
  return [
    different > 0 ? `${different} in both` : '',
    onlyA > 0 ? `${onlyA} only in a` : '',
    onlyB > 0 ? `${onlyB} only in b` : '',
  ]
    .filter(Boolean)
    .join(', ');
}

const WORDS: Readonly<Record<DiffAspect, string>> = {
  call: 'another call',
  input: 'another input',
  status: 'another end',
  output: 'another output',
  error: 'another error',
  attempts: 'more attempts in one',
};

function firstText({ key, a, b, aspects }: Difference): string {
  const [aspect] = aspects;
  const what = aspect === undefined ? `only in ${a === undefined ? 'b' : 'a'}` : WORDS[aspect];
  const call = a ?? b;
  return key === '' ? `the run itself: ${what}` : `call ${clean(key)}, ${nameOf(call)}: ${what}`;
}

function nameOf(call: DiffCall | undefined): string {
  if (call === undefined) return '';
  switch (call.kind) {
    case 'task':
    case 'group':
    case 'timer':
      return clean(call.name);
    case 'run':
      return 'the run itself';
    case 'wait':
      return `receive ${clean(call.name)}`;
    case 'child':
      return `run ${clean(call.name)}`;
    case 'breakpoint':
    case 'source':
      return `${call.kind} ${clean(call.name)}`;
    default:
      return call.kind satisfies never;
  }
}

function differenceLines({ key, a, b, aspects }: Difference, { width, theme }: DiffView): string[] {
  const title = (sign: string, call: DiffCall | undefined): string =>
    `${sign} ${fit(nameOf(call), width - 16)}  ${theme.dim(clean(key))}`.trimEnd();
  if (a === undefined) return [theme.good(title('+', b)), ...onlyLines(b, width, theme)];
  if (b === undefined) return [theme.bad(title('-', a)), ...onlyLines(a, width, theme)];
  return [
    title(theme.attention('≠'), a),
    ...aspects.flatMap((aspect) => aspectLines(aspect, a, b, width, theme)),
  ];
}

const LABEL = 10;

/** On one line where both fit, else below each other. */
function aspectLines(aspect: DiffAspect, a: DiffCall, b: DiffCall, width: number, theme: Theme): string[] {
  const [before, after] = [textOf(a, aspect), textOf(b, aspect)];
  const label = `  ${theme.dim(padEnd(aspect, LABEL))}`;
  if (columnsOf(before) + columnsOf(after) + LABEL + 5 <= width)
    return [`${label}${theme.bad(before)} ${theme.dim('→')} ${theme.good(after)}`];
  const room = width - LABEL - 4;
  return [
    `${label}${theme.bad(`- ${fit(before, room)}`)}`,
    `${' '.repeat(LABEL + 2)}${theme.good(`+ ${fit(after, room)}`)}`,
  ];
}

function onlyLines(call: DiffCall | undefined, width: number, theme: Theme): string[] {
  if (call === undefined) return [];
  const text = [clean(call.input.text), endText(call)].filter(Boolean).join(' → ');
  return text === '' ? [] : [`  ${theme.dim(fit(text, width - 2))}`];
}

function endText(call: DiffCall): string {
  if (call.status === 'open') return 'not settled';
  if (call.status === 'succeeded') return clean(call.output.text);
  return call.error === '' ? call.status : clean(call.error);
}

function textOf(call: DiffCall, aspect: DiffAspect): string {
  switch (aspect) {
    case 'call':
      return call.kind === 'run' ? clean(call.name) : nameOf(call);
    case 'input':
      return clean(call.input.text);
    case 'output':
      return call.output.hash === '' ? 'nothing' : clean(call.output.text);
    case 'status':
      return call.status === 'open' ? 'not settled' : call.status;
    case 'error':
      return call.error === '' ? 'none' : clean(call.error);
    case 'attempts':
      return String(call.attempts);
    default:
      return aspect satisfies never;
  }
}

/** Less than this is noise. */
const SHORTEST_GAP_MS = 10;

function slowerLines({ diff, width, theme }: DiffView): string[] {
  const told = diff.slower.filter(
    ({ key, aMs, bMs }) => key !== '' && Math.abs(aMs - bMs) >= SHORTEST_GAP_MS,
  );
  if (told.length === 0) return [];
  const facts = told.map(({ key, name, aMs, bMs }): Fact => {
    const sign = bMs > aMs ? '+' : '-';
    const gap = `${sign}${formatDuration(Math.abs(bMs - aMs))}`;
    return [
      fit(`${clean(name)} ${clean(key)}`, 32),
      `${formatDuration(aMs)} → ${formatDuration(bMs)}  ${gap}`,
    ];
  });
  return ['', theme.dim('took longer or shorter'), ...renderFacts(facts, width, theme)];
}

function nextOf({ a, b, flags }: DiffView): { command: string; why: string }[] {
  return [a, b].map(({ runId }, index) => ({
    command: clean(shellWords('pawl', 'show', runId, ...flags)),
    why: index === 0 ? 'all of a' : 'all of b',
  }));
}
