/**
 * The picture of all bars: what it costs to draw is bounded by its pixels, however many bars there are. Where several
 * lie over each other the one that matters most is seen: a failure is never under a success.
 */
import type { Row } from './api.ts';
import type { Span } from './time-axis.tsx';

/** By how much it matters. */
export const TONES = ['wait', 'good', 'busy', 'bad'] as const;

type Tone = (typeof TONES)[number];

/** What is drawn in one stroke, in pixels and lanes. */
export interface Stretch {
  readonly tone: Tone;
  readonly lane: number;
  readonly from: number;
  readonly to: number;
}

const LANES = 18;
/** A bar of few is as high as it can be read, and no higher. */
export function lanesFor(rows: number): number {
  return Math.max(6, Math.min(LANES, rows));
}

/** @param width in pixels; at most width times lanes stretches come out */
export function stretchesOf(rows: readonly Row[], whole: Span, width: number): readonly Stretch[] {
  const lanes = lanesFor(rows.length);
  const cells = new Uint8Array(lanes * width);
  const perMs = width / (whole.to - whole.from);
  for (const [index, row] of rows.entries()) {
    const base = (index % lanes) * width;
    const mark = (from: number, to: number, tone: Tone): void => {
      const rank = TONES.indexOf(tone) + 1;
      const left = Math.max(0, Math.floor((from - whole.from) * perMs));
      const right = Math.min(width, Math.max(left + 1, Math.round((to - whole.from) * perMs)));
      for (let at = base + left; at < base + right; at += 1) if ((cells[at] ?? 0) < rank) cells[at] = rank;
    };
    if (row.parts.length === 0) mark(row.from, row.to ?? whole.to, toneOf(row, 'run', 0));
    for (const [kind, from, to, failed] of row.parts) mark(from, to ?? whole.to, toneOf(row, kind, failed));
  }
  return joined(cells, width, lanes);
}

function joined(cells: Uint8Array, width: number, lanes: number): Stretch[] {
  const stretches: Stretch[] = [];
  for (let lane = 0; lane < lanes; lane += 1)
    for (let from = 0; from < width;) {
      const rank = cells[lane * width + from] ?? 0;
      let to = from + 1;
      while (to < width && cells[lane * width + to] === rank) to += 1;
      const tone = TONES[rank - 1];
      if (tone !== undefined) stretches.push({ tone, lane, from, to });
      from = to;
    }
  return stretches;
}

function toneOf(row: Row, kind: string, failed: number): Tone {
  if (failed === 1) return 'bad';
  if (kind !== 'run' || row.kind === 'group') return 'wait';
  if (row.status === 'failed') return 'bad';
  return row.status === 'succeeded' ? 'good' : 'busy';
}
