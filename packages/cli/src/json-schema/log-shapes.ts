/** What is logged: while a command drives runs, and as it is kept. */
import { LOG_LEVELS } from '@pawl/runtime';

import { document, fields, oneOf, orNull, TEXT, TIME, WHOLE, type Shape } from './shape.ts';

const LEVEL = oneOf(...LOG_LEVELS);

export const LOG_ENTRY: Shape = document({
  log: fields(
    { runId: TEXT, message: TEXT },
    { process: TEXT, key: orNull(TEXT), task: orNull(TEXT), attempt: orNull(WHOLE), level: LEVEL },
  ),
});

export const LOG_LINE: Shape = document({
  log: fields({
    runId: TEXT,
    // Null for what the process says again.
    n: orNull(WHOLE),
    seq: WHOLE,
    at: orNull(TIME),
    level: LEVEL,
    key: orNull(TEXT),
    task: orNull(TEXT),
    attempt: orNull(WHOLE),
    message: TEXT,
    leftOut: WHOLE,
  }),
});
