/**
 * What went wrong with a run or a start. 'error': it cannot go on as it is. 'crash': the program that drove it died.
 * 'code': its code is not here; another worker may have it, or this one after the next deployment.
 */
export type SetbackKind = 'error' | 'crash' | 'code';

const SHORTEST_MS = { error: 10_000, crash: 10_000, code: 1000 } as const;
const LONGEST_MS = { error: 3_600_000, crash: 3_600_000, code: 60_000 } as const;
/** A crash of a worker is rarely the fault of the run, and many runs had the same one: some go on at once. */
const AT_ONCE = { error: 0, crash: 3, code: 0 } as const;

/**
 * How long a run or a start rests after something went wrong, in ms: it is tried again, ever more rarely, so that it
 * is neither lost nor keeps a worker busy.
 * @param setbacks how often something did since it last got on, this time included
 */
export function setbackMs(setbacks: number, kind: SetbackKind): number {
  const n = setbacks - AT_ONCE[kind];
  return n <= 0 ? 0 : Math.min(LONGEST_MS[kind], SHORTEST_MS[kind] * 2 ** (n - 1));
}
