/** What cannot go on is tried again, ever more rarely: it is neither lost nor does it keep a worker busy. */
const SHORTEST_MS = 10_000;
const LONGEST_MS = 3_600_000;
/** A crash of a worker is rarely the fault of the run, and many runs had the same one: some go on at once. */
const AT_ONCE = 3;

/**
 * How long a run or a start rests after something went wrong, in ms.
 * @param setbacks how often it did since it last got on, this one included
 */
export function setbackMs(setbacks: number, kind: 'error' | 'crash'): number {
  const n = kind === 'crash' ? setbacks - AT_ONCE : setbacks;
  return n <= 0 ? 0 : Math.min(LONGEST_MS, SHORTEST_MS * 2 ** (n - 1));
}
