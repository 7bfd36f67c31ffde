import type { EventType } from '../../../journal/event.ts';
import { codeOf } from '../event-types.ts';
import { errorText, iso, rowAt, type ViewText } from './view-text.ts';

const codes = (...types: readonly EventType[]): string => types.map(codeOf).join(', ');

const STARTED = codeOf('AttemptStarted');
/** What says how the attempt before it under the same key ended. */
const MARKS = codes(
  'TaskScheduled',
  'StreamOpened',
  'AttemptStarted',
  'AttemptFailed',
  'AttemptInterrupted',
  'OutcomeAsked',
  'TaskSucceeded',
  'TaskFailed',
  'TaskCancelled',
  'StreamEnded',
  'StreamFailed',
  'StreamClosed',
);

/** Each row with the next one of its call; a condition on what is partitioned by is put before the sorting. */
const ROWS = `(select process, run_id, run, run_status, key, seq, at, type,
    iif(type = ${STARTED}, coalesce(payload ->> '$.attempt', 1), null) as attempt,
    lead(seq) over calls as next_seq,
    min(iif(type in (${codes('TaskScheduled', 'StreamOpened')}), seq, null)) over calls as opened
  from temp.pawl_events
  where type in (${MARKS})
  window calls as (partition by run, key, process, run_id order by seq))`;

/** Who told of the end: an attempt does of its own, and others of one that is lost. */
const BY = `coalesce(n.payload ->> '$.by', 'attempt')`;

export const ATTEMPTS: ViewText = {
  name: 'attempts',
  what: 'one row an attempt of a task or source',
  columns: [
    { name: 'run_id', type: 'TEXT', what: 'the run', sql: 'a.run_id' },
    { name: 'process', type: 'TEXT', what: 'its process', sql: 'a.process' },
    { name: 'key', type: 'TEXT', what: 'the call', sql: 'a.key' },
    {
      name: 'task',
      type: 'TEXT',
      what: 'name of the task, or of the source',
      sql: `coalesce(o.payload ->> '$.task', o.payload ->> '$.name')`,
    },
    {
      name: 'attempt',
      type: 'INTEGER',
      what: '1, 2, …',
      sql: 'a.attempt',
    },
    { name: 'seq', type: 'INTEGER', what: 'the event that it began with', sql: 'a.seq' },
    {
      name: 'status',
      type: 'TEXT',
      what: 'running (no end is recorded), succeeded, failed, interrupted, cancelled, or unknown: a crash took its end',
      sql: `case
        when a.next_seq is null then iif(a.run_status = 'running', 'running', 'cancelled')
        when n.type in (${codes('AttemptFailed', 'StreamFailed')}) then 'failed'
        when n.type = ${codeOf('AttemptInterrupted')} then 'interrupted'
        when n.type in (${codes('TaskCancelled', 'StreamClosed')}) then 'cancelled'
        when n.type = ${codeOf('StreamEnded')} then 'succeeded'
        when n.type in (${codes('AttemptStarted', 'OutcomeAsked')}) or ${BY} <> 'attempt' then 'unknown'
        when n.type = ${codeOf('TaskSucceeded')} then 'succeeded' else 'failed' end`,
    },
    { name: 'started_at', type: 'TEXT', what: 'when it started', sql: iso('a.at') },
    {
      name: 'ended_at',
      type: 'TEXT',
      what: 'its recorded end; null where none is',
      sql: iso(`iif(n.type in (${codes('AttemptStarted', 'OutcomeAsked')}), null, n.at)`),
    },
    {
      name: 'duration_ms',
      type: 'INTEGER',
      what: 'from its start to its recorded end',
      sql: `iif(n.type in (${codes('AttemptStarted', 'OutcomeAsked')}), null, max(0, n.at - a.at))`,
    },
    {
      name: 'error',
      type: 'TEXT',
      what: 'what it failed with, as name and message',
      sql: errorText(`(n.payload -> '$.error')`),
    },
    {
      name: 'retry_at',
      type: 'TEXT',
      what: 'when the next one is due, where it failed and is tried again',
      sql: iso(`n.payload ->> '$.retryAt'`),
    },
  ],
  from: (place) => `${ROWS} a left join ${rowAt(place, 'o', 'a.run', 'a.opened')}
    left join ${rowAt(place, 'n', 'a.run', 'a.next_seq')} where a.type = ${STARTED}`,
};

/** One row a task call with what its rows come to; the time is that of the attempt that decided it. */
const CALLS = `(select process, run_id, run, key,
    max(iif(type = ${codeOf('TaskScheduled')}, payload ->> '$.task', null)) as task,
    ${sum('TaskSucceeded')} as succeeded, ${sum('TaskFailed')} as failed, ${sum('TaskCancelled')} as cancelled,
    ${sum('AttemptStarted')} as attempts, ${sum('AttemptFailed')} as retries,
    max(iif(type in (${codes('TaskSucceeded', 'TaskFailed')}), at, null)) - max(iif(type = ${STARTED}, at, null)) as ms
  from temp.pawl_events
  where source = run and type in (${codes(
    'TaskScheduled',
    'AttemptStarted',
    'AttemptFailed',
    'TaskSucceeded',
    'TaskFailed',
    'TaskCancelled',
  )})
  group by run, key, process, run_id
  having task is not null)`;

function sum(type: EventType): string {
  return `sum(type = ${codeOf(type)})`;
}

export const TASK_STATS: ViewText = {
  name: 'task_stats',
  what: 'one row a task of a process, over all its runs; calls that a fork shares are counted once',
  columns: [
    { name: 'process', type: 'TEXT', what: 'the process', sql: 'c.process' },
    { name: 'task', type: 'TEXT', what: 'the task', sql: 'c.task' },
    { name: 'calls', type: 'INTEGER', what: 'calls of it', sql: 'count(*)' },
    { name: 'succeeded', type: 'INTEGER', what: 'calls that succeeded', sql: 'sum(c.succeeded)' },
    { name: 'failed', type: 'INTEGER', what: 'calls that failed', sql: 'sum(c.failed)' },
    { name: 'cancelled', type: 'INTEGER', what: 'calls that were given up', sql: 'sum(c.cancelled)' },
    { name: 'attempts', type: 'INTEGER', what: 'attempts that were started', sql: 'sum(c.attempts)' },
    {
      name: 'retries',
      type: 'INTEGER',
      what: 'attempts that failed and were tried again',
      sql: 'sum(c.retries)',
    },
    {
      name: 'p50_ms',
      type: 'REAL',
      what: 'median of what the attempts took that decided a call',
      sql: 'round(percentile(c.ms, 50), 1)',
    },
    { name: 'p95_ms', type: 'REAL', what: '95th percentile of it', sql: 'round(percentile(c.ms, 95), 1)' },
    { name: 'max_ms', type: 'INTEGER', what: 'the longest', sql: 'max(c.ms)' },
    { name: 'total_ms', type: 'INTEGER', what: 'all of them together', sql: 'sum(c.ms)' },
  ],
  from: () => `${CALLS} c group by c.process, c.task`,
};
