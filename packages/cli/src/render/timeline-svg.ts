/**
 * A run's bars as an image: a file that needs nothing else, in light and in dark. All text of it was cleaned and
 * escaped, so that no name is markup.
 */
import { displayStatus, type Bar, type BarPart } from '@pawl/runtime';

import { clean } from './clean.ts';
import { fit } from './columns.ts';
import { formatDuration, formatTime } from './duration.ts';
import { barTitle, ticksOf, tickText, type TimelineView } from './timeline.ts';

const WIDTH = 1120;
const LABEL = 250;
const RIGHT = 84;
const ROW = 24;
const BAR = 12;
const PLOT = WIDTH - LABEL - RIGHT;
/** Of a label in the space that it has. */
const LABEL_COLUMNS = 34;
const HEAD = 104;
const FOOT = 52;

type Role =
  | 'bg'
  | 'band'
  | 'grid'
  | 'ink'
  | 'soft'
  | 'run'
  | 'failed'
  | 'wait'
  | 'rest'
  | 'backoff'
  | 'stopped'
  | 'bracket';

const LIGHT: Readonly<Record<Role, string>> = {
  bg: '#ffffff',
  band: '#f7f8fa',
  grid: '#e6e8ee',
  ink: '#1f2430',
  soft: '#697083',
  run: '#3a78c9',
  failed: '#d1443c',
  wait: '#c9cfdb',
  rest: '#9db7dc',
  backoff: '#e0a33a',
  stopped: '#a9b0bf',
  bracket: '#8d95a6',
};

const DARK: Readonly<Record<Role, string>> = {
  bg: '#14171d',
  band: '#191d24',
  grid: '#272c36',
  ink: '#e7eaf0',
  soft: '#939cae',
  run: '#6aa3ee',
  failed: '#f0776f',
  wait: '#3d4452',
  rest: '#4c6a96',
  backoff: '#d9a548',
  stopped: '#5b6474',
  bracket: '#747d8f',
};

/** Without variables, which many programs that show images do not know. */
function coloursOf(colours: Readonly<Record<Role, string>>): string {
  const fills = (['bg', 'band', 'run', 'failed', 'wait', 'rest'] as const).map(
    (role) => `.${role}{fill:${colours[role]}}`,
  );
  const strokes = (['grid', 'backoff', 'stopped', 'bracket'] as const).map(
    (role) => `.${role}{stroke:${colours[role]}}`,
  );
  return [
    ...fills,
    ...strokes,
    `text{fill:${colours.ink}}`,
    `.soft{fill:${colours.soft}}`,
    `.bad{stroke:${colours.failed}}`,
    `.bad-text{fill:${colours.failed}}`,
  ].join('');
}

const STYLE = `
text{font:12.5px ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
.name{font-size:18px;font-weight:600}.group{font-weight:600}.num{font-variant-numeric:tabular-nums}
.backoff{stroke-width:2;stroke-dasharray:2 3}.stopped{stroke-width:2;stroke-dasharray:6 4}.bracket{fill:none;stroke-width:1.5}
${coloursOf(LIGHT)}
@media (prefers-color-scheme:dark){${coloursOf(DARK)}}
`;

export function timelineSvg(view: TimelineView): string {
  const { bars, from, to } = view;
  const height = HEAD + bars.length * ROW + FOOT;
  const scale: Scale = { from, to, span: Math.max(1, to - from) };
  const title = `${view.run.process}, run ${view.run.runId}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(`Timeline of ${title}`)}">`,
    `<style>${STYLE}</style>`,
    `<rect class="bg" width="${WIDTH}" height="${height}"/>`,
    ...headOf(view),
    ...bars.map((_, index) =>
      index % 2 === 1
        ? ''
        : `<rect class="band" x="12" y="${HEAD + index * ROW}" width="${WIDTH - 24}" height="${ROW}" rx="4"/>`,
    ),
    ...axisOf(scale, bars.length),
    ...bars.map((bar, index) => barOf(bar, HEAD + index * ROW, scale)),
    ...legendOf(bars, height - 22),
    '</svg>',
    '',
  ]
    .filter((line, index, lines) => line !== '' || index === lines.length - 1)
    .join('\n');
}

interface Scale {
  readonly from: number;
  readonly to: number;
  readonly span: number;
}

