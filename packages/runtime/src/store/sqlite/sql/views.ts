/**
 * The views that people query: a contract. What is in it stays, under its name, type and unit; columns and views may
 * be added. They are made on the reader's own connection, in `temp`, where they hide the tables of the same names:
 * the file knows nothing of them, and rows may be stored otherwise one day.
 *
 * 1. What filters by run_id or process, as a constant, reaches the index of the events (`sql-plans.test.ts`).
 */
import { ATTEMPTS, TASK_STATS } from './attempt-views.ts';
import { iso, type SqlPlace, type ViewText } from './view-text.ts';
import { LOGS, SCHEDULES, POOLS, MESSAGES } from './outside-views.ts';
import { RUNS } from './run-view.ts';
import { STEPS, WAITS } from './step-views.ts';

/** Raised when a query that somebody keeps could break. */
export const SQL_CONTRACT_VERSION = 1;

const EVENTS: ViewText = {
  name: 'events',
  what: 'the journal: one row an event',
  columns: [
    { name: 'run_id', type: 'TEXT', what: 'the run', sql: 'e.run_id' },
    { name: 'process', type: 'TEXT', what: 'its process', sql: 'e.process' },
    { name: 'seq', type: 'INTEGER', what: 'place in the journal of the run, from 1', sql: 'e.seq' },
    { name: 'at', type: 'TEXT', what: 'when it was recorded', sql: iso('e.at') },
    {
      name: 'type',
      type: 'TEXT',
      what: 'TaskScheduled, TaskSucceeded, …: see docs/journal-format.md',
      sql: `coalesce((select name from temp.pawl_types where code = e.type), '#' || e.type)`,
    },
    { name: 'key', type: 'TEXT', what: 'the call that it is about; null: the run as a whole', sql: 'e.key' },
    {
      name: 'payload',
      type: 'JSON',
      what: 'its fields, also those that are as by default',
      sql: 'pawl_payload(e.type, e.version, e.payload)',
    },
  ],
  from: () => 'temp.pawl_events e',
};

/** In the order in which `pawl sql --schema` shows them. */
export const VIEWS: readonly ViewText[] = [
  RUNS,
  STEPS,
  ATTEMPTS,
  EVENTS,
  WAITS,
  MESSAGES,
  POOLS,
  SCHEDULES,
  TASK_STATS,
  LOGS,
];

/**
 * Whose rows each run has up to where: its own to the end, and a fork those of its parent, of the parent's parent, ….
 * Only made where there are forks.
 */
export const LINEAGE = `create temp table pawl_lineage (run integer, source integer, upto integer, primary key (run, upto));
  insert into temp.pawl_lineage select id, id, 9223372036854775807 from main.runs;
  insert into temp.pawl_lineage with recursive above (run, source, upto) as (
    select run, parent, seq from main.pawl_forks
    union all select a.run, f.parent, min(a.upto, f.seq) from above a join main.pawl_forks f on f.run = a.source)
  select run, source, upto from above where true on conflict do nothing;`;

/** The rows of each run, those that a fork shares among them. */
export function eventRows({ hasForks, events }: SqlPlace): string {
  const rows = hasForks
    ? `join temp.pawl_lineage l on l.run = r.id join ${events} e on e.run = l.source and e.seq <= l.upto`
    : `join ${events} e on e.run = r.id`;
  return `create temp view pawl_events as select r.id as run, r.run_id, r.process, r.status as run_status,
    e.run as source, e.seq, e.at, e.type, e.version, e.payload, e.key from main.runs r ${rows};`;
}

/** Where something is sealed: the same rows, opened. The number of a run leads to the id that they were sealed for. */
export const OPENED = `create temp view pawl_opened as select e.run, e.seq, e.at, e.type, e.version, e.chain, e.key,
  pawl_row((select run_id from main.runs where id = e.run), e.seq, e.at, e.type, e.version, e.payload) as payload
  from main.events e;`;

export function viewSql(view: ViewText, place: SqlPlace): string {
  const columns = view.columns.map(
    ({ name, sql }) => `${typeof sql === 'string' ? sql : sql(place)} as ${name}`,
  );
  return `create temp view ${view.name} as select ${columns.join(',\n  ')}\nfrom ${view.from(place)};`;
}
