/** Whole seconds in a column, to be compared from line to line. */
export function inSeconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`.padStart(6);
}
