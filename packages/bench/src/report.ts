import { readFileSync } from 'node:fs';

import type { Case, Figure, Subject } from './case.ts';
import { BenchFailure } from './failure.ts';
import type { Machine } from './machine.ts';
import { perSecond, samplesOf, type Round } from './round.ts';
import { isSkipped, type CountName, type Sample } from './sample.ts';
import { spreadOf, type Spread } from './spread.ts';

/** What `--json` writes. Version 1 only gains fields. */
export interface Report {
  readonly format: 1;
  readonly at: string;
  readonly tier: string;
  readonly rounds: number;
  readonly machine: Machine;
  readonly doubts: readonly string[];
  readonly cases: readonly CaseReport[];
}

export interface CaseReport {
  readonly id: string;
  readonly title: string;
  readonly speed: Case['speed'];
  readonly subjects: readonly SubjectReport[];
  readonly figures: readonly FigureReport[];
}

export interface SubjectReport {
  readonly who: string;
  readonly kind: 'raw' | 'pawl' | 'peer';
  readonly durability: string;
  readonly note: string;
  /** Why there is nothing. */
  readonly skipped: string | null;
  readonly speed: Spread | null;
  /** By name: what does not depend on how busy the machine is, or less so. */
  readonly counts: Readonly<Record<string, Spread>>;
  readonly samples: readonly Sample[];
}

export interface FigureReport extends Spread {
  readonly name: string;
  readonly unit: string;
  readonly better: Figure['better'];
  readonly goal: number | null;
}

export function reportCase(subject: Case, rounds: readonly Round[], peers: readonly string[]): CaseReport {
  const { id, title, speed, raw, ours, figures } = subject;
  const of = (subjects: readonly Pick<Subject, 'who'>[], kind: SubjectReport['kind']): SubjectReport[] =>
    subjects.map(({ who }) => reportSubject(who, kind, speed, rounds));
  return {
    id,
    title,
    speed,
    subjects: [
      ...of(ours, id === 'raw' ? 'raw' : 'pawl'),
      ...of(subject.peers === null ? [] : peers.map((who) => ({ who })), 'peer'),
      ...of(raw, 'raw'),
    ],
    figures: figures.flatMap((figure) => reportFigure(figure, rounds, peers)),
  };
}

function reportSubject(
  who: string,
  kind: SubjectReport['kind'],
  speed: Case['speed'],
  rounds: readonly Round[],
): SubjectReport {
  const samples = rounds.flatMap((round) => samplesOf(round, who));
  const results = rounds.flatMap((round) => round.results).filter((each) => each.who === who);
  const skipped = results.map(({ result }) => result).find(isSkipped);
  const speeds = samples.map((sample) => (speed === 'ms' ? sample.ms : perSecond(sample)));
  return {
    who,
    kind,
    durability: samples[0]?.durability ?? '',
    note: samples[0]?.note ?? '',
    skipped: samples.length === 0 ? (skipped?.skipped ?? 'not measured') : null,
    speed: spreadOf(speeds) ?? null,
    counts: countsOf(samples),
    samples,
  };
}

const COUNTS: Readonly<Record<string, (sample: Sample) => number | null | undefined>> = {
  commits: counted('commits'),
  rows: counted('rows'),
  statements: counted('statements'),
  'µs CPU a step': ({ counts, steps }) => (counts.cpuMicros === undefined ? null : counts.cpuMicros / steps),
  'bytes a step': ({ diskBytes, steps }) => (diskBytes === null ? null : diskBytes / steps),
  'log, MiB': ({ walBytes }) => (walBytes === null ? null : walBytes / 2 ** 20),
  'RSS, MiB': ({ rssBytes }) => rssBytes / 2 ** 20,
  'delay p99, ms': counted('delayP99Ms'),
  'longest delay, ms': counted('delayMaxMs'),
};

function counted(name: CountName): (sample: Sample) => number | undefined {
  return ({ counts }) => counts[name];
}

function countsOf(samples: readonly Sample[]): Record<string, Spread> {
  const counts: Record<string, Spread> = {};
  for (const [name, of] of Object.entries(COUNTS)) {
    const spread = spreadOf(samples.flatMap((sample) => of(sample) ?? []));
    if (spread !== undefined) counts[name] = spread;
  }
  return counts;
}

function reportFigure(figure: Figure, rounds: readonly Round[], peers: readonly string[]): FigureReport[] {
  const spread = spreadOf(rounds.flatMap((round) => figure.of(round, peers) ?? []));
  const { name, unit, better, goal } = figure;
  return spread === undefined ? [] : [{ name, unit, better, goal, ...spread }];
}

/** Undefined where there is no goal. */
export function isMet({ goal, better, median }: FigureReport): boolean | undefined {
  if (goal === null) return undefined;
  return better === 'more' ? median >= goal : median <= goal;
}

/** @throws BenchFailure USAGE */
export function readReport(path: string): Report {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new BenchFailure('USAGE', `${path} cannot be read: ${String(error)}`);
  }
  const isReport = typeof value === 'object' && value !== null && Reflect.get(value, 'format') === 1;
  if (!isReport)
    throw new BenchFailure('USAGE', `${path} is no report of version 1 (pnpm bench --json writes one)`);
  // Written by this program; its version was checked.
  return value as Report;
}
