/** Where a replay stands, as `pawl replay --step` shows it. */
import type { CallNode, OpenReplayCall, ReadRun, ReplayStop } from '@pawl/runtime';

import { clean } from './clean.ts';
import { columnsOf, fit, fitEnd, padEnd } from './columns.ts';
import { renderEvent } from './event-line.ts';
import { logLines } from './log.ts';
import { relativeTo } from './source-place.ts';
import { count } from './run.ts';
import { paintStatus, signOf, type Theme } from './theme.ts';

export interface StopView {
  readonly run: ReadRun;
  readonly stop: ReplayStop;
  readonly cwd: string;
  readonly width: number;
  readonly theme: Theme;
}

/** Open calls that are named. */
const MOST_OPEN = 12;

export function renderStop(view: StopView): string[] {
  const { run, stop, width, theme } = view;
  const { recorded, lastSeq, logs } = stop;
  const at = `seq ${recorded?.seq ?? 0} of ${lastSeq}`;
  return [
    `${theme.busy('●')} ${theme.bold(fit(clean(run.process), width - at.length - 4))}  ${theme.dim(at)}`,
    ...(recorded === undefined ? [] : [renderEvent(recorded, width, theme)]),
    ...logs.flatMap((said) => logLines(said, undefined, theme)),
    ...openLines(view),
    ...endLines(view),
  ];
}

function openLines({ stop: { open, outside, reached }, cwd, width, theme }: StopView): string[] {
  const shown = open.slice(0, MOST_OPEN);
  const names = shown.map(({ node }) => nameOf(node));
  const keys = shown.map(({ node }) => clean(node.key));
  const label = Math.min(Math.max(0, ...names.map(columnsOf)), Math.floor(width * 0.4));
  const key = Math.min(Math.max(0, ...keys.map(columnsOf)), 14);
  const room = width - label - key - 8;
  const lines = shown.map(({ node, where }: OpenReplayCall, index) => {
    const place = where === null ? 'not asked for again' : clean(relativeTo(cwd, where));
    const sign = paintStatus(theme, node.status, signOf(node.status));
    const cells = [
      padEnd(fit(names[index] ?? '', label), label),
      padEnd(fitEnd(keys[index] ?? '', key), key),
    ];
    return `  ${sign} ${cells.join('  ')}  ${where === null ? theme.attention(place) : theme.dim(fitEnd(place, room))}`;
  });
  if (open.length > shown.length) lines.push(theme.dim(`  ⋮ ${open.length - shown.length} more`));
  if (outside !== null) {
    const place = outside.where === null ? '' : ` at ${clean(relativeTo(cwd, outside.where))}`;
    lines.push(theme.attention(`  ! waits for something outside ctx: ${clean(outside.type)}${place}`));
  }
  if (open.length > 0) return [theme.dim(`waits for ${count(open.length, 'call')}`), ...lines];
  return reached === 'seq' ? [theme.dim('no call is open'), ...lines] : lines;
}

function endLines({ stop: { reached, asks }, cwd, theme }: StopView): string[] {
  if (reached === 'seq') return [];
  if (reached === 'end') return [`${theme.good('✓')} the process ends as it is recorded`];
  if (asks === null) return [`${theme.good('✓')} the process stands where the journal ends`];
  const where = asks.where === null ? '' : ` at ${clean(relativeTo(cwd, asks.where))}`;
  return [`${theme.busy('→')} next the process asks for what is not recorded: ${clean(asks.what)}${where}`];
}

function nameOf(node: CallNode): string {
  switch (node.kind) {
    case 'timer':
      return node.timer === 'sleep' ? 'sleep' : 'sleep until';
    case 'wait':
      return `receive ${clean(node.name)}`;
    case 'breakpoint':
      return `breakpoint ${clean(node.title)}`;
    case 'child':
      return `run ${clean(node.name)}`;
    case 'source':
      return `source ${clean(node.name)}`;
    case 'task':
      return clean(node.name);
    case 'group':
      return clean(node.mode);
    default:
      return node satisfies never;
  }
}
