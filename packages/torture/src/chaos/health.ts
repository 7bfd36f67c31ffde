/** What a program that goes on for long must not need more and more of. */

/** One look of a program at itself, its garbage collected; sizes in bytes. */
export interface Health {
  readonly rss: number;
  readonly heapUsed: number;
  readonly descriptors: number;
  readonly listeners: number;
  /** What its event loop has open: timers, sockets, children. */
  readonly resources: number;
}

const MIB = 1024 * 1024;
/** A first fifth warms up. */
const WARM = 0.2;
/** Looks that a trend is told from. */
const LEAST = 20;

/** By how much more than in the beginning it may be in the end: a share of it, or so much. */
const MAY_GROW: Readonly<Record<keyof Health, { readonly share: number; readonly by: number }>> = {
  rss: { share: 0.05, by: 16 * MIB },
  heapUsed: { share: 0.05, by: 2 * MIB },
  descriptors: { share: 0, by: 4 },
  listeners: { share: 0, by: 2 },
  resources: { share: 0.5, by: 16 },
};

function median(all: readonly number[]): number {
  return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
}

export interface Trend {
  readonly early: number;
  readonly late: number;
}

/** Medians of the first third after it was warm, and of the last; undefined where there were too few looks. */
export function trendOf(looks: readonly Health[], what: keyof Health): Trend | undefined {
  const warm = looks.slice(Math.floor(looks.length * WARM)).map((look) => look[what]);
  if (warm.length < LEAST) return undefined;
  const third = Math.floor(warm.length / 3);
  return { early: median(warm.slice(0, third)), late: median(warm.slice(-third)) };
}

/** What grew, in words. */
export function growthOf(looks: readonly Health[]): readonly string[] {
  return (Object.keys(MAY_GROW) as (keyof Health)[]).flatMap((what) => {
    const trend = trendOf(looks, what);
    if (trend === undefined) return [];
    const { share, by } = MAY_GROW[what];
    const most = trend.early + Math.max(by, trend.early * share);
    return trend.late <= most ? [] : [`${what} grew from ${trend.early} to ${trend.late}`];
  });
}
