/** Milliseconds since 1970, by the wall clock. */
export type Millis = number;
/** A time that does not come. */
export const NEVER: Millis = Number.MAX_SAFE_INTEGER;
/** Position of an event in its run's journal, dense from 1. */
export type Seq = number;
/** Counts the owners of a run; the fence of every write. */
export type Epoch = number;
export type RunId = string;

const RUN_ID = /^[A-Za-z0-9][A-Za-z0-9._:@+~-]{0,127}$/;

/**
 * A run id is 1 to 128 characters of letters, digits and `. _ : @ + - ~`, and starts with a letter or
 * a digit: safe as an argument, in a file name and in a URL.
 */
export function isRunId(text: string): boolean {
  return RUN_ID.test(text);
}

/** The id of the run that follows one by continueAsNew: `job`, `job~2`, `job~3`, … */
export function successorOf(runId: RunId): RunId {
  const found = /^(.+)~(\d{1,9})$/.exec(runId);
  const [base, n] = found === null ? [runId, 1] : [found[1] ?? runId, Number(found[2])];
  return `${base}~${n + 1}`;
}

/**
 * The id of the run that a call starts: `job.2.0` for call `2/0` of `job`, `job.:page` for one that is named. What
 * an id cannot hold, and what would make two keys one, is written as its code point.
 */
export function childOf(parent: RunId, key: string): RunId {
  const safe = key.replace(/[^A-Za-z0-9_:/-]/gu, (char) => `+${char.codePointAt(0)?.toString(16)}+`);
  return `${parent}.${safe.replaceAll('/', '.')}`;
}