/** Text of a journal as text of a document. */
export function escaped(text: string): string {
  return clean(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

function headOf({ run, from, to }: TimelineView): string[] {
  const status = displayStatus(run);
  const facts = [run.runId, formatDuration(to - from), `started ${formatTime(from)}`].join('   ·   ');
  const bad = status === 'failed' ? ' class="bad-text"' : ' class="soft"';
  return [
    `<text class="name" x="24" y="40">${escaped(fit(run.process, 80))}</text>`,
    `<text x="24" y="62"><tspan${bad}>${status}</tspan><tspan class="soft">   ·   ${escaped(facts)}</tspan></text>`,
  ];
}

function xOf(at: number, { from, span }: Scale): number {
  return LABEL + (Math.min(span, Math.max(0, at - from)) / span) * PLOT;
}

function axisOf(scale: Scale, rows: number): string[] {
  const bottom = HEAD + rows * ROW + 4;
  return ticksOf(scale.span, 8).flatMap((tick) => {
    const x = round(xOf(scale.from + tick, scale));
    return [
      `<line class="grid" x1="${x}" x2="${x}" y1="${HEAD - 8}" y2="${bottom}"/>`,
      `<text class="soft num" x="${x}" y="${HEAD - 14}" text-anchor="middle">${tickText(tick)}</text>`,
    ];
  });
}

function barOf(bar: Bar, top: number, scale: Scale): string {
  const middle = top + ROW / 2;
  const end = bar.to ?? scale.to;
  const indent = 24 + Math.min(bar.depth, 6) * 14;
  const columns = LABEL_COLUMNS - Math.min(bar.depth, 6) * 2;
  const kind = bar.kind === 'group' ? ' class="group"' : bar.kind === 'rest' ? ' class="soft"' : '';
  const took = formatDuration(end - bar.from);
  const mark = bar.status === 'failed' ? ' class="bad-text num"' : ' class="soft num"';
  return [
    `<g><title>${escaped(tooltipOf(bar, took))}</title>`,
    `<text${kind} x="${indent}" y="${middle + 4}">${escaped(fit(barTitle(bar), columns))}</text>`,
    ...shapesOf(bar, middle, scale),
    `<text${mark} x="${WIDTH - 24}" y="${middle + 4}" text-anchor="end">${took}${bar.to === null ? ' …' : ''}</text></g>`,
  ].join('');
}

function tooltipOf(bar: Bar, took: string): string {
  const status = bar.status === 'open' ? 'goes on' : bar.status;
  const tries = bar.attempts > 1 ? `, ${bar.attempts} attempts` : '';
  return `${barTitle(bar)}${bar.kind === 'rest' ? '' : ` (call ${bar.key})`}: ${status}, ${took}${tries}`;
}

function shapesOf(bar: Bar, middle: number, scale: Scale): string[] {
  const end = bar.to ?? scale.to;
  const [x1, x2] = [xOf(bar.from, scale), Math.max(xOf(end, scale), xOf(bar.from, scale) + 2)];
  if (bar.kind === 'group') {
    const bad = bar.status === 'failed' ? ' bad' : '';
    const [l, r, y] = [round(x1), round(x2), middle];
    return [
      `<path class="bracket${bad}" d="M${l} ${y - 5}V${y + 5}M${l} ${y}H${r}M${r} ${y - 5}V${y + 5}"/>`,
    ];
  }
  if (bar.kind === 'rest') return [rect('rest', x1, x2, middle, 8)];
  return bar.parts.map((part) => partOf(part, middle, scale));
}

function partOf(part: BarPart, middle: number, scale: Scale): string {
  const x1 = xOf(part.from, scale);
  const x2 = xOf(part.to ?? scale.to, scale);
  if (part.kind === 'backoff' || part.kind === 'stopped')
    return `<line class="${part.kind}" x1="${round(x1)}" x2="${round(x2)}" y1="${middle}" y2="${middle}"/>`;
  if (part.kind === 'wait') return rect('wait', x1, x2, middle, 6);
  return rect(part.failed ? 'failed' : 'run', x1, Math.max(x2, x1 + 2), middle, BAR);
}

function rect(kind: string, x1: number, x2: number, middle: number, height: number): string {
  const radius = Math.min(3, (x2 - x1) / 2);
  return `<rect class="${kind}" x="${round(x1)}" y="${middle - height / 2}" width="${round(x2 - x1)}" height="${height}" rx="${round(radius)}"/>`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function legendOf(bars: readonly Bar[], y: number): string[] {
  const parts = bars.flatMap((bar) => bar.parts);
  const entries: (readonly [kind: string, text: string])[] = [['run', 'works']];
  if (parts.some(({ failed }) => failed)) entries.push(['failed', 'failed']);
  if (parts.some(({ kind }) => kind === 'wait')) entries.push(['wait', 'waits']);
  if (parts.some(({ kind }) => kind === 'backoff')) entries.push(['backoff', 'until the next attempt']);
  if (parts.some(({ kind }) => kind === 'stopped')) entries.push(['stopped', 'stopped with its program']);
  if (bars.some(({ kind }) => kind === 'rest')) entries.push(['rest', 'several calls']);
  let x = 24;
  return entries.map(([kind, text]) => {
    const at = x;
    x += 24 + text.length * 6.6 + 22;
    const isLine = kind === 'backoff' || kind === 'stopped';
    const sign = isLine
      ? `<line class="${kind}" x1="${at}" x2="${at + 18}" y1="${y - 4}" y2="${y - 4}"/>`
      : rect(kind, at, at + 18, y - 4, kind === 'wait' ? 6 : kind === 'rest' ? 8 : 10);
    return `${sign}<text class="soft" x="${at + 25}" y="${y}">${text}</text>`;
  });
}
