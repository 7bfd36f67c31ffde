import { clean } from './clean.ts';
import { wrap } from './columns.ts';
import { formatDuration } from './duration.ts';
import { renderFailure, type Failure } from './failure.ts';
import { relativeTo } from './source-place.ts';
import { count } from './run.ts';
import type { Theme } from './theme.ts';
import type { Kind, ReplayTally } from '../replay-tally.ts';
import type { Verdict } from '../replay-runs.ts';

interface Told {
  readonly tally: ReplayTally;
  readonly cwd: string;
  readonly tookMs: number;
}

/** What `pawl replay` prints: what does not fit first and at length. */
export function renderReplays({ tally, cwd, tookMs }: Told, width: number, theme: Theme): string[] {
  const { counts, untold } = tally;
  const failures = [...tally.of('diverges'), ...tally.of('not-replayed')].flatMap((kind) => [
    ...renderKind(kind, width, theme),
    '',
  ]);
  const lines = [
    ...tally.of('needs-new-work').map((kind) => newWorkLine(kind, cwd, theme)),
    ...tally.of('same').map((kind) => sameLine(kind, theme)),
    ...(untold === 0
      ? []
      : [`${theme.attention('!')} ${count(untold, 'run')} gave other answers: see --json`]),
    ...(counts.skipped === 0
      ? []
      : [theme.dim(`· ${count(counts.skipped, 'run')} of other processes left out`)]),
  ];
  const replayed = `replayed ${count(tally.replayed, 'run')}, ${count(tally.events, 'event')} in ${formatDuration(tookMs)}; nothing was run or written`;
  return [
    ...failures,
    ...lines.flatMap((line) => hanging(line, width)),
    ...wrap(replayed, width).map(theme.dim),
  ];
}

function renderKind({ first, ids, runs }: Kind, width: number, theme: Theme): string[] {
  if (!('failure' in first)) return [];
  const { run, failure } = first;
  const subject = runs === 1 ? `Run ${run.runId} of ${run.process}` : `${runs} runs of ${run.process}`;
  const told: Failure =
    first.class === 'diverges' && failure.code === 'NON_DETERMINISM'
      ? {
          ...failure,
          message: `${subject} ${runs === 1 ? 'diverges' : 'diverge'}: the code asks for something else than is recorded.`,
        }
      : failure;
  const more = runs - ids.length;
  const named = `${ids.join(', ')}${more === 0 ? '' : `, and ${more} more`}`;
  return renderFailure(
    { ...told, facts: [...told.facts, ...(runs === 1 ? [] : [['runs', named] as const])] },
    width,
    theme,
  );
}

function newWorkLine({ first, runs }: Kind, cwd: string, theme: Theme): string {
  if (first.class !== 'needs-new-work') return '';
  const { what, key, where } = first.asks;
  const place = [...(key === '' ? [] : [`call ${key}`]), ...(where === null ? [] : [relativeTo(cwd, where)])];
  const at = place.length === 0 ? '' : ` (${place.join(', ')})`;
  return `${theme.busy('→')} ${who(first.run, runs)} ${runs === 1 ? 'fits and needs' : 'fit and need'} new work: ${clean(what)}${clean(at)}`;
}

function sameLine({ first, runs }: Kind, theme: Theme): string {
  return `${theme.good('✓')} ${who(first.run, runs)} ${runs === 1 ? 'does' : 'do'} the same`;
}

function who({ runId, process }: Verdict['run'], runs: number): string {
  return runs === 1 ? `run ${clean(runId)} of ${clean(process)}` : `${runs} runs of ${clean(process)}`;
}

/** What does not fit into the line goes on below the text, not below its sign. */
function hanging(line: string, width: number): string[] {
  const [first = '', ...rest] = wrap(line, width);
  return [first, ...rest.flatMap((more) => wrap(more, width - 2)).map((more) => `  ${more}`)];
}

/** The line that is drawn again while many are under way. */
export function replayProgress({ replayed, counts }: ReplayTally, theme: Theme): string {
  const bad = counts.diverges + counts['not-replayed'];
  return `${theme.busy('●')} replayed ${count(replayed, 'run')}${bad === 0 ? '' : theme.bad(`, ${bad} that ${bad === 1 ? 'does' : 'do'} not fit`)}`;
}
