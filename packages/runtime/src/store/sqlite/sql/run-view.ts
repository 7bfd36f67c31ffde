import { codeOf } from '../event-types.ts';
import { iso, NOW, valueAt, type SqlPlace, type ViewText } from './view-text.ts';

const ENDS = ['RunSucceeded', 'RunFailed', 'RunCancelled', 'RunContinued'].map(codeOf).join(', ');

/** Of the row that ended a run: it is among the last, and only rows of late results follow it. */
function atEnd({ events }: SqlPlace, expression: string): string {
  return `iif(r.status = 'running', null, (select ${expression} from ${events} x
    where x.run = r.id and x.type in (${ENDS}) order by x.seq desc limit 1))`;
}

const IS_DRIVEN = `(r.owner is not null and r.lease_until > ${NOW} and not pawl_is_dead(r.owner))`;

/** A message begins with its kind. */
const CANCEL_ASKED = `exists (select 1 from main.inbox i where i.run = r.id and i.payload is not null
  and substr(i.payload, 1, 16) = '{"kind":"cancel"')`;

/** Runs that wait for somebody, and those that wait for such a run. */
const WAITING = `(with recursive up (run) as (
  select id from main.runs where status = 'running' and asked <> '[]'
  union select p.id from up join main.events e on e.run = up.run and e.seq = 2 and e.type = ${codeOf('ParentRecorded')}
    join main.runs p on p.run_id = e.payload ->> '$.parentRunId'
    where e.payload ->> '$.detached' is null) select run from up)`;

export const RUNS: ViewText = {
  name: 'runs',
  what: 'one row a run',
  columns: [
    { name: 'run_id', type: 'TEXT', what: 'its id', sql: 'r.run_id' },
    { name: 'process', type: 'TEXT', what: 'name of the process', sql: 'r.process' },
    { name: 'module', type: 'TEXT', what: 'path of its module; null: started from code', sql: 'r.module' },
    { name: 'code_hash', type: 'TEXT', what: 'digest of the module', sql: 'r.code_hash' },
    {
      name: 'status',
      type: 'TEXT',
      what: 'as pawl list: running, interrupted, sleeping, waiting, cancelling, succeeded, failed, cancelled, continued',
      sql: `case when r.status <> 'running' then r.status
        when ${CANCEL_ASKED} and not ${IS_DRIVEN} then 'cancelling'
        when r.id in ${WAITING} then 'waiting'
        when ${IS_DRIVEN} then 'running'
        when w.at > ${NOW} then 'sleeping' else 'interrupted' end`,
    },
    { name: 'started_at', type: 'TEXT', what: 'when it started', sql: iso('r.started_at') },
    { name: 'updated_at', type: 'TEXT', what: 'time of its newest event', sql: iso('r.updated_at') },
    {
      name: 'ended_at',
      type: 'TEXT',
      what: 'when it ended; null: it has not',
      sql: (place) => iso(atEnd(place, 'x.at')),
    },
    {
      name: 'duration_ms',
      type: 'INTEGER',
      what: 'from its start to its end',
      sql: (place) => `${atEnd(place, 'x.at')} - r.started_at`,
    },
    {
      name: 'wake_at',
      type: 'TEXT',
      what: 'when it goes on by itself, where it sleeps',
      sql: iso(`iif(w.at > ${NOW}, w.at, null)`),
    },
    { name: 'last_seq', type: 'INTEGER', what: 'seq of its newest event', sql: 'r.last_seq' },
    { name: 'tasks_scheduled', type: 'INTEGER', what: 'tasks that it called', sql: 'r.tasks_scheduled' },
    {
      name: 'tasks_settled',
      type: 'INTEGER',
      what: 'tasks that succeeded or failed',
      sql: 'r.tasks_settled',
    },
    {
      name: 'error',
      type: 'TEXT',
      what: 'why it failed or was cancelled, one line',
      sql: ({ opened }) => opened([`'run error'`, 'r.run_id'], 'r.error'),
    },
    {
      name: 'input',
      type: 'JSON',
      what: 'what it was started with',
      sql: (place) =>
        `coalesce(${forked(place, `x.payload -> '$.inputs.value'`)}, ${valueAt(place, 'r.id', '1', `x.payload -> '$.inputs'`)})`,
    },
    {
      name: 'output',
      type: 'JSON',
      what: 'what it gave, where it succeeded',
      sql: (place) => `iif(r.status = 'succeeded', ${atEnd(place, `x.payload -> '$.output'`)}, null)`,
    },
    {
      name: 'state',
      type: 'JSON',
      what: 'what it says of itself (ctx.setState), by name',
      sql: ({
        table,
        opened,
      }) => `(select json_group_object(s.name, json(${opened([`'state'`, 's.run', 's.name'], 's.value')})) from ${table('run_state')} s
        where s.run = r.id and s.value is not null)`,
    },
    {
      name: 'parent_run_id',
      type: 'TEXT',
      what: 'the run that started it (ctx.run)',
      sql: (place) => parent(place, '$.parentRunId'),
    },
    {
      name: 'parent_key',
      type: 'TEXT',
      what: 'the call of that run',
      sql: (place) => parent(place, '$.parentKey'),
    },
    {
      name: 'continued_as',
      type: 'TEXT',
      what: 'the run that followed it (ctx.continueAsNew)',
      sql: (place) => `iif(r.status = 'continued', ${atEnd(place, `x.payload ->> '$.nextRunId'`)}, null)`,
    },
    {
      name: 'forked_from',
      type: 'TEXT',
      what: 'the run that it is a fork of, or takes results from',
      sql: (place) => forked(place, `x.payload ->> '$.parentRunId'`),
    },
    {
      name: 'forked_at_seq',
      type: 'INTEGER',
      what: 'the last event that both have; 0: none',
      sql: (place) => forked(place, `x.payload ->> '$.parentSeq'`),
    },
  ],
  from: ({ table }) => `main.runs r left join ${table('waking')} w on w.run = r.id`,
};

/** A fork of a child is no child. */
function parent({ table }: SqlPlace, path: string): string {
  return `(select x.payload ->> '${path}' from main.events x
    where x.run = r.id and x.seq = 2 and x.type = ${codeOf('ParentRecorded')}
      and not exists (select 1 from ${table('pawl_forks')} f where f.run = r.id))`;
}

/** Of the first event that a fork has for itself; where it shares nothing, that is its second one. */
function forked({ table, events }: SqlPlace, expression: string): string {
  return `(select ${expression} from ${events} x where x.run = r.id and x.type = ${codeOf('RunForked')}
    and x.seq = 1 + coalesce((select f.seq from ${table('pawl_forks')} f where f.run = r.id), 1))`;
}
