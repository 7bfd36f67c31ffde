/** How much of a journal is sealed: counted by SQLite, over every row. */
import type { Database } from 'better-sqlite3';

import { valueFieldsOf } from '../../journal/value-fields.ts';
import { EVENT_TYPES } from './event-types.ts';
import { hasTable } from './schema.ts';

const SEALED = `instr(payload, '"$sealed":"')`;
/** Columns of other tables that hold values. */
const COLUMNS = [
  ['runs', 'error'],
  ['starts', 'inputs'],
  ['starts', 'problem'],
  ['schedules', 'inputs'],
  ['run_state', 'value'],
  ['kept_results', 'output'],
  ['offers', 'refusal'],
  ['pawl_logs', 'line'],
] as const;
const MESSAGES = ['inbox', 'start_inbox'] as const;

/** Whether an event that is not sealed holds a value: by type, the fields that are written. */
function holdsValue(): string {
  const whens = EVENT_TYPES.flatMap(([name, code]) => {
    const fields = [...valueFieldsOf(name)].map((field) => `json_type(payload, '$.${field}') is not null`);
    return fields.length === 0 ? [] : [`when ${code} then ${fields.join(' or ')}`];
  });
  return `case type ${whens.join(' ')} else 0 end`;
}

interface EventCounts {
  /** By the number of the data key. */
  readonly byKey: ReadonlyMap<number, number>;
  readonly clear: number;
  readonly plain: number;
}

export function eventCounts(db: Database): EventCounts {
  const byKey = new Map<number, number>();
  let [clear, plain] = [0, 0];
  const rows = db
    .prepare<[], { readonly kind: number; readonly count: number }>(
      `select iif(${SEALED} > 0, cast(substr(payload, ${SEALED} + 11) as integer), iif(${holdsValue()}, -1, -2)) as kind,
         count(*) as count from events group by kind`,
    )
    .all();
  for (const { kind, count } of rows) {
    if (kind >= 0) byKey.set(kind, count);
    else if (kind === -1) clear = count;
    else plain = count;
  }
  return { byKey, clear, plain };
}

export function valueCounts(db: Database): { readonly sealed: number; readonly clear: number } {
  const texts = [
    ...COLUMNS.filter(([table]) => hasTable(db, table)).map(
      ([table, column]) =>
        `select substr(${column}, 1, 1) = '~' as sealed from ${table} where ${column} is not null`,
    ),
    ...MESSAGES.filter((table) => hasTable(db, table)).map(
      (table) => `select ${SEALED} > 0 as sealed from ${table} where payload is not null`,
    ),
  ];
  const counts = db
    .prepare<[], { readonly sealed: number | null; readonly all: number }>(
      `select sum(sealed) as sealed, count(*) as "all" from (${texts.join(' union all ')})`,
    )
    .get();
  const sealed = counts?.sealed ?? 0;
  return { sealed, clear: (counts?.all ?? 0) - sealed };
}
