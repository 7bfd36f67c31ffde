/** Milliseconds since 1970, by the wall clock. */
export type Millis = number;
/** Position of an event in its run's journal, dense from 1. */
export type Seq = number;
/** Counts the owners of a run; the fence of every write. */
export type Epoch = number;
export type RunId = string;

const RUN_ID = /^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}$/;

/**
 * A run id is 1 to 128 characters of letters, digits and `. _ : @ + -`, and starts with a letter or
 * a digit: safe as an argument, in a file name and in a URL.
 */
export function isRunId(text: string): boolean {
  return RUN_ID.test(text);
}
