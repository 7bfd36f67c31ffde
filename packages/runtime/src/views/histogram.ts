/** Lengths of time in classes, each an eighth wider than the one before: bounded, however many there are. */
const CLASSES_PER_DOUBLING = 8;

export interface Histogram {
  count: number;
  sumMs: number;
  maxMs: number;
  readonly classes: Map<number, number>;
}

/** Times of many attempts. A percentile is at most an eighth too long, and never more than the longest. */
export interface Times {
  readonly count: number;
  readonly averageMs: number;
  readonly maxMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
}

export function createHistogram(): Histogram {
  return { count: 0, sumMs: 0, maxMs: 0, classes: new Map() };
}

export function addTime(histogram: Histogram, ms: number): void {
  // Clocks of two programs need not agree.
  const time = Math.max(0, ms);
  histogram.count += 1;
  histogram.sumMs += time;
  histogram.maxMs = Math.max(histogram.maxMs, time);
  const index = time < 1 ? 0 : 1 + Math.floor(Math.log2(time) * CLASSES_PER_DOUBLING);
  histogram.classes.set(index, (histogram.classes.get(index) ?? 0) + 1);
}

export function addHistogram(into: Histogram, other: Histogram): void {
  into.count += other.count;
  into.sumMs += other.sumMs;
  into.maxMs = Math.max(into.maxMs, other.maxMs);
  for (const [index, members] of other.classes)
    into.classes.set(index, (into.classes.get(index) ?? 0) + members);
}

export function timesOf(histogram: Histogram): Times {
  const { count, sumMs, maxMs } = histogram;
  return {
    count,
    averageMs: count === 0 ? 0 : sumMs / count,
    maxMs,
    p50Ms: percentile(histogram, 0.5),
    p95Ms: percentile(histogram, 0.95),
  };
}

function percentile({ count, maxMs, classes }: Histogram, share: number): number {
  let left = Math.ceil(count * share);
  for (const [index, members] of [...classes].toSorted(([a], [b]) => a - b)) {
    left -= members;
    if (left > 0) continue;
    return index === 0 ? 0 : Math.min(maxMs, Math.floor(2 ** (index / CLASSES_PER_DOUBLING)));
  }
  return 0;
}
