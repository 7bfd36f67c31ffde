/** A chart for a README: bars by case, on a logarithmic scale. It follows the reader's light or dark theme. */
import { PAWL, PAWL_NORMAL } from './cases.ts';
import { numberText } from './number-text.ts';
import type { CaseReport, Report, SubjectReport } from './report.ts';
import { isDurable } from './round.ts';

const WIDTH = 860;
const NAMES_WIDTH = 250;
const VALUES_WIDTH = 90;
const ROW = 24;
const BAR = 14;
const TITLE = 40;
const BARS_WIDTH = WIDTH - NAMES_WIDTH - VALUES_WIDTH;

/** Where a bigger number is the better one, and peers do the same. */
const CHARTED: ReadonlySet<string> = new Set(['A', 'B', 'D']);

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .note, .value { fill: #59636e; }
  .pawl { fill: #0969da; } .normal { fill: #54aeff; } .peer { fill: #8c959f; } .raw { fill: #d1d9e0; }
  .grid { stroke: #d1d9e0; stroke-width: 1; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .note, .value { fill: #9198a1; }
    .pawl { fill: #58a6ff; } .normal { fill: #1f6feb; } .peer { fill: #656c76; } .raw { fill: #3d444d; }
    .grid { stroke: #3d444d; }
  }`;

interface Bar {
  readonly name: string;
  readonly kind: string;
  readonly value: number;
}

/** The text of an SVG file. */
export function chartOf(report: Report): string {
  const groups = report.cases
    .filter(({ id, speed }) => CHARTED.has(id) && speed === 'per second')
    .map((each) => ({ title: each.title, bars: barsOf(each) }))
    .filter(({ bars }) => bars.length > 0);
  const values = groups.flatMap(({ bars }) => bars.map(({ value }) => value));
  const low = 10 ** Math.floor(Math.log10(Math.min(...values, 10)));
  const high = 10 ** Math.ceil(Math.log10(Math.max(...values, 1000)));
  const widthOf = (value: number): number =>
    Math.max(2, (BARS_WIDTH * Math.log(value / low)) / Math.log(high / low));

  const parts: string[] = [];
  let y = 8;
  for (const { title, bars } of groups) {
    parts.push(`<text class="title" x="0" y="${y + 22}">${escaped(title)}</text>`);
    y += TITLE;
    for (const bar of bars) {
      parts.push(rowOf(bar, y, widthOf(bar.value)));
      y += ROW;
    }
  }
  const grid = ticks(low, high).map((tick) => tickOf(tick, NAMES_WIDTH + widthOf(tick), y));
  const { cpu, cores, node } = report.machine;
  const note = `steps a second, medians of ${report.rounds} rounds, logarithmic scale; * does not survive a power cut`;
  const where = `${cpu}, ${cores} cores, Node ${node}, ${report.at.slice(0, 10)}`;
  const height = y + 72;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>Steps a second, of Pawl and others</title>`,
    `<style>${STYLE}\n</style>`,
    ...grid,
    ...parts,
    `<text class="note" x="0" y="${y + 42}">${escaped(note)}</text>`,
    `<text class="note" x="0" y="${y + 62}">${escaped(where)}</text>`,
    '</svg>\n',
  ].join('\n');
}

function barsOf({ subjects }: CaseReport): Bar[] {
  return subjects.filter(isCharted).map((subject) => ({
    name: `${subject.who}${subject.kind === 'raw' || isDurable(subject) ? '' : ' *'}`,
    kind: subject.who === PAWL_NORMAL ? 'normal' : subject.kind,
    value: subject.speed?.median ?? 0,
  }));
}

function isCharted({ who, kind, speed }: SubjectReport): boolean {
  return speed !== null && (kind !== 'pawl' || who === PAWL || who === PAWL_NORMAL);
}

function rowOf({ name, kind, value }: Bar, y: number, width: number): string {
  const text = y + BAR - 2;
  const end = NAMES_WIDTH + width + 6;
  return [
    `<text x="${NAMES_WIDTH - 10}" y="${text}" text-anchor="end">${escaped(name)}</text>`,
    `<rect class="${kind}" x="${NAMES_WIDTH}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="2"/>`,
    `<text class="value" x="${end.toFixed(1)}" y="${text}">${numberText(value)}</text>`,
  ].join('');
}

function ticks(low: number, high: number): number[] {
  const all: number[] = [];
  for (let tick = low * 10; tick <= high; tick *= 10) all.push(tick);
  return all;
}

function tickOf(tick: number, x: number, bottom: number): string {
  const at = x.toFixed(1);
  return [
    `<line class="grid" x1="${at}" y1="8" x2="${at}" y2="${bottom}"/>`,
    `<text class="note" x="${at}" y="${bottom + 16}" text-anchor="middle">${tick.toLocaleString('en')}</text>`,
  ].join('');
}

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
