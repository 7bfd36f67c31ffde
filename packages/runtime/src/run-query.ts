import { InvalidOptionError } from '@pawl/sdk';
import { decode } from './journal/codec.ts';
import type { JournalStore, RunQuery, RunRecord } from './ports/journal-store.ts';

/** A run as it is now, with what it says of itself. */
export interface RunView extends RunRecord {
  /** By name, what `ctx.setState` set last. */
  readonly state: Readonly<Record<string, unknown>>;
}

/** Names that one query looks for, and values of each. */
const MOST_SOUGHT = 16;

export function viewOf(store: JournalStore, record: RunRecord): RunView {
  const entries = Object.entries(store.stateOf(record.runId));
  const state = Object.fromEntries(entries.map(([name, value]) => [name, decode(value)]));
  return { ...record, state };
}

/** @throws InvalidOptionError */
export function checkedQuery(query: RunQuery): RunQuery {
  const where: unknown = query.where ?? {};
  if (typeof where !== 'object' || where === null || Array.isArray(where))
    throw new InvalidOptionError('where', where, 'an object: for each name a list of values that will do');
  const sought = Object.entries(where);
  if (sought.length > MOST_SOUGHT)
    throw new InvalidOptionError('where', where, `an object of at most ${MOST_SOUGHT} names`);
  for (const [name, values] of sought) {
    if (!Array.isArray(values) || values.length > MOST_SOUGHT)
      throw new InvalidOptionError(`where.${name}`, values, `a list of at most ${MOST_SOUGHT} values`);
  }
  return query;
}
