import { isSkipped, type CountName, type Sample, type Skipped } from './sample.ts';

/** What was measured one after another: each subject once, the raw limit before and after. */
export interface Round {
  readonly results: readonly RoundResult[];
}

interface RoundResult {
  readonly who: string;
  readonly result: Sample | Skipped;
}

export function samplesOf(round: Round, who: string): Sample[] {
  return round.results.flatMap(({ who: name, result }) =>
    name === who && !isSkipped(result) ? [result] : [],
  );
}

export function perSecond({ steps, ms }: Sample): number {
  return (steps * 1000) / ms;
}

/** The mean where it was measured several times in the round; undefined where it was not. */
export function meanOf(round: Round, who: string, value: (sample: Sample) => number): number | undefined {
  const samples = samplesOf(round, who);
  return samples.length === 0
    ? undefined
    : samples.reduce((sum, sample) => sum + value(sample), 0) / samples.length;
}

export function countOf(round: Round, who: string, name: CountName): number | undefined {
  return samplesOf(round, who)[0]?.counts[name];
}

/** Undefined where one of them was not measured. */
export function ratio(above: number | undefined, below: number | undefined): number | undefined {
  return above === undefined || below === undefined ? undefined : above / below;
}

/** What others do at a durability that survives a power cut, as far as what they print about it tells. */
export function bestDurablePeer(
  round: Round,
  peers: readonly string[],
  value: (sample: Sample) => number,
): number | undefined {
  const values = peers
    .flatMap((peer) => samplesOf(round, peer))
    .filter(isDurable)
    .map(value);
  return values.length === 0 ? undefined : Math.max(...values);
}

export function isDurable({ durability }: Pick<Sample, 'durability'>): boolean {
  return !/no fsync|never|memory|normal|not power-safe/i.test(durability);
}
