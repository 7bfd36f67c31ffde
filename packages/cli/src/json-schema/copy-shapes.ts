/** What comes into a journal and goes out of it. */
import { document, fields, list, oneOf, TEXT, TIME, WHOLE, YES_NO, type Shape } from './shape.ts';

export const IMPORTED: Shape = fields({
  id: TEXT,
  process: TEXT,
  status: TEXT,
  events: WHOLE,
  outcome: oneOf('imported', 'same'),
  verified: YES_NO,
  redacted: YES_NO,
});
export const PRUNED: Shape = document({
  dryRun: YES_NO,
  runs: WHOLE,
  events: WHOLE,
  freeBytes: WHOLE,
  families: list(fields({ id: TEXT, process: TEXT, status: TEXT, endedAt: TIME, others: list(TEXT) })),
});
