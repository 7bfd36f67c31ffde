/** What comes into a journal and goes out of it. */
import { document, fields, list, oneOf, orNull, TEXT, TIME, WHOLE, YES_NO, type Shape } from './shape.ts';

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
export const KEY: Shape = document({
  key: fields({
    state: oneOf('off', 'open', 'locked'),
    master: orNull(TEXT),
    given: orNull(TEXT),
    dataKeys: list(fields({ id: WHOLE, madeAt: TIME, wrappedAt: TIME, events: WHOLE })),
    events: fields({ sealed: WHOLE, clear: WHOLE, plain: WHOLE }),
    values: fields({ sealed: WHOLE, clear: WHOLE }),
  }),
});
export const ROTATED: Shape = document({
  rotated: fields({ from: TEXT, to: TEXT, wrapped: WHOLE, dataKey: WHOLE, logEmptied: YES_NO }),
});
