import type { CaseReport, Report } from './report.ts';
import type { Spread } from './spread.ts';

export interface Change {
  readonly what: string;
  readonly before: Spread;
  readonly after: Spread;
  /** 0.1: a tenth worse. */
  readonly worseBy: number;
}

export interface Comparison {
  /** Of us: worse in every round than in any round before. */
  readonly worse: readonly Change[];
  readonly better: readonly Change[];
  /** The raw limit: what the machine itself does otherwise than before. */
  readonly drift: readonly Change[];
  /** Times of two machines say nothing about the code: then only counts are compared. */
  readonly sameMachine: boolean;
}

interface Measured {
  readonly spread: Spread;
  readonly better: 'more' | 'less';
  readonly kind: 'raw' | 'pawl';
}

/** Counts that the code alone decides. */
const EXACT: ReadonlySet<string> = new Set(['commits', 'rows', 'statements', 'bytes a step']);
/** Told by the figures, against their goals. */
const DELAYS: ReadonlySet<string> = new Set(['delay p99, ms', 'longest delay, ms']);
/** Ranges of few rounds are narrow by chance. */
const LEAST_CHANGE = 0.05;

export function compareReports(before: Report, after: Report): Comparison {
  const sameMachine = isSameMachine(before, after);
  const old = measuredIn(before, sameMachine);
  const worse: Change[] = [];
  const better: Change[] = [];
  const drift: Change[] = [];
  for (const [what, now] of measuredIn(after, sameMachine)) {
    const then = old.get(what);
    const change = then === undefined ? undefined : changeOf(what, then, now);
    if (change === undefined) continue;
    if (now.kind === 'raw') drift.push(change);
    else if (change.worseBy > 0) worse.push(change);
    else better.push(change);
  }
  return { worse, better, drift, sameMachine };
}

/** The file system's type and the kernel may differ by an update, the processor not. */
function isSameMachine({ machine: a }: Report, { machine: b }: Report): boolean {
  return a.cpu === b.cpu && a.cores === b.cores && a.fileSystem === b.fileSystem;
}

/** Undefined where the ranges meet. */
function changeOf(what: string, then: Measured, now: Measured): Change | undefined {
  const [before, after] = [then.spread, now.spread];
  if (after.min <= before.max && after.max >= before.min) return undefined;
  if (before.median === 0) return undefined;
  const grownBy = after.median / before.median - 1;
  if (Math.abs(grownBy) < LEAST_CHANGE) return undefined;
  // Half the rate is twice as slow.
  const worseBy = now.better === 'less' ? grownBy : before.median / after.median - 1;
  return { what, before, after, worseBy };
}

function measuredIn(report: Report, withTimes: boolean): Map<string, Measured> {
  const all = new Map<string, Measured>();
  for (const each of report.cases) addCase(all, each, withTimes);
  return all;
}

function addCase(all: Map<string, Measured>, each: CaseReport, withTimes: boolean): void {
  const name = `${each.id} ${each.title}`;
  for (const { who, kind, speed, counts } of each.subjects) {
    if (kind === 'peer') continue;
    if (withTimes && speed !== null) {
      const better = each.speed === 'ms' ? 'less' : 'more';
      all.set(`${name}: ${who}, ${each.speed}`, { spread: speed, better, kind });
    }
    if (kind === 'raw') continue;
    for (const [count, spread] of Object.entries(counts)) {
      if (EXACT.has(count) || (withTimes && !DELAYS.has(count)))
        all.set(`${name}: ${who}, ${count}`, { spread, better: 'less', kind });
    }
  }
  if (!withTimes) return;
  for (const { name: figure, better, ...spread } of each.figures)
    all.set(`${name}: ${figure}`, { spread, better, kind: 'pawl' });
}
